#!/usr/bin/env bats
# shellcheck disable=SC2154 # bats or the helper sets these
# The program chooses its pool as it always could: for one operation, for everything from here on, from outside.
load ../shim/helper
load helper

# choose VERSION
# The default pool is named, because in pyarrow 10 to 17 it would be the jemalloc pool itself.
choose() {
  wheel "$1"
  for default in mimalloc system; do
    export ARROW_DEFAULT_MEMORY_POOL=$default
    for how in operation globally; do
      run -0 shim timeout 600 "$PYTHON" "$BATS_TEST_DIRNAME/choices.py" $how
      assert_output ""
    done
    run -0 shim ARROW_POOL=jemalloc timeout 600 "$PYTHON" "$BATS_TEST_DIRNAME/choices.py" outside
    assert_output ""
  done
}

@test "for one operation, globally and from outside, in pyarrow 10.0.1" {
  choose 10.0.1
}

@test "for one operation, globally and from outside, in pyarrow 16.1.0" {
  choose 16.1.0
}

@test "for one operation, globally and from outside, in pyarrow 20.0.0" {
  choose 20.0.0
}

@test "for one operation, globally and from outside, in pyarrow 23.0.1" {
  choose 23.0.1
}

@test "for one operation, globally and from outside, in the newest pyarrow" {
  choose newest
}

# All wheels have all three pools. A default that does not exist is as near as a program gets to a build without
# one: libarrow says so on stderr, and takes another.
@test "a default pool that does not exist is Arrow's own complaint, and another pool" {
  program='import pyarrow as pa; b = pa.allocate_buffer(1000); print(pa.default_memory_pool().backend_name, b.size)'
  run -0 --separate-stderr env ARROW_DEFAULT_MEMORY_POOL=tcmalloc "$PYTHON" -c "$program"
  stock=$output complaint=${stderr#*: }
  [[ $complaint = *"Unsupported backend 'tcmalloc'"* ]]
  for mode in jemalloc system; do
    run -0 --separate-stderr shim ARROW_POOL=$mode ARROW_DEFAULT_MEMORY_POOL=tcmalloc "$PYTHON" -c "$program"
    assert_output "$stock"
    assert_equal "${stderr#*: }" "$complaint"
  done
}

@test "where a build lacks a backend its error reaches the caller, and the pool is left alone" {
  program='import ctypes, sys
out, library = ctypes.c_void_p(7), ctypes.CDLL(sys.argv[1])
print(hex(library.ask(ctypes.byref(out))), out.value)
name = "_ZN5arrow20jemalloc_memory_poolEPPNS_10MemoryPoolE"
print(ctypes.cast(ctypes.CDLL(None)[name], ctypes.c_void_p).value is not None)'
  for mode in jemalloc system; do
    run -0 shim ARROW_POOL=$mode "$PYTHON" -c "$program" "$BUILD/tests/peers/liblacking.so"
    assert_output "0xdead 7
True"
  done
}
