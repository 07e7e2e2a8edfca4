#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154 # each test is a subshell; bats or the helper sets these
# Signals of which we have a handler: SIGBUS where there is a live file, and that of ARROW_POOL_STATS_SIGNAL. What is
# not for us does to the program what it does without us.
load helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  ulimit -c 0
}

# as_without NAME=VALUE... WAY: the probe's status and output under the shim in both modes are those without.
as_without() {
  local way=${*: -1} expected mode
  run env "$PROBES/probe_signals" "$way"
  expected=$status:$(without_emulator "$output")
  for mode in jemalloc system; do
    run --separate-stderr shim ARROW_POOL=$mode "${@:1:$#-1}" "$PROBES/probe_signals" "$way"
    assert_equal "$way $mode $status:$output$(without_emulator "$stderr")" "$way $mode $expected"
  done
}

@test "SIGBUS that is sent ends a program with a live file" {
  for way in raise kill; do
    run "$PROBES/probe_signals" $way
    assert_equal "$status" 135
    as_without ARROW_POOL_LIVE="$PWD/live" $way
  done
}

@test "a program that ignores SIGBUS goes on" {
  as_without ARROW_POOL_LIVE="$PWD/live" ignored
}

@test "a fault of the program's own ends it, and one that ignores SIGBUS, too" {
  need_hardware "it fails at a fault that has a handler, and repeats one that is ignored"
  for way in fault ignored-fault; do
    as_without ARROW_POOL_LIVE="$PWD/live" $way
    assert_equal "$status" 135
  done
}

@test "a handler of the program's gets the signal with its code, mask and stack" {
  for way in handler nodefer altstack; do
    as_without ARROW_POOL_LIVE="$PWD/live" $way
    assert_equal "$status" 5
  done
}

@test "a handler for one signal is called once" {
  as_without ARROW_POOL_LIVE="$PWD/live" once
  assert_equal "$status" 135
}

@test "a handler may leave by a jump" {
  as_without ARROW_POOL_LIVE="$PWD/live" jump
  assert_equal "$status" 5
}

@test "the signal of dumps may be that of a fault, which still ends the program" {
  need_hardware "it fails at a fault that has a handler"
  run env "$PROBES/probe_signals" segv
  assert_equal "$status" 139
  for mode in jemalloc system; do
    run -139 timeout 60 env LD_PRELOAD="$SHIM" ARROW_POOL=$mode ARROW_POOL_STATS=$mode.json ARROW_POOL_STATS_SIGNAL=SEGV \
      "$PROBES/probe_signals" segv
    run -0 json $mode.json 'pool("libc")["num_allocations"]'
    assert_output 1
    run -135 timeout 60 env LD_PRELOAD="$SHIM" ARROW_POOL=$mode ARROW_POOL_STATS=bus.$mode.json ARROW_POOL_STATS_SIGNAL=BUS \
      ARROW_POOL_LIVE="$PWD/live" "$PROBES/probe_signals" fault
    assert [ -f bus.$mode.json ]
  done
}
