#!/usr/bin/env bats
# Our figures under a real workload, against pyarrow's own and those of an independent witness.
load ../shim/helper
load helper

# The witness sees what passes the arrow_mi hook; with that of the patched pools open, nothing would.
setup() {
  export ARROW_POOL_HOOKS=libc,arrow_mi
  export PYTHONPATH=$BATS_TEST_DIRNAME
}

@test "the books agree in jemalloc mode, to the byte, while buffers live" {
  run -0 witnessed ARROW_POOL=jemalloc "$PYTHON" "$BATS_TEST_DIRNAME/workload.py" "$BATS_TEST_TMPDIR" jemalloc
}

@test "the books agree in system mode, within the allocator's rounding" {
  run -0 witnessed ARROW_POOL=system "$PYTHON" "$BATS_TEST_DIRNAME/workload.py" "$BATS_TEST_TMPDIR" system
}

@test "the workload's results are the same with the shim and without" {
  run -0 "$PYTHON" "$BATS_TEST_DIRNAME/workload.py" "$BATS_TEST_TMPDIR"
  stock=$output
  run -0 shim ARROW_POOL=jemalloc "$PYTHON" "$BATS_TEST_DIRNAME/workload.py" "$BATS_TEST_TMPDIR"
  assert_output "$stock"
}

@test "allocations of no bytes are all that pyarrow counts and we do not, in jemalloc mode" {
  run -0 witnessed ARROW_POOL=jemalloc "$PYTHON" "$BATS_TEST_DIRNAME/zero_sizes.py" jemalloc
}

@test "allocations of no bytes are all that pyarrow counts and we do not, in system mode" {
  run -0 witnessed ARROW_POOL=system "$PYTHON" "$BATS_TEST_DIRNAME/zero_sizes.py" system
}
