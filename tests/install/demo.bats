#!/usr/bin/env bats
# What scripts/demo says of figures: what changed, and when its times mean little.
bats_require_minimum_version 1.5.0
load /usr/lib/bats/bats-support/load
load /usr/lib/bats/bats-assert/load

setup() {
  SOURCE=${ARROWPOOL_SOURCE:-$BATS_TEST_DIRNAME/../..}
  cd "$BATS_TEST_TMPDIR" || return 1
  for round in 1 2 3; do
    echo 300000000 | tee stock.$round.read >shim.$round.read
    echo '{"pools": []}' >stats.$round.json
    process stock $round 0.9 0.2
    process shim $round 0.1 0.2
  done
}

# process SIDE ROUND SECONDS SECONDS-OF-WARM-UP
process() {
  echo "{\"pyarrow\": \"26\", \"backend\": \"mimalloc\", \"size\": 1073741824, \"grow_seconds\": $3, \"stream_seconds\": $3,
    \"peak_rss\": 1073741824, \"warm_seconds\": $4}" >"$1.$2.json"
}

compare() { run -0 python3 -B "$SOURCE/scripts/lib/demo.py" compare .; }

@test "the demo says by how much the medians differ, and no more where nothing speaks against them" {
  process shim 2 0.3 0.2
  compare
  assert_line --regexp '^a buffer grown to 1,024 MiB by halves \(ms\) +900 \(900-900\) +100 \(100-300\) +0\.11$'
  refute_output --partial "cold"
  refute_output --partial "overlap"
}

@test "the demo says that a machine was cold, by what a GiB of memory took between processes" {
  process stock 1 0.9 0.7
  compare
  assert_line "A GiB of memory took 200 to 700 ms to get, right before what is timed: this machine is cold or busy, and the times tell of that as well. Run it again."
}

@test "the demo says that times show no difference where processes overlap" {
  process shim 3 0.95 0.2
  compare
  assert_line "a buffer grown to 1,024 MiB by halves (ms): the processes of the two overlap, so these times show no difference."
}
