#!/usr/bin/env bats
# shellcheck disable=SC2034,SC2154 # the helper reads or sets these, or bats
# The tasks of Arrow's threads, on libraries whose thread pools look like a libarrow's (fake_tasks.h): each task knows
# by whom it was given, and what is not as it is known to be stays as it is. The cases are in probe_tasks.cc.
load helper

setup() {
  [ -x "$PROBES/probe_tasks" ] || skip "no C++ compiler when the tests were built, or nobody has described the processor"
  cd "$BATS_TEST_TMPDIR" || return
}

# cases [FLAVOUR]: all of probe_tasks, each in a process of its own.
cases() {
  local name count=0
  for name in $("$PROBES/probe_tasks" list); do
    run -0 --separate-stderr timeout "$(patience 60)" "$PROBES/probe_tasks$1" "$name"
    assert_equal "$name: $stderr" "$name: "
    count=$((count + 1))
  done
  [ $count = 13 ]
}

# loaded LINE VARIANT: what comes of patching that variant.
loaded() {
  run -0 --separate-stderr "$PROBES/probe_tasks_load" "$PROBES/libfake_tasks_$2.so"
  assert_equal "$stderr" ""
  assert_output "$1"
}

@test "each task knows by whom it was given, wherever it ends, and its giver's arguments arrive" {
  cases ""
}

@test "the same with AddressSanitizer and UndefinedBehaviorSanitizer" {
  need_hardware "a sanitizer's shadow is more than it can map"
  cases -asan
}

@test "the same with ThreadSanitizer" {
  need_hardware "a sanitizer's shadow is more than it can map"
  cases -tsan
}

@test "the table of virtual functions is read-only again, or writable, as it was before" {
  loaded "r--p: patched; given 1, told 1, seen 5" 16
  loaded "rw-p: patched; given 1, told 1, seen 5" no_relro
}

@test "the thread pools of libarrow 10, with one virtual function less, are patched" {
  loaded "r--p: patched; given 1, told 1, seen 5" 10
}

@test "a function of another name leaves the thread pools alone" {
  loaded "r--p: its thread pools do not export what is needed; given 0, told 0, seen 0" renamed
}

@test "a function that cannot be told from another leaves the thread pools alone" {
  loaded "r--p: SpawnReal cannot be told from another function; given 0, told 0, seen 0" twice
}

@test "a class that inherits from another one as well leaves the thread pools alone" {
  loaded "r--p: ThreadPool is not simply an Executor; given 0, told 0, seen 0" bases
}

@test "tasks of a class with a function that nobody has heard of stay as they are" {
  loaded "r--p: patched; given 1, told 0, seen 0" fourth
}

@test "a library that is patched already is patched no second time" {
  run -0 "$PROBES/probe_tasks_load" "$PROBES/libfake_tasks_16.so" "$PROBES/libfake_tasks_10.so" "$PROBES/libfake_tasks_16.so"
  assert_equal "$(grep -cx 'r--p: patched; given 1, told 1, seen 5' <<<"$output")" 3
}

@test "a library that is no libarrow has nothing to patch" {
  run -0 "$PROBES/probe_tasks_load" "$PROBES/libprobe_late.so"
  assert_output "none: its thread pools do not export what is needed"
}

@test "eight libarrows of one process are patched, each with its own functions; a ninth is left alone" {
  for number in 1 2 3 4 5 6 7 8 9; do
    cp "$PROBES/libfake_tasks_16.so" "libarrow_$number.so"
  done
  run -0 --separate-stderr "$PROBES/probe_tasks_load" ./libarrow_*.so
  assert_equal "$stderr" ""
  assert_equal "$(grep -cx 'r--p: patched; given 1, told 1, seen 5' <<<"$output")" 8
  assert_line --index 8 "r--p: there are too many libarrows; given 0, told 0, seen 0"
}

# linked [NAME=VALUE]..., loading [NAME=VALUE]...: a libarrow that the program is linked to; two that it loads.
linked() {
  shim "$@" "$PROBES/probe_tasks_shim"
}
loading() {
  shim "$@" "$PROBES/probe_tasks_shim_load" "$PROBES/libfake_tasks_10.so" "$PROBES/libfake_tasks_no_relro.so"
}

# prints LINE... -- COMMAND...
prints() {
  local lines=()
  while [ "$1" != -- ]; do
    lines+=("$1")
    shift
  done
  shift
  run -0 --separate-stderr "$@"
  assert_equal "$stderr" ""
  assert_output "$(printf '%s\n' "${lines[@]}")"
}

@test "the shim patches every libarrow before its first task, whichever hooks are open" {
  SHIM=$PROBES/libarrowpool_preload_tasks.so
  for hooks in all libc; do
    prints "linked: seen 5, patched 1" "linked: seen 5, patched 1" "given 2, told 2" -- linked ARROW_POOL_HOOKS=$hooks
    prints "loaded: seen 5, patched 1" "loaded: seen 5, patched 1" "given 2, told 2" -- loading ARROW_POOL_HOOKS=$hooks
  done
}

@test "a libarrow that is in use already is patched when the shim begins to watch" {
  SHIM=$PROBES/libarrowpool_preload_tasks.so
  prints "linked: seen 0, patched 0" "linked: seen 5, patched 1" "given 1, told 1" -- linked TASKS_TOLD=late
}

@test "nothing is patched where nobody wants to know" {
  prints "linked: seen 0, patched 0" "given 0, told 0" -- linked
  prints "loaded: seen 0, patched 0" "loaded: seen 0, patched 0" "given 0, told 0" -- loading
}

@test "a libarrow that cannot be patched is told of once" {
  SHIM=$PROBES/libarrowpool_preload_tasks.so
  line="arrowpool: no Python line is known of what Arrow's threads allocate: ThreadPool is not simply an Executor"
  run -0 --separate-stderr shim "$PROBES/probe_tasks_shim_load" "$PROBES/libfake_tasks_bases.so" \
    "$PROBES/libfake_tasks_renamed.so"
  assert_equal "$stderr" "$line"
  assert_output "$(printf '%s\n' "loaded: seen 0, patched 0" "loaded: seen 0, patched 0" "given 0, told 0")"
}
