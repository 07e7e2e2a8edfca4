#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # other shells and Python expand these; each test is a subshell; bats or the helper sets these
# `arrowpool show`: one process, from a dump or a live file.
load ../shim/helper
load helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
}

# live_file WAY: good.live, of the probe that ends in that way.
live_file() {
  run -5 shim ARROW_POOL=jemalloc ARROW_POOL_STATS=good.json ARROW_POOL_LIVE="$PWD/live" ARROW_POOL_LIVE_KEEP=1 \
    "$PROBES/probe_exit" "$1"
  mv live/*.live good.live
}

@test "a dump is shown as the shim itself would have written it" {
  run -5 shim ARROW_POOL=jemalloc ARROW_POOL_STATS=s.json "$PROBES/probe_exit"
  run -0 "$CLI_ASAN" show --format=json s.json
  assert_output "$(cat s.json)"
  run -5 shim ARROW_POOL_STATS=system.json "$PROBES/probe_exit"
  run -0 "$CLI_ASAN" show --format=json system.json
  assert_output "$(cat system.json)"
  run -0 "$CLI_ASAN" show system.json
  assert_line --regexp '^libc +\? +\? '
}

@test "a live file tells what the dump at exit tells" {
  live_file return
  run -0 "$CLI_ASAN" show --format=json good.live
  "$PYTHON" -I - "$output" good.json <<'PYTHON'
import json, sys
shown, dumped = json.loads(sys.argv[1]), json.load(open(sys.argv[2]))
assert shown["pools"] == dumped["pools"] and len(shown["pools"]) == 1
for key in ("pid", "program", "host", "start_time"):
    assert shown["process"][key] == dumped["process"][key]
assert shown["process"]["rss_bytes"] is None
PYTHON
}

@test "so does that of a fork's child, whose sums begin at zero" {
  run -0 shim ARROW_POOL=jemalloc ARROW_POOL_STATS="$PWD/%p.json" ARROW_POOL_LIVE="$PWD/live" ARROW_POOL_LIVE_KEEP=1 \
    "$PYTHON" -I -c '
import ctypes, os
libc = ctypes.CDLL(None)
libc.aligned_alloc.restype = ctypes.c_void_p
buffers = [libc.aligned_alloc(64, 1 << size) for size in (12, 18, 21)]
child = os.fork()
libc.free(ctypes.c_void_p(buffers[1]))
libc.aligned_alloc(64, 1 << 22)
if child:
    os.waitpid(child, 0)
    print(child)
else:
    os._exit(0)'
  child=$output
  run -0 "$CLI_ASAN" show --format=json live/arrowpool-"$child"-*.live
  "$PYTHON" -I - "$output" "$child.json" <<'PYTHON'
import json, sys
shown, dumped = json.loads(sys.argv[1]), json.load(open(sys.argv[2]))
assert shown["pools"] == dumped["pools"], (shown, dumped)
pool = shown["pools"][0]
assert pool["total_bytes_allocated"] == 1 << 22 and pool["inherited_bytes"] == (1 << 12) + (1 << 18) + (1 << 21)
PYTHON
}

@test "a killed process is shown as such, with its command" {
  run shim ARROW_POOL=jemalloc ARROW_POOL_LIVE="$PWD/live" "$PYTHON" -I -c '
import ctypes, os, signal
libc = ctypes.CDLL(None)
libc.aligned_alloc.restype = ctypes.c_void_p
libc.aligned_alloc(64, 1 << 20)
os.kill(os.getpid(), signal.SIGKILL)'
  assert_equal "$status" 137
  run -0 "$CLI_ASAN" show live/*.live
  assert_line --index 0 --partial "gone: $PYTHON -I -c"
  assert_line --regexp '^libc +1\.0 MiB +1\.0 MiB '
  run -0 "$CLI_ASAN" show --format=prometheus live/*.live
  assert_line --regexp "^arrowpool_bytes_allocated\{.*pool=\"libc\".*\} $((1 << 20))$"
}

@test "where a profile lies beside the file, text ends in the three lines that hold most" {
  live_file return
  run -0 "$CLI_ASAN" show good.live
  without=$output
  profile good.profile <<'PYTHON'
p.live(p.stack("etl.py:8 stream"), 64 * MIB)
p.live(p.stack("etl.py:3 load", kind=TASK), *[MIB] * 12)
p.live(p.stack("etl.py:5 small"), 3 * MIB)
p.live(p.stack("etl.py:6 less"), MIB)
PYTHON
  for file in good.live good.json; do
    run -0 --separate-stderr "$CLI_ASAN" show $file
    assert_equal "$stderr" ""
    assert_equal "$(tail -n 4 <<<"$output")" "held by
    64.0 MiB   80.0%  etl.py:8 stream
    12.0 MiB   15.0%  etl.py:3 load  [task]
     3.0 MiB    3.8%  etl.py:5 small"
  done
  run -0 "$CLI_ASAN" show good.live
  assert_equal "$(head -n -4 <<<"$output")" "$without"
  for format in json prometheus; do
    run -0 "$CLI_ASAN" show --format=$format good.live
    refute_output --partial etl.py
  done
}

@test "a profile in which nothing lives, and one that is damaged, add nothing" {
  live_file return
  run -0 "$CLI_ASAN" show good.live
  without=$output
  profile good.profile <<<'p.stack("etl.py:8 stream", total=(1, 1, 1))'
  run -0 --separate-stderr "$CLI_ASAN" show good.live
  assert_equal "$stderr|$output" "|$without"
  head -c 5000 good.live >good.profile
  run -0 --separate-stderr "$CLI_ASAN" show good.live
  assert_equal "$stderr|$output" "|$without"
}

@test "of a running process it is the profile that it has mapped, wherever that is" {
  run -0 shim ARROW_POOL=jemalloc ARROW_POOL_LIVE="$PWD/live" ARROW_POOL_PROFILE="$PWD/profiles" \
    "$PYTHON" -I -c '
import ctypes, os, subprocess, sys
libc = ctypes.CDLL(None)
libc.aligned_alloc.restype = ctypes.c_void_p
def load():
    return libc.aligned_alloc(64, 64 << 20)
load()
del os.environ["LD_PRELOAD"]
for words in ["show", str(os.getpid())], ["show", "live/" + os.listdir("live")[0]], ["report", "live"]:
    subprocess.run([sys.argv[1], *words], check=True)' "$CLI_ASAN"
  assert_equal "$(grep -cE '^ +64\.0 MiB +100\.0%  <string>:6 load$' <<<"$output")" 3
}

@test "a file of a later version is read as far as it is known" {
  live_file return
  "$PYTHON" -I - good.live later.live <<'PYTHON'
import struct, sys
data = bytearray(open(sys.argv[1], "rb").read(1 << 20))
# Another field, unknown here: the table moves to the end, and has one more row.
count = struct.unpack_from("<I", data, 32)[0]
offset = struct.unpack_from("<Q", data, 40)[0]
table = data[offset:offset + 56 * count]
struct.pack_into("<I", data, 32, count + 1)
struct.pack_into("<Q", data, 40, len(data))
data += struct.pack("<40sIIII", b"of_a_later_version", 1, 0, 8, 1) + table
open(sys.argv[2], "wb").write(data)
PYTHON
  run -0 "$CLI_ASAN" show --format=json later.live
  later=$output
  run -0 "$CLI_ASAN" show --format=json good.live
  assert_equal "$later" "$output"
}

@test "wrong usage is status 2 and one line that names it, wherever it stands" {
  make_dump a.json
  for option in --format=xml --nonsense -x --live; do
    run -2 --separate-stderr "$CLI_ASAN" show a.json $option
    assert_equal "${#stderr_lines[@]}|$output" "1|"
    [[ $stderr == "arrowpool: show: $option: "* ]] || fail "$stderr"
  done
  run -2 "$CLI_ASAN" show
  run -2 "$CLI_ASAN" show a.json a.json
}
