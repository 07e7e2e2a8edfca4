#!/usr/bin/env bats
# Each wheel, each of its pools as the default one, each mode: the program prints the same results and the same
# figures after every step as without the shim, and the shim's books agree with them to the byte.
# scripts/test has all pools of the oldest and the newest wheel, and the default pool of the others; --long has all.
load ../shim/helper
load helper

# matrix VERSION BACKEND
matrix() {
  [[ $1 =~ ^(newest|10.0.1)$ || $2 = mimalloc ]] || need_long
  wheel "$1"
  export ARROW_DEFAULT_MEMORY_POOL=$2
  cd "$BATS_TEST_TMPDIR" || return
  timeout 600 "$PYTHON" "$BATS_TEST_DIRNAME/matrix.py" >stock
  [ "$(wc -l <stock)" = 28 ]
  for mode in jemalloc system; do
    # shellcheck disable=SC2094 # the argument is a word, not the file
    shim ARROW_POOL=$mode timeout 600 "$PYTHON" "$BATS_TEST_DIRNAME/matrix.py" $mode >$mode 2>books
    diff stock $mode
    grep -q "^the end {'name': 'arrow.$2', 'backend': '$mode'" books
  done
}

@test "pyarrow 10.0.1, its mimalloc pool" {
  matrix 10.0.1 mimalloc
}

@test "pyarrow 10.0.1, its jemalloc pool" {
  matrix 10.0.1 jemalloc
}

@test "pyarrow 10.0.1, its system pool" {
  matrix 10.0.1 system
}

@test "pyarrow 16.1.0, its mimalloc pool" {
  matrix 16.1.0 mimalloc
}

@test "pyarrow 16.1.0, its jemalloc pool" {
  matrix 16.1.0 jemalloc
}

@test "pyarrow 16.1.0, its system pool" {
  matrix 16.1.0 system
}

@test "pyarrow 20.0.0, its mimalloc pool" {
  matrix 20.0.0 mimalloc
}

@test "pyarrow 20.0.0, its jemalloc pool" {
  matrix 20.0.0 jemalloc
}

@test "pyarrow 20.0.0, its system pool" {
  matrix 20.0.0 system
}

@test "pyarrow 23.0.1, its mimalloc pool" {
  matrix 23.0.1 mimalloc
}

@test "pyarrow 23.0.1, its jemalloc pool" {
  matrix 23.0.1 jemalloc
}

@test "pyarrow 23.0.1, its system pool" {
  matrix 23.0.1 system
}

@test "the newest pyarrow, its mimalloc pool" {
  matrix newest mimalloc
}

@test "the newest pyarrow, its jemalloc pool" {
  matrix newest jemalloc
}

@test "the newest pyarrow, its system pool" {
  matrix newest system
}
