#!/usr/bin/env bats
# shellcheck disable=SC2153,SC2154
# arrowpool/arrow.hpp in C++ programs with the libarrow of each wheel, without Python, by itself and under the shim.
load ../shim/helper
load helper

# compile PROGRAM VERSION: with $PYTHON's wheel, into $BATS_FILE_TMPDIR.
compile() {
  local include directory version flags=()
  [ ! -x "$BATS_FILE_TMPDIR/$1-$2" ] || return 0
  read -r version include directory < <("$PYTHON" -c 'import pyarrow as pa
print(pa.__version__, pa.get_include(), pa.get_library_dirs()[0])')
  [ "${version%%.*}" -gt 12 ] || flags=(-D_GLIBCXX_USE_CXX11_ABI=0)
  g++ -std=c++20 -O1 -Wall -Wextra -Wpedantic -Werror "${flags[@]}" -isystem "$include" -I"$SOURCE/lib/include" \
    -o "$BATS_FILE_TMPDIR/$1-$2" "$BATS_TEST_DIRNAME/$1.cc" "$directory"/libarrow.so.* "$LIBRARY" \
    -Wl,-rpath,"$directory" -Wl,-rpath,"$(dirname "$LIBRARY")" -pthread
}

setup() {
  command -v g++ >/dev/null || skip "g++ is not installed"
  cd "$BATS_TEST_TMPDIR" || return
}

# in_ways VERSION: every part of the program, without the shim and under it in both modes; under the shim the pools
# are the shim's, and those that chose no backend have that of the mode.
in_ways() {
  wheel "$1"
  compile cxx_pool "$1"
  program=$BATS_FILE_TMPDIR/cxx_pool-$1
  for what in use growth limit errors lifetime figures; do
    run -0 timeout 600 "$program" $what
    assert_line ok
    for mode in jemalloc system; do
      run -0 shim ARROW_POOL=$mode ARROW_POOL_LOG=quiet ARROW_POOL_STATS=$what.$mode.json timeout 600 "$program" $what
      assert_line ok
    done
  done
  for mode in jemalloc system; do
    run -0 json figures.$mode.json '[pool("c:figures")[key] for key in ("backend", "bytes_allocated", "num_allocations", "num_reallocations")]'
    assert_output "['$mode', 500000, 2, 1]"
    run -0 json growth.$mode.json 'pool("c:growth")["reallocs_in_place"] > 0, 0 < pool("c:growth")["bytes_copied"] <= 4 << 20'
    assert_output "(True, True)"
  done
}

@test "pyarrow 10, with the old strings and no alignment" { in_ways 10.0.1; }

@test "pyarrow 16" { need_long && in_ways 16.1.0; }

@test "pyarrow 20" { need_long && in_ways 20.0.0; }

@test "pyarrow 23" { need_long && in_ways 23.0.1; }

@test "the newest wheel" { in_ways newest; }

@test "the newest wheel: PrintStats tells stderr of the pool" {
  compile cxx_pool newest
  run -0 --separate-stderr timeout 600 "$BATS_FILE_TMPDIR/cxx_pool-newest" figures
  assert_equal "$output" ok
  [[ $stderr =~ c:figures ]]
}

@test "eight threads, with a limit that refuses, keep their contents" {
  operations=4000
  [ -z "${ARROWPOOL_LONG-}" ] || operations=100000
  for version in 10.0.1 newest; do
    [ $version = newest ] || [ -f "${ARROWPOOL_VENVS:-$SOURCE}/.venv-pyarrow-$version/requirements.txt" ] || continue
    (
      wheel $version
      compile cxx_threads $version
    )
    run -0 timeout 300 "$BATS_FILE_TMPDIR/cxx_threads-$version" $operations
    assert_output --regexp '^refused: [1-9]'
    run -0 shim ARROW_POOL=jemalloc ARROW_POOL_DECAY=20ms ARROW_POOL_LOG=quiet \
      timeout 300 "$BATS_FILE_TMPDIR/cxx_threads-$version" $operations
    assert_output --regexp '^refused: [1-9]'
  done
}

@test "install() has Arrow's own pools served from then on, and does nothing under the shim" {
  for version in 10.0.1 16.1.0 20.0.0 23.0.1 newest; do
    [[ $version =~ ^(10.0.1|newest)$ || -n ${ARROWPOOL_LONG-} ]] || continue
    [ $version = newest ] || [ -f "${ARROWPOOL_VENVS:-$SOURCE}/.venv-pyarrow-$version/requirements.txt" ] || continue
    (
      wheel $version
      compile cxx_install $version
    )
    run -0 timeout 300 "$BATS_FILE_TMPDIR/cxx_install-$version" alone
    assert_output ok
    run -0 shim ARROW_POOL=jemalloc timeout 300 "$BATS_FILE_TMPDIR/cxx_install-$version" shim
    assert_output ok
  done
}

@test "arrow.hpp compiles alone against every wheel, in C++17 and C++20, without a warning" {
  compilers=(g++)
  ! command -v clang++ >/dev/null || compilers+=(clang++)
  count=0
  for python in "$SOURCE"/.venv-pyarrow-*/bin/python "$PYTHON"; do
    include=$("$python" -c 'import pyarrow; print(pyarrow.get_include())' 2>/dev/null) || continue
    for compiler in "${compilers[@]}"; do
      for standard in c++17 c++20; do
        run -0 "$compiler" -std=$standard -Wall -Wextra -Wpedantic -Werror -Wsuggest-override -fsyntax-only \
          -isystem "$include" -I"$SOURCE/lib/include" -x c++ "$SOURCE/lib/include/arrowpool/arrow.hpp"
        assert_output ""
        count=$((count + 1))
      done
    done
  done
  assert [ $count -ge $((2 * ${#compilers[@]})) ]
}
