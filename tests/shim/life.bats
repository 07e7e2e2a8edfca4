#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2153,SC2154 # other shells expand these; tests are functions; bats or the helper sets these
# What programs do with themselves: small stacks, thousands of threads, forks, signals, exec, dlclose, late handlers.
# In both modes contents hold, figures are exact where they can be, and nothing hangs.
#
# Elsewhere: destructors of keys, atexit handlers and destructors (libc.bats); the figures of a fork's child, a vfork
# that ends by _exit (fork.bats); a process that is killed, a daemon (live.bats).
load helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
}

# in_both [NAME=VALUE]... COMMAND...: nothing is said; statistics in MODE.PID.json.
in_both() {
  local mode
  for mode in jemalloc system; do
    run -0 --separate-stderr shim ARROW_POOL=$mode ARROW_POOL_DECAY=5ms ARROW_POOL_STATS="$mode.%p.json" \
      ARROW_POOL_STATS_SIGNAL=USR2 "$@"
    assert_equal "$mode:$output$stderr" "$mode:"
  done
}

@test "the probe of processes' lives holds without the shim" {
  need_hardware "a vfork is a fork there, which tells no error of exec"
  for what in small-stacks "forks 20" "signals 20" spawn "exec 3 keep"; do
    # shellcheck disable=SC2086 # two words
    run -0 timeout 600 "$PROBES/probe_life" $what
  done
  run -0 "$PROBES/probe_life" short-threads 600
}

@test "threads with the smallest stacks allocate, grow, fork, and take a signal's dump" {
  in_both timeout 600 "$PROBES/probe_life" small-stacks
  in_both ARROW_POOL_STATS=s.jsonl ARROW_POOL_STATS_INTERVAL=2ms ARROW_POOL_LIVE=live \
    timeout 600 "$PROBES/probe_life" small-stacks
}

@test "idle pages go back in a program with a MiB of thread-local data as well" {
  need_hardware "the emulator has a thread of its own, and pages do not move"
  run -0 shim ARROW_POOL=jemalloc ARROW_POOL_DECAY=10m "$PROBES/probe_thread_data" thread-data
  assert_output ""
}

@test "2400 threads, one after the other: as small at the end, with exact figures" {
  need_hardware "the emulator keeps some 260 KiB of each thread that ended"
  for mode in jemalloc system; do
    run -0 --separate-stderr shim ARROW_POOL=$mode ARROW_POOL_DECAY=0 ARROW_POOL_STATS=$mode.json ARROW_POOL_LIVE=live \
      timeout 600 "$PROBES/probe_life" short-threads 2400
    assert_equal "$mode:$output$stderr" "$mode:1000"
  done
  run -0 json jemalloc.json '[pool("libc")[f] for f in ("num_frees", "num_reallocations", "bytes_allocated")]'
  assert_output "[7199, 7200, 1000]"
  run -0 json system.json 'pool("libc")["num_allocations"]'
  assert_output 7200
}

@test "forks while threads grow buffers, dumps are written and idle pages go back" {
  forks=250 # in each mode
  [ -z "${ARROWPOOL_LONG-}" ] || forks=2000
  for mode in jemalloc system; do
    run -0 --separate-stderr shim ARROW_POOL=$mode ARROW_POOL_DECAY=1ms ARROW_POOL_STATS=s.jsonl \
      ARROW_POOL_STATS_INTERVAL=20ms ARROW_POOL_STATS_SIGNAL=USR2 ARROW_POOL_LIVE=live \
      timeout 3000 "$PROBES/probe_life" forks $forks
    assert_equal "$mode:$output$stderr" "$mode:"
    # Each line is whole, and there is one of each process at least that ended by itself. A thread that was writing
    # when its process was killed, or became another program, leaves a line that is cut off, and no other suffers. Half
    # of the children end in these ways.
    run -0 "$PYTHON" -I -c '
import json, sys
forks, processes, cut = int(sys.argv[1]), set(), 0
for line in open("s.jsonl"):
    try:
        process = json.loads(line)["process"]
        processes.add((process["pid"], process["start_time"])) # numbers come back
    except json.JSONDecodeError:
        cut += 1
        assert line.startswith("{\"schema\"") and line.count("\"schema\"") == 1, line
assert cut <= forks / 2, cut
print(len(processes))' $forks
    # The parent; of each four children two, and of each child a grandchild.
    assert [ "$output" -ge $((1 + forks / 2 + forks)) ]
    rm s.jsonl
  done
}

@test "posix_spawn and vfork while threads grow buffers leave one dump" {
  need_hardware "a vfork is a fork there, which tells no error of exec"
  in_both timeout 600 "$PROBES/probe_life" spawn
  assert_equal "$(find . -name '*.json' | wc -l)" 2
}

@test "signals that interrupt everything: dumps and live files are whole" {
  [ "$(stat -f -c %T /dev/shm)" = tmpfs ] || skip "/dev/shm is not a tmpfs, where making room can be interrupted"
  shm=$(mktemp -d /dev/shm/arrowpool.XXXXXX)
  for mode in jemalloc system; do
    run --separate-stderr shim ARROW_POOL=$mode ARROW_POOL_STATS="$shm/$mode.jsonl" ARROW_POOL_STATS_SIGNAL=USR2 \
      ARROW_POOL_LIVE="$shm/live" timeout 600 "$PROBES/probe_life" signals 100
    [ -f "$shm/$mode.jsonl" ] && mv "$shm/$mode.jsonl" .
    assert_equal "$mode:$status:$output$stderr" "$mode:0:"
    run -0 "$PYTHON" -I -c 'import json, sys; print(sum(1 for line in open(sys.argv[1]) if json.loads(line)) > 100)' $mode.jsonl
    assert_output True
  done
  rm -r "$shm"
}

@test "a slow reader of a pipe gets the whole dump, whatever interrupts the writing" {
  mkfifo pipe
  "$PYTHON" -I -c '
import time
with open("pipe", "rb", buffering=0) as pipe, open("copy", "wb") as copy:
    while block := pipe.read(512):
        copy.write(block)
        time.sleep(0.001)' 3>&- &
  exec 9<>pipe
  run -0 --separate-stderr shim ARROW_POOL=jemalloc ARROW_POOL_STATS=pipe ARROW_POOL_STATS_FORMAT=jsonl \
    ARROW_POOL_STATS_SIGNAL=USR2 timeout 600 "$PROBES/probe_life" signals 200
  assert_equal "$output$stderr" ""
  exec 9>&-
  wait
  run -0 "$PYTHON" -I -c 'import json; print(sum(1 for line in open("copy") if json.loads(line)) > 200)'
  assert_output True
}

@test "user namespaces are made and entered while there is memory to give back, as without the shim" {
  need_hardware "the emulator's own threads are in the way"
  run "$PROBES/probe_unshare"
  [ "$status" -ne 77 ] || skip "no user namespace can be made here"
  assert_equal "$status:$output" "0:"
  for mode in jemalloc system; do
    run -0 --separate-stderr shim ARROW_POOL=$mode ARROW_POOL_STATS=$mode.jsonl ARROW_POOL_STATS_INTERVAL=5ms \
      timeout -s KILL 60 "$PROBES/probe_unshare"
    assert_equal "$mode:$output$stderr" "$mode:"
  done
}

# chain keep|clear: five programs of one process, one after the other.
chain() {
  for mode in jemalloc system; do
    run -0 --separate-stderr shim ARROW_POOL=$mode ARROW_POOL_STATS=$mode.json ARROW_POOL_LIVE="$mode" \
      ARROW_POOL_LIVE_KEEP=1 "$PROBES/probe_life" exec 5 "$1"
    assert_equal "$mode:$output$stderr" "$mode:"
  done
}

@test "a program that execs itself: each has its live file, all but the last are replaced" {
  need_hardware "qemu-user tells another start time than the kernel"
  chain keep
  for mode in jemalloc system; do
    run -0 json $mode.json 'pool("libc")["total_bytes_allocated"]'
    assert_output 5000
    for image in 0 1 2 3 4; do
      "$CLI" show "$mode"/arrowpool-*-$image.live >shown
      "$CLI" show --format=json "$mode"/arrowpool-*-$image.live >shown.json
      run -0 json shown.json 'pool("libc")["total_bytes_allocated"]'
      assert_output $((1000 * (image + 1)))
      run -0 bash -c 'grep -c "^replaced: " shown || true'
      assert_output $((image < 4))
    done
    assert_equal "$(dumps "$mode")" 5
  done
}

@test "a program that clears its environment and execs: the first one's figures stay" {
  chain clear
  for mode in jemalloc system; do
    assert_equal "$(dumps "$mode")" 1
    run -0 bash -c "'$CLI' show --format=json $mode/*.live >shown.json"
    run -0 json shown.json 'pool("libc")["total_bytes_allocated"]'
    assert_output 1000
    assert [ ! -e $mode.json ]
  done
}

@test "the library is loaded and closed 100 times, with live buffers and threads" {
  need_hardware "the emulator keeps some 260 KiB of each thread that ended"
  run timeout 600 "$PROBES/probe_unload" "$LIBRARY"
  assert_equal "$status:$output" "0:"
  in_both timeout 600 "$PROBES/probe_unload" "$LIBRARY"
}
