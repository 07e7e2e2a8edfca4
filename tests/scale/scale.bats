#!/usr/bin/env bats
# shellcheck disable=SC2154 # bats or the helper sets these
# `arrowpool report` over a fleet's dumps, made from real ones: every figure, what it costs, and what other tools say of
# the same dumps.
load ../shim/helper
load ../cli/helper

SCALE=$SOURCE/tests/scale
export PYTHONDONTWRITEBYTECODE=1

setup() {
  need_pyarrow
  cd "$BATS_TEST_TMPDIR" || return
}

teardown() { rm -rf "$BATS_TEST_TMPDIR/dumps"; } # 100,000 files are not for bats to keep

# equal COUNT LAYOUT: reports of that many processes say what Python adds up.
equal() {
  run -0 "$PYTHON" "$SCALE/expected.py" "$CLI" dumps "$1" --layout "$2" --earlier 0.1
  assert_line --regexp '^by process,pool: [0-9,]+ groups: equal$'
  assert_equal "$(grep -c ': equal$' <<<"$output")" 6
}

@test "2,000 processes, a file each, some with an earlier dump: every figure of every report is exact" {
  equal 2000 files
}

@test "2,000 processes, a jsonl file for each host, likewise; DuckDB and pyarrow say the same" {
  equal 2000 jsonl
  "$PYTHON" -c 'import duckdb' 2>/dev/null || skip "no duckdb in $PYTHON"
  "$CLI" report --by=process,pool --format=jsonl dumps >report.jsonl
  "$CLI" report --format=json dumps >report.json
  run -0 "$PYTHON" "$SCALE/queries.py" report.json
  assert_output "3 pools, 5 columns: equal"
}

@test "nothing of a file is kept: memory grows by less than 100 bytes a process" {
  strace -qq -o trace true || skip "nothing can be traced here"
  run -0 "$PYTHON" "$SCALE/dumps.py" dumps 20000
  run -0 "$PYTHON" "$SCALE/held.py" "$CLI" report dumps/node-0000[0-3]
  few=$output
  run -0 "$PYTHON" "$SCALE/held.py" "$CLI" report dumps
  echo "# memory of a report: $few bytes for 2,000 processes, $output for 20,000" >&3
  assert [ $((output - few)) -lt $((18000 * 100 + (256 << 10))) ] # malloc takes its heap in steps
  run -0 "$CLI" report dumps
  assert_output --partial "20000 processes"
}

@test "100,000 processes, in files and in jsonl: every figure of every report is exact" {
  need_long
  for layout in files jsonl; do
    equal 100000 $layout
    rm -rf dumps
  done
}
