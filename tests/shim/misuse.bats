#!/usr/bin/env bats
# shellcheck disable=SC2154 # bats or the helper sets these
# What comes of misuse without a debug mode: docs/use/debug.md has the whole table, and what others do.
load helper

setup() {
  [ -x "$PROBES/probe_misuse" ] || skip "no C++ compiler when the tests were built"
  cd "$BATS_TEST_TMPDIR" || return
  ulimit -c 0
}

WRONG="double double_later double_thread inner inner_odd never realloc_freed realloc_inner free_moved"

# misuse HOOK SIZE MISUSE, in the mode $POOL. Sets what: "ends" with a line of ours, "passed on" where the allocator behind
# us ended it, "crash", or what the probe says.
misuse() {
  run --separate-stderr shim ARROW_POOL="${POOL:-jemalloc}" "$PROBES/probe_misuse" "$@"
  case $status in
  0) what=${lines[-1]} ;;
  134) if [[ $stderr == "arrowpool: "* ]]; then what=ends; else what="passed on"; fi ;;
  135 | 139) what=crash ;;
  *) what="status $status" ;;
  esac
}

# comes_to WHAT HOOKS SIZES MISUSES
comes_to() {
  local hook size misuse what
  for hook in $2; do
    for size in $3; do
      for misuse in $4; do
        misuse "$hook" "$size" "$misuse"
        [ "$what" = "$1" ] || fail "$hook $size $misuse: $what, not $1 ($output$stderr)"
      done
    done
  done
}

@test "a program that does nothing wrong is left alone" {
  for POOL in jemalloc system; do
    comes_to nothing "libc arrow_mi arrow c" "small large" none
  done
}

@test "a large buffer is freed and resized at its start and while it lives, through every hook" {
  comes_to ends "libc arrow_mi arrow c" large "$WRONG"
  misuse libc large double
  [[ $(without_emulator "$stderr") == "arrowpool: free or reallocation of 0x"*": not the start of a live buffer" ]]
}

@test "a small buffer is, where its size is not told" {
  comes_to ends "libc arrow_mi" small "$WRONG"
  misuse libc small double
  [[ $(without_emulator "$stderr") == "arrowpool: free or reallocation of 0x"*": not the start of a live buffer" ]]
}

@test "a small buffer whose size is told is not freed twice in a row" {
  comes_to ends "arrow c" small double
  misuse c small double
  [[ $(without_emulator "$stderr") == "arrowpool: block 0x"*": freed already" ]]
}

@test "what is of no pool is left to the allocator behind us" {
  comes_to "passed on" "libc arrow_mi c" "small large" "stack static"
  POOL=system comes_to "passed on" "libc arrow_mi c" "small large" "stack static"
}

@test "in system mode the allocator behind us decides" {
  POOL=system comes_to "passed on" "libc arrow_mi c" small "double double_later inner"
}

@test "what is written into a freed buffer damages no bookkeeping" {
  comes_to nothing "libc arrow_mi arrow c" "small large" write_freed
}

@test "a quiet log does not silence what ends the program" {
  run -134 --separate-stderr shim ARROW_POOL=jemalloc ARROW_POOL_LOG=quiet "$PROBES/probe_misuse" c large double
  [[ $stderr == "arrowpool: free or reallocation of "* ]]
}

@test "the statistics are written before" {
  run -134 shim ARROW_POOL=jemalloc ARROW_POOL_STATS=s.json "$PROBES/probe_misuse" libc small double
  run -0 json s.json '[pool("libc")[f] for f in ("num_allocations", "num_frees")]'
  assert_output "[8, 1]"
}

@test "the guard of a debug mode finds it first, and the program goes on" {
  for size in small large; do
    run -0 --separate-stderr shim ARROW_POOL=jemalloc ARROW_POOL_DEBUG=warn "$PROBES/probe_misuse" c $size double
    [[ $stderr == "arrowpool: debug: pool c:probe: buffer "*": freed already, found at free" ]]
    assert_line nothing
  done
}
