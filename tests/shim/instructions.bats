#!/usr/bin/env bats
# What a pair of allocate and free of 64 bytes costs, in instructions, which no machine's load changes. The bounds leave
# some 15 % to other compilers.
load helper

is_optimized() {
  json "$BUILD/meson-info/intro-buildoptions.json" '{o["name"]: o["value"] for o in d}' >"$BATS_TEST_TMPDIR/options"
  grep -q "'b_coverage': False" "$BATS_TEST_TMPDIR/options" && grep -q "'optimization': '[23]'" "$BATS_TEST_TMPDIR/options"
}

setup() {
  command -v valgrind >/dev/null || skip "valgrind is not installed"
  [ "$MACHINE" = x86_64 ] || skip "the bounds are those of x86-64"
  [ -z "${ARROWPOOL_SHIM-}" ] || skip "another shim than the one that is measured"
  is_optimized || skip "built without optimization, or to count lines"
  cd "$BATS_TEST_TMPDIR" || return
}

# instructions [NAME=VALUE]... PROGRAM ARGUMENT...: of all that it runs.
instructions() {
  local variables=()
  while [[ $1 == *=* ]]; do
    variables+=("$1")
    shift
  done
  env "${variables[@]}" valgrind --tool=callgrind --callgrind-out-file=callgrind "$@" 2>&1 | sed -n 's/.*Collected : //p'
}

# a_pair_takes MOST [NAME=VALUE]... PROGRAM ARGUMENT...: with a count of pairs as one more argument; the beginning counts
# for nothing.
a_pair_takes() {
  local most=$1 few many # and `pair`, which the caller may look at
  shift
  few=$(instructions "$@" 1000)
  many=$(instructions "$@" 11000)
  pair=$(((many - few) / 10000))
  echo "# a pair: $pair instructions" >&3
  [ "$pair" -gt 20 ] # it did something
  [ "$pair" -le "$most" ]
}

# a_profile_adds MOST SIZE: to a pair of that size that is not sampled.
a_profile_adds() {
  local without pair
  a_pair_takes 100000 LD_PRELOAD="$SHIM" "$PROBES/probe_pairs" sized "$2"
  without=$pair
  a_pair_takes $((without + $1)) LD_PRELOAD="$SHIM" ARROW_POOL_PROFILE="$PWD/out" ARROW_POOL_PROFILE_MEAN=1T \
    "$PROBES/probe_pairs" sized "$2"
}

@test "a small block takes at most 150 instructions through the C API" {
  a_pair_takes 150 "$PROBES/probe_pairs" api
}

@test "a small block takes at most 205 instructions through libc's functions" {
  a_pair_takes 205 LD_PRELOAD="$SHIM" ARROW_POOL=jemalloc "$PROBES/probe_pairs" libc
}

@test "a small block takes at most 225 instructions from a library that has a pool of its own" {
  a_pair_takes 225 LD_PRELOAD="$SHIM" ARROW_POOL=jemalloc ARROW_POOL_LIBRARIES=library_now "$PROBES/probe_library" pairs \
    "$PROBES/liblibrary_now.so"
}

@test "a small block takes at most 185 instructions through Arrow's virtual functions" {
  [ -x "$PROBES/probe_pairs_arrow" ] || skip "no C++ compiler when the tests were built"
  a_pair_takes 185 LD_PRELOAD="$SHIM" ARROW_POOL=jemalloc "$PROBES/probe_pairs_arrow"
}

@test "a profile adds nothing to a small block that is not sampled" {
  a_profile_adds 6 64
  a_profile_adds 6 8192
}

@test "a profile adds next to nothing to a large buffer that is not sampled" {
  a_profile_adds 150 65536
  a_profile_adds 150 8388608
}

# a_profile MEAN COUNT: takes so many `instructions`, on so many pairs.
a_profile() {
  rm -rf out
  instructions LD_PRELOAD="$SHIM" ARROW_POOL=jemalloc ARROW_POOL_PROFILE="$PWD/out" ARROW_POOL_PROFILE_KEEP=1 \
    ARROW_POOL_PROFILE_MEAN="$1" "$PROBES/probe_pairs" sized 65536 "$2"
}

samples() {
  "$BUILD/cli/arrowpool" who out --what=total --format=json >who.json
  json who.json 'd["processes"][0]["samples"]'
}

# The vDSO's clock, which valgrind does not have, is a system call here.
@test "a sample and what it leaves behind take at most 2000 instructions" {
  local few many without taken first each
  few=$(a_profile 1T 2000)
  many=$(a_profile 1T 12000)
  without=$((many - few))
  few=$(a_profile 128K 2000)
  first=$(samples)
  many=$(a_profile 128K 12000)
  taken=$(($(samples) - first))
  [ "$taken" -gt 1000 ]
  each=$(((many - few - without) / taken))
  echo "# a sample, and that its buffer is freed: $each instructions" >&3
  [ "$each" -gt 500 ]
  [ "$each" -le 2000 ]
}
