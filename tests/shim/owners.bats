#!/usr/bin/env bats
# shellcheck disable=SC2154 # bats or the helper sets these
# Who frees: a program may free, resize and measure aligned memory by functions that are not the shim's. Then
# the libc hook counts and passes on, in both modes and in debug modes; where all of them are ours, it serves.
load helper

# keeps BACKEND PROGRAM [NAME=VALUE]...: what it got holds; the libc hook's pool counted it, and is of that
# backend.
keeps() {
  local backend=$1 program=$2 dump=$BATS_TEST_TMPDIR/dump.json
  shift 2
  rm -f "$dump"
  run -0 --separate-stderr shim "$@" ARROW_POOL_STATS="$dump" "$PROBES/$program"
  assert_output 4
  assert_equal "$stderr" ""
  run -0 json "$dump" 'pool("libc")["backend"], pool("libc")["num_allocations"] >= 4, pool("libc")["num_failed"]'
  assert_output "('$backend', True, 0)"
}

# passed_on PROGRAM [NAME=VALUE]...: in every mode.
passed_on() {
  local program=$1
  shift
  for mode in jemalloc system; do
    keeps system "$program" ARROW_POOL=$mode "$@"
    keeps system "$program" ARROW_POOL=$mode ARROW_POOL_DEBUG=abort "$@"
  done
}

@test "a program with a malloc, realloc and free of its own gets what they can take" {
  passed_on probe_own
}

@test "a program that calls free and realloc by the C library's private names gets what these can take" {
  passed_on probe_own_libc
}

@test "a program that calls jemalloc's own functions gets what these can take" {
  need_hardware "libjemalloc.so.2 is this machine's"
  run env LD_PRELOAD=libjemalloc.so.2 "$PROBES/probe_own_jemalloc"
  [ "$status" != 77 ] || skip "libjemalloc.so.2 is not installed"
  assert_success
  passed_on probe_own_jemalloc LD_PRELOAD="$SHIM:libjemalloc.so.2"
}

@test "any other program is served, also one at a fixed address that takes the address of free" {
  for program in probe_own_none probe_own_fixed; do
    keeps jemalloc "$program" ARROW_POOL=jemalloc
    keeps system "$program" ARROW_POOL=system
    keeps jemalloc "$program" ARROW_POOL=jemalloc ARROW_POOL_DEBUG=abort
  done
}

@test "ARROW_POOL_LOG=info says why the libc hook only counts" {
  run -0 --separate-stderr shim ARROW_POOL=jemalloc ARROW_POOL_LOG=info "$PROBES/probe_own"
  assert_equal "${stderr_lines[0]}" "arrowpool: the libc hook only counts: the program calls a free that is not ours"
  run -0 --separate-stderr shim ARROW_POOL=jemalloc ARROW_POOL_LOG=info "$PROBES/probe_own_libc"
  assert_equal "${stderr_lines[0]}" "arrowpool: the libc hook only counts: the program calls a __libc_realloc that is not ours"
  run -0 --separate-stderr shim ARROW_POOL=jemalloc ARROW_POOL_LOG=info "$PROBES/probe_own_none"
  assert_equal "$(grep -v 'is in use in' <<<"$stderr")" ""
}

@test "a pool in system mode goes on where the allocator behind the shim replaces only some of the functions" {
  for mode in jemalloc system; do
    run -0 env LD_PRELOAD="$SHIM:$PROBES/libprobe_partial.so" ARROW_POOL=$mode "$PROBES/probe_chain" grow
    assert_output "grown"
  done
}

@test "no library's symbols are gone through when a process starts" {
  for mode in jemalloc system; do
    run -0 --separate-stderr env LD_PRELOAD="$SHIM:$PROBES/libprobe_symbols.so" ARROW_POOL=$mode "$PROBES/probe_own_none"
    [ "$stderr" != "the C library has no other way" ] || skip "$stderr"
    assert_equal "$stderr" 0
  done
}
