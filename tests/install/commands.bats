#!/usr/bin/env bats
# shellcheck disable=SC2154 # bats or the helper sets these
# The commands that the pages show are commands that work.
load ../shim/helper

@test "each command of the README and of the pages runs as it is shown" {
  "$PYTHON" -c 'import pyarrow' 2>/dev/null || skip "no pyarrow in $PYTHON"
  [ -d "$BUILD/python/arrowpool" ] || skip "Python's headers were not there when the package was to be built"
  command -v gnuplot >/dev/null || skip "gnuplot is not installed"
  mkdir "$BATS_TEST_TMPDIR/place"
  cd "$SOURCE" || return
  run --separate-stderr env PYTHONPATH="$BUILD/python" PYTHONDONTWRITEBYTECODE=1 timeout 250 "$PYTHON" \
    tests/install/commands.py "$BATS_TEST_TMPDIR/place" "$CLI" "$SHIM" README.md docs/README.md docs/use/*.md
  assert_equal "$status" 0
  assert_regex "$output" '^[0-9]+ commands$'
  [ "${output% commands}" -ge 50 ]
}

@test "a command that is wrong is found" {
  mkdir "$BATS_TEST_TMPDIR/place"
  printf '%s\n' "    arrowpool run --stat=stderr -- python3 etl.py" "    arrowpool top --once \\" "      --sort=size /run/pools" \
    >"$BATS_TEST_TMPDIR/page.md"
  run --separate-stderr env PYTHONPATH="$BUILD/python" "$PYTHON" "$BATS_TEST_DIRNAME/commands.py" "$BATS_TEST_TMPDIR/place" \
    "$CLI" "$SHIM" "$BATS_TEST_TMPDIR/page.md"
  assert_equal "$status" 1
  assert_line --index 0 --regexp "page.md:1: arrowpool run --stat=stderr"
  assert_output --partial "page.md:2: arrowpool top --once"
  assert_line --index -1 "2 commands"
}
