#!/usr/bin/env bats
# shellcheck disable=SC2154 # bats or the helper sets these
# dlopen under the shim: RTLD_DEEPBIND is taken off where the libc hook serves, everything else is the loader's as
# before.
load helper

setup() {
  plugin=$PROBES/libprobe_plugin.so
}

@test "a library loaded with RTLD_DEEPBIND frees and resizes our pointers, in silence" {
  run -0 shim ARROW_POOL=jemalloc "$PROBES/probe_dlopen" deep "$plugin"
  assert_output ""
  run -0 shim ARROW_POOL=system ARROW_POOL_DEBUG=abort "$PROBES/probe_dlopen" deep "$plugin"
  assert_output ""
  run -0 shim ARROW_POOL=system "$PROBES/probe_dlopen" deep "$plugin"
  assert_output ""
}

@test "ARROW_POOL_LOG=info says once that RTLD_DEEPBIND was taken off" {
  run -0 --separate-stderr shim ARROW_POOL=jemalloc ARROW_POOL_LOG=info "$PROBES/probe_dlopen" deep "$plugin"
  stderr=$(grep -v 'is in use in' <<<"$stderr")
  [[ $stderr == "arrowpool: loading $plugin without RTLD_DEEPBIND"* && $stderr != *$'\n'* ]]
  run -0 shim ARROW_POOL=system ARROW_POOL_LOG=info "$PROBES/probe_dlopen" deep "$plugin"
  refute_output --partial RTLD_DEEPBIND
}

@test "where the libc hook only counts, a library loaded with RTLD_DEEPBIND keeps its own symbols" {
  for settings in ARROW_POOL=system ARROW_POOL_HOOKS=arrow_mi,arrow_vtable; do
    run -0 shim ARROW_POOL=jemalloc "$settings" "$PROBES/probe_dlopen" bound "$plugin"
    assert_output "the library's"
  done
  run -0 "$PROBES/probe_dlopen" bound "$plugin"
  assert_output "the library's"
  run -0 shim ARROW_POOL=jemalloc "$PROBES/probe_dlopen" bound "$plugin"
  assert_output "the program's"
}

@test "a library's dlopen by bare name goes through its own RUNPATH" {
  mkdir "$BATS_TEST_TMPDIR/lib"
  cp "$plugin" "$BATS_TEST_TMPDIR/lib/libprobe_first.so"
  cp "$plugin" "$BATS_TEST_TMPDIR/lib/libprobe_second.so"
  first=$BATS_TEST_TMPDIR/lib/libprobe_first.so
  run -0 "$PROBES/probe_dlopen" caller "$first" libprobe_second.so
  run -0 shim ARROW_POOL=jemalloc "$PROBES/probe_dlopen" caller "$first" libprobe_second.so
  assert_output ""
  run -0 shim ARROW_POOL=system "$PROBES/probe_dlopen" caller "$first" libprobe_second.so
}

@test "the program's own handle, a missing library and dlerror are as ever" {
  run -0 "$PROBES/probe_dlopen" plain
  run -0 shim ARROW_POOL=jemalloc "$PROBES/probe_dlopen" plain
  assert_output ""
}

@test "the shim itself can be loaded by dlopen, late" {
  run -0 env ARROW_POOL=jemalloc "$TESTED_PYTHON" -I -c '
import ctypes, sys
print(ctypes.CDLL(sys.argv[1]).arrowpool_default() != 0)' "$SHIM"
  assert_output True
}
