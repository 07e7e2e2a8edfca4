#!/usr/bin/env bats
# shellcheck disable=SC2016 # other shells and Python expand these
# Memory profilers that watch malloc see pyarrow's buffers in system mode, and do not in a stock pyarrow, which keeps
# them in an allocator of its own. docs/use/profilers.md has the same commands.
load ../shim/helper
load helper

PROGRAM=$BATS_TEST_DIRNAME/profilers.py
BUFFER=$((64 << 20)) # bytes, at its end: seen, or not; what Python takes besides is some MiB, here or elsewhere

needs() {
  command -v "$1" >/dev/null || skip "$1 is not installed"
}

# heap COMMAND...: run it, which has heaptrack in it, and print the peak of the heap in bytes.
heap() {
  local trace=$BATS_TEST_TMPDIR/trace file
  rm -f "$trace".*
  "$@" >"$BATS_TEST_TMPDIR/log" 2>&1 || return
  for file in "$trace".*; do
    heaptrack_print -f "$file" >"$BATS_TEST_TMPDIR/report" 2>/dev/null
  done
  sed -n 's/^peak heap memory consumption: //p' "$BATS_TEST_TMPDIR/report" |
    sed 's/B$//' | tr -d '\n' | numfmt --from=si
}

@test "heaptrack finds no buffer in a stock pyarrow" {
  needs heaptrack
  run -0 heap heaptrack -o "$BATS_TEST_TMPDIR/trace" "$PYTHON" "$PROGRAM"
  assert [ "$output" -lt $BUFFER ]
}

@test "heaptrack finds it in system mode, started inside arrowpool run" {
  needs heaptrack
  run -0 heap "$CLI" run --pool=system -- heaptrack -o "$BATS_TEST_TMPDIR/trace" "$PYTHON" "$PROGRAM"
  assert [ "$output" -gt $BUFFER ]
  assert [ "$output" -lt $((2 * BUFFER)) ]
  run -0 grep -A 40 '67.11M peak memory consumed' "$BATS_TEST_TMPDIR/report"
  assert_output --partial "arrow::PoolBuffer::Resize"
}

@test "heaptrack finds it in system mode with the shim in LD_PRELOAD" {
  needs heaptrack
  export LD_PRELOAD=$SHIM ARROW_POOL=system
  run -0 heap heaptrack -o "$BATS_TEST_TMPDIR/trace" "$PYTHON" "$PROGRAM"
  unset LD_PRELOAD
  assert [ "$output" -gt $BUFFER ]
}

@test "heaptrack does not see what our jemalloc serves" {
  needs heaptrack
  run -0 heap "$CLI" run --pool=jemalloc -- heaptrack -o "$BATS_TEST_TMPDIR/trace" "$PYTHON" "$PROGRAM"
  assert [ "$output" -lt $BUFFER ]
}

# memray MODE EXPRESSION: run the program (MODE: stock, system, jemalloc) and evaluate Python on its statistics,
# where top is the size by function, in MiB: of the functions that allocated most, so that others may be missing.
memray() {
  "$PYTHON" -c 'import memray' 2>/dev/null || skip "memray is not installed in $PYTHON"
  local start=(env) trace=$BATS_TEST_TMPDIR/$1
  [ "$1" = stock ] || start=(shim ARROW_POOL="$1" ARROW_POOL_STATS="$trace.dump.json")
  "${start[@]}" "$PYTHON" -m memray run -q -o "$trace.bin" "$PROGRAM" 2>/dev/null
  "$PYTHON" -m memray stats --json -o "$trace.json" "$trace.bin" >/dev/null
  "$PYTHON" -I -c '
import json, sys
d = json.load(open(sys.argv[1]))
top = {a["location"].split(":")[0]: a["size"] / 2**20 for a in d["top_allocations_by_size"]}
print(eval(sys.argv[2]))' "$trace.json" "$2"
}

@test "memray shows for a stock pyarrow what its mimalloc maps, and no growth" {
  run -0 memray stock '"grow_to_16" in top, "grow_to_64" in top, top["begin"] >= 64'
  assert_output "(False, False, True)"
}

@test "memray shows each growth in system mode" {
  # With what is our own besides, such as the page of a map (shim/ownership.h): 2 MiB with the first buffer in 256.
  run -0 memray system '64 <= top["grow_to_64"] < 128, 16 <= top["grow_to_16"] < 32, 64 < d["metadata"]["peak_memory"] / 2**20 < 128'
  assert_output "(True, True, True)"
}

@test "what memray sees in system mode the shim counts as well, once" {
  run -0 memray system 0
  run -0 json "$BATS_TEST_TMPDIR/system.dump.json" \
    'pool("arrow.mimalloc")["num_allocations"], pool("arrow.mimalloc")["total_bytes_allocated"] >> 20, [p["total_bytes_allocated"] < 1 << 20 for p in d["pools"] if p["name"] == "libc"]'
  assert_output --regexp "^\(3, 64, \[(True)?\]\)$"
}

@test "memray does not see what our jemalloc serves" {
  # What it may see is what jemalloc and our threads map for themselves, whichever step that comes with.
  run -0 memray jemalloc 'top.get("grow_to_16", 0) < 16, top.get("grow_to_64", 0) < 64, d["metadata"]["peak_memory"] / 2**20 < 64'
  assert_output "(True, True, True)"
}

# massif NAME [NAME=VALUE]...: leave the snapshots in NAME.out, often enough by bytes allocated, not by time, that no
# step of the growth falls between two of them.
massif() {
  local out=$BATS_TEST_TMPDIR/$1.out
  shift
  env "$@" valgrind --tool=massif --time-unit=B --max-snapshots=1000 --massif-out-file="$out" "$PYTHON" "$PROGRAM" >"$out.log" 2>&1
}

@test "massif shows the growth in system mode, and nothing of it in a stock pyarrow" {
  needs valgrind
  massif stock -u LD_PRELOAD &
  stock=$!
  massif system LD_PRELOAD="$SHIM" ARROW_POOL=system
  wait $stock
  run -0 bash -c 'sed -n s/^mem_heap_B=//p "$1" | sort -n | tail -1' - "$BATS_TEST_TMPDIR/stock.out"
  assert [ "$output" -lt $BUFFER ]
  run -0 bash -c 'sed -n s/^mem_heap_B=//p "$1" | sort -n | tail -1' - "$BATS_TEST_TMPDIR/system.out"
  assert [ "$output" -gt $BUFFER ]
  # The steps, in the order in which they came.
  run -0 awk -F= '/^mem_heap_B/ {
    if (step == 0 && $2 > 16 * 1048576 && $2 < 60 * 1048576) step = 1
    if (step == 1 && $2 > 64 * 1048576) step = 2
  } END { print step }' "$BATS_TEST_TMPDIR/system.out"
  assert_output 2
  run -0 grep -A 8 '67108864 .*system_' "$BATS_TEST_TMPDIR/system.out"
  assert_output --partial "arrow::PoolBuffer::Re"
}
