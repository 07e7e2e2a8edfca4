#!/usr/bin/env bats
# shellcheck disable=SC2017,SC2154 # as the library divides; bats or the helper sets these
# ARROW_POOL_LIMIT: exact, as each caller's own world has it, said once, and of what the process may use.
load helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
}

@test "libc's functions refuse what is over the limit, and all is as it was" {
  run -0 --separate-stderr shim ARROW_POOL=jemalloc ARROW_POOL_LIMIT=8M ARROW_POOL_STATS=d.json "$PROBES/probe_limit" edge
  assert_output ""
  assert_equal "${stderr_lines[0]}" "arrowpool: malloc of size 4194305 failed: all pools together have 4.0 MiB of their limit of 8.0 MiB, ARROW_POOL_LIMIT=8M; this is said once. The pools:"
  assert_equal "${stderr_lines[1]}" "arrowpool:   libc: 4.0 MiB live, peak 4.0 MiB"
  assert_equal "${#stderr_lines[@]}" 2
  run -0 json d.json '[d["process"]["limit_bytes"], pool("libc")["max_memory"], pool("libc")["num_failed"], pool("libc")["bytes_allocated"], pool("libc")["limit_bytes"]]'
  assert_output "[8388608, 8388608, 4, 0, None]"
}

@test "16 threads at the edge never exceed it" {
  for _ in 1 2 3; do
    run -0 --separate-stderr shim ARROW_POOL=jemalloc ARROW_POOL_LIMIT=8MiB ARROW_POOL_STATS=d.json "$PROBES/probe_limit" threads
    refused=$output
    run -0 json d.json '[pool("libc")["max_memory"] <= 8 << 20, pool("libc")["max_memory"] > 7 << 20, pool("libc")["num_failed"], pool("libc")["bytes_allocated"]]'
    assert_output "[True, True, $refused, 0]"
  done
}

@test "without a limit the same program is refused nothing" {
  run ! "$PROBES/probe_limit" edge
  run ! shim ARROW_POOL=jemalloc "$PROBES/probe_limit" edge
}

@test "in system mode libc's own buffers are not known, and not limited" {
  run ! shim ARROW_POOL=system ARROW_POOL_LIMIT=8M "$PROBES/probe_limit" edge
}

@test "where a debug mode knows them, they are" {
  run -0 shim ARROW_POOL=system ARROW_POOL_DEBUG=warn ARROW_POOL_LIMIT=8M ARROW_POOL_STATS=d.json "$PROBES/probe_limit" edge
  run -0 json d.json '[pool("libc")[f] for f in ("backend", "max_memory", "num_failed", "bytes_allocated")]'
  assert_output "['system', 8388608, 4, 0]"
  run -0 --separate-stderr shim ARROW_POOL=system ARROW_POOL_DEBUG=warn ARROW_POOL_LIMIT=8M ARROW_POOL_STATS=d.json "$PROBES/probe_limit" threads
  refused=$output
  run -0 json d.json '[pool("libc")["max_memory"] <= 8 << 20, pool("libc")["max_memory"] > 7 << 20, pool("libc")["num_failed"], pool("libc")["bytes_allocated"]]'
  assert_output "[True, True, $refused, 0]"
}

@test "nothing is said where ARROW_POOL_LOG is quiet" {
  run -0 --separate-stderr shim ARROW_POOL=jemalloc ARROW_POOL_LIMIT=8M ARROW_POOL_LOG=quiet "$PROBES/probe_limit" edge
  assert_equal "$stderr" ""
}

@test "the reports have the limit in every format" {
  for format in text json prometheus; do
    shim ARROW_POOL=jemalloc ARROW_POOL_LIMIT=8M ARROW_POOL_LOG=quiet ARROW_POOL_STATS=$format \
      ARROW_POOL_STATS_FORMAT=$format "$PROBES/probe_limit" edge
  done
  grep -q ', limit 8.0 MiB$' text
  grep -q '"limit_bytes":8388608' json
  grep -q '^arrowpool_limit_bytes{program="probe_limit",pid="[0-9]*"} 8388608$' prometheus
}

@test "a live file has it, too" {
  mkdir live
  shim ARROW_POOL=jemalloc ARROW_POOL_LIMIT=8M ARROW_POOL_LOG=quiet ARROW_POOL_LIVE=live ARROW_POOL_LIVE_KEEP=1 \
    "$PROBES/probe_limit" edge
  run -0 "$CLI" show --format=json live/*.live
  echo "$output" >d.json
  run -0 json d.json '[d["process"]["limit_bytes"], pool("libc")["max_memory"], pool("libc")["num_failed"]]'
  assert_output "[8388608, 8388608, 4]"
}

@test "a percentage is of the machine's memory, or of the control group's where that is less" {
  run -0 shim ARROW_POOL=jemalloc ARROW_POOL_LIMIT=50% ARROW_POOL_STATS=d.json ARROW_POOL_STATS_IDLE=1 sh -c :
  limit=$(json d.json 'd["process"]["limit_bytes"]')
  memory=$(($(getconf _PHYS_PAGES) * $(getconf PAGESIZE)))
  [ "$limit" -gt 0 ]
  [ "$limit" -le $((memory / 2)) ]
}

@test "a control group's limit is found, and that of one above it" {
  need_root
  if [ -w /sys/fs/cgroup/memory/cgroup.procs ]; then
    base=/sys/fs/cgroup/memory file=memory.limit_in_bytes
  elif [ -w /sys/fs/cgroup/cgroup.subtree_control ] && grep -qw memory /sys/fs/cgroup/cgroup.subtree_control; then
    base=/sys/fs/cgroup file=memory.max
  else
    skip "no control group can be made here"
  fi
  group=$base/arrowpool-test-$$
  mkdir -p "$group/inner" || skip "no control group can be made here"
  if [ "$base" = /sys/fs/cgroup ]; then
    echo +memory >"$group/cgroup.subtree_control"
  fi
  echo 400M >"$group/$file"
  echo 600M >"$group/inner/$file"
  # shellcheck disable=SC2016 # for the inner shell
  run shim ARROW_POOL=jemalloc ARROW_POOL_LIMIT=25% ARROW_POOL_STATS="$PWD/d.json" ARROW_POOL_STATS_IDLE=1 \
    sh -c 'echo $$ >"$1/inner/cgroup.procs" && exec sh -c :' sh "$group"
  rmdir "$group/inner" "$group"
  assert_success
  run -0 json d.json 'd["process"]["limit_bytes"]'
  assert_output $((400 * 1024 * 1024 / 100 * 25))
}

@test "a refusal and arrowpool env say what a percentage is of, and what it comes to" {
  run -0 --separate-stderr shim ARROW_POOL=jemalloc ARROW_POOL_LIMIT=1% "$PYTHON" -c '
import ctypes
libc = ctypes.CDLL(None)
libc.aligned_alloc.restype = ctypes.c_void_p
libc.aligned_alloc.argtypes = [ctypes.c_size_t] * 2
assert libc.aligned_alloc(64, 1 << 40) is None'
  [[ ${stderr_lines[0]} =~ \ their\ limit\ of\ ([0-9.,]+\ [MG]iB),\ (ARROW_POOL_LIMIT=1%\ of\ the\ (machine|cgroup)\'s\ [0-9.,]+\ [MGT]iB) ]]
  limit=${BASH_REMATCH[1]} source=${BASH_REMATCH[2]}
  run -0 env ARROW_POOL_LIMIT=1% "$CLI" env
  assert_line --regexp "^ARROW_POOL_LIMIT +1% = $limit +environment "
  assert_line --regexp "^$source: [0-9]+ bytes$"
  run -0 env ARROW_POOL_LIMIT=8M "$CLI" env
  assert_line --regexp "^ARROW_POOL_LIMIT +8M +environment "
  refute_output --partial "of the"
}

@test "the command line sets it and refuses what is none" {
  run -0 --separate-stderr "$CLI" run --limit=8MiB --stats=d.json -- "$PROBES/probe_limit" edge
  run -0 json d.json 'd["process"]["limit_bytes"]'
  assert_output 8388608
  for value in 0 -1 8X 101% 0% 99999999999999999999 ""; do
    run -2 "$CLI" run --limit="$value" -- true
    assert_line --partial "--limit"
  done
}
