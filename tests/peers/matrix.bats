#!/usr/bin/env bats
# Each wheel, each of its pools as the default one, each mode: the program prints the same results and the same
# figures after every step as without the shim, and the shim's books agree with them to the byte.
# scripts/test has all pools of the oldest and the newest wheel, and the default pool of the others; --long has all.
load ../shim/helper
load helper

# matrix VERSION BACKEND
matrix() {
  [[ $1 =~ ^(newest|10.0.1)$ || $2 = mimalloc ]] || need_long
  agree "$@"
}

# in_mode MODE ARGUMENT...: Python under the shim.
in_mode() { shim ARROW_POOL="$1" timeout 600 "$PYTHON" "${@:2}"; }

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
