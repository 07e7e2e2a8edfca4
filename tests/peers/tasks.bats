#!/usr/bin/env bats
# shellcheck disable=SC2034,SC2154 # the helper reads or sets these, or bats
# Each task of Arrow's threads knows by whom it was given, from the first one on, in each wheel and whichever hooks are
# open (tasks.py); and what a program computes is what it computes without us.
load ../shim/helper
load helper

# knows VERSION
knows() {
  wheel "$1"
  SHIM=$PROBES/libarrowpool_preload_tasks.so
  cd "$BATS_TEST_TMPDIR" || return
  for hooks in all libc; do
    run -0 --separate-stderr shim ARROW_POOL_HOOKS=$hooks timeout "$(patience 600)" "$PYTHON" -W ignore "$BATS_TEST_DIRNAME/tasks.py"
    assert_equal "$stderr" ""
    [[ ${lines[-1]} =~ ^all\ ([1-9][0-9]+)\ ([0-9]+)$ ]] || fail "$output"
    assert_equal "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
    echo "# $1: ${BASH_REMATCH[1]} tasks" >&3
  done
}

@test "tasks know their givers, in pyarrow 10.0.1" {
  knows 10.0.1
}

@test "tasks know their givers, in pyarrow 16.1.0" {
  knows 16.1.0
}

@test "tasks know their givers, in pyarrow 20.0.0" {
  knows 20.0.0
}

@test "tasks know their givers, in pyarrow 23.0.1" {
  knows 23.0.1
}

@test "tasks know their givers, in the newest pyarrow" {
  knows newest
}

@test "results and figures are the same while tasks are watched" {
  cd "$BATS_TEST_TMPDIR" || return
  timeout 600 "$PYTHON" "$BATS_TEST_DIRNAME/matrix.py" >stock
  SHIM=$PROBES/libarrowpool_preload_tasks.so
  shim ARROW_POOL=jemalloc timeout 600 "$PYTHON" "$BATS_TEST_DIRNAME/matrix.py" jemalloc >watched 2>books
  diff stock watched
}
