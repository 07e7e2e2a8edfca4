#!/usr/bin/env bats
# shellcheck disable=SC2154 # bats or the helper sets these
# ARROW_POOL_DEBUG: every kind of misuse, through every hook, in every mode; and programs that do nothing wrong.
load helper

setup() {
  [ -x "$PROBES/probe_debug" ] || skip "no C++ compiler when the tests were built"
  cd "$BATS_TEST_TMPDIR" || return
}

BUFFER="of 1000 bytes, alignment 64"

# pool_of HOOK
pool_of() {
  case $1 in
  c) echo c:probe ;;
  libc | cxx) echo libc ;;
  arrow_mi) echo arrow_mi ;;
  arrow) echo arrow.mimalloc ;;
  esac
}

# finds MODE HOOK MISUSE: all do, but one: whoever is given a freed buffer by libc's functions in system mode may have
# got that address from malloc since.
finds() {
  [[ $1 != system || $2 != @(libc|cxx) || $3 != double* ]]
}

# found HOOK MISUSE WHAT [POOL]: in each mode of ARROW_POOL that hook finds it, says that one line, and the program
# goes on.
found() {
  local mode address
  for mode in jemalloc system; do
    finds $mode "$1" "$2" || continue
    run -0 --separate-stderr shim ARROW_POOL=$mode ARROW_POOL_DEBUG=warn "$PROBES/probe_debug" "$1" "$2"
    address=${lines[0]}
    assert_equal "${lines[1]}" "went on"
    assert_equal "$stderr" "arrowpool: debug: pool ${4-$(pool_of "$1")}: buffer $address$3"
  done
}

# found_everywhere MISUSE WHAT
found_everywhere() {
  local hook
  for hook in c arrow_mi arrow libc cxx; do
    found "$hook" "$@"
  done
}

@test "a program that does nothing wrong is told nothing" {
  for hook in c arrow_mi arrow libc cxx; do
    for mode in jemalloc system; do
      run -0 --separate-stderr shim ARROW_POOL=$mode ARROW_POOL_DEBUG=abort "$PROBES/probe_debug" $hook none
      assert_equal "$stderr" ""
    done
  done
}

@test "one byte behind the end is found at free" {
  found_everywhere overrun " $BUFFER: 1 byte behind its end was overwritten (offset 1000), found at free"
}

@test "one byte behind the end is found at reallocate" {
  found_everywhere overrun_resize " $BUFFER: 1 byte behind its end was overwritten (offset 1000), found at reallocate"
}

@test "one byte behind the end of a buffer that is never freed is found at exit" {
  found_everywhere live " $BUFFER: 1 byte behind its end was overwritten (offset 1000), found at exit"
}

@test "_exit, which may be called anywhere, looks for nothing" {
  run -0 --separate-stderr shim ARROW_POOL=jemalloc ARROW_POOL_DEBUG=abort "$PROBES/probe_debug" c live_exit
  assert_equal "$stderr" ""
}

@test "a double free is found and not executed" {
  found_everywhere double " $BUFFER: freed already, found at free"
}

@test "a freed buffer that is reallocated is found, and the program gets a new one" {
  found_everywhere double_resize " $BUFFER: freed already, found at reallocate"
}

@test "a wrong size is found where sizes are told" {
  for hook in c arrow; do
    found $hook size " $BUFFER: the caller said 999 bytes, found at free"
    found $hook no_size " $BUFFER: the caller said 0 bytes, found at free"
  done
}

@test "a wrong alignment is found where alignments are told" {
  for hook in c arrow; do
    found $hook alignment " $BUFFER: the caller said alignment 128, found at free"
  done
}

@test "a buffer of another pool is found and stays with its owner" {
  for hook in c arrow_mi arrow; do
    found $hook foreign " $BUFFER: it belongs to pool c:owner, found at free"
    found $hook foreign_resize " $BUFFER: it belongs to pool c:owner, found at reallocate"
  done
  # The owner is a pool of our jemalloc in both modes.
  for hook in libc cxx; do
    found $hook foreign " $BUFFER: it belongs to pool c:owner, found at free" libc
  done
}

@test "what no pool handed out is found and left alone" {
  found c strange ": no pool handed it out (told as 1000 bytes, alignment 64), found at free"
  found arrow_mi strange ": no pool handed it out, found at free"
}

@test "what merely passes through libc's functions is nobody's business" {
  for probe in alloc resize free; do
    for mode in jemalloc system; do
      run -0 --separate-stderr shim ARROW_POOL=$mode ARROW_POOL_DEBUG=abort "$PROBES/probe_$probe"
      assert_equal "$stderr" ""
    done
  done
  for mode in jemalloc system; do
    run -0 --separate-stderr shim ARROW_POOL=$mode ARROW_POOL_DEBUG=abort "$PROBES/probe_cxx"
    assert_equal "$stderr" ""
  done
}

@test "trap ends the program by SIGTRAP and abort by SIGABRT, after the line" {
  ulimit -c 0
  for hook in c arrow_mi arrow libc cxx; do
    for misuse in overrun overrun_resize double double_resize; do
      for mode in jemalloc system; do
        finds $mode $hook $misuse || continue
        run -133 --separate-stderr shim ARROW_POOL=$mode ARROW_POOL_DEBUG=trap "$PROBES/probe_debug" $hook $misuse
        [[ ${stderr_lines[0]} == "arrowpool: debug: pool $(pool_of $hook): buffer ${lines[0]} $BUFFER: "* ]]
        refute_line "went on"
        run -134 --separate-stderr shim ARROW_POOL=$mode ARROW_POOL_DEBUG=abort "$PROBES/probe_debug" $hook $misuse
        [[ ${stderr_lines[0]} == "arrowpool: debug: pool $(pool_of $hook): buffer ${lines[0]} $BUFFER: "* ]]
        refute_line "went on"
      done
    done
  done
}

@test "abort still leaves the statistics" {
  ulimit -c 0
  run -134 shim ARROW_POOL=jemalloc ARROW_POOL_DEBUG=abort ARROW_POOL_STATS=s.json "$PROBES/probe_debug" c double
  run -0 json s.json '[pool("c:probe")[f] for f in ("num_allocations", "num_frees", "bytes_allocated")]'
  assert_output "[1, 1, 0]"
}

@test "a debugger goes on after the trap" {
  need_hardware "gdb would see the emulator"
  command -v gdb >/dev/null || skip "gdb is not installed"
  run timeout 60 gdb -q -batch -ex "set environment LD_PRELOAD=$SHIM" -ex "set environment ARROW_POOL_DEBUG=trap" \
    -ex "set startup-with-shell off" -ex run -ex "signal 0" --args "$PROBES/probe_debug" c double
  [[ $output != *"ptrace: Operation not permitted"* ]] || skip "ptrace is not allowed here"
  assert_output --partial SIGTRAP
  assert_output --partial "went on"
}

@test "a quiet log silences warnings, but not what ends the program" {
  ulimit -c 0
  run -0 --separate-stderr shim ARROW_POOL_LOG=quiet ARROW_POOL_DEBUG=warn "$PROBES/probe_debug" c double
  assert_equal "$stderr" ""
  run -134 --separate-stderr shim ARROW_POOL_LOG=quiet ARROW_POOL_DEBUG=abort "$PROBES/probe_debug" c double
  [[ $stderr == "arrowpool: debug: "* ]]
}

@test "a standard error that nobody reads any more ends no program" {
  run -0 "$PYTHON" -I - "$SHIM" "$PROBES/probe_debug" <<'END'
import os, subprocess, sys
reader, writer = os.pipe()
os.close(reader)
done = subprocess.run([sys.argv[2], "c", "double"], stderr=writer, stdout=subprocess.PIPE, text=True,
                      env={"LD_PRELOAD": sys.argv[1], "ARROW_POOL_DEBUG": "warn"})
assert done.returncode == 0 and "went on" in done.stdout, done
END
}

@test "without the shim the library takes the mode from the program" {
  ulimit -c 0
  run -0 --separate-stderr "$PROBES/probe_debug" c overrun 1
  assert_equal "$stderr" \
    "arrowpool: debug: pool c:probe: buffer ${lines[0]} $BUFFER: 1 byte behind its end was overwritten (offset 1000), found at free"
  run -0 --separate-stderr "$PROBES/probe_debug" c live 1
  [[ $stderr == *", found at exit" ]]
  run -133 --separate-stderr "$PROBES/probe_debug" c double 2
  [[ ${stderr_lines[0]} == "arrowpool: debug: "*": freed already, found at free" ]]
  run -134 --separate-stderr "$PROBES/probe_debug" c double 3
  [[ ${stderr_lines[0]} == "arrowpool: debug: "*": freed already, found at free" ]]
}

@test "without a mode nothing is looked for" {
  run -0 --separate-stderr shim ARROW_POOL=jemalloc "$PROBES/probe_debug" c size
  assert_equal "$stderr" ""
}

@test "of a thousand findings and more no more are told, and the program goes on" {
  run -0 --separate-stderr shim ARROW_POOL=jemalloc ARROW_POOL_DEBUG=warn "$TESTED_PYTHON" -I -c '
import ctypes
library = ctypes.CDLL(None)
pool, own = ctypes.c_void_p(), ctypes.create_string_buffer(100)
assert library.arrowpool_create(b"probe", None, ctypes.byref(pool)) == 0
for _ in range(2000):
    library.arrowpool_free(pool, own, ctypes.c_int64(100), ctypes.c_int64(64))'
  assert_equal "${#stderr_lines[@]}" 1001
  [[ ${stderr_lines[999]} == "arrowpool: debug: pool c:probe: "*": no pool handed it out "* ]]
  assert_equal "${stderr_lines[1000]}" "arrowpool: debug: 1000 findings were told; no more are"
}
