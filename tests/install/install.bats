#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2016
# `meson install` into a folder, which is then moved and used as a user would: by pkg-config, by CMake, by the shells
# and by man; and `ninja uninstall`.
load ../shim/helper

setup_file() {
  command -v meson >/dev/null || skip "meson is not installed"
  read -r PREFIX LIBDIR VERSION < <(meson introspect --buildoptions --projectinfo "$BUILD" -f | "$PYTHON" -c '
import json, sys
all = json.load(sys.stdin)
options = {option["name"]: option["value"] for option in all["buildoptions"]}
print(options["prefix"], options["libdir"], all["projectinfo"]["version"])')
  export PREFIX LIBDIR VERSION STAGE=$BATS_FILE_TMPDIR/moved
  # The log by which a real installation can be uninstalled stays as it is.
  export LOG=$BUILD/meson-logs/install-log.txt
  [ ! -f "$LOG" ] || cp "$LOG" "$BATS_FILE_TMPDIR/log"
  DESTDIR=$BATS_FILE_TMPDIR/stage meson install -C "$BUILD" --no-rebuild --quiet
  mv "$BATS_FILE_TMPDIR/stage" "$STAGE"
  export ROOT=$STAGE$PREFIX PKG_CONFIG_SYSROOT_DIR=$STAGE PKG_CONFIG_PATH=$STAGE$PREFIX/$LIBDIR/pkgconfig
  export PROJECT=$BATS_TEST_DIRNAME/project
  unset CC CXX # CMake takes no arguments in them, as in "ccache gcc"
}

teardown_file() {
  [ ! -v LOG ] || rm -f "$LOG"
  [ ! -f "$BATS_FILE_TMPDIR/log" ] || cp "$BATS_FILE_TMPDIR/log" "$LOG"
}

setup() { cd "$BATS_TEST_TMPDIR" || return; }

# use_programs C C++: the programs run, and with the shim that was installed they and it are one instance.
use_programs() {
  run -0 env LD_LIBRARY_PATH="$ROOT/$LIBDIR" "$1"
  assert_output "C $VERSION"
  run -0 env LD_LIBRARY_PATH="$ROOT/$LIBDIR" "$2"
  assert_output "C++ $VERSION y"
  for program in "$1" "$2"; do
    run -0 env LD_LIBRARY_PATH="$ROOT/$LIBDIR" "$ROOT/bin/arrowpool" run --stats=one.json -- "$program"
    run -0 json one.json 'pool("c:use")["bytes_allocated"], pool("c:use")["backend"], len(d["pools"])'
    assert_output "(90000, 'jemalloc', 1)"
  done
}

@test "what is installed, and nothing else" {
  (cd "$ROOT" && find . ! -type d | sed "s,^\./,,; s,^$LIBDIR/,LIBDIR/,; s,$VERSION\$,VERSION," | sort) >found
  run -0 diff <(grep -v '^#' "$BATS_TEST_DIRNAME/installed.txt" | sort) found
  assert_equal "$(find "$STAGE" ! -type d | wc -l)" "$(wc -l <found)"
}

@test "path says where all of it is" {
  local inside
  inside=$(realpath "$ROOT")
  run -0 "$ROOT/bin/arrowpool" path
  refute_output --partial "not installed"
  while read -r name path; do
    [[ $path == "$inside/"* ]] && [ -e "$path" ] || fail "$name: $path"
    run -0 "$ROOT/bin/arrowpool" path "$name"
    assert_output "$path"
  done <<<"$output"
  assert [ -f "$("$ROOT/bin/arrowpool" path include)/arrowpool.h" ]
  assert [ -f "$("$ROOT/bin/arrowpool" path lib)/libarrowpool.so.0" ]
  mv "$inside/share/doc/arrowpool/metrics/alerts.yml" kept.yml
  run -1 --separate-stderr "$ROOT/bin/arrowpool" path alerts
  mv kept.yml "$inside/share/doc/arrowpool/metrics/alerts.yml"
  assert_equal "$stderr" "arrowpool: path: alerts: not installed with this program"
}

@test "pkg-config: a C and a C++ program" {
  command -v g++ >/dev/null || skip "g++ is not installed"
  run -0 pkg-config --modversion arrowpool
  assert_output "$VERSION"
  # shellcheck disable=SC2046
  gcc -std=c99 -Wall -Wextra -Werror -o use_c "$PROJECT/use.c" $(pkg-config --cflags --libs arrowpool)
  # shellcheck disable=SC2046
  g++ -std=c++17 -Wall -Wextra -Werror -o use_cxx "$PROJECT/use.cc" $(pkg-config --cflags --libs arrowpool)
  use_programs ./use_c ./use_cxx
}

@test "pkg-config: the folder moved, with its new prefix" {
  run -0 env -u PKG_CONFIG_SYSROOT_DIR pkg-config --define-variable=prefix="$ROOT" --cflags --libs arrowpool
  assert_output --partial "-I$ROOT/include -L$ROOT/$LIBDIR -larrowpool"
}

@test "pkg-config: a program with Arrow" {
  command -v g++ >/dev/null || skip "g++ is not installed"
  read -r include directory < <("$PYTHON" -c 'import pyarrow as pa; print(pa.get_include(), pa.get_library_dirs()[0])') ||
    skip "no pyarrow in $PYTHON"
  # shellcheck disable=SC2046
  g++ -std=c++20 -o capped -isystem "$include" "$ROOT/share/doc/arrowpool/examples/capped.cc" \
    $(pkg-config --cflags --libs arrowpool) "$directory"/libarrow.so.* -Wl,-rpath,"$directory"
  run -0 env LD_LIBRARY_PATH="$ROOT/$LIBDIR" ./capped
  assert_line --partial "pool c:request has"
}

need_cmake() {
  if ! command -v cmake || ! command -v g++; then
    skip "cmake or g++ is not installed"
  fi
}

@test "CMake: a C and a C++ program, with the folder moved" {
  need_cmake
  run -0 cmake -S "$PROJECT" -B built -DCMAKE_PREFIX_PATH="$ROOT" -DWANTED="$VERSION"
  assert_line -- "-- preload: $ROOT/$LIBDIR/libarrowpool_preload.so"
  run -0 cmake --build built
  run -0 bash -c 'grep -rlF "$1" built --include=link.txt --include=flags.make | wc -l' bash "$ROOT"
  refute_output 0
  use_programs built/use_c built/use_cxx
}

@test "CMake: a version that is too new, and files that are missing, are said" {
  need_cmake
  for wanted in 99 "${VERSION%.*}.99"; do
    run cmake -S "$PROJECT" -B new -DCMAKE_PREFIX_PATH="$ROOT" -DWANTED="$wanted"
    assert_equal "$status" 1
    assert_output --partial "arrowpool-config.cmake, version: $VERSION"
  done
  run -0 cmake -S "$PROJECT" -B older -DCMAKE_PREFIX_PATH="$ROOT" -DWANTED="${VERSION%%.*}.0"
  cp -r "$STAGE" lacking
  rm "lacking$PREFIX/include/arrowpool.h"
  run cmake -S "$PROJECT" -B lacking_built -DCMAKE_PREFIX_PATH="$PWD/lacking$PREFIX"
  assert_equal "$status" 1
  assert_output --partial "lacking$PREFIX/include/arrowpool.h"
  assert_output --partial missing
}

@test "the installed command finds its shim, and the process is served" {
  run -0 "$ROOT/bin/arrowpool" --version
  assert_output --partial "$VERSION"
  run -0 "$ROOT/bin/arrowpool" run --stats=served.json -- "$PROBES/probe_api"
  run -0 json served.json 'pool("libc")["backend"]'
  assert_output jemalloc
  run -0 "$ROOT/bin/arrowpool" run -- cat /proc/self/maps
  assert_output --partial "$ROOT/$LIBDIR/libarrowpool_preload.so"
}

@test "the manual pages are read by man" {
  command -v man >/dev/null && command -v groff >/dev/null || skip "man-db and groff are not installed"
  for page in man1/arrowpool.1 man3/arrowpool.3; do
    run -0 --separate-stderr man -l "$ROOT/share/man/$page"
    assert_line --regexp '^NAME'
    assert_equal "$stderr" ""
  done
}

@test "bash and zsh find their completions" {
  run -0 bash --norc --noprofile -c 'source "$1" && complete -p arrowpool' bash "$ROOT/share/bash-completion/completions/arrowpool"
  assert_output "complete -F _arrowpool arrowpool"
  command -v zsh >/dev/null || skip "zsh is not installed"
  run -0 zsh -f -c 'fpath=("$1" $fpath); autoload -U compinit; compinit -u -D; autoload +X _arrowpool
    print $_comps[arrowpool] ${+functions[_arrowpool]}' zsh "$ROOT/share/zsh/site-functions"
  assert_output "_arrowpool 1"
}

@test "both licences are installed as they are" {
  run -0 diff "$SOURCE/LICENSE" "$ROOT/share/doc/arrowpool/LICENSE"
  run -0 grep -c "Redistribution and use in source and binary forms" "$ROOT/share/doc/arrowpool/COPYING.jemalloc"
}

@test "the installed libraries have no path of the build folder" {
  for file in "$ROOT/bin/arrowpool" "$ROOT/$LIBDIR"/*.so; do
    run -0 readelf -dW "$file"
    refute_output --partial "$BUILD"
    [[ ! $output =~ R(UN)?PATH || $output =~ \$ORIGIN ]]
  done
  run -1 grep -rF "$SOURCE" "$ROOT/share" "$ROOT/include" "$ROOT/$LIBDIR/cmake" "$ROOT/$LIBDIR/pkgconfig"
}

@test "uninstall leaves nothing" {
  export DESTDIR=$BATS_TEST_TMPDIR/again
  meson install -C "$BUILD" --no-rebuild --quiet
  assert [ -x "$DESTDIR$PREFIX/bin/arrowpool" ]
  run -0 ninja -C "$BUILD" uninstall
  assert [ ! -e "$DESTDIR" ]
}
