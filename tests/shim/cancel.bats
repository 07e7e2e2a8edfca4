#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154 # Python expands these; bats sets these
# Threads that were cancelled: malloc's functions and fork are no cancellation points, whatever we do behind them.
load helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
}

# everything COMMAND...: in both modes, and with and without a debug mode, with all that is slow: a limit, a live
# file, dumps at exit, at intervals and on a signal.
everything() {
  local mode debug
  for mode in jemalloc system; do
    for debug in off warn; do
      run -0 --separate-stderr shim ARROW_POOL=$mode ARROW_POOL_DEBUG=$debug ARROW_POOL_DECAY=5ms ARROW_POOL_LIMIT=90% \
        ARROW_POOL_STATS="$mode.$debug.jsonl" ARROW_POOL_STATS_INTERVAL=5ms ARROW_POOL_STATS_SIGNAL=USR2 ARROW_POOL_LIVE=live \
        timeout -s KILL "$(patience 100)" "$@"
      assert_equal "$mode:$debug:$output$stderr" "$mode:$debug:"
    done
  done
}

@test "the probe of cancelled threads holds without the shim" {
  run -0 "$PROBES/probe_cancel"
}

@test "a thread that was cancelled allocates first, forks and frees, and ends where it expects it" {
  for mode in jemalloc system; do
    run -0 --separate-stderr shim ARROW_POOL=$mode timeout -s KILL "$(patience 100)" "$PROBES/probe_cancel"
    assert_equal "$mode:$output$stderr" "$mode:"
  done
  everything "$PROBES/probe_cancel"
}

# points COMMAND...: with a library before the shim that looks at each call of ours that is a cancellation point.
points() {
  need_hardware "programs of this machine, such as timeout, cannot preload the probe"
  local SHIM="$PROBES/libprobe_points.so $SHIM"
  rm -f points
  PROBE_POINTS=$PWD/points everything "$@"
  run -0 "$PYTHON" -I -c 'import sys; print(sum(map(int, open(sys.argv[1]))) > int(sys.argv[2]))' points 400
  assert_output True
}

@test "cancellation is disabled at each call of ours that is a cancellation point" {
  points "$PROBES/probe_cancel"
  points "$PROBES/probe_life" forks 20
  points "$PROBES/probe_life" signals 20
}

@test "cancellation is disabled at each such call under pyarrow, too" {
  [ -n "$TESTED_PYTHON" ] || skip "emulated: there is no Python for that processor"
  "$TESTED_PYTHON" -I -c 'import pyarrow' || skip "there is no pyarrow"
  points "$TESTED_PYTHON" -I -c '
import os, pyarrow
buffer = pyarrow.allocate_buffer(100, resizable=True)
for size in (1000, 100000, 10000000, 100):
    buffer.resize(size)
del buffer
if os.fork():
    os.wait()
else:
    pyarrow.allocate_buffer(100000)'
}
