#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # other shells expand these; each test is a subshell; bats or the helper sets these
# Ends that pass by the functions of libc from within libc: which of them leave a dump and a live file that says that
# it ended, and what is said of the others.
load helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  ulimit -c 0
}

# ends WAY: the probe with a dump and a live file, in jemalloc mode.
ends() {
  rm -rf live out
  mkdir out
  run --separate-stderr shim ARROW_POOL=jemalloc ARROW_POOL_STATS="$PWD/out/%p.json" ARROW_POOL_LIVE="$PWD/live" \
    ARROW_POOL_LIVE_KEEP=1 "$PROBES/probe_exit" "$1"
}

# states: of all live files, by what `show` says first; of those that ended in an orderly way that is their heading.
states() {
  for file in live/*.live; do
    "$CLI" show "$file" | head -n 1 | cut -d ' ' -f 1
  done
}

@test "an assertion that fails leaves a dump, its message and its signal" {
  ends assert
  assert_equal "$status" 134
  [[ $(without_emulator "$stderr") == *"Assertion"*"failed." ]] || fail "$stderr"
  run -0 json out/*.json 'pool("libc")["total_bytes_allocated"]'
  assert_output 1311111
}

@test "errx leaves a dump" {
  ends errx
  assert_equal "$status:$stderr" "5:probe_exit: bye"
  run -0 json out/*.json 'pool("libc")["total_bytes_allocated"]'
  assert_output 1311111
  assert_equal "$(states)" arrowpool
}

@test "daemon: what was started ends in an orderly way, and so does the daemon" {
  ends daemon
  assert_equal "$status:$output$stderr" "0:"
  for _ in {1..600}; do # until the daemon has ended too
    [ "$(dumps out)" = 2 ] && [ "$(states)" = $'arrowpool\narrowpool' ] && break
    sleep 0.1
  done
  assert_equal "$(dumps out)" 2
  assert_equal "$(states)" $'arrowpool\narrowpool'
}

@test "glibc's own abort leaves the live file, which says that the process is gone" {
  ends bad-free
  assert_equal "$status" 134
  assert_equal "$(dumps out)" 0
  assert_equal "$(states)" gone:
}

@test "the live file of another host is neither running nor gone" {
  need_hardware "qemu-user tells another start time than the kernel"
  mkfifo in said
  env LD_PRELOAD="$SHIM" ARROW_POOL_LIVE="$PWD/live" "$PROBES/probe_live" threads 1 <in >said 3>&- &
  exec 8>in 9<said
  read -r -t 60 <&9
  "$PYTHON" -I - live/*.live <<'PYTHON'
import os, sys
data = open(sys.argv[1], "rb").read(1 << 20)
boot, host = open("/proc/sys/kernel/random/boot_id").read().strip().encode(), os.uname().nodename.encode()
at = data.index(boot) + 40
assert data[at:].startswith(host + b"\0")
other = data.replace(boot, b"00000000-1111-2222-3333-444444444444")
away = other[:at] + b"elsewhere".ljust(65, b"\0") + other[at + 65:]
os.makedirs("copies/before")
os.makedirs("copies/other")
name = os.path.basename(sys.argv[1])
open("copies/before/" + name, "wb").write(other)  # of this host, before it was started again
open("copies/other/" + name, "wb").write(away)
PYTHON
  run -0 "$CLI" show $!
  assert_line --index 0 --partial "running: "
  run -0 "$CLI" show copies/before/*.live
  assert_line --index 0 --partial "gone: "
  run -0 "$CLI" show copies/other/*.live
  assert_line --index 0 --partial "unknown: "
  run -0 "$CLI" top --once copies/other
  assert_line --partial " 1 processes, 0 gone, 1 unknown; live 0;"
  run -0 "$CLI" report --format=json copies/other
  echo "$output" >report.json
  run -0 json report.json '[d["processes"][k] for k in ("count", "running", "gone", "unknown")]'
  assert_output "[1, 0, 0, 1]"
  echo >&8
  exec 8>&- 9<&-
  wait $!
}

@test "a process in a PID namespace of its own: not judged by our numbers, and shown by its own" {
  need_root
  need_hardware "no namespaces there"
  unshare --pid --fork true 2>/dev/null || skip "no PID namespace can be made here"
  mkfifo in said
  env LD_PRELOAD="$SHIM" ARROW_POOL_LIVE="$PWD/live" unshare --pid --fork --mount-proc "$PROBES/probe_live" threads 1 <in >said 3>&- &
  exec 8>in 9<said
  read -r -t 60 <&9
  within=$(pgrep -P $!)
  run -0 "$CLI" show live/arrowpool-1-*.live
  assert_line --index 0 --partial "unknown: "
  run -0 "$CLI" show "$within"
  assert_line --index 0 --partial "running: "
  run -0 "$CLI" top --once "$within"
  assert_line --partial "probe_live"
  echo >&8
  exec 8>&- 9<&-
  wait $!
}
