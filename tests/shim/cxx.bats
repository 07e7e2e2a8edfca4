#!/usr/bin/env bats
# The C++ headers without Arrow: containers on a pool, and headers that compile alone.
load helper

need_probe() {
  [ -x "$PROBES/probe_containers" ] || skip "there is no C++ compiler"
}

@test "containers on the allocator and the memory resource" {
  need_probe
  run -0 timeout 100 "$PROBES/probe_containers"
  assert_output ok
}

@test "under the shim their pools are the shim's, in both modes" {
  need_probe
  for mode in jemalloc system; do
    run -0 shim ARROW_POOL=$mode ARROW_POOL_LOG=quiet ARROW_POOL_STATS="$BATS_TEST_TMPDIR/$mode.json" \
      timeout 100 "$PROBES/probe_containers"
    assert_output ok
    run -0 json "$BATS_TEST_TMPDIR/$mode.json" 'pool("c:containers")["backend"], pool("c:containers")["bytes_allocated"]'
    assert_output "('$mode', 102400)"
  done
}

# alone COMPILER LANGUAGE STANDARD HEADER
alone() {
  run -0 "$1" -std="$3" -Wall -Wextra -Wpedantic -Wconversion -Werror -fsyntax-only -x "$2" "$SOURCE/lib/include/$4"
  assert_output ""
}

@test "every header compiles alone, in C99, C11, C++17 and C++20, without a warning" {
  command -v g++ >/dev/null || skip "g++ is not installed"
  for header in $(cd "$SOURCE/lib/include" && find . -name '*.h*' ! -name arrow.hpp); do
    for standard in c++17 c++20; do
      alone g++ c++ $standard "$header"
      ! command -v clang++ >/dev/null || alone clang++ c++ $standard "$header"
    done
  done
  for standard in c99 c11; do
    alone gcc c $standard arrowpool.h
    ! command -v clang >/dev/null || alone clang c $standard arrowpool.h
  done
  for standard in c++98 c++11; do alone g++ c++ $standard arrowpool.h; done
}
