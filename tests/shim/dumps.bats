#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154 # other shells and Python expand these; bats or the helper sets these
# The dump at exit: when there is one, where it lands, what is in it.
load helper

setup() {
  mkdir -p "$BATS_TEST_TMPDIR/work/out"
  cd "$BATS_TEST_TMPDIR/work" || return
}

# probe_exit WAY NAME=VALUE...: the probe in jemalloc mode, which always ends with status 5.
probe_exit() {
  local way=$1
  shift
  run -5 --separate-stderr shim ARROW_POOL=jemalloc "$@" "$PROBES/probe_exit" "$way"
}

# The figures that probe_exit.c promises.
assert_figures() {
  run -0 json "$1" '[pool("libc")[f] for f in ("bytes_allocated", "total_bytes_allocated", "num_allocations",
    "num_reallocations", "num_frees", "num_failed", "inherited_bytes")]'
  assert_output "[1301111, 1311111, 5, 1, 1, 0, 0]"
}

@test "each ordinary way out leaves one dump with the right figures" {
  for way in return exit quick_exit _exit _Exit; do
    probe_exit $way ARROW_POOL_STATS="out/$way.json"
    assert_equal "$output$stderr" ""
    assert_figures "out/$way.json"
  done
  assert_equal "$(dumps out)" 5
}

@test "abort leaves a dump too, and is still an abort" {
  run -134 shim ARROW_POOL=jemalloc ARROW_POOL_STATS=out/abort.json bash -c "ulimit -c 0; exec '$PROBES/probe_exit' abort"
  assert_figures out/abort.json
}

@test "system mode counts requests and claims nothing about frees" {
  run -5 shim ARROW_POOL_STATS=out/s.json "$PROBES/probe_exit"
  run -0 json out/s.json '[pool("libc")[f] for f in ("total_bytes_allocated", "num_allocations", "bytes_allocated", "num_frees")]'
  assert_output "[1111111, 4, None, None]"
}

@test "the counts of reallocations and of sizes add up" {
  probe_exit return ARROW_POOL_STATS=out/s.json
  run -0 json out/s.json 'pool("libc")["num_reallocations"] == sum(pool("libc")["reallocs_" + how] for how in ("in_place", "remapped", "copied"))'
  assert_output True
  run -0 json out/s.json '{b["from_bytes"]: b["count"] for b in pool("libc")["size_histogram"]}'
  assert_output "{512: 1, 8192: 1, 65536: 1, 262144: 1, 524288: 1}"
}

@test "a process that used no pool writes nothing" {
  probe_exit idle ARROW_POOL_STATS=out/s.json
  assert_equal "$(dumps out)" 0
}

@test "with ARROW_POOL_STATS_IDLE=1 an idle process writes a dump without pools" {
  probe_exit idle ARROW_POOL_STATS=out/s.json ARROW_POOL_STATS_IDLE=1
  run -0 json out/s.json 'd["pools"]'
  assert_output "[]"
}

@test "nothing is written by default, nor with off" {
  probe_exit return
  probe_exit return ARROW_POOL_STATS=off
  assert_equal "$(dumps .)" 1 # the empty folder
  assert_equal "$output$stderr" ""
}

@test "the path's %p %h %e %t %% are filled in" {
  before=$(date +%s)
  probe_exit return ARROW_POOL_STATS='out/%p-%h-%e-%t-%%.json'
  file=$(basename out/*.json)
  [[ $file =~ ^([0-9]+)-(.+)-probe_exit-([0-9]+)-%\.json$ ]]
  pid=${BASH_REMATCH[1]} host=${BASH_REMATCH[2]} time=${BASH_REMATCH[3]}
  assert_equal "$host" "$(uname -n)"
  ((time >= before && time <= $(date +%s)))
  run -0 json "out/$file" 'd["process"]["pid"], d["process"]["host"], d["process"]["program"], int(d["process"]["start_time"])'
  assert_output "($pid, '$host', 'probe_exit', $time)"
}

# called NAME: the probe under another name, its dump named after it.
called() {
  run -5 env STATS='out/%e.json' bash -c \
    'export LD_PRELOAD=$SHIM ARROW_POOL=jemalloc ARROW_POOL_STATS=$STATS; exec -a "$1" "$PROBES/probe_exit"' - "$1"
}

@test "a program's odd name cannot lead the dump elsewhere" {
  for name in 'a b' '/x/../y' $'new\nline"quote\\' '%p' ..; do
    called "$name"
  done
  assert_equal "$(dumps out)" 5
  assert_equal "$(dumps .)" 6
  run -0 json 'out/new_line"quote\.json' 'd["process"]["program"]'
  assert_output $'new\nline"quote\\'
  run -0 json out/y.json 'd["process"]["program"]'
  assert_output y
}

@test "a program's name that is not UTF-8 still leaves valid JSON" {
  called $'odd\xff\xc3'
  run -0 json out/odd*.json 'd["process"]["program"].startswith("odd")'
  assert_output True
}

@test "a dump is readable by its owner only" {
  umask 0
  probe_exit return ARROW_POOL_STATS=out/s.json
  assert_equal "$(stat -c %a out/s.json)" 600
}

@test "a dump replaces an older one and leaves no temporary file" {
  echo old >out/s.json
  probe_exit return ARROW_POOL_STATS=out/s.json
  assert_figures out/s.json
  assert_equal "$(dumps out)" 1
}

@test "a link planted under the dump's name is replaced, not followed" {
  echo precious >victim
  ln -s ../victim out/s.json
  probe_exit return ARROW_POOL_STATS=out/s.json
  assert_equal "$(cat victim)" precious
  assert [ ! -L out/s.json ]
  assert_figures out/s.json
}

@test "a fifo is written to, and stays one" {
  mkfifo out/pipe
  cat out/pipe >copy.json &
  # Hold the pipe open for both, so that neither side can miss the other.
  exec 9<>out/pipe
  probe_exit return ARROW_POOL_STATS=out/pipe ARROW_POOL_STATS_FORMAT=json
  exec 9>&-
  wait
  assert [ -p out/pipe ]
  assert_figures copy.json
}

@test "a device stays a device" {
  need_root
  mknod out/null c 1 3 && echo probe 2>/dev/null >out/null || skip "no devices can be made here"
  probe_exit return ARROW_POOL_STATS=out/null
  assert_equal "$stderr" ""
  assert [ -c out/null ]
}

@test "a link to a device or a pipe is written through, as /dev/stderr is" {
  mkfifo pipe
  ln -s ../pipe out/link
  cat pipe >copy.json &
  exec 9<>pipe
  probe_exit return ARROW_POOL_STATS=out/link ARROW_POOL_STATS_FORMAT=json
  exec 9>&-
  wait
  assert [ -L out/link ]
  assert_figures copy.json
}

@test "a dump that cannot be written is one warning and no other status" {
  for path in /nonexistent/s.json "$PWD/out" /proc/none/s.json; do
    probe_exit return ARROW_POOL_STATS="$path"
    assert_equal "${#stderr_lines[@]}" 1
    [[ $stderr == "arrowpool: cannot write $path: "* ]]
  done
}

@test "a full disk is one warning and leaves no part of a dump" {
  need_root
  mknod full c 1 7 && ! echo probe 2>/dev/null >full || skip "no devices can be made here"
  probe_exit return ARROW_POOL_STATS="$PWD/full"
  assert_equal "$stderr" "arrowpool: cannot write $PWD/full: No space left on device"
}

@test "a dump that cannot be written time and again is one warning, until one was written" {
  run -0 --separate-stderr shim ARROW_POOL=jemalloc ARROW_POOL_STATS=/nonexistent/s.json ARROW_POOL_STATS_SIGNAL=USR2 \
    "$PROBES/probe_dumps" 100
  assert_equal "$stderr" "arrowpool: cannot write /nonexistent/s.json: No such file or directory"
  run -0 --separate-stderr shim ARROW_POOL=jemalloc ARROW_POOL_STATS=later/s.json ARROW_POOL_STATS_SIGNAL=USR2 "$TESTED_PYTHON" -I -c '
import ctypes, os, signal
ctypes.CDLL(None).posix_memalign(ctypes.byref(ctypes.c_void_p()), 64, 1000)
def dump(times=3):
    for _ in range(times):
        signal.raise_signal(signal.SIGUSR2)
dump()                           # there is no such directory
open("later", "w").close()
dump()                           # another kind of error
os.unlink("later")
dump()                           # the first again
os.mkdir("later")
dump(1)
os.unlink("later/s.json")
os.rmdir("later")
dump()                           # once more, now that one was written
if os.fork() == 0:
    dump()                       # another process
    os._exit(0)
os.wait()'
  assert_equal "$stderr" "arrowpool: cannot write $PWD/later/s.json: No such file or directory
arrowpool: cannot write $PWD/later/s.json: Not a directory
arrowpool: cannot write $PWD/later/s.json: No such file or directory
arrowpool: cannot write $PWD/later/s.json: No such file or directory"
}

@test "a path too long for the kernel is one warning" {
  probe_exit return ARROW_POOL_STATS="out/$(printf 'x%.0s' {1..5000}).json"
  assert_equal "${#stderr_lines[@]}" 1
  assert_equal "$(dumps out)" 0
}

@test "ARROW_POOL_LOG=quiet silences the warning" {
  probe_exit return ARROW_POOL_STATS=/nonexistent/s.json ARROW_POOL_LOG=quiet
  assert_equal "$stderr" ""
}

@test "a relative path means the directory where the program started" {
  probe_exit chdir ARROW_POOL_STATS=out/s.json
  assert_figures out/s.json
}

@test "a reader of stderr that went away does not change the exit status" {
  run -0 "$PYTHON" -I -c '
import os, subprocess, sys
reader, writer = os.pipe()
os.close(reader)
sys.exit(subprocess.run(sys.argv[1:], stderr=writer).returncode != 5)' \
    env LD_PRELOAD="$SHIM" ARROW_POOL=jemalloc ARROW_POOL_STATS=stderr "$PROBES/probe_exit"
}

@test "a limit on file sizes does not change the exit status" {
  run -5 --separate-stderr bash -c "ulimit -f 0; LD_PRELOAD='$SHIM' ARROW_POOL_STATS=out/s.json exec '$PROBES/probe_exit'"
  assert_equal "$(dumps out)" 0
}

@test "a dump to stderr leaves stdout to the program" {
  probe_exit return ARROW_POOL_STATS=stderr
  assert_equal "$output" ""
  [[ $stderr == "arrowpool "*"pool"*"libc"* ]]
}

@test "closed standard streams do no harm" {
  run -5 bash -c "LD_PRELOAD='$SHIM' ARROW_POOL=jemalloc ARROW_POOL_STATS=out/s.json exec '$PROBES/probe_exit' <&- >&- 2>&-"
  assert_figures out/s.json
}

@test "a working directory that is gone is one warning" {
  run -5 --separate-stderr bash -c 'mkdir gone && cd gone && rmdir ../gone &&
    LD_PRELOAD=$SHIM ARROW_POOL=jemalloc ARROW_POOL_STATS=s.json exec "$PROBES/probe_exit"'
  assert_equal "$stderr" "arrowpool: cannot write s.json: No such file or directory"
}

@test "after a chroot the dump goes where the path leads from there" {
  need_root
  mkdir jail
  run -0 --separate-stderr shim ARROW_POOL=jemalloc ARROW_POOL_STATS=/s.json ARROW_POOL_LIVE="$PWD/live" "$TESTED_PYTHON" -I -c '
import ctypes, os
ctypes.CDLL(None).posix_memalign(ctypes.byref(ctypes.c_void_p()), 64, 1000)
os.chroot("jail")
os._exit(0)'
  assert_equal "$stderr" ""
  run -0 json jail/s.json 'pool("libc")["total_bytes_allocated"] >= 1000'
  assert_output True
}
