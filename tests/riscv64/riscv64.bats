#!/usr/bin/env bats
# shellcheck disable=SC2154 # bats or the helper sets these
# A processor on which nobody has described how C++ returns objects: everything but the arrow_vtable hook works. And a
# processor for which there is no arrowpool. Run by scripts/test-riscv64.
load ../shim/helper

setup() {
  [ "$MACHINE" = riscv64 ] || skip "only scripts/test-riscv64 builds for that processor"
  cd "$BATS_TEST_TMPDIR" || return
}

@test "the C API works, linked and under the shim" {
  run -0 "$PROBES/probe_api"
  assert_output --regexp '^[0-9.]+$'
  run -0 shim ARROW_POOL=jemalloc ARROW_POOL_STATS=s.json "$PROBES/probe_api"
  run -0 json s.json 'sorted(p["name"] for p in d["pools"]), pool("c:probe")["bytes_allocated"], pool("libc")["num_frees"]'
  assert_output "(['c:probe', 'libc'], 500000, 1)"
}

@test "the arrow_vtable hook is shut, and one line says so where it is asked for" {
  run -0 --separate-stderr shim ARROW_POOL=jemalloc "$PROBES/probe_alloc"
  assert_equal "$stderr" ""
  run -0 --separate-stderr shim ARROW_POOL=jemalloc ARROW_POOL_HOOKS=libc,arrow_vtable "$PROBES/probe_alloc"
  assert_equal "${#stderr_lines[@]}" 1
  [[ $stderr == "arrowpool: "*"arrow_vtable"* ]]
}

@test "a processor of 32 bits is refused in one line" {
  command -v arm-linux-gnueabihf-gcc >/dev/null || skip "Debian's gcc-arm-linux-gnueabihf is not installed"
  run -1 meson setup build "$SOURCE" --cross-file "$SOURCE/cross/arm-linux-gnueabihf.ini"
  run -0 grep -h ERROR <<<"$output"
  assert_output --regexp 'ERROR: Problem encountered: arrowpool is for 64-bit processors: it reserves addresses by the terabyte$'
}
