#!/usr/bin/env bats
# shellcheck disable=SC2154 # bats or the helper sets these
# What a program sees of Arrow's pools is what it would see without the shim: names, figures, errors to the letter,
# pools that wrap another, debug pools, children.
load ../shim/helper
load helper

# view VERSION
view() {
  wheel "$1"
  cd "$BATS_TEST_TMPDIR" || return
  timeout 600 "$PYTHON" "$BATS_TEST_DIRNAME/arrow_view.py" >stock 2>/dev/null
  for mode in jemalloc system; do
    shim ARROW_POOL=$mode timeout 600 "$PYTHON" "$BATS_TEST_DIRNAME/arrow_view.py" >$mode 2>/dev/null
    diff stock $mode
  done
  grep -q '^ArrowMemoryError' stock
}

# debug VERSION: the debug pools stay Arrow's own, which is said once; but what they take of mimalloc is ours where
# libarrow exports it (25 and newer), which is said as well.
debug() {
  local line="arrowpool: a pool of Arrow's stays as it is: it is Arrow's debug pool (ARROW_DEBUG_MEMORY_POOL)"
  local served="[]"
  wheel "$1"
  if [ "$1" = newest ]; then
    line+="; its mimalloc is served by the arrow_mi hook"
    served="[('arrow_mi', 'MODE', True, True)]"
  fi
  cd "$BATS_TEST_TMPDIR" || return
  program='import pyarrow as pa
kept = [pa.allocate_buffer(size, resizable=True) for size in (0, 1, 1000, 100_000)]
for buffer in kept: buffer.resize(300_000)
print(pa.default_memory_pool().backend_name, pa.total_allocated_bytes(), sum(pa.array(range(1000)).to_pylist()))'
  for how in abort warn trap; do
    export ARROW_DEBUG_MEMORY_POOL=$how
    run -0 --separate-stderr timeout 600 "$PYTHON" -c "$program"
    stock=$output
    assert_equal "$stderr" ""
    for mode in jemalloc system; do
      run -0 --separate-stderr shim ARROW_POOL=$mode ARROW_POOL_STATS="$mode.%e.json" ARROW_POOL_STATS_IDLE=1 \
        timeout 600 "$PYTHON" -c "$program"
      assert_output "$stock"
      assert_equal "$stderr" "$line"
      run -0 json "$(echo $mode.python*.json)" '[(p["name"], p["backend"], p["num_allocations"] >= 4, p["num_reallocations"] >= 3) for p in d["pools"] if p["name"].startswith("arrow") and p["total_bytes_allocated"]]'
      assert_output "${served/MODE/$mode}"
    done
  done
}

@test "what a program sees, in pyarrow 10.0.1" {
  view 10.0.1
}

@test "debug pools, in pyarrow 10.0.1" {
  debug 10.0.1
}

@test "release_unused gives idle memory back, in pyarrow 10.0.1" {
  wheel 10.0.1
  shim ARROW_POOL=jemalloc ARROW_POOL_DECAY=never timeout 600 "$PYTHON" "$BATS_TEST_DIRNAME/release.py"
}

@test "what a program sees, in pyarrow 16.1.0" {
  view 16.1.0
}

@test "debug pools, in pyarrow 16.1.0" {
  debug 16.1.0
}

@test "release_unused gives idle memory back, in pyarrow 16.1.0" {
  wheel 16.1.0
  shim ARROW_POOL=jemalloc ARROW_POOL_DECAY=never timeout 600 "$PYTHON" "$BATS_TEST_DIRNAME/release.py"
}

@test "what a program sees, in pyarrow 20.0.0" {
  view 20.0.0
}

@test "debug pools, in pyarrow 20.0.0" {
  debug 20.0.0
}

@test "release_unused gives idle memory back, in pyarrow 20.0.0" {
  wheel 20.0.0
  shim ARROW_POOL=jemalloc ARROW_POOL_DECAY=never timeout 600 "$PYTHON" "$BATS_TEST_DIRNAME/release.py"
}

@test "what a program sees, in pyarrow 23.0.1" {
  view 23.0.1
}

@test "debug pools, in pyarrow 23.0.1" {
  debug 23.0.1
}

@test "release_unused gives idle memory back, in pyarrow 23.0.1" {
  wheel 23.0.1
  shim ARROW_POOL=jemalloc ARROW_POOL_DECAY=never timeout 600 "$PYTHON" "$BATS_TEST_DIRNAME/release.py"
}

@test "what a program sees, in the newest pyarrow" {
  view newest
}

@test "debug pools, in the newest pyarrow" {
  debug newest
}

@test "release_unused gives idle memory back, in the newest pyarrow" {
  wheel newest
  shim ARROW_POOL=jemalloc ARROW_POOL_DECAY=never timeout 600 "$PYTHON" "$BATS_TEST_DIRNAME/release.py"
}
