#!/usr/bin/env bats
# shellcheck disable=SC2154 # bats or the helper sets these
# All that a program may do to its profile, in eight threads at once (stress.py): no error, right results, and nothing
# left in the profile when everything is freed.
load ../shim/helper
load helper

setup_file() {
  command -v g++ >/dev/null || skip "g++ is not installed"
  # A unique symbol would keep the library loaded.
  g++ -std=c++17 -O2 -shared -fPIC -fno-gnu-unique -o "$BATS_FILE_TMPDIR/plugin.so" "$BATS_TEST_DIRNAME/stress_plugin.cc"
}

# stressed SECONDS [NAME=VALUE]...
stressed() {
  mkdir "$BATS_TEST_TMPDIR/files" "$BATS_TEST_TMPDIR/profiles"
  run -0 --separate-stderr shim ARROW_POOL_PROFILE="$BATS_TEST_TMPDIR/profiles" ARROW_POOL_PROFILE_MEAN=16K "${@:2}" \
    timeout $(($1 + 900)) "$PYTHON" -W ignore "$BATS_TEST_DIRNAME/stress.py" "$1" "$BATS_TEST_TMPDIR/files" \
    "$BATS_FILE_TMPDIR/plugin.so" "$CLI" "$BATS_TEST_TMPDIR/profiles"
  assert_output "done"
  assert_equal "$(grep -v '^#' <<<"$stderr" || true)" ""
  assert_equal "$(dumps "$BATS_TEST_TMPDIR/profiles")" 0
}

@test "eight threads in jemalloc mode" {
  stressed 20 ARROW_POOL=jemalloc
}

@test "eight threads in system mode" {
  stressed 20 ARROW_POOL=system
}

@test "eight threads, and idle pages go at once" {
  stressed 10 ARROW_POOL=jemalloc ARROW_POOL_DECAY=0
}

@test "eight threads in jemalloc mode, for ten minutes" {
  need_long
  stressed 600 ARROW_POOL=jemalloc
}

@test "eight threads in system mode, for ten minutes" {
  need_long
  stressed 600 ARROW_POOL=system
}
