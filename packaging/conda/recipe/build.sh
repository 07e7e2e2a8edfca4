#!/usr/bin/env bash
# Builds an output of meta.yaml: libarrowpool has all but the Python package, and arrowpool that alone.
set -euo pipefail

# The release that conda has unpacked, with what meson would add to it.
source=subprojects/jemalloc-5.3.0
if [ ! -d "$source" ]; then
  cp -R subprojects/jemalloc-release "$source"
  cp -R subprojects/packagefiles/jemalloc/. "$source"
  patch -d "$source" -p1 <subprojects/packagefiles/jemalloc-embedded.diff
fi
interpreter=
[ "$PKG_NAME" = libarrowpool ] || interpreter=$PYTHON
# shellcheck disable=SC2086 # several words
meson setup ${MESON_ARGS:---prefix=$PREFIX --libdir=lib --buildtype=release} --wrap-mode=nodownload \
  -Dtests=false -Dpython_package="$interpreter" "build-$PKG_NAME"
meson compile -C "build-$PKG_NAME" -j "${CPU_COUNT:-2}"
if [ -n "$interpreter" ]; then
  meson install -C "build-$PKG_NAME" --no-rebuild --destdir "$PWD/stage"
  mkdir -p "$SP_DIR"
  cp -R "stage$SP_DIR"/arrowpool* "$SP_DIR"
else
  meson install -C "build-$PKG_NAME" --no-rebuild
fi
