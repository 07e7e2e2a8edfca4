#!/usr/bin/env bats
# What other allocators test of themselves, under the shim in both modes (run says how); and packages that bring another
# implementation of Arrow, with pools for their libraries (libraries says how).
load ../shim/helper

setup() {
  [ -n "${ARROWPOOL_LONG-}" ] || skip "takes long: scripts/test --long, or ARROWPOOL_LONG=1"
}

passes() {
  run "$SOURCE/tests/foreign/run" "$1"
  [ "$status" != 77 ] || skip "$output"
  echo "$output"
  assert_success
  assert_line --regexp "^$1: [1-9][0-9]* tests, 0 failed"
}

@test "glibc's tests of malloc, as they are and of aligned memory, pass where they pass without the shim" {
  passes glibc
}

@test "mimalloc's stress test does" {
  passes mimalloc
}

# has_pool PACKAGE
has_pool() {
  run env SHIM="$SHIM" "$SOURCE/tests/foreign/libraries" "$1"
  [ "$status" != 77 ] || skip "$output"
  echo "# $output" >&3
  assert_success
}

@test "lance works as before, and its memory is served" {
  has_pool lance
}

@test "lancedb's is" {
  has_pool lancedb
}

@test "arro3's is" {
  has_pool arro3
}

@test "connectorx's is" {
  has_pool connectorx
}
