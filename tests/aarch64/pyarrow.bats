#!/usr/bin/env bats
# shellcheck disable=SC2154 # bats sets these
# Stock pyarrow for aarch64, emulated: both hooks serve all of what Arrow's pools were asked for, and the figures are
# those of the same wheel on x86-64, event for event. Run by scripts/test-aarch64.
load ../shim/helper

setup() {
  [ -n "${ARROWPOOL_EMULATED-}" ] || skip "only scripts/test-aarch64 knows how to emulate Python"
  export PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=1
  PEERS=$SOURCE/tests/peers
  cd "$BATS_TEST_TMPDIR" || return
}

# counted DUMP: of Arrow's default pool, what does not depend on where in memory things are.
counted() {
  json "$1" '[pool("arrow.mimalloc")[f] for f in ("num_allocations", "num_reallocations", "num_frees",
    "total_bytes_allocated", "bytes_allocated", "max_memory", "num_failed", "num_fallbacks", "inherited_bytes")]'
}

# matches VENV: each step of matrix.py has the figures and results that it has on x86-64, and the shim's books agree
# with pyarrow's (figures.py).
matches() {
  local native=$SOURCE/$1/bin/python
  [ -f "$SOURCE/$1/requirements.txt" ] || [ "$1" = .venv ] || skip "no $1 for this machine: scripts/setup wheels was not run"
  "$native" "$PEERS/matrix.py" >x86-64
  [ "$(wc -l <x86-64)" = 28 ]
  LD_PRELOAD=$ARROWPOOL_NATIVE/shim/libarrowpool_preload.so ARROW_POOL=jemalloc ARROW_POOL_STATS=x86-64.json \
    "$native" "$PEERS/matrix.py" jemalloc >x86-64.shim 2>books
  diff x86-64 x86-64.shim
  shim ARROW_POOL=jemalloc ARROW_POOL_STATS=aarch64.json \
    "$BUILD/$1/bin/python" "$PEERS/matrix.py" jemalloc >aarch64 2>books
  diff x86-64 aarch64
  grep -q "^the end {'name': 'arrow.mimalloc', 'backend': 'jemalloc'" books
  diff <(counted x86-64.json) <(counted aarch64.json)
  echo "# $1: $(counted aarch64.json)" >&3
}

@test "pyarrow 26, by the arrow_vtable hook" {
  matches .venv
}

@test "pyarrow 20.0.0, by the arrow_vtable hook" {
  matches .venv-pyarrow-20.0.0
}

@test "pyarrow 26, installed without a preload" {
  "$SOURCE/.venv/bin/python" "$PEERS/matrix.py" >x86-64
  for mode in jemalloc system; do
    PYTHONPATH=$BUILD/python "$BUILD/.venv/bin/python" -m arrowpool --pool=$mode "$PEERS/matrix.py" $mode >aarch64 2>books
    diff x86-64 aarch64
    grep -q "^the end {'name': 'arrow.mimalloc', 'backend': '$mode'" books
  done
}

@test "pyarrow 26, by the arrow_mi hook: the witness in front of it saw nothing that we did not" {
  for mode in jemalloc system; do
    mkdir data
    run -0 env LD_PRELOAD="$BUILD/tests/peers/libwitness.so:$SHIM" ARROW_POOL=$mode ARROW_POOL_HOOKS=libc,arrow_mi \
      "$BUILD/.venv/bin/python" "$PEERS/workload.py" data $mode
    echo "# $mode: ${lines[1]##*\"witness\"}" >&3
    rm -r data
  done
}

@test "tasks of Arrow's threads know their givers, in pyarrow 26, 20.0.0 and 10.0.1" {
  SHIM=$BUILD/tests/shim/libarrowpool_preload_tasks.so
  for venv in .venv .venv-pyarrow-20.0.0 .venv-pyarrow-10.0.1; do
    [ -f "$BUILD/$venv/requirements.txt" ] || skip "no $venv"
    run -0 --separate-stderr shim ARROW_POOL_HOOKS=all "$BUILD/$venv/bin/python" -W ignore "$PEERS/tasks.py"
    assert_equal "$stderr" ""
    [[ ${lines[-1]} =~ ^all\ ([1-9][0-9]+)\ ([0-9]+)$ ]]
    assert_equal "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
    echo "# $venv: ${BASH_REMATCH[1]} tasks" >&3
  done
}
