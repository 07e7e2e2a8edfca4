#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # other shells and Python expand these; each test is a subshell; bats or the helper sets these
# `arrowpool who`: what profiles say of who holds the memory. They are made up here, by profiles.py.
load ../shim/helper
load helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
}

@test "the table as people read it" {
  three_lines
  run -0 --separate-stderr "$CLI_ASAN" who a.profile
  assert_equal "$stderr" ""
  assert_line --index 0 "etl, pid 4711 on $(uname -n), ended: etl.py 2026"
  assert_line --index 1 "78.0 MiB live, as estimated (standard error 1%) from 17 samples, one in 512.0 KiB"
  assert_line --index 2 "live     share        MiB   buffers  samples   error   oldest     largest  who"
  assert_line --index 3 "         82.0%       64.0         1        1      0%   16 min    64.0 MiB  etl.py:8 stream"
  assert_line --index 4 "         15.4%       12.0        12       12      0%    8 min     1.0 MiB  etl.py:3 load  [by Arrow's threads, task given here]"
  assert_line --index 5 "          2.6%        2.0       258        4     50%    100 s     8.0 KiB  etl.py:5 small"
  assert_equal "${#lines[@]}" 6
}

@test "a sample stands for as many buffers as its chance says, and the rest follows" {
  three_lines
  who a.profile
  in_who '[(row["who"], row["bytes"], row["buffers"], row["samples"], row["kind"]) for row in r["rows"]]'
  assert_output "[('etl.py:8 stream', 67108864, 1, 1, 'own'), ('etl.py:3 load', 12582912, 12, 12, 'task'), ('etl.py:5 small', 2113579, 258, 4, 'own')]"
  # Four samples, each of 64.5 buffers: the standard error is sqrt((1 - 1/64.5) / 4) of them.
  in_who '[round(row["error"], 4) for row in r["rows"]], round(sum(row["share"] for row in r["rows"]), 9)'
  assert_output "([0.0, 0.0, 0.4961], 1.0)"
  in_who '[row["oldest_seconds"] for row in r["rows"]], [row["largest_bytes"] for row in r["rows"]]'
  assert_output "([990.0, 500.0, 100.0], [67108864, 1048576, 8192])"
}

@test "the user's line is the innermost that is no library's, or else the innermost" {
  profile a.profile <<'PYTHON'
packages = "/x/lib/python3.12/site-packages"
for number, lines in enumerate([
        (f"{packages}/pandas/core/a.py:1 f", f"{packages}/numpy/b.py:2 g", "/home/u/pandas/mine.py:3 h", "top.py:4 <module>"),
        ("<frozen importlib._bootstrap>:5 _call", "/x/lib/python3.12/threading.py:6 run", "a.py:7 work"),
        (f"{packages}/mine/pyarrow_like.py:8 k", "a.py:9 l"),
        (f"{packages}/pyarrow/a.py:10 only", f"{packages}/pandas/b.py:11 outer"),
        ("<stdin>:12 typed", "a.py:13 m"),
        ("<ipython-input-3-0a>:14 cell", "a.py:15 n"),
        ("/usr/lib/python3/dist-packages/pandas/io.py:16 o", "late.py:17 p")]):
    p.live(p.stack(*lines), (100 - number) * MIB)
PYTHON
  who a.profile
  in_who 'list(rows)'
  assert_output "['/home/u/pandas/mine.py:3 h', 'a.py:7 work', '/x/lib/python3.12/site-packages/mine/pyarrow_like.py:8 k', '/x/lib/python3.12/site-packages/pyarrow/a.py:10 only', '<stdin>:12 typed', '<ipython-input-3-0a>:14 cell', 'late.py:17 p']"
}

@test "what has no Python frame is said so, and what found no room, too" {
  profile a.profile <<'PYTHON'
p.live(p.stack(), 3 * MIB)
p.live(p.stack("a.py:1 f"), 2 * MIB)
p.live(0, MIB)
p.lost_stacks, p.lost_records, p.failed_walks = 1, 7, 2
PYTHON
  who a.profile
  in_who '[(row["who"], row["kind"], row["bytes"] >> 20) for row in r["rows"]]'
  assert_output "[('(no Python frame)', 'none', 3), ('a.py:1 f', 'own', 2), ('(other)', 'other', 1)]"
  run -0 "$CLI_ASAN" who a.profile
  assert_line "7 samples of live buffers found no room: live is too small"
  assert_line "1 sample found no room for its stack: it is (other)"
  assert_line "2 Python stacks could not be read to the end"
  for known in UNKNOWN OFF; do
    echo "p.python = $known" | profile b.profile
    run -0 "$CLI_ASAN" who b.profile
    assert_line --partial "pid 4711, Python 3.12.1: "
  done
  assert_line "pid 4711, Python 3.12.1: no line of Python is known, as none was wanted"
  for pid in 1 2 3; do profile $pid.profile <<<"p.pid, p.tasks, p.python_version = $pid, 0, ''"; done
  run -0 "$CLI_ASAN" who [123].profile
  assert_line "3 processes: who gave Arrow's threads their tasks is not known"
}

@test "--by adds up by line, function, native function, pool and thread" {
  profile a.profile <<'PYTHON'
one, two = p.thread(11, "python3"), p.thread(12, "arrow-io")
a = p.stack("a.py:1 f", native=[0x1000, 0x2000])
b = p.stack("a.py:2 f", native=[0x1000], pool="libc")
c = p.stack(native=[0x3000], pool="libc")
p.live(a, 5 * MIB, thread=one)
p.live(b, 3 * MIB, thread=two)
p.live(c, MIB, thread=two)
p.live(c, MIB)
PYTHON
  declare -A expected=([line]="{'a.py:1 f': 5, 'a.py:2 f': 3, '(no Python frame)': 2}" [function]="{'a.py f': 8, '(no Python frame)': 2}"
    [native]="{'0x1000': 8, '0x3000': 2}" [pool]="{'arrow.mimalloc': 5, 'libc': 5}"
    [thread]="{'python3 (thread 11 of etl, pid 4711)': 5, 'arrow-io (thread 12 of etl, pid 4711)': 4, '(other threads of etl, pid 4711)': 1}")
  for by in "${!expected[@]}"; do
    who --by="$by" a.profile
    in_who '{who: size >> 20 for who, size in rows.items()}'
    assert_output "${expected[$by]}"
    in_who 'r["sum"]["bytes"] == sum(rows.values()) == 10 << 20'
    assert_output True
    run -0 "$CLI_ASAN" who --by="$by" a.profile
    assert_equal "$(grep -cE '^ +[0-9.]+% +[0-9.]+ +[0-9]+ ' <<<"$output")" "$(grep -o ': ' <<<"${expected[$by]}" | wc -l)"
  done
}

@test "--what tells what lives, what was allocated at all, and what lived at the peak" {
  for half in 0 1; do
    profile a.profile <<PYTHON
a = p.stack("a.py:1 f", total=(100 * MIB, 100, 90))
b = p.stack("b.py:2 g", total=(50 * MIB, 3200, 80))
p.live(a, 10 * MIB)
p.lived(a, 20 * MIB, 20)
p.lived(b, 30 * MIB, 1920)
p.peak_bytes, p.peak_time, p.peak_which, p.peak_version = 50 * MIB, 1_700_000_000_000, $half, 3
p.other(MIB, 2, 2)
PYTHON
    who --what=live a.profile
    in_who '{who: size >> 20 for who, size in rows.items()}'
    assert_output "{'a.py:1 f': 10}"
    who --what=total a.profile
    in_who '[(row["who"], row["bytes"] >> 20, row["buffers"], row["samples"], row["oldest_seconds"]) for row in r["rows"]]'
    assert_output "[('a.py:1 f', 100, 100, 90, None), ('b.py:2 g', 50, 3200, 80, None), ('(other)', 1, 2, 2, None)]"
    who --what=peak a.profile
    in_who '[(row["who"], row["bytes"] >> 20, row["buffers"], row["samples"]) for row in r["rows"]], r["processes"][0]["peak_time"]'
    assert_output "([('b.py:2 g', 30, 1920, 59), ('a.py:1 f', 20, 20, 17)], 1700000000.0)"
  done
  run -0 "$CLI_ASAN" who --what=peak a.profile
  assert_line --index 1 --regexp '^50\.0 MiB live when most were, at 2023-11-14 22:13:20 UTC, as estimated'
}

@test "--older-than leaves young buffers out" {
  three_lines
  who --older-than=8m a.profile
  in_who 'list(rows), r["older_than_seconds"]'
  assert_output "(['etl.py:8 stream', 'etl.py:3 load'], 480.0)"
  who --older-than=10m a.profile
  in_who 'list(rows), r["sum"]["bytes"] >> 20'
  assert_output "(['etl.py:8 stream'], 64)"
}

@test "--at-least leaves small rows out, and counts them" {
  three_lines
  who --at-least=10% a.profile
  in_who 'list(rows), r["rest"]["rows"], r["rest"]["bytes"], r["rest"]["samples"]'
  assert_output "(['etl.py:8 stream', 'etl.py:3 load'], 1, 2113579, 4)"
  run -0 "$CLI_ASAN" who --at-least=50 a.profile
  assert_line --regexp '^ +18\.0% +14\.0 +270 +16 .*  2 more, each of less than 50%$'
  who a.profile
  in_who 'len(rows), r["rest"]["rows"]'
  assert_output "(3, 0)"
  profile b.profile <<<'for n in range(150): p.live(p.stack(f"a.py:{n + 1} f"), MIB + n)'
  run -0 "$CLI_ASAN" who b.profile
  assert_line --regexp ' a\.py:150 f$'
  assert_line --regexp '140 more, each of less than 1%$'
}

@test "--minus tells what grew, and buffers that stayed leave no trace" {
  script='
s, t, u = p.stack("a.py:1 f", total=(N * 9 * MIB, 9 * N, 9 * N)), p.stack("b.py:2 g"), p.stack("c.py:3 h")
p.live(s, *[3 * MIB] * N, exposure=0.5)
if N == 2: p.live(t, MIB, address=4096)
else: p.live(u, 7 * MIB, address=8192)'
  profile before.profile <<<"N = 2$script"
  profile after.profile <<<"N = 5$script"
  who after.profile --minus before.profile
  in_who '[(row["who"], row["bytes"], row["samples"]) for row in r["rows"]]'
  assert_output "[('a.py:1 f', 23984547, 3), ('c.py:3 h', 7340032, 1), ('b.py:2 g', -1048576, 1)]"
  who --what=total after.profile --minus=before.profile
  in_who '[(row["who"], row["bytes"] >> 20, row["buffers"], row["samples"]) for row in r["rows"]]'
  assert_output "[('a.py:1 f', 27, 27, 27)]"
  # Of itself nothing is left.
  for what in live total peak; do
    who --what=$what after.profile --minus=after.profile
    in_who 'r["rows"], r["sum"]'
    assert_output "([], {'bytes': 0, 'buffers': 0, 'samples': 0, 'error': 0.0})"
  done
  profile one.profile <<<'p.live(p.stack("a.py:1 f"), *[4 * MIB] * 20, exposure=8)'
  run -0 "$CLI_ASAN" who one.profile --minus=one.profile
  assert_line --regexp '^0\.0 MiB live'
  # Another run: its addresses tell nothing.
  profile other.profile <<<"N = 2; p.pid = 9$script"
  who after.profile --minus=other.profile
  in_who '[(row["who"], row["bytes"], row["samples"]) for row in r["rows"]]'
  assert_output "[('a.py:1 f', 23984547, 7), ('c.py:3 h', 7340032, 1), ('b.py:2 g', -1048576, 1)]"
  run -0 "$CLI_ASAN" who after.profile --minus=before.profile
  assert_line --partial "less what before.profile had at "
  assert_line --regexp '1 more, each of less than 1%$'
}

@test "many files are one picture, whose sums are those of the files" {
  mkdir -p d/e
  "$PYTHON" -I - "$BATS_TEST_DIRNAME" <<'PYTHON'
import random, sys
sys.path.insert(0, sys.argv[1])
from profiles import *
rng = random.Random(5)
for number in range(12):
    p = Profile()
    p.pid = 100 + number
    base = rng.randrange(1 << 20) << 12  # each has its module elsewhere
    p.module("/nowhere/libx.so", base, base + 65536, bias=base, build_id=b"\1" * 20)
    for _ in range(40):
        line = f"{rng.choice('abc')}.py:{rng.randrange(1, 4)} f"
        s = p.stack(line, native=[base + 16 * rng.randrange(1, 9)], kind=rng.choice((OWN, TASK)), total=(rng.randrange(MIB), 1, 1))
        p.live(s, rng.randrange(1, MIB))
    p.write(f"d/{'e/' if number % 2 else ''}arrowpool-{p.pid}-1-0.profile")
PYTHON
  touch d/notes.txt d/x.json
  for what in live total; do
    for by in line native; do
      "$PYTHON" -I - "$CLI_ASAN" $what $by <<'PYTHON'
import collections, json, pathlib, subprocess, sys
def who(*paths):
    return json.loads(subprocess.run([sys.argv[1], "who", "--format=json", f"--what={sys.argv[2]}", f"--by={sys.argv[3]}", *paths],
                                     check=True, capture_output=True).stdout)
paths = sorted(pathlib.Path("d").rglob("*.profile"))
assert len(paths) == 12
sums = collections.Counter()
for path in paths:
    for row in who(path)["rows"]:
        sums[row["who"], row["kind"]] += row["bytes"]
merged = who("d")
assert len(merged["processes"]) == 12
assert {(row["who"], row["kind"]): row["bytes"] for row in merged["rows"]} == dict(sums)
assert merged["sum"]["bytes"] == sum(sums.values())
again = who(*paths)
assert sorted(str(row) for row in again["rows"]) == sorted(str(row) for row in merged["rows"])
assert len(sums) == (8 if sys.argv[3] == "native" else 18), sums
PYTHON
    done
  done
  run -0 "$CLI_ASAN" who d
  assert_line --index 0 "12 processes (0 running, 0 ended, 12 gone, 0 replaced, 0 unknown)"
  assert_line "no names of functions of /nowhere/libx.so: No such file or directory"
}

@test "the ending of the file that is written says the format, unless that is given" {
  three_lines
  for kind in txt:text json:json folded:folded html:html; do
    run -0 "$CLI_ASAN" who -o "by-ending.${kind%:*}" a.profile
    run -0 "$CLI_ASAN" who --format="${kind#*:}" -o given a.profile
    assert cmp "by-ending.${kind%:*}" given
  done
  run -0 "$CLI_ASAN" who -o heap.pb.gz a.profile
  assert_equal "$(head -c 2 heap.pb.gz | od -An -tx1)" " 1f 8b"
  run -0 "$CLI_ASAN" who -o no-ending a.profile
  assert cmp no-ending by-ending.txt
  run -0 "$CLI_ASAN" who --format=folded -o picture.svg a.profile
  assert cmp picture.svg by-ending.folded
}

@test "wrong usage is status 2 and one line, before anything is read" {
  for option in --by=nonsense --by= --what=all --format=xml --older-than=0 --older-than=soon --at-least=101% --at-least=x --at-least= \
    --at-least=1.2.3 --at-least=nan --at-least=0x1 --at-least=-1 --at-least=1e1 --nonsense --by; do
    run -2 --separate-stderr "$CLI_ASAN" who missing.profile "$option"
    assert_equal "${#stderr_lines[@]}|$output" "1|"
    [[ $stderr == "arrowpool: who: ${option}: "* ]] || fail "$stderr"
  done
  for option in --by=thread --older-than=1m; do
    run -2 --separate-stderr "$CLI_ASAN" who missing.profile --what=total $option
    [[ $stderr == "arrowpool: who: ${option%=1m}: "*"--what=total" ]] || fail "$stderr"
  done
  run -2 --separate-stderr "$CLI_ASAN" who
  assert_equal "$stderr" "arrowpool: who: no PID, FILE or DIR given; see arrowpool who --help"
}

@test "it has another name: profile" {
  three_lines
  run -0 "$CLI_ASAN" profile --format=folded a.profile
  assert_equal "${#lines[@]}" 3
  run -0 "$CLI_ASAN" profile --help
  assert_line --index 0 "usage: arrowpool who [OPTION]... PID|FILE|DIR..."
}

@test "a profile without anything in it says so much" {
  profile a.profile <<<pass
  run -0 --separate-stderr "$CLI_ASAN" who a.profile
  assert_equal "$stderr|${#lines[@]}" "|2"
  assert_line --index 1 "0.0 MiB live, as estimated (standard error 0%) from 0 samples, one in 512.0 KiB"
  who a.profile
  in_who 'r["rows"], r["sum"]["bytes"]'
  assert_output "([], 0)"
}

@test "other commands get the largest lines" {
  three_lines
  run -0 "$BUILD/tests/cli/probe_top_lines" a.profile 2
  assert_output "67108864 0.820 0 etl.py:8 stream
12582912 0.154 1 etl.py:3 load"
  run -0 "$BUILD/tests/cli/probe_top_lines" a.profile 4
  assert_line --index 3 "0 0.000 0 "
  run -1 "$BUILD/tests/cli/probe_top_lines" missing.profile 2
  # A name that is cut off is no less a text.
  profile b.profile <<<'p.live(p.stack(f"{chr(0x1f40d) * 200}.py:1 f"), MIB)'
  run -0 "$BUILD/tests/cli/probe_top_lines" b.profile 1
  "$PYTHON" -I -c 'import sys; sys.exit(not sys.argv[1].isprintable())' "$output"
}
