#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154 # inner shells' variables; bats sets stderr
# Which packages scripts/setup installs where (scripts/lib/packages.sh). Debian's and Ubuntu's releases are stood in for by
# tables of some names and versions, as their apt-cache has them.
bats_require_minimum_version 1.5.0
load /usr/lib/bats/bats-support/load
load /usr/lib/bats/bats-assert/load

setup() {
  cd "${ARROWPOOL_SOURCE:-$BATS_TEST_DIRNAME/../..}" || return 1
  export TABLE=$BATS_TEST_TMPDIR/table INSTALLED=$BATS_TEST_TMPDIR/installed
  mkdir "$BATS_TEST_TMPDIR/bin"
  PATH=$BATS_TEST_TMPDIR/bin:$PATH
  touch "$TABLE" "$INSTALLED"
  # A name without a version is one that others mention, and that there is no package of.
  cat >"$BATS_TEST_TMPDIR/bin/apt-cache" <<'END'
#!/bin/sh
case $1 in
pkgnames) sed -n "s/^\($2[^ ]*\).*/\1/p" "$TABLE" ;;
policy)
  shift
  for name; do
    grep -q "^$name\( \|$\)" "$TABLE" || continue
    version=$(sed -n "s/^$name //p" "$TABLE")
    printf '%s:\n  Installed: (none)\n  Candidate: %s\n  Version table:\n' "$name" "${version:-(none)}"
  done
  ;;
esac
END
  printf '#!/bin/sh\nsed "s/^/installed /" "$INSTALLED"\n' >"$BATS_TEST_TMPDIR/bin/dpkg-query"
  printf '#!/bin/sh\necho "apt-get $*" >>"%s"\n' "$BATS_TEST_TMPDIR/calls" >"$BATS_TEST_TMPDIR/bin/apt-get"
  chmod +x "$BATS_TEST_TMPDIR"/bin/*
}

# names LINE...: as setup has them.
names() { bash -c 'source scripts/lib/common.sh && packages_names "$@"' setup "$@"; }

# release: the table is what comes in, and the names of the lines that differ go out.
resolved() {
  cat >"$TABLE"
  run -0 names "$(grep '^libclang-rt' scripts/packages/debian.txt)" "$(grep '^libmimalloc' scripts/packages/debian.txt)" \
    "$(grep '^libtcmalloc' scripts/packages/debian.txt)" "$(grep '^pkg-config' scripts/packages/debian-demo.txt)"
}

@test "names in Debian 11" {
  resolved <<'END'
clang 1:11.0-51+nmu5
libclang-common-9-dev 1:9.0.1-16.1
libclang-common-11-dev 1:11.0.1-2
libtcmalloc-minimal4 2.8.1-1
pkg-config 0.29.2-1
END
  assert_output $'libclang-common-11-dev\nlibtcmalloc-minimal4\npkg-config'
}

@test "names in Debian 12" {
  resolved <<'END'
clang 1:14.0-55.7~deb12u1
libclang-common-14-dev 1:14.0.6-12
libclang-rt-13-dev 1:13.0.1-11+b2
libclang-rt-14-dev 1:14.0.6-12
libclang-rt-16-dev 1:16.0.6-15~deb12u1
libmimalloc-dev 2.0.9+ds-2
libmimalloc2.0 2.0.9+ds-2
libtcmalloc-minimal4 2.10-1
pkg-config 1.8.1-1
pkgconf 1.8.1-1
END
  assert_output $'libclang-rt-14-dev\nlibmimalloc2.0\nlibtcmalloc-minimal4\npkg-config'
}

@test "names in Debian 13, where old names are mentioned still" {
  resolved <<'END'
clang 1:19.0-63
libclang-common-19-dev 1:19.1.7-3+b1
libclang-rt-14-dev
libclang-rt-17-dev 1:17.0.6-22+b2
libclang-rt-19-dev 1:19.1.7-3+b1
libmimalloc-dev 3.0.1+ds-2
libmimalloc2.0
libmimalloc3 3.0.1+ds-2
libtcmalloc-minimal4
libtcmalloc-minimal4t64 2.16-1
pkg-config 1.8.1-4
pkgconf 1.8.1-4
END
  assert_output $'libclang-rt-19-dev\nlibmimalloc3\nlibtcmalloc-minimal4t64\npkg-config'
}

@test "names in Ubuntu 22.04 and 24.04" {
  resolved <<'END'
clang 1:14.0-55~exp2
libclang-common-14-dev 1:14.0.0-1ubuntu1.1
libmimalloc-dev 2.0.5+ds-2
libmimalloc2.0 2.0.5+ds-2
libtcmalloc-minimal4 2.9.1-0ubuntu3
pkg-config 0.29.2-1ubuntu3
pkgconf 1.8.0-1
END
  assert_output $'libclang-common-14-dev\nlibmimalloc2.0\nlibtcmalloc-minimal4\npkg-config'
  resolved <<'END'
clang 1:18.0-59~exp2
libclang-rt-17-dev 1:17.0.6-9ubuntu1
libclang-rt-18-dev 1:18.1.3-1ubuntu1
libmimalloc2.0 2.1.2+ds-4
libtcmalloc-minimal4t64 2.15-3build1
pkgconf 1.8.1-2build1
END
  assert_output $'libclang-rt-18-dev\nlibmimalloc2.0\nlibtcmalloc-minimal4t64\npkgconf'
}

@test "of several names that a pattern stands for the newest counts" {
  printf '%s 1\n' libmimalloc2.0 libmimalloc10 libmimalloc3 libmimalloc-dev >"$TABLE"
  run -0 names 'libmimalloc[0-9]* -'
  assert_output "libmimalloc10"
}

@test "a release that has no name for a line ends the setup, which says for which" {
  echo "gcc 1" >"$TABLE"
  run -1 --separate-stderr names gcc 'libold4t64 libold4' 'libnew[0-9]* -'
  assert_equal "$output" "gcc"
  assert_equal "$stderr" "no package here is called libold4t64 libold4"
}

@test "what is installed by any of its names is not installed again" {
  printf '%s 1\n' gcc libold4 libmimalloc2.0 >"$INSTALLED"
  printf '# a comment\ngcc\nlibold4t64 libold4\nlibmimalloc[0-9]* -\n' >"$BATS_TEST_TMPDIR/list"
  run -0 bash -c 'source scripts/lib/common.sh && install_packages "$1"' setup "$BATS_TEST_TMPDIR/list"
  assert [ ! -e "$BATS_TEST_TMPDIR/calls" ]
}

@test "what may be missing and is makes nobody fetch apt's lists" {
  printf 'libmimalloc[0-9]* -\n' >"$BATS_TEST_TMPDIR/list"
  run -0 bash -c 'source scripts/lib/common.sh && install_packages "$1"' setup "$BATS_TEST_TMPDIR/list"
  assert_output ""
  assert [ ! -e "$BATS_TEST_TMPDIR/calls" ]
}

@test "what is not installed is, once apt's lists have been fetched" {
  [ "$(id -u)" = 0 ] || skip "needs root"
  echo "clang 1:19.0-63" >"$INSTALLED"
  printf '%s\n' "gcc 1" "libclang-rt-19-dev 1" "clang 1:18" >"$TABLE"
  printf 'gcc\nlibclang-rt-{clang}-dev\n' >"$BATS_TEST_TMPDIR/list"
  run -0 bash -c 'source scripts/lib/common.sh && install_packages "$1"' setup "$BATS_TEST_TMPDIR/list"
  run -0 cat "$BATS_TEST_TMPDIR/calls"
  assert_output $'apt-get update\napt-get install -y --no-install-recommends gcc libclang-rt-19-dev'
}
