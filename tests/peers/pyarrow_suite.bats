#!/usr/bin/env bats
# The tests that pyarrow's wheel brings along have the same outcomes with the shim, one by one. In the long form
# it is the whole suite of the newest, and a good part of that of the older ones.
load ../shim/helper
load helper

# outcomes NAME VERSION MODULES [NAME=VALUE]...: run these tests, leave NAME.txt. Modules: names, or all.
outcomes() {
  local name=$1 modules=$3
  wheel "$2"
  shift 3
  mkdir -p "$BATS_FILE_TMPDIR/$name"
  cd "$BATS_FILE_TMPDIR/$name" || return
  tests=$("$PYTHON" -c 'import os, pyarrow; print(os.path.dirname(pyarrow.__file__) + "/tests")')
  if [ "$modules" = all ]; then
    modules=$tests
  else
    # shellcheck disable=SC2086 # several names
    modules=$(printf "$tests/%s " $modules)
  fi
  # Its status is 1 when tests fail, as some may without us; what counts is that the outcomes are the same.
  # shellcheck disable=SC2086 # several paths
  env "$@" timeout 3600 "$PYTHON" -m pytest -q -p no:cacheprovider --basetemp=tmp --junitxml=outcomes.xml \
    $modules >log 2>&1 || [ $? = 1 ] || { tail -n 20 log; return 1; }
  "$PYTHON" "$BATS_TEST_DIRNAME/outcomes.py" outcomes.xml | leave_out >"../$name.txt"
  rm -rf tmp
}

# What two runs without the shim do not agree on, which unstable.txt lists with the reason.
leave_out() {
  grep -vF -f <(sed -n 's/^\([^# ][^ ]*\) .*/.\1 /p' "$BATS_TEST_DIRNAME/unstable.txt")
}

SOME="test_memory.py test_array.py test_io.py test_ipc.py test_csv.py"
MANY="$SOME test_table.py test_compute.py parquet"

setup_file() {
  "$PYTHON" -c 'import pytest, hypothesis' 2>/dev/null || skip "no pytest and hypothesis in $PYTHON"
  outcomes stock newest "$SOME"
}

@test "in jemalloc mode" {
  outcomes jemalloc newest "$SOME" LD_PRELOAD="$SHIM" ARROW_POOL=jemalloc
  diff ../stock.txt ../jemalloc.txt
}

@test "in system mode" {
  outcomes system newest "$SOME" LD_PRELOAD="$SHIM" ARROW_POOL=system
  diff ../stock.txt ../system.txt
}

# both_modes VERSION MODULES: without the shim, and in both modes; where there is a difference once more without it, which
# shows whether that means something.
both_modes() {
  need_long
  wheel "$1"
  outcomes "$1-stock" "$@" &
  outcomes "$1-jemalloc" "$@" LD_PRELOAD="$SHIM" ARROW_POOL=jemalloc
  wait $!
  outcomes "$1-system" "$@" LD_PRELOAD="$SHIM" ARROW_POOL=system
  same=0
  diff "../$1-stock.txt" "../$1-jemalloc.txt" && diff "../$1-stock.txt" "../$1-system.txt" || same=$?
  [ $same = 0 ] && return
  outcomes "$1-again" "$@"
  diff "../$1-stock.txt" "../$1-again.txt" || fail "unstable without the shim: belongs into unstable.txt"
  return 1
}

@test "the whole suite of the newest pyarrow, in both modes" {
  both_modes newest all
}

@test "most of the suite of pyarrow 10.0.1, in both modes" {
  both_modes 10.0.1 "$MANY"
}

@test "most of the suite of pyarrow 16.1.0, in both modes" {
  both_modes 16.1.0 "$MANY"
}

@test "most of the suite of pyarrow 20.0.0, in both modes" {
  both_modes 20.0.0 "$MANY"
}

@test "most of the suite of pyarrow 23.0.1, in both modes" {
  both_modes 23.0.1 "$MANY"
}
