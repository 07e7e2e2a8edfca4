#!/usr/bin/env bats
# The main job: a stock pyarrow's default pool, rerouted and counted by environment variables alone.
load ../shim/helper
load helper

JOB='import pyarrow as pa
b = pa.allocate_buffer(64, resizable=True)
[b.resize(1 << k) for k in range(10, 28)]
assert pa.default_memory_pool().backend_name == "mimalloc"'

# job [NAME=VALUE]...: leaves the dump in $dump.
job() {
  run -0 shim ARROW_POOL_STATS="$BATS_TEST_TMPDIR/s.%p.json" "$@" "$PYTHON" -c "$JOB"
  assert_output ""
  dump=$(echo "$BATS_TEST_TMPDIR"/s.*.json)
  assert [ -f "$dump" ]
}

assert_pool() {
  run -0 json "$dump" 'pool("arrow.mimalloc")["backend"], pool("arrow.mimalloc")["num_reallocations"] >= 15, pool("arrow.mimalloc")["num_failed"]'
  assert_output "('$1', True, 0)"
}

@test "with ARROW_POOL=jemalloc pyarrow's buffers grow in our jemalloc" {
  job ARROW_POOL=jemalloc
  assert_pool jemalloc
}

@test "there large buffers grow in place" {
  job ARROW_POOL=jemalloc
  # From 64 KiB to 128 MiB: the last of these growths moves nothing.
  run -0 json "$dump" 'pool("arrow.mimalloc")["reallocs_in_place"] >= 1'
  assert_output True
}

@test "with ARROW_POOL=system pyarrow's buffers come from libc, counted" {
  job ARROW_POOL=system
  assert_pool system
}

@test "system is also what an unset ARROW_POOL means" {
  job
  assert_pool system
}

@test "with Arrow's hooks shut pyarrow keeps its own mimalloc" {
  run -0 shim ARROW_POOL=jemalloc ARROW_POOL_HOOKS=libc ARROW_POOL_STATS_IDLE=1 \
    ARROW_POOL_STATS="$BATS_TEST_TMPDIR/s.json" "$PYTHON" -c "$JOB; assert pa.total_allocated_bytes() >= 1 << 27
pa.default_memory_pool().release_unused()"
  assert_output ""
  run -0 json "$BATS_TEST_TMPDIR/s.json" '[p["name"] for p in d["pools"] if p["name"].startswith("arrow")]'
  assert_output "[]"
}

@test "pyarrow's system pool comes by the libc hook, if that of its pools is shut" {
  run -0 shim ARROW_POOL=jemalloc ARROW_POOL_HOOKS=libc,arrow_mi ARROW_POOL_STATS="$BATS_TEST_TMPDIR/s.json" "$PYTHON" -c '
import pyarrow as pa
pool = pa.system_memory_pool()
buffers = [pa.allocate_buffer(1_000_000, memory_pool=pool) for _ in range(3)]
buffers.pop()
assert pool.bytes_allocated() == 2_000_000
import os; os._exit(0)'
  run -0 json "$BATS_TEST_TMPDIR/s.json" 'pool("libc")["bytes_allocated"] >= 2_000_000, [b["count"] for b in pool("libc")["size_histogram"] if b["from_bytes"] == 524288]'
  assert_output "(True, [3])"
}

@test "a request that cannot be met is pyarrow's own MemoryError, and counted" {
  for mode in jemalloc system; do
    run -0 shim ARROW_POOL=$mode ARROW_POOL_STATS="$BATS_TEST_TMPDIR/$mode.json" "$PYTHON" -c '
import pyarrow as pa
buffer = pa.allocate_buffer(128_000, resizable=True)
for size in (1 << 60, (1 << 63) - 64):
    for ask in (pa.allocate_buffer, buffer.resize):
        try:
            ask(size)
        except pa.ArrowMemoryError:
            print("refused")
assert buffer.size == 128_000 == pa.total_allocated_bytes()'
    assert_equal "${#lines[@]}" 4
    run -0 json "$BATS_TEST_TMPDIR/$mode.json" 'pool("arrow.mimalloc")["num_failed"]'
    assert_output 4
  done
}
