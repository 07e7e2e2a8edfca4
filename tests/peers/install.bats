#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2153 # exports of one test; names of the helper
# Arrow's pools served since a line of the program, without anything preloaded: results, figures and outcomes are those
# without arrowpool, event for event, and with the shim. tests/python/test_install.py has the Python functions.
load ../shim/helper
load ../python/helper
load helper

# matrix VERSION BACKEND: as in matrix.bats.
matrix() {
  [[ $1 =~ ^(newest|10.0.1)$ && $2 = mimalloc ]] || need_long
  agree "$@"
}

# in_mode MODE ARGUMENT...: Python that serves Arrow's pools by itself.
in_mode() { packaged timeout 600 "$PYTHON" -m arrowpool --pool="$1" "${@:2}"; }

@test "the pool of the newest pyarrow" {
  matrix newest mimalloc
}

@test "the pool of pyarrow 10.0.1" {
  matrix 10.0.1 mimalloc
}

@test "all pools of all wheels" {
  need_long
  for version in 10.0.1 16.1.0 20.0.0 23.0.1 newest; do
    for backend in mimalloc jemalloc system; do
      (matrix $version $backend)
    done
  done
}

# suite VERSION MODULES: the wheel's own tests, of which those that are not stable are left out.
suite() {
  local tests way modules=()
  need_long
  wheel "$1"
  "$PYTHON" -c 'import pytest, hypothesis' 2>/dev/null || skip "no pytest and hypothesis in $PYTHON"
  cd "$BATS_TEST_TMPDIR" || return
  tests=$("$PYTHON" -c 'import os, pyarrow; print(os.path.dirname(pyarrow.__file__) + "/tests")')
  for way in stock auto; do
    read -ra modules <<<"$2"
    [ $way = stock ] || modules+=(-p arrowpool.auto)
    # Its status is 1 when tests fail, as some may without us; what counts is that the outcomes are the same.
    packaged ARROW_POOL=jemalloc ARROW_POOL_STATS=$way.json timeout 3600 "$PYTHON" -m pytest -q -p no:cacheprovider \
      --rootdir="$tests" --basetemp=tmp --junitxml=outcomes.xml "${modules[@]/#test_/$tests/test_}" >log 2>&1 || [ $? = 1 ] ||
      { tail -n 20 log; return 1; }
    "$PYTHON" "$BATS_TEST_DIRNAME/outcomes.py" outcomes.xml |
      grep -vF -f <(sed -n 's/^\([^# ][^ ]*\) .*/.\1 /p' "$BATS_TEST_DIRNAME/unstable.txt") >$way.txt
    rm -rf tmp
  done
  diff stock.txt auto.txt
  [ "$(wc -l <auto.txt)" -gt 100 ]
  run -0 json auto.json 'd["process"]["presence"], sum(p["num_allocations"] for p in d["pools"] if p["name"].startswith("arrow.")) > 1000'
  assert_output "('installed', True)"
}

MODULES="test_memory.py test_array.py test_io.py test_ipc.py test_csv.py test_compute.py"

@test "tests of the newest wheel with arrowpool.auto" {
  suite newest "$MODULES"
}

@test "tests of pyarrow 10.0.1 with arrowpool.auto" {
  suite 10.0.1 "$MODULES"
}

@test "tests of pyarrow 20.0.0 with arrowpool.auto" {
  suite 20.0.0 "$MODULES"
}
