#!/usr/bin/env bats
# Threads that allocate, resize and free at once: contents, alignments and figures hold.
load helper

@test "the probe of threads holds without the shim" {
  run -0 "$PROBES/probe_threads"
}

@test "buffers of many threads keep contents in system mode" {
  run -0 shim ARROW_POOL=system "$PROBES/probe_threads"
}

@test "buffers of many threads keep contents and alignment in jemalloc mode" {
  run -0 shim ARROW_POOL=jemalloc "$PROBES/probe_threads" ours
}

@test "live bytes are exact when many threads allocated, in jemalloc mode" {
  dump=$BATS_TEST_TMPDIR/s.json
  run --separate-stderr shim ARROW_POOL=jemalloc ARROW_POOL_STATS="$dump" "$PROBES/probe_threads"
  live=$output
  run -0 json "$dump" 'pool("libc")["bytes_allocated"]'
  assert_output "$live"
}
