#!/usr/bin/env bats
# shellcheck disable=SC2034,SC2154 # the helper reads these; bats or the helper sets these
# Profiles of real programs that were killed: that each line of Python is told, with its bytes. How far an estimate may be
# off is some seven times its own spread, so that chance decides nothing.
load ../shim/helper
load helper
load who_helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  mkdir profiles data
}

@test "three lines of a killed program, each with its bytes" {
  for POOL in jemalloc system; do
    rm -f profiles/*
    killed 16K three
    "$PYTHON" "$PEERS/who_check.py" near truth.json who.json 15
  done
}

@test "three lines of a program that the kernel killed in a memory cgroup, each with its bytes" {
  in_cgroup 600 env LD_PRELOAD="$SHIM" ARROW_POOL=jemalloc ARROW_POOL_PROFILE="$PWD/profiles" ARROW_POOL_PROFILE_MEAN=16K \
    "$PYTHON" "$BATS_TEST_DIRNAME/who_cases.py" three truth.json outgrow
  assert_equal "$status, $stderr" "137, "
  "$CLI" who --format=json profiles/*.profile >who.json
  "$PYTHON" "$PEERS/who_check.py" near truth.json who.json 15
  run -0 json who.json 'd["processes"][0]["state"]'
  assert_output gone
}

@test "three threads that read at the same time, each with its bytes" {
  killed 16K readers data
  "$PYTHON" "$PEERS/who_check.py" near truth.json who.json 15
}

# operations VERSION NAME...
operations() {
  wheel "$1"
  every_byte_has_a_line 64K 1000000 "${@:2}"
}

@test "every byte of sixteen operations has a line, newest pyarrow" {
  operations newest "${OPERATIONS[@]}"
}

@test "every byte of three operations has a line, pyarrow 10.0.1" {
  operations 10.0.1 read_csv dataset read_table
}

@test "every byte of three operations has a line, pyarrow 16.1.0" {
  operations 16.1.0 read_csv dataset read_table
}

@test "every byte of three operations has a line, pyarrow 20.0.0" {
  operations 20.0.0 read_csv dataset read_table
}

@test "every byte of three operations has a line, pyarrow 23.0.1" {
  operations 23.0.1 read_csv dataset read_table
}

@test "every byte of all operations has a line, all wheels" {
  need_long
  for version in 10.0.1 16.1.0 20.0.0 23.0.1; do
    for name in "${OPERATIONS[@]}"; do
      [[ $name == *_pandas ]] || operations "$version" "$name"
    done
  done
}
