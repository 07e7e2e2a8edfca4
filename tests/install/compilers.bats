#!/usr/bin/env bats
# shellcheck disable=SC2154 # bats or the helper sets these
# Each compiler there is, of both kinds, builds library, shim, command and package without a warning, jemalloc included, and
# its shim works. Only in the long form: each build takes minutes.
load ../shim/helper

setup() { [ -n "${ARROWPOOL_LONG-}" ] || skip "only in the long form of the tests"; }

# builds_with COMPILER: in a folder of its own, and the shim's own tests of calls, dlopen and threads pass.
builds_with() {
  command -v "$1" >/dev/null || skip "$1 is not installed"
  local built=$BATS_TEST_TMPDIR/$1
  CC=$1 run -0 meson setup "$built" "$SOURCE" -Dtests=false -Dwerror=true
  run -0 meson compile -C "$built"
  export ARROWPOOL_SHIM=$built/shim/libarrowpool_preload.so
  run -0 bats --tap "$SOURCE"/tests/shim/{libc,dlopen,threads}.bats
  run -0 bats --tap --filter 'leaves by a jump|the shim exports' "$SOURCE/tests/shim/exports.bats"
  run -0 "$built/cli/arrowpool" run -- "$built/cli/arrowpool" doctor true
}

@test "clang" { builds_with clang; }

@test "clang 19" { builds_with clang-19; }

@test "gcc 14" { builds_with gcc-14; }
