#!/usr/bin/env bats
# shellcheck disable=SC2016 # other shells and Python expand these
# The address space that is reserved, but not used, does not show in a core dump.
load ../shim/helper
load helper

GIB=$((1 << 30))
PROGRAM='import os, sys, pyarrow as pa
buffers = [pa.allocate_buffer(size) for size in (100, 100_000, 20_000_000)]
for buffer in buffers: memoryview(buffer).cast("B")[:1]
print(os.getpid(), flush=True)
'

@test "gdb's core of a process with pools is below a GiB" {
  command -v gcore >/dev/null || skip "gdb is not installed"
  cd "$BATS_TEST_TMPDIR" || return
  coproc JOB { shim ARROW_POOL=jemalloc "$PYTHON" -c "$PROGRAM"'sys.stdin.read()'; }
  read -r pid <&"${JOB[0]}"
  # The limit (KiB) keeps a failure from filling the disk.
  run timeout 600 bash -c 'ulimit -f $((1 << 20)); gcore -o core "$1"' - "$pid"
  log=$output status_of_gcore=$status
  eval "exec ${JOB[1]}>&-"
  wait "$JOB_PID" || :
  [[ $log != *"ptrace: Operation not permitted"* ]] || skip "ptrace is not allowed here"
  assert_equal "$status_of_gcore" 0
  assert [ -s "core.$pid" ]
  assert [ "$(stat -c %s "core.$pid")" -lt $GIB ]
}

@test "the kernel's core of a process with pools is below a GiB" {
  [ "$(cat /proc/sys/kernel/core_pattern)" = core ] || skip "kernel.core_pattern is not \"core\""
  [ "$(ulimit -H -c)" = unlimited ] || skip "the limit on core files is not unlimited"
  cd "$BATS_TEST_TMPDIR" || return
  run bash -c 'ulimit -c unlimited; exec env LD_PRELOAD="$SHIM" ARROW_POOL=jemalloc "$PYTHON" -c "$1"' - \
    "$PROGRAM"'os.kill(os.getpid(), 11)'
  assert_equal "$status" 139
  core=$(find . -name 'core*')
  assert [ -s "$core" ]
  assert [ "$(stat -c %s "$core")" -lt $GIB ]
}
