#!/usr/bin/env bats
# shellcheck disable=SC2154 # bats or the helper sets these
# What measures ordinary work of pyarrow: the driver's ways, with little data. No time that it measures is looked at.
load ../shim/helper
load helper

# bench ARGUMENT...: the driver, on a thousandth of the data.
bench() {
  ARROWPOOL_BUILD=$BUILD ARROWPOOL_PYTHON=${DRIVEN_PYTHON-$PYTHON} python3 "$SOURCE/tests/bench/driver.py" \
    --part work --scale 0.001 --folder "$BATS_FILE_TMPDIR" "$@"
}

# results EXPRESSION: evaluate Python on the figures of the last run.
results() {
  json "$BATS_FILE_TMPDIR/results.json" "$1"
}

# a_python_that COMMAND: a Python whose output goes through the command where the shim is preloaded.
# shellcheck disable=SC2016 # it is the script that expands
a_python_that() {
  DRIVEN_PYTHON=$BATS_TEST_TMPDIR/python
  printf '#!/bin/sh\nif [ -z "$LD_PRELOAD" ]; then exec "%s" "$@"; fi\n"%s" "$@" | %s\n' "$PYTHON" "$PYTHON" "$1" \
    >"$DRIVEN_PYTHON"
  chmod +x "$DRIVEN_PYTHON"
}

# Where a test fails, what the driver said is shown.
teardown() {
  echo "${stderr-}"
}

setup() {
  [ -x "$BUILD/tests/bench/bench_warm" ] || skip "the benchmarks were not built"
}

@test "a workload is measured with stock pyarrow and with arrowpool, and compared" {
  run -0 --separate-stderr bench --quick --only '^csv_ints/'
  # shellcheck disable=SC2016 # as it is in the table
  assert_line --regexp '^\| `csv_ints`: read_csv, 8 columns of integers \|( [0-9.,*]+( [0-9.,*]+)? \|){9}$'
  assert_line --regexp '^\| \*\*all 1\*\*: sum of times and faults, mean of memory \|( [0-9.,*]+( [0-9.,*]+)? \|){9}$'
  assert_line --partial '| work: wall, × stock, in every workload | ≤ 1.02 |  | not measured |'
  run -0 results '[(c["key"], len(c["runs"])) for c in d["cells"]]'
  assert_output "[(['csv_ints', 'arrowpool', 'warm'], 2), (['csv_ints', 'mimalloc', 'warm'], 2)]"
  run -0 results '[(run["digest"]["rows"], "rss_live_mib" in run, "rss_freed_mib" in run)
    for c in d["cells"] for run in c["runs"]]'
  assert_output "[(12000, True, True), (12000, False, False), (12000, True, True), (12000, False, False)]"
}

@test "every peer that is installed is measured, and another build beside ours" {
  run -0 --separate-stderr bench --repeats 1 --no-settle --only '^csv_ints/' --against "$BUILD"
  assert_line --index "$((${#lines[@]} - 1))" --regexp '^\| csv_ints \|( [0-9.]+ \|){5}'
  run -0 results '[c["key"][1] for c in d["cells"]][:4], len(d["cells"]) + len(d["skipped"])'
  assert_output "(['arrowpool', 'against', 'arrowpool-system', 'mimalloc'], 9)"
}

@test "the data is made once" {
  run -0 bench --quick --repeats 1 --no-settle --only '^csv_ints/mimalloc'
  before=$(stat -c '%i %Y' "$BATS_FILE_TMPDIR"/data-0.001/{complete,ints.csv})
  run -0 bench --quick --repeats 1 --no-settle --only '^csv_ints/mimalloc'
  assert_equal "$(stat -c '%i %Y' "$BATS_FILE_TMPDIR"/data-0.001/{complete,ints.csv})" "$before"
  echo "something else" >"$BATS_FILE_TMPDIR/data-0.001/complete"
  run -0 bench --quick --repeats 1 --no-settle --only '^csv_ints/mimalloc'
  run grep -c '^scale 0.001, ' "$BATS_FILE_TMPDIR/data-0.001/complete"
  assert_output 1
}

@test "pools whose results differ fail the run, and it is said in one line" {
  a_python_that 'sed "s/\"rows\": /\"rows\": 7/"'
  run -1 --separate-stderr bench --quick --repeats 1 --no-settle --only '^csv_ints/'
  run grep '^FAILED' <<<"$stderr"
  assert_output --regexp '^FAILED: csv_ints/[a-z]+: another result than with [a-z]+: rows 7?12000 instead of 7?12000$'
}

@test "a run that the shim did not serve fails" {
  a_python_that 'sed "s/\"served_bytes\": [0-9]*/\"served_bytes\": null/"'
  run -1 --separate-stderr bench --quick --repeats 1 --no-settle --only '^csv_ints/'
  run grep '^FAILED' <<<"$stderr"
  assert_output 'FAILED: csv_ints/arrowpool: not served by the pool that was asked for'
}

# others DOCUMENT: all that is not generated for ordinary work.
others() {
  sed '/<!-- work -->/,/<!-- \/work -->/d; /<!-- work missed -->/,/<!-- \/work missed -->/d' "$1"
}

@test "the tables go between the document's markers, and nothing else of it is changed" {
  cp "$SOURCE/docs/use/performance.md" "$BATS_TEST_TMPDIR/page.md"
  run -0 bench --quick --repeats 1 --no-settle --only '^csv_ints/' --docs "$BATS_TEST_TMPDIR/page.md"
  run -0 sed -n '/<!-- work -->/,/<!-- \/work -->/p' "$BATS_TEST_TMPDIR/page.md"
  # shellcheck disable=SC2016 # as it is in the table
  assert_line --partial '| `csv_ints`: read_csv, 8 columns of integers |'
  diff <(others "$SOURCE/docs/use/performance.md") <(others "$BATS_TEST_TMPDIR/page.md")
}

@test "the plan has the workloads that there are" {
  run -0 diff <("$PYTHON" "$SOURCE/tests/bench/work_bench.py" list | sort) \
    <(cd "$SOURCE/tests/bench" && python3 -c 'import plan_work; print("\n".join(plan_work.TITLES))' | sort)
}

@test "all workloads have the same result with stock pyarrow and with arrowpool" {
  need_long
  run -0 bench --quick --repeats 1 --no-settle
  run -0 results 'len(d["cells"]), d["failed"]'
  assert_output "(64, [])"
}

# profilers ARGUMENT...: the comparison of profilers, once each, on a fifth of a program; document.md gets the table.
profilers() {
  printf 'before\n<!-- profilers -->\nold\n<!-- /profilers -->\nafter\n' >document.md
  ARROWPOOL_BUILD=$BUILD ARROWPOOL_PYTHON=$PYTHON python3 "$SOURCE/tests/bench/profilers.py" --rounds 1 --scale 0.2 \
    --docs document.md "$@"
}

@test "profilers are compared: ours has its three lines, and the document its table" {
  cd "$BATS_TEST_TMPDIR" || return
  profilers --only "^arrowpool's profile"
  assert_equal "$(head -n 2 document.md) $(tail -n 2 document.md)" "before
<!-- profilers --> <!-- /profilers -->
after"
  refute grep -q '^old' document.md
  # Each of the three lines has bytes, and all of the stream's: they are in one buffer, which is seen for certain.
  run -0 grep -E "^\| arrowpool's profile \| [0-9.]+ \| [0-9.]+ \| (12|16)\.0 \| [0-9]+% \|" document.md
  refute_output --regexp '\| (0\.0|-) \|'
}

@test "each other profiler that is here is compared" {
  cd "$BATS_TEST_TMPDIR" || return
  profilers --only '^(memray|heaptrack|jemalloc|tcmalloc)'
  for tool in memray heaptrack jemalloc tcmalloc; do
    grep -qE "^(\| $tool|Not measured.*$tool)" document.md
  done
}
