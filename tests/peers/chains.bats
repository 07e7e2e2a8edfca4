#!/usr/bin/env bats
# pyarrow under the shim in chains with other allocators: the same results as without, and the same figures in
# every chain.
load ../shim/helper
load helper

TCMALLOC=libtcmalloc_minimal.so.4
MIMALLOC=$(preloadable libmimalloc.so.{3,2.0})
JEMALLOC=libjemalloc.so.2
ASAN=$(preloadable libasan.so.{8,6})

# What callers asked for; not how an allocator served it. The peak is left out: Arrow's input and output have a
# thread of their own.
FIGURES='next({n: p[n] for n in ("bytes_allocated", "total_bytes_allocated", "num_allocations",
  "num_reallocations", "num_frees", "num_failed", "size_histogram")} for p in d["pools"]
  if p["name"].startswith("arrow.") and p["num_allocations"])'
SUM='all(p["reallocs_in_place"] + p["reallocs_remapped"] + p["reallocs_copied"] == p["num_reallocations"]
  for p in d["pools"] if p["name"].startswith("arrow."))'

setup_file() {
  export EXPECTED_RESULT EXPECTED_FIGURES=$BATS_FILE_TMPDIR/figures
  EXPECTED_RESULT=$("$PYTHON" "$BATS_TEST_DIRNAME/chains.py" "$BATS_FILE_TMPDIR")
  env LD_PRELOAD="$SHIM" ARROW_POOL_STATS="$BATS_FILE_TMPDIR/s.json" \
    "$PYTHON" "$BATS_TEST_DIRNAME/chains.py" "$BATS_FILE_TMPDIR"
  json "$BATS_FILE_TMPDIR/s.json" "$FIGURES" >"$EXPECTED_FIGURES"
}

# chain LD_PRELOAD [NAME=VALUE]...: both modes.
chain() {
  local preload=$1 library
  shift
  for library in ${preload//:/ }; do
    LD_PRELOAD=$library true 2>&1 | grep -q 'cannot be preloaded' && skip "$library is not installed"
  done
  for mode in system jemalloc; do
    local dump=$BATS_TEST_TMPDIR/$mode.json
    run -0 env LD_PRELOAD="$preload" ARROW_POOL=$mode ARROW_POOL_STATS="$dump" "$@" \
      "$PYTHON" "$BATS_TEST_DIRNAME/chains.py" "$BATS_TEST_TMPDIR"
    assert_output "$EXPECTED_RESULT"
    json "$dump" "$FIGURES" | diff "$EXPECTED_FIGURES" -
    run -0 json "$dump" "$SUM"
    assert_output True
  done
}

@test "glibc behind the shim" { chain "$SHIM"; }
@test "tcmalloc behind the shim" { chain "$SHIM:$TCMALLOC"; }
@test "tcmalloc before the shim" { chain "$TCMALLOC:$SHIM"; }
@test "mimalloc behind the shim" { chain "$SHIM:$MIMALLOC"; }
@test "mimalloc before the shim" { chain "$MIMALLOC:$SHIM"; }
@test "a system-wide jemalloc behind the shim" { chain "$SHIM:$JEMALLOC"; }
@test "a system-wide jemalloc before the shim" { chain "$JEMALLOC:$SHIM"; }
@test "glibc without its thread caches" { chain "$SHIM" GLIBC_TUNABLES=glibc.malloc.tcache_count=0; }
@test "glibc with huge pages" { chain "$SHIM" GLIBC_TUNABLES=glibc.malloc.hugetlb=1; }
@test "glibc that fills what it hands out" { chain "$SHIM" GLIBC_TUNABLES=glibc.malloc.perturb=165; }
@test "AddressSanitizer before the shim" { chain "$ASAN:$SHIM" ASAN_OPTIONS=detect_leaks=0; }

@test "AddressSanitizer behind the shim refuses" {
  LD_PRELOAD=$ASAN true 2>&1 | grep -q 'cannot be preloaded' && skip "$ASAN is not installed"
  run -1 env LD_PRELOAD="$SHIM:$ASAN" "$PYTHON" -c pass
  assert_output --partial "ASan runtime does not come first in initial library list"
}

@test "AddressSanitizer before the shim sees the bounds of Arrow's buffers, in system mode" {
  LD_PRELOAD=$ASAN true 2>&1 | grep -q 'cannot be preloaded' && skip "$ASAN is not installed"
  run env LD_PRELOAD="$ASAN:$SHIM" ASAN_OPTIONS=detect_leaks=0 "$PYTHON" -c '
import ctypes, pyarrow as pa
buffer = pa.allocate_buffer(1000)
ctypes.memset(buffer.address, 1, buffer.size + 200)'
  assert_equal "$status" 1
  assert_output --partial "AddressSanitizer: heap-buffer-overflow"
  assert_output --partial "posix_memalign"
}

@test "a growth for which glibc moves the pages counts as that, and holds no second copy" {
  dump=$BATS_TEST_TMPDIR/dump.json
  run -0 shim ARROW_POOL=system ARROW_POOL_STATS="$dump" "$PYTHON" -c '
import pyarrow as pa
MIB = 1 << 20
buffer = pa.allocate_buffer(256 * MIB, resizable=True)
memoryview(buffer).cast("B")[::4096] = bytes(256 * MIB // 4096 * [7])
before = buffer.address
buffer.resize(1024 * MIB)
assert buffer.address != before and memoryview(buffer).cast("B")[256 * MIB - 4096] == 7
peak = [int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")][0] >> 10
print("moved" if peak < 450 else peak)'
  assert_output moved
  run -0 json "$dump" '[pool("arrow.mimalloc")[n] for n in ("reallocs_in_place", "reallocs_remapped", "reallocs_copied")]'
  assert_output "[0, 1, 0]"
}

@test "the same chains with older pyarrow" {
  need_long
  local found=
  for python in "$SOURCE"/.venv-pyarrow-*/bin/python; do
    [ -x "$python" ] || continue
    found=1
    PYTHON=$python
    setup_file
    for preload in "$SHIM" "$SHIM:$TCMALLOC" "$TCMALLOC:$SHIM" "$SHIM:$MIMALLOC" "$MIMALLOC:$SHIM" \
      "$SHIM:$JEMALLOC" "$JEMALLOC:$SHIM"; do
      chain "$preload"
    done
  done
  [ -n "$found" ] || skip "no .venv-pyarrow-* here"
}
