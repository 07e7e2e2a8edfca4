#!/usr/bin/env bats
# The libc hook keeps to POSIX, C23 and the glibc manual, with the shim in both modes and without it.
load helper

# conforms COMMAND...: every probe, started by the command.
conforms() {
  for probe in alloc resize free; do
    run -0 "$@" "$PROBES/probe_$probe"
  done
}

@test "the probes of libc's functions hold without the shim" {
  conforms env
}

@test "libc's functions conform in system mode" {
  conforms shim ARROW_POOL=system
}

@test "libc's functions conform in jemalloc mode" {
  conforms shim ARROW_POOL=jemalloc
}

@test "aligned memory outlives threads and main, without the shim" {
  run -0 "$PROBES/probe_ends"
  assert_output "late destructor ran"
}

@test "aligned memory outlives threads and main in system mode" {
  run -0 shim ARROW_POOL=system "$PROBES/probe_ends"
  assert_output "late destructor ran"
}

@test "aligned memory outlives threads, main and the shim's own destructor in jemalloc mode" {
  dump=$BATS_TEST_TMPDIR/dump.json
  run -0 shim ARROW_POOL=jemalloc ARROW_POOL_STATS="$dump" "$PROBES/probe_ends"
  assert_output "late destructor ran"
  # What the late destructor frees was still live when the shim wrote its dump.
  run -0 json "$dump" 'pool("libc")["bytes_allocated"]'
  assert_output 300300
}

@test "the C++ operators conform without the shim" {
  [ -x "$PROBES/probe_cxx" ] || skip "built without a C++ compiler"
  run -0 "$PROBES/probe_cxx"
}

@test "the C++ operators conform in system mode" {
  [ -x "$PROBES/probe_cxx" ] || skip "built without a C++ compiler"
  run -0 shim ARROW_POOL=system "$PROBES/probe_cxx"
}

@test "the C++ operators conform in jemalloc mode, and give everything back" {
  [ -x "$PROBES/probe_cxx" ] || skip "built without a C++ compiler"
  dump=$BATS_TEST_TMPDIR/dump.json
  run -0 shim ARROW_POOL=jemalloc ARROW_POOL_STATS="$dump" "$PROBES/probe_cxx"
  run -0 json "$dump" 'pool("libc")["bytes_allocated"], pool("libc")["num_allocations"] - pool("libc")["num_frees"]'
  assert_output "(0, 0)"
}

@test "a library that allocates before the shim's constructor is served as any other" {
  run -0 "$PROBES/probe_early"
  run -0 shim ARROW_POOL=system "$PROBES/probe_early"
  run -0 shim ARROW_POOL=jemalloc ARROW_POOL_STATS="$BATS_TEST_TMPDIR/s.json" "$PROBES/probe_early"
  run -0 json "$BATS_TEST_TMPDIR/s.json" 'pool("libc")["num_allocations"], pool("libc")["num_frees"], pool("libc")["num_fallbacks"]'
  assert_output "(2, 2, 0)"
}

@test "what the loader allocates while the shim looks for the functions behind it is aligned to pages" {
  for mode in system jemalloc; do
    run -0 env LD_PRELOAD="$PROBES/libprobe_within_dlsym.so:$SHIM" ARROW_POOL=$mode "$PROBES/probe_early"
    assert_output "0 failures"
  done
}

@test "so is a library where the address space is limited" {
  ulimit -v 4000000
  run -0 shim ARROW_POOL=jemalloc "$PROBES/probe_early"
  assert_output ""
}

@test "a libc hook that is off leaves aligned memory to libc" {
  dump=$BATS_TEST_TMPDIR/dump.json
  run -0 shim ARROW_POOL=jemalloc ARROW_POOL_HOOKS=arrow_mi ARROW_POOL_STATS="$dump" ARROW_POOL_STATS_IDLE=1 \
    "$PROBES/probe_ends"
  run -0 json "$dump" 'd["pools"]'
  assert_output "[]"
}

@test "requests that cannot be met are counted as failed in both modes" {
  for mode in system jemalloc; do
    dump=$BATS_TEST_TMPDIR/$mode.json
    run -0 shim ARROW_POOL=$mode ARROW_POOL_STATS="$dump" "$PROBES/probe_exit" too-large
    run -0 json "$dump" 'pool("libc")["num_failed"]'
    assert_output 3
  done
}
