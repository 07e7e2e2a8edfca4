#!/usr/bin/env bats
# shellcheck disable=SC2153,SC2154 # names of the helper; bats or the helper sets these
# C++ programs with the libarrow of a wheel, without Python: what they print is the same with the shim and
# without, in both modes. For every pyarrow that is there: .venv, and .venv-pyarrow-VERSION beside it.
load ../shim/helper
load helper

PROGRAMS=(figures early late threads fork)

# compile PYTHON PROGRAM: into $BATS_FILE_TMPDIR.
compile() {
  local include directory version flags=()
  read -r version include directory < <("$1" -c 'import pyarrow as pa
print(pa.__version__, pa.get_include(), pa.get_library_dirs()[0])')
  [ "${version%%.*}" -gt 12 ] || flags=(-D_GLIBCXX_USE_CXX11_ABI=0)
  g++ -std=c++20 -O1 "${flags[@]}" -I"$include" -o "$BATS_FILE_TMPDIR/$2-${version%%.*}" \
    "$BATS_TEST_DIRNAME/$2.cc" "$directory"/libarrow.so.* -Wl,-rpath,"$directory" -pthread
}

setup_file() {
  command -v g++ >/dev/null || skip "g++ is not installed"
  compile "$PYTHON" arrow_cpp
  compile "$PYTHON" arrow_stress
  compile "$PYTHON" arrow_stats
  NEWEST=$("$PYTHON" -c 'import pyarrow; print(pyarrow.__version__.split(".")[0])')
  export NEWEST
}

# same VERSION [NAME=VALUE]...: the programs print the same in both modes as without the shim, and warn of
# nothing. The statistics of the last run stay in MODE.json.
same() {
  local version=$1 program=$BATS_FILE_TMPDIR/arrow_cpp-$1 what mode
  shift
  cd "$BATS_TEST_TMPDIR" || return
  for what in "${PROGRAMS[@]}"; do
    env "$@" timeout 600 "$program" "$what" >stock.out
    [ -s stock.out ]
    for mode in jemalloc system; do
      run -0 --separate-stderr shim ARROW_POOL=$mode ARROW_POOL_STATS="$what.$mode.%p.json" "$@" \
        timeout 600 "$program" "$what"
      assert_equal "$stderr" ""
      diff stock.out <(echo "$output")
    done
  done
}

# Every pool that is not jemalloc's own was served as the mode says, and nothing is live at the end.
served() {
  for mode in jemalloc system; do
    run -0 json "$(echo figures.$mode.*.json)" 'sorted({p["backend"] for p in d["pools"] if p["name"] in ("arrow.mimalloc", "arrow.system")}), [p["name"] for p in d["pools"] if p["name"].startswith("arrow") and p["bytes_allocated"]]'
    assert_output "(['$mode'], [])"
    run -0 json "$(echo late.$mode.*.json)" '[p["num_frees"] for p in d["pools"] if p["name"] == "arrow.'"$1"'"] >= [100]'
    assert_output True
  done
}

@test "the newest wheel" {
  same "$NEWEST"
  served mimalloc
}

@test "a pool made with CreateDefault is counted as arrow_mi in the newest wheel" {
  PROGRAMS=(figures)
  same "$NEWEST"
  run -0 json "$(echo figures.jemalloc.*.json)" 'pool("arrow_mi")["backend"], pool("arrow_mi")["num_allocations"], pool("arrow_mi")["bytes_allocated"]'
  # Arrow's own count is 43: with 4 buffers of no bytes.
  assert_output "('jemalloc', 39, 0)"
}

@test "libarrow's figures of jemalloc follow what its jemalloc pool allocates, in both modes as without the shim" {
  program=$BATS_FILE_TMPDIR/arrow_stats-$NEWEST
  run "$program"
  [ "$status" != 77 ] || skip "the wheel has no jemalloc"
  assert_output "as allocated"
  for mode in jemalloc system; do
    run -0 shim ARROW_POOL=$mode "$program"
    assert_output "as allocated"
  done
}

@test "the newest wheel with Arrow's system pool as the default" {
  PROGRAMS=(figures early late fork)
  same "$NEWEST" ARROW_DEFAULT_MEMORY_POOL=system
  served system
}

@test "pyarrow 10, with the jemalloc pool as its default and the old strings" {
  old 10.0.1 jemalloc
}

@test "pyarrow 16" {
  old 16.1.0 jemalloc
}

@test "pyarrow 20" {
  old 20.0.0 mimalloc
}

@test "pyarrow 23, whose buffers can be older than the patch" {
  old 23.0.1 mimalloc
}

# old VERSION DEFAULT
old() {
  local python=$SOURCE/.venv-pyarrow-$1/bin/python
  "$python" -c 'import pyarrow' 2>/dev/null || skip "no pyarrow $1 in .venv-pyarrow-$1"
  compile "$python" arrow_cpp
  same "${1%%.*}"
  served "$2"
}

@test "threads, contents and forks under stress, in both modes" {
  seconds=10
  [ -z "${ARROWPOOL_LONG-}" ] || seconds=60
  for mode in jemalloc system; do
    run -0 shim ARROW_POOL=$mode ARROW_POOL_DECAY=20ms ARROW_POOL_STATS="$BATS_TEST_TMPDIR/$mode.json" \
      timeout $((seconds + 60)) "$BATS_FILE_TMPDIR/arrow_stress-$NEWEST" $seconds
    assert_output --partial " operations"
  done
}
