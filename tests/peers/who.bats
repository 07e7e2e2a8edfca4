#!/usr/bin/env bats
# shellcheck disable=SC2154 # bats or the helper sets these
# Profiles of real programs that were killed: that each line of Python is told, with its bytes. How far an estimate may be
# off is some seven times its own spread, so that chance decides nothing.
load ../shim/helper
load helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  mkdir profiles data
}

# killed MEAN CASE [ARGUMENT]: what is true goes to truth.json, what is told of live buffers to who.json.
killed() {
  local status=0
  shim ARROW_POOL="${POOL:-jemalloc}" ARROW_POOL_PROFILE="$PWD/profiles" ARROW_POOL_PROFILE_MEAN="$1" timeout 300 \
    "$PYTHON" "$BATS_TEST_DIRNAME/who_cases.py" "$2" truth.json "${@:3}" 2>errors || status=$?
  [ "$status" = 137 ] || { cat errors; return 1; }
  ! grep '^arrowpool' errors
  "$BUILD/cli/arrowpool" who --what="${WHAT:-live}" --format=json profiles/*.profile >who.json
}

@test "three lines of a killed program, each with its bytes" {
  for POOL in jemalloc system; do
    rm -f profiles/*
    killed 16K three
    "$PYTHON" "$BATS_TEST_DIRNAME/who_check.py" near truth.json who.json 15
  done
}

@test "three lines of a program that the kernel killed in a memory cgroup, each with its bytes" {
  in_cgroup 600 env LD_PRELOAD="$SHIM" ARROW_POOL=jemalloc ARROW_POOL_PROFILE="$PWD/profiles" ARROW_POOL_PROFILE_MEAN=16K \
    "$PYTHON" "$BATS_TEST_DIRNAME/who_cases.py" three truth.json outgrow
  assert_equal "$status, $stderr" "137, "
  "$CLI" who --format=json profiles/*.profile >who.json
  "$PYTHON" "$BATS_TEST_DIRNAME/who_check.py" near truth.json who.json 15
  run -0 json who.json 'd["processes"][0]["state"]'
  assert_output gone
}

@test "three threads that read at the same time, each with its bytes" {
  killed 16K readers data
  "$PYTHON" "$BATS_TEST_DIRNAME/who_check.py" near truth.json who.json 15
}

# operations VERSION NAME...: every byte that they allocate has a line.
operations() {
  wheel "$1"
  for name in "${@:2}"; do
    rm -rf profiles data
    mkdir profiles data
    WHAT=total killed 64K operation "$name:data"
    "$PYTHON" "$BATS_TEST_DIRNAME/who_check.py" lines who.json || { echo "$name of pyarrow $1"; return 1; }
  done
}

@test "every byte of sixteen operations has a line, newest pyarrow" {
  operations newest read_csv dataset dataset_filter read_table read_table_serial to_batches group_by join sort ipc to_pandas \
    from_pandas filter write_table write_dataset four_threads
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
    operations "$version" read_csv dataset dataset_filter read_table read_table_serial to_batches group_by join sort ipc \
      filter write_table write_dataset four_threads
  done
}
