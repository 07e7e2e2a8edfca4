#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2153 # other shells and Python expand these; names of the helper
# What the libraries show to the outside: symbols, dependencies, thread-local storage, the header.
load helper

# exports FILE: names of the defined dynamic symbols, without versions, version definitions and what is local, which some
# linkers list there.
exports() {
  nm -D --defined-only --extern-only "$1" | awk '$2 != "A" {sub(/@.*/, "", $3); print $3}' | sort
}

# assert_exports LIST FILE; the list is reviewed by hand, one name a line.
assert_exports() {
  run -0 diff <(grep -v '^#' "$SOURCE/tests/shim/$1" | sort) <(exports "$2")
  assert_output ""
}

@test "the pool library exports the C API and nothing else" {
  assert_exports exports-library.txt "$LIBRARY"
}

@test "the shim exports the C API and the functions it stands in for, and nothing else" {
  assert_exports exports-shim.txt "$SHIM"
}

@test "the C API is versioned alike in both libraries" {
  run -0 diff <(nm -D --defined-only "$LIBRARY" | awk '/arrowpool_/ {print $3}' | sort) \
    <(nm -D --defined-only "$SHIM" | awk '/arrowpool_/ {print $3}' | sort)
  run -0 bash -c 'nm -D --defined-only "$LIBRARY" | grep arrowpool_ | grep -vc @@ARROWPOOL_1; true'
  assert_output 0
}

@test "every function of the header is exported" {
  for name in $(grep -o 'arrowpool_[a-z_]*(' "$SOURCE/lib/include/arrowpool.h" | tr -d '(' | sort -u); do
    exports "$LIBRARY" | grep -qx "$name" || [ "$name" = arrowpool_write_fn ] || fail "$name is missing"
  done
}

# glibc before 2.34 has libdl and libpthread apart.
@test "both libraries need only libc, and no static TLS" {
  for library in "$LIBRARY" "$SHIM"; do
    run -0 readelf -dW "$library"
    refute_output --partial STATIC_TLS
    refute_output --partial TEXTREL
    run -0 bash -c "readelf -dW '$library' | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -vE '^(ld-linux|libdl\.so\.2$|libpthread\.so\.0$)'"
    assert_output libc.so.6
  done
}

# What glibc has under a newer version as well, by linking with an older one (scripts/wheel): libpthread and libdl became
# parts of it in 2.34, stat a function in 2.33, and headers redirect strtol from 2.38 on.
MOVED='pthread_.*|sem_.*|dl(addr1?|close|error|open|sym|vsym)|[fl]?stat64|fstatat64|__libc_start_main|__isoc23_.*'

@test "nothing that is needed of glibc came after 2.28" {
  for file in "$LIBRARY" "$SHIM" "$CLI" "$BUILD"/python/arrowpool/*.so; do
    [ -e "$file" ] || continue
    run readelf --dyn-syms -W "$file"
    run awk -v moved="^($MOVED)$" '$5 == "GLOBAL" && $7 == "UND" && split($8, part, "@") == 2 && part[2] ~ /^GLIBC_2\.(29|[3-9][0-9])/ &&
      part[1] !~ moved {print $8}' <<<"$output"
    assert_output ""
  done
}

@test "both libraries stay loaded once loaded" {
  for library in "$LIBRARY" "$SHIM"; do
    run -0 readelf -dW "$library"
    assert_output --regexp 'Flags:.*NODELETE'
  done
}

@test "the shim's dlopen leaves by a jump, so that the loader sees the true caller" {
  run -0 "${ARROWPOOL_OBJDUMP:-objdump}" -d --no-show-raw-insn --disassemble=dlopen "$SHIM"
  refute_output --regexp '\s(callq? +\*|blr\s)'
  assert_output --regexp '\s(jmpq? +\*|br\s)'
}

@test "the header compiles alone as C11 and as C++17 without a warning" {
  header=$SOURCE/lib/include/arrowpool.h
  run -0 gcc -std=c11 -Wall -Wextra -Werror -pedantic -fsyntax-only -x c "$header"
  assert_output ""
  run -0 g++ -std=c++17 -Wall -Wextra -Werror -pedantic -fsyntax-only -x c++ "$header"
  assert_output ""
}

@test "a linked program works without the shim" {
  run -0 "$PROBES/probe_api"
}

@test "under the shim a linked program has one instance: its pool is in the shim's dump, once" {
  dump=$BATS_TEST_TMPDIR/s.json
  run -0 shim ARROW_POOL=jemalloc ARROW_POOL_STATS="$dump" "$PROBES/probe_api"
  run -0 json "$dump" 'sorted(p["name"] for p in d["pools"]), pool("c:probe")["bytes_allocated"], pool("libc")["num_frees"]'
  assert_output "(['c:probe', 'libc'], 500000, 1)"
}
