#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2153,SC2154 # other shells and Python expand these; tests are functions; bats or the helper sets these
# What is known of a process that was killed: when it was last there, what was resident then, what its control group
# allowed, and whether the kernel killed it for lack of memory. What cannot be known is said to be so.
load helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  need_hardware "the time of a process's start and its memory would be the emulator's"
}

# shown EXPRESSION: as `json`, of what is shown of the live file.
shown() {
  "$CLI" show --format=json live/*.live >shown.json
  json shown.json "$1"
}

# A process that has had its last event waits until those files say that it was there two seconds after that, and kills
# itself: killed KINDS NAME=VALUE... It prints the moments of the event and of the kill.
killed() {
  local kinds=$1
  shift
  run --separate-stderr timeout "$(patience 60)" env LD_PRELOAD="$SHIM" "$@" ARROW_POOL_LIVE="$PWD/live" \
    ARROW_POOL_PROFILE="$PWD/live" "$TESTED_PYTHON" -I -c '
import ctypes, glob, os, signal, struct, sys, time
libc = ctypes.CDLL(None)
libc.aligned_alloc.restype = ctypes.c_void_p
libc.aligned_alloc(64, 64 << 20)
event = time.time()
def seen(kind):
    """Of a profile it is the last of the fields of the header but one, which is as long."""
    with open(glob.glob(f"live/*.{kind}")[0], "rb") as file:
        header = file.read(4096)
    if kind == "live":
        return struct.unpack_from("=q", header, 832)[0] / 1000
    return struct.unpack_from("=q", header, struct.unpack_from("=I", header, 16)[0] - 16)[0] / 1000
while min(map(seen, sys.argv[1].split())) < event + 2:
    time.sleep(0.1)
print(event, time.time(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)' "$kinds"
  assert_equal "$status" 137
  read -r event kill <<<"$output"
}

@test "of a killed process the time is its last sign of life, and not that of its last event" {
  for mode in jemalloc system; do
    rm -rf live
    killed "live" ARROW_POOL=$mode
    run -0 shown "($event + 2 - 0.001 <= d['process']['time'] <= $kill, d['process']['rss_bytes'] > 1 << 20, d['process']['peak_rss_bytes'] > 1 << 20)"
    assert_output "(True, True, True)"
    run -0 "$CLI" show live/*.live
    assert_line --index 1 --regexp "^last seen 20[0-9-]+ [0-9:]+ UTC, resident [0-9.]+ MiB( \([0-9.]+ MiB without mapped files, of [0-9.]+ .iB allowed\))?(, 64\.0 MiB live in these pools)?$"
    assert_line --index 3 --regexp ", pid [0-9]+, last seen after [0-9.]+ s, resident [0-9]"
  done
  rm -rf live
  killed "live profile" ARROW_POOL=jemalloc
  run -0 "$CLI" who --format=json live/*.profile
  echo "$output" >who.json
  run -0 json who.json "$event + 2 - 0.001 <= d['processes'][0]['time'] <= $kill"
  assert_output True
}

@test "of a file that is of before there were signs of life nobody knows the time" {
  killed "live profile" ARROW_POOL=jemalloc
  "$PYTHON" -I - live/*.live <<'PYTHON'
import struct, sys
with open(sys.argv[1], "r+b") as file: # the header ends with the limit over all pools
    file.seek(16)
    file.write(struct.pack("=I", 832))
PYTHON
  run -0 shown '[d["process"][key] for key in ("time", "rss_bytes", "peak_rss_bytes", "group_limit_bytes")]'
  assert_output "[None, None, None, None]"
  run -0 "$CLI" show live/*.live
  assert_line --index 1 "nobody knows when it was last seen, 64.0 MiB live in these pools"
  assert_line --index 2 --partial "whether the kernel killed it for lack of memory cannot be told"
  assert_line --index 3 --regexp ", pid [0-9]+, last seen after \? s, resident \?, peak \?"
  run -0 "$CLI" report live
  assert_line --partial "1 gone"
  "$PYTHON" -I - live/*.profile <<'PYTHON'
import struct, sys
for path in sys.argv[1:]:
    with open(path, "r+b") as file:
        header = file.read(4096)
        file.seek(16)
        file.write(struct.pack("=I", struct.unpack_from("=I", header, 16)[0] - 16))
PYTHON
  run -0 "$CLI" who live/*.profile
  assert_line --partial "aligned_alloc"
}

# In a group of 200 MiB: a process that takes more, and what is shown of it there.
short_of_memory() {
  in_cgroup 200 bash -c '
    env LD_PRELOAD="$SHIM" ARROW_POOL_LIVE="$PWD/live" "$@" "$TESTED_PYTHON" -I -c "
import ctypes
libc = ctypes.CDLL(None)
libc.aligned_alloc.restype = ctypes.c_void_p
while True:
    ctypes.memset(libc.aligned_alloc(64, 4 << 20), 1, 4 << 20)"
    echo "status: $?"
    "$CLI" show live/*.live
    "$CLI" show --format=json live/*.live >there.json' - "$@"
}

@test "after the kernel killed it for lack of memory, show says so: what was resident, allowed and live" {
  for mode in jemalloc system; do
    rm -rf live
    short_of_memory ARROW_POOL=$mode
    assert_line "status: 137"
    assert_line --regexp "^last seen .* UTC, resident [0-9.]+ MiB \([0-9.]+ MiB without mapped files, of 200\.0 MiB allowed\)"
    [ $mode = system ] || assert_line --regexp "^last seen .* allowed\), [0-9.]+ MiB live in these pools$"
    assert_line "out of memory: the kernel has killed 1 process in its control group for lack of it since then"
    run -0 json there.json '(d["process"]["rss_bytes"] > 100 << 20, d["process"]["group_limit_bytes"] == 200 << 20)'
    assert_output "(True, True)"
    run -0 "$CLI" show live/*.live # the group is gone, and its figures
    assert_line --partial "whether the kernel killed it for lack of memory cannot be told"
  done
}

@test "of one that was killed otherwise it says that too" {
  in_cgroup 200 bash -c '
    env LD_PRELOAD="$SHIM" ARROW_POOL=jemalloc ARROW_POOL_LIVE="$PWD/live" "$TESTED_PYTHON" -I -c "
import ctypes, os, signal
ctypes.CDLL(None).aligned_alloc(64, 4 << 20)
os.kill(os.getpid(), signal.SIGKILL)"
    "$CLI" show live/*.live'
  assert_line --regexp "^last seen .* of 200\.0 MiB allowed\), 4\.0 MiB live in these pools$"
  assert_line "not for lack of memory: the kernel has killed nothing in its control group for it since then"
}

@test "a program with live files forks as before, and the children beat" {
  run -0 --separate-stderr timeout "$(patience 120)" env LD_PRELOAD="$SHIM" ARROW_POOL=system ARROW_POOL_LIVE="$PWD/live" ARROW_POOL_LIVE_KEEP=1 \
    "$TESTED_PYTHON" -I -c '
import ctypes, glob, os, struct, time
libc = ctypes.CDLL(None)
libc.aligned_alloc(64, 1 << 20)
def seen(pid):
    with open(glob.glob(f"live/arrowpool-{pid}-*.live")[0], "rb") as file:
        return struct.unpack_from("=q", file.read(4096), 832)[0] / 1000
def wait_for_sign(pid):
    begin = time.time()
    while seen(pid) < begin + 1:
        time.sleep(0.05)
for _ in range(20):
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
child = os.fork()
wait_for_sign(os.getpid())
if not child:
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))'
  assert_equal "$output|$stderr" "7|"
}
