#!/usr/bin/env bats
# What other allocators test of themselves, under the shim in both modes (run says how); and packages that bring another
# implementation of Arrow, with pools for their libraries (libraries.py says how).
load ../shim/helper

setup() {
  [ -n "${ARROWPOOL_LONG-}" ] || skip "takes long: scripts/test --long, or ARROWPOOL_LONG=1"
}

# succeeds COMMAND...
succeeds() {
  run "$@"
  [ "$status" != 77 ] || skip "$output"
  echo "$output"
  assert_success
}

passes() {
  succeeds "$SOURCE/tests/foreign/run" "$1"
  assert_line --regexp "^$1: [1-9][0-9]* tests, 0 failed"
}

@test "glibc's tests of malloc, as they are and of aligned memory, pass where they pass without the shim" {
  passes glibc
}

@test "mimalloc's stress test does" {
  passes mimalloc
}

is_served() {
  succeeds "$PYTHON" "$SOURCE/tests/foreign/libraries.py" "${ARROWPOOL_FOREIGN_PYTHON:-$SOURCE/.venv-foreign/bin/python}" "$1"
}

@test "lance works as before, and its memory is served" {
  is_served lance
}

@test "lancedb's is" {
  is_served lancedb
}

@test "arro3's is" {
  is_served arro3
}

@test "connectorx's is" {
  is_served connectorx
}
