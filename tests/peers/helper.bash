# shellcheck shell=bash disable=SC2034 # the files that load this use the names
# For the peer tests, on top of the shim tests' helper: pyarrow, and the witness in front of the shim.
WITNESS=$BUILD/tests/peers/libwitness.so
export PYTHONDONTWRITEBYTECODE=1

"$PYTHON" -c 'import pyarrow' 2>/dev/null || skip "no pyarrow in $PYTHON"

# witnessed [NAME=VALUE]... COMMAND...
witnessed() {
  env LD_PRELOAD="$WITNESS:$SHIM" "$@"
}

# wheel VERSION: from here on $PYTHON is the one with that wheel, `newest` the one of the other tests; else the test
# is skipped.
wheel() {
  [ "$1" != newest ] || return 0
  local venv=${ARROWPOOL_VENVS:-$SOURCE}/.venv-pyarrow-$1
  PYTHON=$venv/bin/python
  [ -f "$venv/requirements.txt" ] ||
    skip "no pyarrow $1: $(cat "$venv/failed" 2>/dev/null || echo "scripts/setup wheels was not run")"
}

# agree VERSION BACKEND: matrix.py, which compares our books with pyarrow's after every step, prints in both modes what it
# does without arrowpool. in_mode, which the test file has, runs Python there.
agree() {
  wheel "$1"
  export ARROW_DEFAULT_MEMORY_POOL=$2
  cd "$BATS_TEST_TMPDIR" || return
  timeout 600 "$PYTHON" "$BATS_TEST_DIRNAME/matrix.py" >stock
  [ "$(wc -l <stock)" = 28 ]
  for mode in jemalloc system; do
    # shellcheck disable=SC2094 # the argument is a word, not the file
    in_mode $mode "$BATS_TEST_DIRNAME/matrix.py" $mode >$mode 2>books
    diff stock $mode
    grep -q "^the end {'name': 'arrow.$2', 'backend': '$mode'" books
  done
}
