#!/usr/bin/env bats
# The tests that pyarrow's wheel brings along have the same outcomes with the shim, one by one.
load ../shim/helper
load helper

# outcomes NAME [NAME=VALUE]...: run them, leave NAME.txt.
outcomes() {
  local name=$1
  shift
  cd "$BATS_FILE_TMPDIR" || return
  tests=$("$PYTHON" -c 'import os, pyarrow; print(os.path.dirname(pyarrow.__file__) + "/tests")')
  # Its status is 1 when tests fail, as some may without us; what counts is that the outcomes are the same.
  env "$@" "$PYTHON" -m pytest -q -p no:cacheprovider --junitxml="$name.xml" \
    "$tests"/test_{memory,array,io,ipc,csv}.py >"$name.log" 2>&1 || [ $? = 1 ]
  "$PYTHON" "$BATS_TEST_DIRNAME/outcomes.py" "$name.xml" >"$name.txt"
}

setup_file() {
  "$PYTHON" -c 'import pytest, hypothesis' 2>/dev/null || skip "no pytest and hypothesis in $PYTHON"
  outcomes stock
}

@test "in jemalloc mode" {
  outcomes jemalloc LD_PRELOAD="$SHIM" ARROW_POOL=jemalloc
  diff stock.txt jemalloc.txt
}

@test "in system mode" {
  outcomes system LD_PRELOAD="$SHIM" ARROW_POOL=system
  diff stock.txt system.txt
}
