#!/usr/bin/env bats
# multiprocessing: workers compute what they should, each that used a pool leaves a dump, helpers leave none.
load ../shim/helper
load helper

# workers METHOD [NAME=VALUE]...
workers() {
  local method=$1
  shift
  mkdir "$BATS_TEST_TMPDIR/out"
  run -0 shim ARROW_POOL_STATS="$BATS_TEST_TMPDIR/out/%p.json" "$@" \
    timeout 600 "$PYTHON" "$BATS_TEST_DIRNAME/workers.py" "$method"
  printf '%s\n' "${lines[@]}" | sort >"$BATS_TEST_TMPDIR/used"
  for dump in "$BATS_TEST_TMPDIR"/out/*.json; do
    json "$dump" 'pool("arrow.mimalloc")["num_allocations"] and d["process"]["pid"]'
  done | sort >"$BATS_TEST_TMPDIR/dumped"
  diff "$BATS_TEST_TMPDIR/used" "$BATS_TEST_TMPDIR/dumped"
}

@test "forked workers, in jemalloc mode" {
  workers fork ARROW_POOL=jemalloc
}

@test "forked workers, in system mode" {
  workers fork ARROW_POOL=system
}

@test "spawned workers, in jemalloc mode" {
  workers spawn ARROW_POOL=jemalloc
}

@test "workers of a fork server, in jemalloc mode" {
  workers forkserver ARROW_POOL=jemalloc
}

@test "a forked worker knows what it inherited" {
  workers fork ARROW_POOL=jemalloc
  for pid in "${lines[@]:1}"; do
    json "$BATS_TEST_TMPDIR/out/$pid.json" 'pool("arrow.mimalloc")["inherited_bytes"] <= pool("arrow.mimalloc")["max_memory"] or exit(1)'
  done
}
