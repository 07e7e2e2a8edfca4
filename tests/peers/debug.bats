#!/usr/bin/env bats
# shellcheck disable=SC2094,SC2154 # `matrix.py` names no file of ours; bats or the helper sets these
# A stock pyarrow under ARROW_POOL_DEBUG: nothing is found, the results are the same, and what a program of its own
# does wrong is found.
load ../shim/helper
load helper

# The work of matrix.py and workload.py: no line, the same results, and of matrix.py the same figures after each
# step as without the shim; its books agree with them to the byte.

# matrix VERSION
matrix() {
  wheel "$1"
  cd "$BATS_TEST_TMPDIR" || return
  timeout 600 "$PYTHON" "$BATS_TEST_DIRNAME/matrix.py" >stock
  for mode in jemalloc system; do
    shim ARROW_POOL=$mode ARROW_POOL_DEBUG=warn timeout 600 "$PYTHON" "$BATS_TEST_DIRNAME/matrix.py" $mode >$mode 2>books
    diff stock $mode
    run -0 grep -c "^the end {'name': 'arrow.*', 'backend': '$mode'" books
    run -1 grep "arrowpool" books
  done
}

@test "a program of many steps is clean, in pyarrow 10.0.1" {
  matrix 10.0.1
}

@test "a program of many steps is clean, in pyarrow 23.0.1" {
  matrix 23.0.1
}

@test "a program of many steps is clean, in the newest pyarrow" {
  matrix newest
}

@test "a day's work on several threads is clean" {
  cd "$BATS_TEST_TMPDIR" || return
  run -0 --separate-stderr timeout 300 "$PYTHON" "$BATS_TEST_DIRNAME/workload.py" .
  stock=$output
  for mode in jemalloc system; do
    run -0 --separate-stderr shim ARROW_POOL=$mode ARROW_POOL_DEBUG=warn timeout 300 "$PYTHON" \
      "$BATS_TEST_DIRNAME/workload.py" .
    assert_equal "$stderr" ""
    assert_equal "$output" "$stock"
  done
}

@test "what pyarrow writes behind a buffer is found when it is freed" {
  for mode in jemalloc system; do
    run -0 --separate-stderr shim ARROW_POOL=$mode ARROW_POOL_DEBUG=warn "$PYTHON" -c '
import ctypes, pyarrow as pa
buffer = pa.allocate_buffer(1000)  # Arrow asks for 1024
ctypes.memset(buffer.address + 1024, 0, 3)
print(hex(buffer.address), pa.default_memory_pool().backend_name)
del buffer'
    read -r address backend <<<"$output"
    assert_equal "$stderr" \
      "arrowpool: debug: pool arrow.$backend: buffer $address of 1024 bytes, alignment 64: 3 bytes behind its end were overwritten (offset 1024), found at free"
  done
}
