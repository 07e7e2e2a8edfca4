#!/usr/bin/env bats
# ARROW_POOL_LIMIT in a stock pyarrow: its own ArrowMemoryError, with the reason, and the program lives on.
load ../shim/helper
load helper

# limited VERSION POOL MODE: pools are named after what pyarrow calls them.
limited() {
  wheel "$1"
  run -0 --separate-stderr shim ARROW_POOL="$3" ARROW_POOL_LIMIT=256MiB ARROW_POOL_LOG=quiet \
    ARROW_POOL_STATS="$BATS_TEST_TMPDIR/d.json" timeout 600 "$PYTHON" "$BATS_TEST_DIRNAME/limit.py" "$2"
  assert_line --index 0 "malloc of size 59768832 failed: all pools together have 200.0 MiB of their limit of 256.0 MiB, ARROW_POOL_LIMIT=256MiB"
  assert_line --index 1 "realloc of 209715200 to 314572800 failed: all pools together have 200.0 MiB of their limit of 256.0 MiB, ARROW_POOL_LIMIT=256MiB"
  assert_line --index 2 "lives"
  run -0 json "$BATS_TEST_TMPDIR/d.json" "[pool('arrow.$2')['max_memory'] <= 256 << 20, pool('arrow.$2')['num_failed'] >= 2]"
  assert_output "[True, True]"
}

# in_all VERSION
in_all() {
  for mode in jemalloc system; do
    for pool in mimalloc jemalloc system; do
      limited "$1" $pool $mode
    done
  done
}

@test "the limit is exact and an ArrowMemoryError, in pyarrow 10.0.1" {
  in_all 10.0.1
}

@test "the limit is exact and an ArrowMemoryError, in pyarrow 16.1.0" {
  in_all 16.1.0
}

@test "the limit is exact and an ArrowMemoryError, in pyarrow 20.0.0" {
  in_all 20.0.0
}

@test "the limit is exact and an ArrowMemoryError, in pyarrow 23.0.1" {
  in_all 23.0.1
}

@test "the limit is exact and an ArrowMemoryError, in the newest pyarrow" {
  in_all newest
}
