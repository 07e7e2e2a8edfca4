#!/bin/sh
# Build jemalloc as a private static archive: own prefix, hidden symbols, no constructor, no initial-exec TLS.
# usage: build-private.sh SOURCE WORK ARCHIVE HEADER HOST STRIP COMPILER...
set -eu
src=$1 work=$2 archive=$(realpath -m "$3") header=$(realpath -m "$4") host=$5 strip=$6
shift 6
machine=${host:-$(uname -m)}
# jemalloc's pages may be several of the kernel's, never parts of one. Where kernels differ in theirs, they are
# the largest, 64 KiB (RANGE_UNIT in lib/memory/range.h). Nothing is taken from the machine that builds.
case $machine in x86_64*) lg_page=12 ;; *) lg_page=16 ;; esac
# Processors differ in how many bits their addresses may have, and jemalloc's tables with it. None of them hands out more to
# a program that does not ask for it.
case $machine in x86_64* | aarch64*) lg_vaddr=48 ;; *) lg_vaddr= ;; esac
mkdir -p "$work"
cd "$work"
# Of its archives only this one, without debug information, which would be stripped: that takes half of the time.
# The base address of a large block must be page-aligned, or its pages cannot be moved: no cache-oblivious.
if ! { "$src/configure" ${host:+--host="$host"} \
    --with-jemalloc-prefix=arrowpool_je_ --with-private-namespace=arrowpool_je_private_ \
    --without-export --disable-cxx --disable-initial-exec-tls --disable-cache-oblivious \
    --disable-shared --enable-static --enable-opt-safety-checks --with-lg-page=$lg_page --with-lg-hugepage=21 ${lg_vaddr:+--with-lg-vaddr=$lg_vaddr} \
    CC="$*" CFLAGS="-O2 -fPIC -fvisibility=hidden -g0" && make -j"$(nproc)" lib/libjemalloc_pic.a; } >build.log 2>&1; then
  tail -n 30 build.log >&2
  exit 1
fi
cp lib/libjemalloc_pic.a "$archive"
"$strip" --strip-debug "$archive"
cp include/jemalloc/jemalloc.h "$header"
