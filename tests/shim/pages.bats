#!/usr/bin/env bats
# What a program does to the pages of a large buffer ends with the buffer, as with a C library that unmaps it.

load helper

# Large buffers: below these, blocks share their pages with others.
SIZES="100000 131072 1048576 5000000 40000000"
[ "$MACHINE" = x86_64 ] || SIZES="300000 393216 1048576 5000000 40000000"

# ordinary BYTES [GROWN]: each way of altering pages leaves nothing to the next three buffers.
ordinary() {
  run -0 shim ARROW_POOL=jemalloc "$PROBES/probe_pages" "$@"
  assert_line --partial "guard:"
  refute_line --regexp ': .*(not all|written|locked|contents)'
}

@test "a buffer whose pages were changed and that is freed leaves nothing of it to the next" {
  for bytes in $SIZES; do ordinary "$bytes"; done
}

@test "a buffer whose pages were changed and that grows leaves nothing of it in its old place" {
  for bytes in $SIZES; do
    run -0 shim ARROW_POOL=jemalloc "$PROBES/probe_pages" "$bytes" 300000000
    assert_line --regexp '^read-only: ordinary ordinary ordinary$'
    refute_line --regexp ': .*(not all|written|locked|contents)'
  done
}

@test "likewise with idle pages that are given back at once, and in a debug mode" {
  ARROW_POOL_DECAY=0 ordinary 1048576
  ARROW_POOL_DEBUG=warn ordinary 1048576
}

@test "addresses that a program unmaps within its buffer stay out of others' hands" {
  run -0 shim ARROW_POOL=jemalloc "$PROBES/probe_unmap"
  assert_output "nobody got them"
}

@test "idle pages go back although a tool has frozen the program's clock" {
  need_hardware "resident memory is the emulator's"
  run -0 env LD_PRELOAD="$PROBES/libfreeze.so:$SHIM" ARROW_POOL=jemalloc "$PROBES/probe_frozen"
  assert_output "pages went back"
}
