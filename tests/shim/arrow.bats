#!/usr/bin/env bats
# shellcheck disable=SC2154 # bats or the helper sets these
# The hook to Arrow's pools, on libraries that look like a libarrow (fake_arrow.h): which are patched, which
# stay as they are, and that a program sees no difference.
load helper

setup() {
  [ -x "$PROBES/probe_arrow_26" ] || skip "no C++ compiler when the tests were built"
  cd "$BATS_TEST_TMPDIR" || return
}

# names DUMP: of Arrow's pools in it.
names() {
  json "$1" 'sorted(p["name"] for p in d["pools"] if p["name"].startswith("arrow"))'
}

# patched NAMES PROGRAM [PLUGIN]: the program prints the same in both modes as without the shim, its own functions
# serve nothing, and the statistics have those pools.
patched() {
  local names=$1 program=$2 mode
  shift 2
  "$program" theirs "$@" >stock.out
  for mode in jemalloc system; do
    run -0 --separate-stderr shim ARROW_POOL=$mode ARROW_POOL_STATS="$mode.json" "$program" ours "$@"
    assert_equal "$stderr" ""
    diff <(echo "$output") stock.out
    run -0 names $mode.json
    assert_output "$names"
    run -0 json $mode.json '[p["backend"] for p in d["pools"] if p["name"].startswith(("arrow.mimalloc", "arrow.system"))]'
    refute_output --partial "$([ $mode = jemalloc ] && echo system || echo jemalloc)"
    run -0 json $mode.json '[p["backend"] for p in d["pools"] if p["name"].startswith("arrow.jemalloc")]'
    refute_output --partial system
    # Of the default pool: nothing is live; neither the buffer of no bytes nor that of before the patch counts.
    run -0 json $mode.json '[pool("arrow.mimalloc")[f] for f in ("bytes_allocated", "num_allocations", "num_frees", "num_failed")]'
    assert_output "[0, 8, 3, 2]"
  done
}

# refused REASON VARIANT: everything stays the library's, and a line says why; as program and as plugin.
refused() {
  local reason=$1 plugin mode line
  for plugin in "" "$PROBES/libprobe_arrow_plugin_$2.so"; do
    command=("$PROBES/probe_arrow_$2" theirs)
    [ -z "$plugin" ] || command=("$PROBES/probe_arrow_load" theirs "$plugin")
    "${command[@]}" >stock.out
    for mode in jemalloc system; do
      rm -f s.json
      run -0 --separate-stderr shim ARROW_POOL=$mode ARROW_POOL_STATS=s.json ARROW_POOL_STATS_IDLE=1 \
        "${command[@]}"
      # One line for each of the three pools, however often they are asked for.
      line="arrowpool: a pool of Arrow's stays as it is: $reason"
      assert_equal "$stderr" "$line"$'\n'"$line"$'\n'"$line"
      diff <(echo "$output") stock.out
      run -0 names s.json
      assert_output "[]"
      run -0 --separate-stderr shim ARROW_POOL=$mode ARROW_POOL_LOG=quiet "${command[@]}"
      assert_equal "$stderr" ""
    done
  done
}

ALL="['arrow.jemalloc', 'arrow.mimalloc', 'arrow.system']"

@test "a libarrow as version 26 has it is patched" {
  patched "$ALL" "$PROBES/probe_arrow_26"
}

@test "a libarrow as version 10 has it is patched" {
  patched "['arrow.mimalloc', 'arrow.system']" "$PROBES/probe_arrow_10"
}

@test "one that a plugin brings along, in nobody else's view, is patched" {
  for variant in 26 extra; do
    patched "$ALL" "$PROBES/probe_arrow_load" "$PROBES/libprobe_arrow_plugin_$variant.so"
  done
  patched "['arrow.mimalloc', 'arrow.system']" "$PROBES/probe_arrow_load" "$PROBES/libprobe_arrow_plugin_10.so"
}

@test "virtual functions that nobody has heard of stay the library's own, wherever they are" {
  for variant in extra shifted; do
    patched "$ALL" "$PROBES/probe_arrow_$variant"
    assert_equal "$(grep -c 'unheard of: 77' stock.out)" 3
  done
}

@test "a pool that is given away before it is constructed is patched once it is" {
  patched "$ALL" "$PROBES/probe_arrow_unconstructed"
}

@test "two functions with one address are not told apart, and the pool is left alone" {
  refused "a virtual function of ProxyMemoryPool cannot be told from another" folded
}

@test "a method that is missing leaves the pool alone" {
  refused "a virtual function of ProxyMemoryPool is not where it always was" missing
}

@test "a class that inherits from another one as well is left alone" {
  refused "its class is not simply a MemoryPool" multiple
}

@test "a debug pool is left alone" {
  refused "it is Arrow's debug pool (ARROW_DEBUG_MEMORY_POOL)" debug
}

@test "two libarrows in one process each keep their own books" {
  plugins=("$PROBES/libprobe_arrow_plugin_26.so" "$PROBES/libprobe_arrow_plugin_26_again.so" "$PROBES/libprobe_arrow_plugin_10.so")
  run -0 "$PROBES/probe_arrow_load" theirs "${plugins[@]}"
  stock=$output
  # Each copy's own messages, so each copy's own functions.
  assert_equal "$(grep -c '^26: negative malloc size' <<<"$stock")" 3
  assert_equal "$(grep -c '^26_again: negative malloc size' <<<"$stock")" 3
  assert_equal "$(grep -c '^10: negative malloc size' <<<"$stock")" 2
  for mode in jemalloc system; do
    run -0 --separate-stderr shim ARROW_POOL=$mode ARROW_POOL_STATS=$mode.json "$PROBES/probe_arrow_load" ours "${plugins[@]}"
    assert_equal "$stderr" ""
    assert_equal "$output" "$stock"
    run -0 names $mode.json
    assert_output "['arrow.jemalloc', 'arrow.jemalloc.2', 'arrow.mimalloc', 'arrow.mimalloc.2', 'arrow.mimalloc.3', 'arrow.system', 'arrow.system.2', 'arrow.system.3']"
    run -0 json $mode.json '[(p["bytes_allocated"], p["num_allocations"], p["num_frees"]) for p in d["pools"] if p["name"].startswith("arrow")]'
    assert_output "$("$PYTHON" -I -c 'print([(0, 8, 3)] * 8)')"
  done
}

@test "with the hook shut the library's own functions serve" {
  run -0 --separate-stderr shim ARROW_POOL=jemalloc ARROW_POOL_HOOKS=libc,arrow_mi ARROW_POOL_STATS=s.json \
    ARROW_POOL_STATS_IDLE=1 "$PROBES/probe_arrow_26" theirs
  assert_equal "$stderr" ""
  run -0 names s.json
  assert_output "[]"
}

@test "on a processor that nobody has described the pools stay as they are, and a line says so if it was asked for" {
  export SHIM=$PROBES/libarrowpool_preload_unknown.so
  line="arrowpool: the arrow_vtable hook stays off on this processor"
  "$PROBES/probe_arrow_26" theirs >stock.out
  for hooks in all arrow_vtable libc,arrow_vtable; do
    run -0 --separate-stderr shim ARROW_POOL=jemalloc ARROW_POOL_HOOKS=$hooks ARROW_POOL_STATS=s.json ARROW_POOL_STATS_IDLE=1 \
      "$PROBES/probe_arrow_26" theirs
    assert_equal "$stderr" "$line"
    diff <(echo "$output") stock.out
    run -0 names s.json
    assert_output "[]"
  done
  run -0 --separate-stderr shim ARROW_POOL_LOG=info "$PROBES/probe_arrow_26" theirs
  assert_equal "$stderr" "$line"
  for quiet in ARROW_POOL_LOG=warn ARROW_POOL_HOOKS=libc "ARROW_POOL_HOOKS=all ARROW_POOL_LOG=quiet"; do
    # shellcheck disable=SC2086 # several variables
    run -0 --separate-stderr shim $quiet "$PROBES/probe_arrow_26" theirs
    assert_equal "$stderr" ""
  done
}
