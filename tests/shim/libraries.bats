#!/usr/bin/env bats
# shellcheck disable=SC2154 # bats sets these
# Pools of single libraries: library_plugin.c's, built in several ways, by probe_library. What goes to and fro is
# verified there.
load helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  lazy=$PROBES/liblibrary_lazy.so
  now=$PROBES/liblibrary_now.so
  bare=$PROBES/liblibrary_bare.so
  needs=$PROBES/liblibrary_needs.so
}

# served [NAME=VALUE]... COMMAND...: its dump is in dump.json.
served() {
  shim ARROW_POOL=jemalloc ARROW_POOL_STATS="$PWD/dump.json" "$@"
}

# figures POOL FIELD...
figures() {
  local pool=$1 fields
  shift
  printf -v fields '%s,' "$@"
  json dump.json "' '.join(str(pool('$pool')[f]) for f in '${fields%,}'.split(','))"
}

@test "every function conforms without the shim, in both modes and in debug modes, however the library is bound" {
  for library in "$lazy" "$now" "$bare"; do
    run -0 "$PROBES/probe_library" calls "$library"
    for settings in ARROW_POOL=jemalloc ARROW_POOL=system "ARROW_POOL=jemalloc ARROW_POOL_DEBUG=abort" \
      "ARROW_POOL=system ARROW_POOL_DEBUG=abort"; do
      # shellcheck disable=SC2086 # several words
      run -0 shim $settings ARROW_POOL_LIBRARIES='*/liblibrary_*.so' "$PROBES/probe_library" calls "$library"
      assert_output ""
    done
  done
}

@test "the library's buffers are counted in a pool of its own, and found again when the program frees them" {
  for kind in lazy now bare; do
    run -0 served ARROW_POOL_LIBRARIES=library_$kind "$PROBES/probe_library" buffers "$PROBES/liblibrary_$kind.so"
    assert_output ""
    run -0 figures lib.library_$kind num_allocations num_frees bytes_allocated total_bytes_allocated
    assert_output "100 50 50000 100000"
  done
}

@test "a library that is not named, the program and its neighbours stay as they are" {
  run -0 served ARROW_POOL_LIBRARIES=library_now "$PROBES/probe_library" buffers "$lazy"
  assert_output "arrowpool: ARROW_POOL_LIBRARIES: no library library_now was loaded"
  [ ! -e dump.json ] # no pool was used
}

@test "in system mode the next allocator serves, and what is asked for is counted" {
  run -0 shim ARROW_POOL=system ARROW_POOL_STATS="$PWD/dump.json" ARROW_POOL_LIBRARIES=library_now \
    "$PROBES/probe_library" buffers "$now"
  run -0 figures lib.library_now num_allocations total_bytes_allocated num_frees bytes_allocated
  assert_output "100 100000 None None"
  run -0 shim ARROW_POOL=system ARROW_POOL_STATS="$PWD/dump.json" ARROW_POOL_LIBRARIES=library_now \
    "$PROBES/probe_library" calls "$now"
  run -0 json dump.json '[p["name"] for p in d["pools"]]' # its aligned calls do not count as libc's as well
  assert_output "['lib.library_now']"
}

@test "libraries that are there when the program starts are served from its constructors on" {
  run -0 env LD_PRELOAD="$SHIM:$now" ARROW_POOL=jemalloc ARROW_POOL_STATS="$PWD/dump.json" ARROW_POOL_LIBRARIES=library_now \
    "$PROBES/probe_library" buffers "$now"
  run -0 figures lib.library_now num_allocations
  assert_output 100
}

@test "libraries that others need are served as well" {
  run -0 served ARROW_POOL_LIBRARIES=library_now "$PROBES/probe_library" buffers "$needs"
  run -0 figures lib.library_now num_allocations
  assert_output 100
}

@test "a library that another loads by bare name, through its RUNPATH, is found there, and served after the next load" {
  plugin=$PROBES/libprobe_plugin.so
  run -0 served ARROW_POOL_LIBRARIES=library_now "$PROBES/probe_library" bare "$plugin" "${now##*/}" "$lazy"
  run -0 figures lib.library_now num_allocations
  assert_output 1
}

@test "what a library had outlives it, and a library that is loaded again has its pool again" {
  for library in "$lazy" "$now"; do
    run -0 served ARROW_POOL_LIBRARIES='*/liblibrary_*.so' "$PROBES/probe_library" unload "$library" 50
    assert_output ""
    name=${library##*/lib}
    run -0 figures "lib.${name%.so}" num_allocations num_frees bytes_allocated
    # 50 small and 50 large ones; 25 of the large ones grew, which counts as an allocation too
    assert_output "125 100 0"
  done
}

@test "threads that allocate while the library is loaded lose nothing" {
  for library in "$lazy" "$now"; do
    run -0 served LIBRARY_THREAD=1 ARROW_POOL_LIBRARIES='*/liblibrary_*.so' "$PROBES/probe_library" load "$library"
    assert_output ""
    run -0 served LIBRARY_THREAD=1 ARROW_POOL_LIBRARIES='*/liblibrary_*.so' "$PROBES/probe_library" unload "$library" 20
    assert_output ""
  done
}

@test "threads pass buffers of the library, the program and libc to and fro" {
  for mode in jemalloc system; do
    run -0 shim ARROW_POOL=$mode ARROW_POOL_LIBRARIES=library_now "$PROBES/probe_library" threads "$now" 4000
    assert_output ""
  done
  run -0 served ARROW_POOL_LIBRARIES=library_now "$PROBES/probe_library" threads "$now" 4000
  run -0 figures lib.library_now bytes_allocated
  assert_output 0
  run -0 json dump.json 'pool("libc")["bytes_allocated"], pool("libc")["num_allocations"] > 1000'
  assert_output "(0, True)"
  run -0 shim ARROW_POOL=jemalloc ARROW_POOL_DEBUG=abort ARROW_POOL_LIBRARIES=library_now "$PROBES/probe_library" threads "$now" 500
  assert_output ""
}

@test "a long stress of the same finds nothing" {
  need_long
  for library in "$lazy" "$now" "$bare"; do
    for settings in ARROW_POOL_DECAY=0 ARROW_POOL_THP=always ARROW_POOL_PROFILE="$PWD/profile" ARROW_POOL_DEBUG=abort ARROW_POOL_LIMIT=64G; do
      run -0 shim ARROW_POOL=jemalloc LIBRARY_THREAD=1 "$settings" ARROW_POOL_LIBRARIES='*/liblibrary_*.so' \
        "$PROBES/probe_library" threads "$library" 20000
      assert_output ""
    done
  done
}

@test "a child goes on where its parent was" {
  run -0 shim ARROW_POOL=jemalloc ARROW_POOL_LIBRARIES=library_lazy "$PROBES/probe_library" fork "$lazy"
  assert_output ""
  run -0 shim ARROW_POOL=system ARROW_POOL_LIBRARIES=library_lazy "$PROBES/probe_library" fork "$lazy"
  assert_output ""
}

@test "a limit refuses, with ENOMEM" {
  run -0 --separate-stderr served ARROW_POOL_LIMIT=100M ARROW_POOL_LIBRARIES=library_now "$PROBES/probe_library" limit "$now"
  [[ $output =~ ^(9[0-9]|100)" buffers, errno ENOMEM" ]]
  [[ $stderr == *lib.library_now* ]]
  run -0 figures lib.library_now num_failed
  assert_output 1
}

@test "a large buffer grows in place" {
  run -0 served ARROW_POOL_LIBRARIES=library_now "$PROBES/probe_library" grow "$now"
  run -0 json dump.json 'pool("lib.library_now")["bytes_copied"] < 32 << 20, pool("lib.library_now")["bytes_grown_in_place"] >= 128 << 20'
  assert_output "(True, True)"
}

@test "a profile has the library's buffers, small ones too" {
  run -0 served ARROW_POOL_PROFILE="$PWD/profile" ARROW_POOL_PROFILE_KEEP=1 ARROW_POOL_PROFILE_MEAN=1K \
    ARROW_POOL_LIBRARIES=library_now "$PROBES/probe_library" buffers "$now"
  run -0 "$CLI" who profile --what=live
  assert_output --regexp 'from [1-9][0-9]* samples'
}

@test "a debug mode finds what is written behind a buffer's end, and a second free, and says whose it is" {
  run -134 served ARROW_POOL_DEBUG=abort ARROW_POOL_LIBRARIES=library_now "$PROBES/probe_library" overrun "$now"
  assert_output --partial "debug: pool lib.library_now: buffer"
  assert_output --partial "1 byte behind its end was overwritten"
  run -134 served ARROW_POOL_DEBUG=abort ARROW_POOL_LIBRARIES=library_now "$PROBES/probe_library" twice "$now"
  assert_output --partial "debug: pool lib.library_now: buffer"
  assert_output --partial "freed already"
}

@test "without a debug mode a second free of a large buffer ends the program" {
  run -134 served ARROW_POOL_LIBRARIES=library_now "$PROBES/probe_library" twice "$now"
}

@test "several names are several pools, and one package is one" {
  mkdir -p site-packages/pack
  cp "$now" site-packages/pack/one.so
  cp "$lazy" site-packages/pack/two.abi3.so
  for library in one.so two.abi3.so; do
    run -0 served ARROW_POOL_LIBRARIES=other,pack "$PROBES/probe_library" buffers "$PWD/site-packages/pack/$library"
    assert_output "arrowpool: ARROW_POOL_LIBRARIES: no library other was loaded"
    run -0 figures lib.pack num_allocations
    assert_output 100
  done
  run -0 served ARROW_POOL_LIBRARIES='*/pack/*' "$PROBES/probe_library" buffers "$PWD/site-packages/pack/two.abi3.so"
  run -0 figures lib.two num_allocations
  assert_output 100
}

@test "a name that came to nothing is said at exit, with what is near it, by programs that load libraries" {
  run -0 shim ARROW_POOL_LIBRARIES=library_nwo,nothing "$PROBES/probe_library" buffers "$now"
  assert_output "arrowpool: ARROW_POOL_LIBRARIES: no library library_nwo was loaded; $now was
arrowpool: ARROW_POOL_LIBRARIES: no library nothing was loaded"
  run -0 shim ARROW_POOL_LOG=quiet ARROW_POOL_LIBRARIES=nothing "$PROBES/probe_library" buffers "$now"
  assert_output ""
  run -0 shim ARROW_POOL_LIBRARIES=nothing "$PROBES/probe_library" none
  assert_output ""
}

@test "a library that calls no malloc is said to" {
  run -0 shim ARROW_POOL_LIBRARIES=library_needs "$PROBES/probe_library" buffers "$needs"
  assert_output "arrowpool: ARROW_POOL_LIBRARIES: library_needs: it calls no malloc but its own, so nothing of it is served"
}

@test "where a free is not ours the pool only counts" {
  run -0 shim ARROW_POOL=jemalloc ARROW_POOL_STATS="$PWD/dump.json" ARROW_POOL_LIBRARIES=library_now \
    "$PROBES/probe_library_bypass" buffers "$now"
  run -0 figures lib.library_now num_allocations bytes_allocated
  assert_output "100 None"
}
