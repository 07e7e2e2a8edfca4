#!/usr/bin/env bats
# shellcheck disable=SC2154 # bats or the helper sets these
# `arrowpool doctor` of the other processor's build: what it calls its own programs, and those of this machine. Run by
# scripts/test-aarch64.
load ../shim/helper

setup() {
  [ -n "${ARROWPOOL_EMULATED-}" ] || skip "only scripts/test-aarch64 has such a build"
}

@test "its own programs will be served" {
  run "$CLI" doctor "$PROBES/probe_exit.foreign"
  assert_line "ok: $PROBES/probe_exit.foreign: 64-bit aarch64 code, /lib/ld-linux-aarch64.so.1"
  assert_line "ok: the shim is $("$PROBES/probe_api"): $SHIM"
}

@test "those of this machine are another processor's" {
  run -1 "$CLI" doctor "$BASH"
  assert_line "problem: $BASH cannot be preloaded: it is 64-bit x86-64 code, and the shim is not; run one built for this processor"
}
