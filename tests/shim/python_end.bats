#!/usr/bin/env bats
# shellcheck disable=SC2153,SC2154 # bats or the helper sets these
# The end of Python: the interpreter frees the program's variables before any report of the process's end is written.
# What they held is told all the same, in every version that is installed.
load helper
load pythons

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  need_hardware "interpreters of this machine"
  cat >buffers.py <<'PYTHON'
import atexit, ctypes, sys, threading
libc = ctypes.CDLL(None)
libc.aligned_alloc.restype = ctypes.c_void_p
class Buffer:
    def __init__(self, size):
        self.address = libc.aligned_alloc(64, size)
    def __del__(self, free=libc.free, pointer=ctypes.c_void_p):
        free(pointer(self.address))
def call():
    return [Buffer(1 << 20) for _ in range(10)]
call()
cache = [Buffer(1 << 20) for _ in range(50)]
atexit.register(lambda kept: kept.clear(), [Buffer(1 << 22)]) # what this frees is no leak
PYTHON
}

# told NAME=VALUE... COMMAND...: what the dump of the command says of the pool of libc.
told() {
  env LD_PRELOAD="$SHIM" ARROW_POOL=jemalloc ARROW_POOL_STATS=s.json "$@"
  json s.json '[pool("libc")[key] for key in ("bytes_allocated", "max_memory", "bytes_before_end", "histogram_before_end")]'
}

leak_is_told() {
  run -0 told "$1" -I buffers.py
  assert_output "[0, $((54 << 20)), $((50 << 20)), [{'from_bytes': 1048576, 'count': 50}]]"
  run -0 env LD_PRELOAD="$SHIM" ARROW_POOL=jemalloc ARROW_POOL_STATS=stderr "$1" -I buffers.py
  assert_line "when Python began to end, live in libc: 50.0 MiB in 50 x 1.0 MiB+"
  refute_line --partial "still allocated"
  (echo 'import os, sys'; cat buffers.py; echo 'sys.stdout.flush(); os._exit(0)') >left.py # it never begins to end
  run -0 told "$1" -I left.py
  assert_output "[$((54 << 20)), $((54 << 20)), None, None]"
}

@test "Python 3.9: what its variables held is told" { each 9 leak_is_told; }
@test "Python 3.10: what its variables held is told" { each 10 leak_is_told; }
@test "Python 3.11: what its variables held is told" { each 11 leak_is_told; }
@test "Python 3.12: what its variables held is told" { each 12 leak_is_told; }
@test "Python 3.13: what its variables held is told" { each 13 leak_is_told; }
@test "Python 3.14: what its variables held is told" { each 14 leak_is_told; }

@test "a pyarrow program's too, in both modes, and of small buffers all but a quantum of a thread's" {
  [ -n "$TESTED_PYTHON" ] || skip "no pyarrow for this processor"
  cat >small.py <<'PYTHON'
import pyarrow as pa
kept = [pa.allocate_buffer(1024) for _ in range(10000)]
PYTHON
  for mode in jemalloc system; do
    run -0 env LD_PRELOAD="$SHIM" ARROW_POOL=$mode ARROW_POOL_STATS=s.json "$TESTED_PYTHON" small.py
    run -0 json s.json '10240000 - (256 << 10) - 1024 <= d["pools"][-1]["bytes_before_end"] <= 10240000'
    assert_output True
  done
}

@test "the live file has it too, and a program without Python has none" {
  env LD_PRELOAD="$SHIM" ARROW_POOL=jemalloc ARROW_POOL_LIVE="$PWD/live" ARROW_POOL_LIVE_KEEP=1 ARROW_POOL_STATS=s.json \
    "$TESTED_PYTHON" -I buffers.py
  "$CLI" show --format=json live/*.live >shown.json
  assert_equal "$(json shown.json 'd["pools"]')" "$(json s.json 'd["pools"]')"
  run -0 json shown.json 'pool("libc")["bytes_before_end"]'
  assert_output $((50 << 20))
  run -5 env LD_PRELOAD="$SHIM" ARROW_POOL=jemalloc ARROW_POOL_STATS=probe.json "$PROBES/probe_exit"
  run -0 json probe.json 'pool("libc")["bytes_before_end"], pool("libc")["histogram_before_end"]'
  assert_output "(None, None)"
}

@test "idle memory is never said to be more than what is resident" {
  run -0 env LD_PRELOAD="$SHIM" ARROW_POOL=jemalloc ARROW_POOL_DECAY=10m ARROW_POOL_STATS=s.json ARROW_POOL_LIVE="$PWD/live" \
    "$TESTED_PYTHON" -I -c '
import ctypes, os
libc = ctypes.CDLL(None)
libc.aligned_alloc.restype = ctypes.c_void_p
buffers = [libc.aligned_alloc(64, 16 << 20) for _ in range(40)] # nobody writes to them
for buffer in buffers:
    libc.free(ctypes.c_void_p(buffer))
os._exit(0)'
  run -0 json s.json 'd["process"]["idle_bytes"] <= d["process"]["rss_bytes"] < 640 << 20'
  assert_output True
}
