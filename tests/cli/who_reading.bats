#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # other shells and Python expand these; each test is a subshell; bats or the helper sets these
# `arrowpool who`: whose profiles are read, and what becomes of those that are not as they should be.
load ../shim/helper
load helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
}

@test "native functions have their names from the module's own file, without what allocates" {
  library=$(ldconfig -p | awk '/libstdc\+\+\.so\.6 / { print $NF; exit }')
  [ -r "$library" ] && command -v nm readelf >/dev/null || skip "no libstdc++ or binutils here"
  address=$(nm -D --defined-only "$library" | awk '/ _ZNSo5flushEv(@|$)/ { print $1; exit }')
  id=$(readelf -n "$library" | awk '/Build ID/ { print $3 }')
  cat >script.py <<PYTHON
base, flush = 0x7f0000000000, 0x$address
p.module("$library", base, base + (1 << 30), bias=base, build_id=bytes.fromhex("$id")[:20])
p.module("/opt/libarrowpool_preload.so", 0x1000, 0x9000, bias=0x1000)
p.live(p.stack("a.py:1 f", native=[0x1010, 0x2010, base + flush + 4, base + 1]), 3 * MIB)
p.live(p.stack("a.py:1 f", native=[base + 1]), MIB)
PYTHON
  profile a.profile <script.py
  run -0 --separate-stderr "$CLI_ASAN" who --format=folded a.profile
  assert_output "f (a.py:1);${library##*/}+0x1;std::ostream::flush 3145728
f (a.py:1);${library##*/}+0x1 1048576"
  run -0 "$CLI_ASAN" who a.profile
  assert_line --regexp '^ +75% in std::ostream::flush$'
  refute_output --partial "no names" # those of what allocates are not missed
  assert_line --partial " 25% in ${library##*/}+0x1"
  # Another file of that name.
  sed -i 's/bytes.fromhex("..../bytes.fromhex("ffff/' script.py
  profile b.profile <script.py
  run -0 "$CLI_ASAN" who b.profile
  assert_line "no names of functions of $library: it is another file now: its build id differs"
  refute_output --partial flush
}

@test "half-written entries are left out, and those that make no sense are counted" {
  profile a.profile <<'PYTHON'
good = p.stack("a.py:1 f")
p.live(good, MIB)
half = p.stack("b.py:2 g", ready=0)
p.live(half, 2 * MIB)            # its stack is not there yet
p.record(good, 4 * MIB, address=0)
p.live(good, 8 * MIB, exposure=0.0)
p.live(good, 8 * MIB, exposure=float("nan"))
p.live(999, 16 * MIB)
p.frames.append(struct.pack("<IIIiiIII", 0, p.text("c.py"), p.text("h"), 3, 1, 0, 0, 0))
lost = p.stack("d.py:4 i")
p.words[-1] = len(p.frames) - 2  # the frame that is not ready
p.live(lost, MIB)
beyond = p.stack("e.py:5 j")
p.words[-1] = 1 << 40
p.live(beyond, MIB)
PYTHON
  who a.profile
  in_who '{who: size >> 20 for who, size in rows.items()}, r["processes"][0]["damaged_entries"]'
  assert_output "({'?:? ?': 2, 'a.py:1 f': 1}, 4)"
  run -0 "$CLI_ASAN" who a.profile
  assert_line "4 entries made no sense and are left out"
}

@test "the state is said as arrowpool show says it" {
  read -r ticks < <(awk '{ print $22 }' "/proc/$$/stat")
  for state in "running p.pid,p.start_ticks=$$,$ticks" "gone p.pid=4711" "ended p.state=ENDED" "replaced p.state=REPLACED" \
    'unknown p.boot="elsewhere-0000-0000-0000-000000000000";p.host="there"'; do
    profile a.profile <<<"${state#* }"
    who a.profile
    in_who 'r["processes"][0]["state"]'
    assert_output "${state%% *}"
  done
}

@test "a process's profile is found by what it has mapped, and of one that is gone in the directory" {
  mkdir live
  read -r ticks < <(awk '{ print $22 }' "/proc/$$/stat")
  "$PYTHON" -I -c '
import mmap, sys, time
sys.path.insert(0, sys.argv[1])
from profiles import *
p = Profile()
p.pid, p.start_ticks = os.getpid(), int(open("/proc/self/stat").read().rsplit(")", 1)[1].split()[19])
p.live(p.stack("running.py:1 f"), MIB)
p.seen_time = 1600000000000
path = f"live/arrowpool-{p.pid}-{p.start_ticks}-0.profile"
p.write(path)
with open(path) as file:
    kept = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
open("ready", "w").write(path)
time.sleep(600)' "$BATS_TEST_DIRNAME" 3>&- &
  pid=$!
  until [ -s ready ]; do kill -0 $pid && sleep 0.05; done
  STATUS=0 who $pid
  in_who 'list(rows), r["processes"][0]["state"]'
  assert_output "(['running.py:1 f'], 'running')"
  # A copy is as of the last sign of life in it, although the process runs.
  cp live/*.profile before.profile
  run -0 "$CLI_ASAN" who $pid --minus=before.profile
  assert_line "less what before.profile had at 2020-09-13 12:26:40 UTC"
  kill -KILL $pid
  wait $pid || true
  run -1 --separate-stderr "$CLI_ASAN" who $pid
  assert_equal "$output|$stderr" "|arrowpool: who: $pid: no such process; if you know where its profile is, say so with --profile=DIR"
  who --profile=live $pid
  in_who 'list(rows), r["processes"][0]["state"]'
  assert_output "(['running.py:1 f'], 'gone')"
  # The last of that number.
  profile "live/arrowpool-$pid-999999999-1.profile" <<<'p.live(p.stack("newest.py:1 f"), MIB)'
  ARROW_POOL_PROFILE=live who $pid
  in_who 'list(rows)'
  assert_output "['newest.py:1 f']"
  run -1 --separate-stderr "$CLI_ASAN" who --profile=live 99999999
  assert_equal "$stderr" "arrowpool: who: 99999999: no profile in live; no such process"
  run -1 --separate-stderr "$CLI_ASAN" who --profile=missing 99999999
  assert_equal "$stderr" "arrowpool: who: missing: No such file or directory"
}

@test "what cannot be read is named, and the others are shown" {
  mkdir d empty
  three_lines d/a.profile
  echo nonsense >d/b.profile
  STATUS=1 who d
  assert_equal "$stderr" "arrowpool: who: d/b.profile: it is no profile"
  in_who 'len(rows)'
  assert_output 3
  cp d/a.profile d/copy.profile
  run -1 --separate-stderr "$CLI_ASAN" who d/a.profile d/copy.profile
  assert_equal "$stderr" "arrowpool: who: d/copy.profile: it is of a process of which another file was read"
  run -1 --separate-stderr "$CLI_ASAN" who empty
  assert_equal "$output|$stderr" "|arrowpool: who: empty: no .profile file there"
  run -1 --separate-stderr "$CLI_ASAN" who missing.profile
  assert_equal "$output|$stderr" "|arrowpool: who: missing.profile: No such file or directory"
  run -1 --separate-stderr "$CLI_ASAN" who d/a.profile --minus=missing.profile
  assert_equal "$output|$stderr" "|arrowpool: who: missing.profile: No such file or directory"
}

@test "a process that writes meanwhile is read again and again, whole" {
  "$PYTHON" -I - "$BATS_TEST_DIRNAME" "$CLI_ASAN" <<'PYTHON'
import json, subprocess, sys, threading
sys.path.insert(0, sys.argv[1])
from profiles import *
p = Profile()
stacks = [p.stack(f"{name}.py:1 f") for name in "abc"]
for number in range(300):
    p.record(stacks[number % 3], MIB)
data = bytearray(p.build())
offset = struct.unpack_from("<Q", data, SECTION + RECORDS * SECTION_BYTES)[0]
path = "a.profile"
pathlib.Path(path).write_bytes(data)
end = threading.Event()
def write():
    import mmap
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as kept:
        number = 0
        while not end.is_set():
            at = offset + number % 150 * 48 # the others stay
            kept[at:at + 8] = bytes(8)
            kept[at + 8:at + 48] = struct.pack("<QIIIfIIII", MIB, stacks[number % 7 % 3], 0, 0, EXACT, 0, 0, 0, 0)
            kept[at:at + 8] = struct.pack("<Q", 4096 + number * 64)
            number += 1
writer = threading.Thread(target=write)
writer.start()
try:
    for _ in range(20):
        done = subprocess.run([sys.argv[2], "who", "--format=json", path], capture_output=True, check=True)
        answer = json.loads(done.stdout)
        assert answer["processes"][0]["damaged_entries"] == 0
        assert {row["who"] for row in answer["rows"]} <= {"a.py:1 f", "b.py:1 f", "c.py:1 f"}
        for row in answer["rows"]:
            assert row["bytes"] == row["buffers"] * MIB, row
        assert 150 <= answer["sum"]["buffers"] <= 300
finally:
    end.set()
    writer.join()
PYTHON
}
