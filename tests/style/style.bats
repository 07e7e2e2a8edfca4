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

@test "each package has the version of meson.build" {
  version=$(sed -n "s/^project(.*[^_]version: '\([0-9][^']*\)'.*/\1/p" meson.build)
  head -n 1 debian/changelog | grep -F "arrowpool ($version-"
  grep -E "^Version: +$version\$" packaging/rpm/arrowpool.spec
  grep -F "set version = \"$version\"" packaging/conda/recipe/meta.yaml
  grep -F "version(\"$version\"" packaging/spack/package.py
  [ "$(grep -m 1 '^## ' CHANGELOG.md)" = "## $version" ]
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

@test "includes point down, and no files of a folder use one another in a circle" {
  python3 tests/style/layers.py ${ARROWPOOL_BUILD:+--build "$ARROWPOOL_BUILD"}
}

@test "the drawing of the layers is that of the sources" {
  python3 tests/style/layers.py --draw | cmp - docs/internals/layers.svg
}

@test "for each folder an include that is turned round is found" {
  local copy=$BATS_TEST_TMPDIR/copy
  mkdir -p "$copy/tests/style"
  cp -r lib arrow shim cli python "$copy"
  cp tests/style/layers.txt "$copy/tests/style"
  python3 tests/style/layers.py --root "$copy"
  while read -r file header; do
    cp "$file" "$BATS_TEST_TMPDIR/kept"
    echo "#include \"$header\"" >>"$copy/$file"
    run python3 tests/style/layers.py --root "$copy"
    [ "$status" = 1 ] && [[ $output == "$file includes "* ]] || { echo "$file: $output"; return 1; }
    cp "$BATS_TEST_TMPDIR/kept" "$copy/$file"
  done <<'END'
lib/base/locks.c memory/slots.h
lib/memory/slots.c pool/pool.h
lib/counters/counters.h memory/slots.h
lib/profile/python_frames.c pool/pool.h
arrow/layout.c shim/router.h
shim/router.c shim/dump/dump.h
shim/dump/dump.c cli/base/cli.h
cli/stats/merge.c cli/top/model.h
python/module.c shim/router.h
END
}

@test "what lists the statistics agrees with their one list" {
  python3 tests/style/fields.py
}

@test "the jemalloc backend alone includes jemalloc's header" {
  run git grep -lE 'include [<"]jemalloc' -- lib arrow shim cli python
  [ "$output" = $'lib/memory/backend_jemalloc.c\nlib/memory/backend_jemalloc_arenas.c' ]
}

@test "the library reads no environment variable" {
  run git grep -nE 'getenv|environ\b' -- lib
  [ "$status" -eq 1 ]
}

@test "the files that the documents name are there" {
  # Words in capitals stand for names; the others are an example of CONTRIBUTING.md's, and what is built or installed.
  run python3 - <<'PYTHON'
import glob, re
pages = [*glob.glob("*.md"), "lib/README.md", *glob.glob("docs/**/*.md", recursive=True)]
path = r"`((?:lib|arrow|shim|cli|python|tests|docs|scripts|man|completion|subprojects)/[\w./{},-]+)[` ]"
for page in pages:
    for name in re.findall(path, open(page).read()):
        before, braces, rest = name.partition("{")
        inner, _, after = rest.partition("}")
        for word in inner.split(",") if braces else [""]:
            file = before + word + after
            if not re.search(r"/[A-Z_]{2,}\b(?!\.md)|_[A-Z]+\.|^cli/list|cli/list.bats|-asan$|packagecache$|^lib/x86_64", file):
                if not glob.glob(file):
                    print(f"{page} names {file}")
PYTHON
  [ "$status" = 0 ] && [ -z "$output" ] || { echo "$output"; return 1; }
}
