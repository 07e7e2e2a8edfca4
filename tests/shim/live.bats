#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # other shells and Python expand these; each test is a subshell; bats or the helper sets these
# Live files: what they say of a process that runs, that ended in each way, that was killed; and that no mishap to
# the file harms the process. Dumps at intervals and on signals.
load helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  LIVE=$BATS_TEST_TMPDIR/live
}

teardown() {
  umount "$BATS_TEST_TMPDIR/small" 2>/dev/null || true
}

# live NAME=VALUE... COMMAND...: in jemalloc mode, with a live file.
live() {
  shim ARROW_POOL=jemalloc ARROW_POOL_LIVE="$LIVE" "$@"
}

# begin_and_wait COMMAND...: in the background, $! being its own number, until it says that it is ready; a line on
# descriptor 8 ends it.
begin_and_wait() {
  mkfifo in out
  env LD_PRELOAD="$SHIM" ARROW_POOL=jemalloc ARROW_POOL_LIVE="$LIVE" "$@" <in >out 2>err 3>&- &
  exec 8>in 9<out
  read -r <&9
}

# shown FILE EXPRESSION: as `json`, of what `arrowpool show` says.
shown() {
  "$CLI" show --format=json "$1" >shown.json
  json shown.json "$2"
}

state() {
  "$CLI" show "$1" | head -n 1
}

@test "a process killed in the middle of its work leaves exactly what it had done" {
  need_hardware "100 processes take minutes"
  local kills=100
  [ -z "${ARROWPOOL_LONG-}" ] || kills=1000
  run -0 timeout $((kills * 30)) "$PYTHON" "$BATS_TEST_DIRNAME/live.py" "$PROBES/probe_live" "$SHIM" "$CLI" $kills
}

@test "the figures of 64 threads are exact, while the process runs" {
  need_hardware "qemu-user tells another start time than the kernel"
  begin_and_wait "$PROBES/probe_live" threads 64
  run -0 "$CLI" show --live="$LIVE" $!
  assert_line --index 0 "running: $PROBES/probe_live threads 64"
  run -0 shown "$LIVE"/arrowpool-$!-*.live '[pool("libc")[f] for f in ("num_allocations", "num_frees", "total_bytes_allocated", "bytes_allocated")], d["process"]["rss_bytes"] > 0'
  assert_output "([64000, 63360, 38368000, 700480], True)"
  echo >&8
  wait $!
}

@test "an orderly end takes the file away, unless it is to be kept" {
  for way in return exit quick_exit; do
    run -5 live "$PROBES/probe_exit" $way
    assert_equal "$(dumps "$LIVE")" 0
  done
  run -5 live ARROW_POOL_LIVE_KEEP=1 "$PROBES/probe_exit"
  run -0 shown "$LIVE"/*.live 'pool("libc")["total_bytes_allocated"], pool("libc")["bytes_allocated"]'
  assert_output "(1311111, 1301111)"
}

@test "_exit and abort leave it, and it tells which" {
  run -5 live "$PROBES/probe_exit" _exit
  run -0 state "$LIVE"/*.live
  assert_output --partial "arrowpool 0." # ended: no word about it
  rm -r "$LIVE"
  run -134 live bash -c "ulimit -c 0; exec '$PROBES/probe_exit' abort"
  run -0 state "$LIVE"/*.live
  assert_output "gone: $PROBES/probe_exit abort"
}

@test "a forked child has a file of its own, which knows what it inherited" {
  run -5 live ARROW_POOL_LIVE_KEEP=1 "$PROBES/probe_exit" fork
  child=$output
  run -0 shown "$LIVE"/arrowpool-"$child"-*.live '[pool("libc")[f] for f in ("inherited_bytes", "bytes_allocated", "total_bytes_allocated", "num_frees")]'
  assert_output "[1301111, 1302111, 2000, 1]"
  for file in "$LIVE"/*.live; do
    [[ $file == */arrowpool-"$child"-* ]] || parent=$file
  done
  run -0 shown "$parent" '[pool("libc")[f] for f in ("inherited_bytes", "bytes_allocated", "total_bytes_allocated", "num_frees")]'
  assert_output "[0, 1301111, 1311111, 1]"
}

@test "what was counted before an exec stays in a file of its own" {
  need_hardware "qemu-user tells another start time than the kernel"
  run -5 live ARROW_POOL_LIVE_KEEP=1 "$PROBES/probe_live" exec "$PROBES/probe_exit"
  assert_equal "$(dumps "$LIVE")" 2
  run -0 state "$LIVE"/*-0.live
  assert_output "replaced: $PROBES/probe_live exec $PROBES/probe_exit"
  run -0 shown "$LIVE"/*-0.live 'pool("libc")["total_bytes_allocated"]'
  assert_output 1000
  run -0 shown "$LIVE"/*-1.live 'pool("libc")["total_bytes_allocated"]'
  assert_output 1311111
}

@test "a daemon that closed everything and went elsewhere still counts in its file" {
  begin_and_wait "$PROBES/probe_live" daemon
  run -0 shown "$LIVE"/arrowpool-$!-*.live 'pool("libc")["num_allocations"]'
  assert_output 200001
  echo >&8
  wait $!
  assert_equal "$(dumps "$LIVE")" 0
}

@test "a live file that is cut off never harms the process" {
  need_hardware "qemu-user tells another start time than the kernel"
  mkdir "$LIVE"
  run -0 live ARROW_POOL_STATS=s.json bash -c 'exec -a probe "$0" truncate "$1"/arrowpool-$$-$(cut -d" " -f22 /proc/$$/stat)-0.live' "$PROBES/probe_live" "$LIVE"
  assert_output "went on"
  assert [ -f s.json ]
}

@test "a disk that is full never harms the process" {
  need_root
  size=32768 # room for a process's figures, and not for those of 200 threads
  [ "$MACHINE" = x86_64 ] || size=131072 # the unit is 64 KiB there
  mkdir small
  mount -t tmpfs -o size=$size arrowpool small 2>/dev/null || skip "nothing can be mounted here"
  head -c $size /dev/zero >small/fill 2>/dev/null || true
  LIVE=$PWD/small/live
  run -5 --separate-stderr live ARROW_POOL_STATS=s.json "$PROBES/probe_exit"
  [[ $stderr =~ ^"arrowpool: no live file $LIVE/arrowpool-"[0-9-]+".live: No space left on device"$ ]]
  rm small/fill
  begin_and_wait ARROW_POOL_STATS=t.json "$PROBES/probe_live" threads 200
  run -0 "$CLI" show "$PWD"/small/live/*.live
  assert_output --partial "found no room on the disk"
  echo >&8
  wait $!
  run -0 json s.json 'pool("libc")["total_bytes_allocated"]'
  assert_output 1311111
  run -0 json t.json 'pool("libc")["num_allocations"]'
  assert_output 200000
}

@test "a directory that cannot be used is one warning" {
  touch file
  run -5 --separate-stderr shim ARROW_POOL=jemalloc ARROW_POOL_LIVE="$PWD/file" "$PROBES/probe_exit"
  [[ $stderr =~ ^"arrowpool: no live file $PWD/file/arrowpool-"[0-9-]+".live: Not a directory"$ ]]
}

@test "live files are for their owner only, and links are not followed" {
  umask 0
  run -5 live "$PROBES/probe_exit" _exit
  assert_equal "$(stat -c %a "$LIVE" "$LIVE"/*.live | tr '\n' ' ')" "700 600 "
}

@test "dumps at intervals: each is a line of the time series, the last is the end" {
  run -0 shim ARROW_POOL=jemalloc ARROW_POOL_STATS=s.jsonl ARROW_POOL_STATS_INTERVAL=20ms \
    "$PROBES/probe_live" until s.jsonl 5
  assert [ "$(wc -l <s.jsonl)" -ge 6 ]
  run -0 "$PYTHON" -I -c '
import json
lines = [json.loads(line) for line in open("s.jsonl")]
times = [line["process"]["time"] for line in lines]
assert times == sorted(times) and len({line["process"]["pid"] for line in lines}) == 1
assert all(line["pools"][0]["num_allocations"] == 1 for line in lines)'
}

@test "a line that was cut off spoils no other" {
  printf '{"schema":"arrowpool/1","proc' >s.jsonl
  chmod 600 s.jsonl
  for _ in 1 2; do
    run -0 --separate-stderr shim ARROW_POOL=jemalloc ARROW_POOL_STATS=s.jsonl "$PROBES/probe_exit" too-large
    assert_equal "$stderr" ""
  done
  run -0 "$PYTHON" -I -c '
import json
first, *others = open("s.jsonl").read().split("\n")
print(first, [json.loads(line)["pools"][0]["name"] for line in others if line], others[-1:])'
  assert_output "{\"schema\":\"arrowpool/1\",\"proc ['libc', 'libc'] ['']"
}

@test "an interval starts no thread in a program that uses no pool" {
  run -0 shim ARROW_POOL=jemalloc ARROW_POOL_STATS=s.jsonl ARROW_POOL_STATS_INTERVAL=1ms \
    grep Threads: /proc/self/status
  assert_output $'Threads:\t1'
}

@test "a signal has the dump written at once" {
  run -0 shim ARROW_POOL=jemalloc ARROW_POOL_STATS=s.json ARROW_POOL_STATS_SIGNAL=USR2 \
    "$PROBES/probe_live" signal "$(kill -l USR2)" s.json
  run -0 json s.json 'pool("libc")["total_bytes_allocated"]'
  assert_output 1000
}

@test "a signal that is taken already is left alone, and that is said" {
  run -0 --separate-stderr bash -c 'trap "" USR2
    exec env LD_PRELOAD="$SHIM" ARROW_POOL_STATS=s.json ARROW_POOL_STATS_SIGNAL=USR2 sh -c :'
  assert_equal "$stderr" "arrowpool: ARROW_POOL_STATS_SIGNAL=USR2: cannot be caught, or is in use already; no dump on it"
}

@test "a prometheus dump by its ending, or by choice" {
  run -5 shim ARROW_POOL=jemalloc ARROW_POOL_STATS=s.prom "$PROBES/probe_exit"
  run -0 grep '^arrowpool_allocated_bytes_total{program="probe_exit",pid="[0-9]*",pool="libc",backend="jemalloc"} 1311111$' s.prom
  run -5 shim ARROW_POOL=jemalloc ARROW_POOL_STATS=s ARROW_POOL_STATS_FORMAT=prometheus "$PROBES/probe_exit"
  run -0 diff <(sed 's/{[^}]*}.*//' s.prom) <(sed 's/{[^}]*}.*//' s)
  if command -v promtool >/dev/null; then
    run -0 promtool check metrics <s.prom
  fi
}

@test "a live file takes no more of the page cache than it uses, whatever the device reads ahead" {
  need_hardware "madvise(MADV_RANDOM) does nothing"
  command -v fincore >/dev/null || skip "fincore is not installed (Debian package util-linux-extra)"
  mkdir live
  [ "$(stat -f -c %T live)" != tmpfs ] || skip "the folder for the tests is in a tmpfs, which is nothing but page cache"
  run -5 shim ARROW_POOL=jemalloc ARROW_POOL_LIVE="$PWD/live" ARROW_POOL_LIVE_KEEP=1 "$PROBES/probe_exit" return
  run -0 fincore --bytes --noheadings --output RES live/*.live
  assert [ "$output" -gt 0 ]
  assert [ "$output" -le 65536 ]
}
