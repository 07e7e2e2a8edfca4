#!/usr/bin/env bats
# How the sources read: formatting, size, and that includes point one way.

setup() {
  cd "${ARROWPOOL_SOURCE:-$BATS_TEST_DIRNAME/../..}" || return 1
}

sources() { git ls-files '*.c' '*.h' '*.hpp' '*.cc' | grep -v '^subprojects/'; }

@test "sources are formatted as .clang-format says" {
  command -v clang-format >/dev/null || skip "clang-format is not installed"
  sources | xargs clang-format --dry-run --Werror
}

# The quick ones of scripts/analyze; `scripts/test --long` runs them all.
@test "shell scripts pass shellcheck" {
  command -v shellcheck >/dev/null || skip "shellcheck is not installed"
  scripts/analyze shellcheck
}

@test "cppcheck finds nothing" {
  command -v cppcheck >/dev/null || skip "cppcheck is not installed"
  scripts/analyze cppcheck
}

@test "Python files pass ruff" {
  [ -x .venv/bin/ruff ] || command -v ruff >/dev/null || skip "ruff is not installed"
  scripts/analyze ruff
}

@test "no source file exceeds 400 lines" {
  while read -r file; do
    [ "$(wc -l <"$file")" -le 400 ] || { echo "$file"; return 1; }
  done < <(sources)
}

@test "every source file opens with a comment that says what it is" {
  while read -r file; do
    head -n 1 "$file" | grep -qE '^(/\*|//)' || { echo "$file"; return 1; }
  done < <(sources)
}

@test "includes point down" {
  python3 tests/style/layers.py
}

@test "one file alone includes jemalloc's header" {
  run git grep -lE 'include [<"]jemalloc' -- lib arrow shim cli python
  [ "$output" = lib/memory/backend_jemalloc.c ]
}

@test "the library reads no environment variable" {
  run git grep -nE 'getenv|environ\b' -- lib
  [ "$status" -eq 1 ]
}
