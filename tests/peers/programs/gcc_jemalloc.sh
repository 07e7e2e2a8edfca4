# shellcheck shell=bash
# jemalloc's configure and make of its static library, with configure's hundreds of small programs; all objects alike

version() {
  need gcc make
  jemalloc=$(echo "$SOURCE"/subprojects/jemalloc-*/)
  [ -f "$jemalloc/configure" ] || {
    echo "jemalloc's source is not unpacked in $SOURCE/subprojects"
    exit 1
  }
  echo "gcc $(gcc -dumpfullversion)"
}

run() {
  version >/dev/null
  "$jemalloc/configure" --disable-cxx CFLAGS='-O0 -g0' >configure.log
  make -j2 lib/libjemalloc.a >make.log
  md5sum include/jemalloc/jemalloc.h include/jemalloc/internal/jemalloc_internal_defs.h
  find src -name '*.o' -exec md5sum {} + | sort -k 2
  printf '%s\n' '#include <stdio.h>' '#include <jemalloc/jemalloc.h>' \
    'int main(void) { puts(JEMALLOC_VERSION); free(malloc(100)); return !malloc(1); }' >try.c
  gcc -Iinclude try.c lib/libjemalloc.a -lpthread -lm -ldl -o try
  ./try
}
