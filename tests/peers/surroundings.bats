#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2153,SC2154 # other shells expand these; tests are functions; bats or the helper sets these
# A stock pyarrow where something is refused, and two versions of libarrow in one process. What C programs meet there
# is in tests/shim/surroundings.bats; forks, workers and the interpreter's end are in robustness.bats.
load ../shim/helper
load helper

# What is refused is to be refused to pyarrow: each processor has a thread in numpy's and Arrow's libraries, and the
# stacks of many would be more than the limits.
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=4

# done_in_both COMMAND...: robustness.py, or what takes its place, says so and nothing else; in both modes.
done_in_both() {
  for mode in jemalloc system; do
    run -0 shim ARROW_POOL=$mode ARROW_POOL_DECAY=20ms ARROW_POOL_STATS="$BATS_TEST_TMPDIR/$mode.json" timeout 600 "$@"
    assert_equal "$mode:$output" "$mode:done"
  done
}

# robust COMMAND...: the command runs programs that use all of pyarrow's pools.
robust() {
  local what
  for what in exit threads fork; do
    done_in_both "$@" "$PYTHON" "$BATS_TEST_DIRNAME/robustness.py" $what
  done
}

@test "an address space of 3 GiB" {
  robust bash -c 'ulimit -v 3145728 && exec "$@"' -
}

@test "a limit on data of 2 GiB" {
  robust bash -c 'ulimit -d 2097152 && exec "$@"' -
}

@test "mremap, madvise and process_madvise are forbidden" {
  [ -x "$PROBES/probe_confine" ] || skip "built without libseccomp"
  for error in EPERM ENOSYS; do
    robust "$PROBES/probe_confine" $error mremap,madvise,process_madvise
  done
}

@test "memory that is refused is pyarrow's own error, and the program goes on" {
  done_in_both bash -c 'ulimit -v 3145728 && exec "$@"' - "$PYTHON" -c '
import pyarrow as pa
kept = pa.allocate_buffer(1 << 20, resizable=True)
expected = bytes([7]) * kept.size
memoryview(kept).cast("B")[:] = expected
for pool in pa.default_memory_pool(), pa.system_memory_pool(), pa.jemalloc_memory_pool():
    buffers = []
    try:
        while True:
            buffers.append(pa.allocate_buffer(200 << 20, pool))
    except pa.ArrowMemoryError:
        pass
    assert 2 < len(buffers) < 15, len(buffers)
    try:
        kept.resize(4 << 30)
    except pa.ArrowMemoryError:
        assert kept.size == 1 << 20 and memoryview(kept) == expected  # without an allocation: there is no memory
    else:
        raise AssertionError
    del buffers
kept.resize(2 << 20)
assert memoryview(kept)[: 1 << 20] == expected
print("done")'
}

@test "a process that locks its memory" {
  need_root
  done_in_both "$PYTHON" -c '
import ctypes
import pyarrow as pa
assert ctypes.CDLL(None).mlockall(3) == 0
pools = [pa.default_memory_pool(), pa.system_memory_pool(), pa.jemalloc_memory_pool()]
for size in 1000, 100_000, 5_000_000, 40_000_000:
    buffers = [pa.allocate_buffer(size, pool, resizable=True) for pool in pools]
    for i, buffer in enumerate(buffers):
        memoryview(buffer).cast("B")[:] = bytes([i]) * size
        buffer.resize(2 * size)
    assert all(bytes(buffer)[:size] == bytes([i]) * size for i, buffer in enumerate(buffers))
print("done")'
}

# plugin VERSION: linked to that wheel's libarrow; "" is the newest.
plugin() {
  local python=$SOURCE/.venv${1:+-pyarrow-$1}/bin/python include directory version flags=()
  [ -n "$1" ] || python=$PYTHON
  read -r version include directory < <("$python" -c 'import pyarrow as pa
print(pa.__version__, pa.get_include(), pa.get_library_dirs()[0])')
  [ "${version%%.*}" -gt 12 ] || flags=(-D_GLIBCXX_USE_CXX11_ABI=0)
  g++ -std=c++20 -O1 -fPIC -shared -DPLUGIN "${flags[@]}" -I"$include" -o "plugin-$1.so" \
    "$BATS_TEST_DIRNAME/two_arrows.cc" "$directory"/libarrow.so.* -Wl,-rpath,"$directory"
}

# two VERSION: that and the newest, in both orders; the same figures with the shim and without, and pools for both.
two() {
  command -v g++ >/dev/null || skip "g++ is not installed"
  (wheel "$1")
  [ -f "$SOURCE/.venv-pyarrow-$1/requirements.txt" ] || skip "no pyarrow $1: scripts/setup wheels was not run"
  cd "$BATS_TEST_TMPDIR" || return
  plugin ""
  plugin "$1"
  g++ -std=c++20 -O1 -o two_arrows "$BATS_TEST_DIRNAME/two_arrows.cc"
  for order in "./plugin-.so ./plugin-$1.so" "./plugin-$1.so ./plugin-.so"; do
    # shellcheck disable=SC2086 # two words
    timeout 600 ./two_arrows $order >stock
    [ "$(wc -l <stock)" -ge 36 ]
    for mode in jemalloc system; do
      # shellcheck disable=SC2086
      run -0 --separate-stderr shim ARROW_POOL=$mode ARROW_POOL_STATS=$mode.json timeout 600 ./two_arrows $order
      assert_equal "$stderr" ""
      diff stock <(echo "$output")
      run -0 json $mode.json '[name for name in ("arrow.mimalloc", "arrow.mimalloc.2", "arrow.jemalloc", "arrow.jemalloc.2", "arrow.system", "arrow.system.2") if not pool(name)["num_frees"] or pool(name)["bytes_allocated"]]'
      assert_output "[]"
    done
  done
}

@test "two versions of libarrow in one process, 23.0.1 and the newest" {
  two 23.0.1
}

@test "two versions of libarrow in one process, 10.0.1 with its old strings and the newest" {
  two 10.0.1
}
