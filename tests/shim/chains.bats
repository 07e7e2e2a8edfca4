#!/usr/bin/env bats
# Other allocators behind the shim and before it: libc's functions still conform, but for what each allocator is
# known for by itself (probe_libc.h). First the allocator alone, so that its list there stays true.
load helper
MIMALLOC=$(preloadable libmimalloc.so.{3,2.0}) ASAN=$(preloadable libasan.so.{8,6})

# needs LIBRARY: skip where it is not installed. By env, since the shell's own true starts no program.
needs() {
  need_hardware "$1 is this machine's"
  env LD_PRELOAD="$1" true 2>&1 | grep -q 'cannot be preloaded' && skip "$1 is not installed"
  return 0
}

# conforms ALLOCATOR LD_PRELOAD [NAME=VALUE]...
conforms() {
  local allocator=$1 preload=$2
  shift 2
  for probe in alloc resize free; do
    run -0 env LD_PRELOAD="$preload" "$@" "$PROBES/probe_$probe" "$allocator"
  done
  run -0 env LD_PRELOAD="$preload" "$@" "$PROBES/probe_ends"
  assert_output "late destructor ran"
  [ ! -x "$PROBES/probe_cxx" ] || run -0 env LD_PRELOAD="$preload" "$@" "$PROBES/probe_cxx" "$allocator"
}

# alone ALLOCATOR LIBRARY: it needs each difference that is allowed it. Other versions may not.
alone() {
  local exact=alone
  needs "$2"
  grep -q '^VERSION_ID="12"' /etc/os-release || exact=
  for probe in alloc resize free; do
    run -0 env LD_PRELOAD="$2" "$PROBES/probe_$probe" "$1" $exact
  done
}

# behind ALLOCATOR LIBRARY and before ALLOCATOR LIBRARY
behind() {
  needs "$2"
  for mode in system jemalloc; do
    conforms "$1" "$SHIM:$2" ARROW_POOL=$mode
  done
}
before() {
  needs "$2"
  for mode in system jemalloc; do
    conforms "$1" "$2:$SHIM" ARROW_POOL=$mode
  done
}

@test "tcmalloc alone differs where the table says" { alone tcmalloc libtcmalloc_minimal.so.4; }
@test "tcmalloc behind the shim" { behind tcmalloc libtcmalloc_minimal.so.4; }
@test "tcmalloc before the shim" { before tcmalloc libtcmalloc_minimal.so.4; }

@test "mimalloc alone differs where the table says" { alone mimalloc "$MIMALLOC"; }
@test "mimalloc behind the shim" { behind mimalloc "$MIMALLOC"; }
@test "mimalloc before the shim" { before mimalloc "$MIMALLOC"; }

@test "a system-wide jemalloc alone differs where the table says" { alone jemalloc libjemalloc.so.2; }
@test "a system-wide jemalloc behind the shim" { behind jemalloc libjemalloc.so.2; }
@test "a system-wide jemalloc before the shim" { before jemalloc libjemalloc.so.2; }

checking_conforms() {
  local probe
  for probe in alloc resize free; do
    env LD_PRELOAD=libc_malloc_debug.so.0 GLIBC_TUNABLES=glibc.malloc.check=3 "$PROBES/probe_$probe" malloc_debug \
      >/dev/null 2>&1 || return
  done
}

@test "glibc's checking malloc alone differs where the table says" { alone malloc_debug libc_malloc_debug.so.0; }

@test "glibc's checking malloc behind the shim and before it, checking and not" {
  needs libc_malloc_debug.so.0
  for check in 0 3; do
    for preload in "$SHIM:libc_malloc_debug.so.0" "libc_malloc_debug.so.0:$SHIM"; do
      for mode in system jemalloc; do
        # What does not check passes on to the malloc that the other tests are about. What checks has to conform by
        # itself: glibc 2.41's sets errno where it succeeds.
        [ $check = 0 ] || ! checking_conforms ||
          conforms malloc_debug "$preload" ARROW_POOL=$mode GLIBC_TUNABLES=glibc.malloc.check=$check
        run -0 env LD_PRELOAD="$preload" ARROW_POOL=$mode GLIBC_TUNABLES=glibc.malloc.check=$check \
          "$PROBES/probe_chain" grow
        assert_output "grown"
      done
    done
  done
}

@test "glibc with its tunables behind the shim" {
  for tunable in tcache_count=0 hugetlb=1 perturb=165; do
    for mode in system jemalloc; do
      conforms glibc "$SHIM" ARROW_POOL=$mode GLIBC_TUNABLES=glibc.malloc.$tunable
    done
  done
}

@test "AddressSanitizer behind the shim refuses, and says what to do" {
  needs "$ASAN"
  run -1 env LD_PRELOAD="$SHIM:$ASAN" "$PROBES/probe_ends"
  assert_output --partial "ASan runtime does not come first in initial library list; you should either link runtime to your application or manually preload it with LD_PRELOAD."
}

@test "AddressSanitizer before the shim keeps aligned memory, and still finds errors in it" {
  needs "$ASAN"
  for mode in system jemalloc; do
    run -0 env LD_PRELOAD="$ASAN:$SHIM" ARROW_POOL=$mode "$PROBES/probe_ends"
    assert_output "late destructor ran"
    run -1 env LD_PRELOAD="$ASAN:$SHIM" ARROW_POOL=$mode "$PROBES/probe_chain" twice
    assert_output --partial "AddressSanitizer: attempting double-free"
  done
}

@test "in system mode pools are served by what serves malloc, before the shim or behind it" {
  needs libtcmalloc_minimal.so.4
  for preload in "$SHIM:libtcmalloc_minimal.so.4" "libtcmalloc_minimal.so.4:$SHIM"; do
    run -0 env LD_PRELOAD="$preload" "$PROBES/probe_chain" owner
    assert_output "tcmalloc's"
  done
  run -0 shim "$PROBES/probe_chain" owner
  assert_output "not tcmalloc's"
}

@test "pools in system mode are counted once, not under libc as well" {
  dump=$BATS_TEST_TMPDIR/dump.json
  run -0 shim ARROW_POOL_STATS="$dump" "$PROBES/probe_chain" owner
  run -0 json "$dump" 'sorted((p["name"], p["num_allocations"]) for p in d["pools"])'
  assert_output "[('c:probe', 1000)]"
}

@test "what stands before the shim and replaces only some of the functions is left alone" {
  run -0 env LD_PRELOAD="$PROBES/libprobe_partial.so:$SHIM" "$PROBES/probe_chain" grow
  assert_output "grown"
}

@test "allocators that are loaded with dlopen go on under the shim" {
  local tried=0
  for name in jemalloc mimalloc tcmalloc; do
    for mode in jemalloc system; do
      run shim ARROW_POOL=$mode "$BUILD/tests/bench/bench_growth" $name churn-1
      [ "$status" != 1 ] || continue # not installed: it says so
      assert_success
      assert_output --partial '"verified":true'
      tried=$((tried + 1))
    done
  done
  [ $tried -gt 0 ] || skip "none of the allocators is installed"
}

@test "an aligned buffer that grows by realloc stays where it is" {
  dump=$BATS_TEST_TMPDIR/dump.json
  run -0 shim ARROW_POOL=jemalloc ARROW_POOL_STATS="$dump" "$TESTED_PYTHON" -I -c '
import ctypes
libc = ctypes.CDLL(None)
libc.realloc.restype, libc.realloc.argtypes = ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_size_t]
buffer = ctypes.c_void_p()
assert libc.posix_memalign(ctypes.byref(buffer), 64, 2 << 20) == 0
buffer.value = libc.realloc(buffer, 3 << 20)  # it was packed until it grew
first = buffer.value
for size in range(4, 14):
    buffer.value = libc.realloc(buffer, size << 20)
    assert buffer.value == first, size
libc.free(buffer)'
  run -0 json "$dump" 'pool("libc")["reallocs_in_place"], pool("libc")["bytes_copied"]'
  assert_output "(10, 2097152)"
}
