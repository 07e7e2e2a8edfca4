#!/usr/bin/env bats
# shellcheck disable=SC2154
# The files by which distributions package arrowpool: debian, and the folder packaging. Whether they build is shown by
# `scripts/deb`, rpmbuild and the others; here is what can be seen without them.
load ../shim/helper

# compare WHAT
compare() {
  run -0 "$PYTHON" "$BATS_TEST_DIRNAME/packages.py" "$1"
  assert_output ""
}

@test "all of them name the version of meson.build, and jemalloc's" {
  compare versions
}

@test "each file is in one Debian package, and each symbol in its list" {
  compare debian
}

@test "each file is in one rpm" {
  compare rpm
}

@test "the recipe for conda is one" {
  "$PYTHON" -c 'import jinja2, yaml' 2>/dev/null || skip "jinja2 or yaml is not there"
  compare conda
}

@test "the package for Spack is Python" {
  run -0 "$PYTHON" -c 'import ast, sys; print(*(n.name for n in ast.parse(open(sys.argv[1]).read()).body if isinstance(n, ast.ClassDef)))' \
    "$SOURCE/packaging/spack/package.py"
  assert_output Arrowpool
}

# A working copy is built, which takes minutes.
@test "long: two builds of the Debian packages are equal, and lintian has nothing to say" {
  need_long
  command -v dpkg-buildpackage >/dev/null || skip "dpkg-dev is not installed"
  git -C "$SOURCE" rev-parse HEAD >/dev/null 2>&1 || skip "not a clone"
  for copy in one two; do
    git clone -q "$SOURCE" "$BATS_TEST_TMPDIR/$copy"
    cp -a "$SOURCE/subprojects/packagecache" "$BATS_TEST_TMPDIR/$copy/subprojects/"
    run -0 "$BATS_TEST_TMPDIR/$copy/scripts/deb"
    (cd "$BATS_TEST_TMPDIR/$copy/dist" && sha256sum -- *.deb *.dsc *.tar.*) >"$BATS_TEST_TMPDIR/$copy.sums"
  done
  run -0 diff "$BATS_TEST_TMPDIR/one.sums" "$BATS_TEST_TMPDIR/two.sums"
  run -0 grep -c '\.deb$' "$BATS_TEST_TMPDIR/one.sums"
  [ "$output" -ge 4 ]
}
