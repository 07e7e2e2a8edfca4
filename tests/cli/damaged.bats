#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # other shells and Python expand these; each test is a subshell; bats or the helper sets these
# Files that are damaged, made up, or no files: always one clear line, and never a crash or a hang. The command is
# the one with sanitizers.
load ../shim/helper
load helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
}

good_files() {
  run -5 shim ARROW_POOL=jemalloc ARROW_POOL_STATS=good.json ARROW_POOL_LIVE="$PWD/live" ARROW_POOL_LIVE_KEEP=1 \
    "$PROBES/probe_exit"
  mv live/*.live good.live
}

# said_of FILE COMMAND [ARGUMENT]...: what the command says of it, in its one line, with status 1.
said_of() {
  local file=$1
  shift
  run -1 --separate-stderr timeout 120 "$CLI_ASAN" "$@" "$file"
  assert_equal "${#stderr_lines[@]}|$output" "1|"
  [[ $stderr == "arrowpool: $1: $file: "* ]] || fail "$stderr"
  said=${stderr#"arrowpool: $1: $file: "}
}

@test "of each damaged file it is said what is wrong, by show and by report" {
  good_files
  mkdir damaged
  "$PYTHON" -I "$BATS_TEST_DIRNAME/damage.py" good.json good.live damaged
  run -0 bash -c 'ls damaged | wc -l'
  assert [ "$output" -gt 80 ]
  for file in damaged/*; do
    expected=$(basename "${file%%.*}")
    said_of "$file" show
    assert_equal "$file: ${said// /_}" "$file: $expected"
    said_of "$file" report
    assert_equal "$file: ${said// /_}" "$file: $expected"
  done
}

# a profile with something in each of its sections
good_profile() {
  "$PYTHON" -I "$BATS_TEST_DIRNAME/profiles.py" "$1" <<'PYTHON'
p.module("/nowhere/libx.so", 0x1000, 0x9000, build_id=b"12345678901234567890")
thread = p.thread(11, "python3")
for number in range(20):
    s = p.stack(f"a.py:{number} f", "b.py:1 <module>", native=[0x1010 + number, 0x2020], kind=1 + number % 2, total=(MIB, 2, 2))
    p.live(s, MIB + number, number, thread=thread, exposure=0.5 + number)
    p.lived(s, MIB, 1)
PYTHON
}

@test "of each damaged profile it is said what is wrong" {
  good_profile good.profile
  run -0 "$CLI_ASAN" who good.profile
  mkdir damaged
  "$PYTHON" -I "$BATS_TEST_DIRNAME/damage.py" good.profile damaged
  run -0 bash -c 'ls damaged | wc -l'
  assert [ "$output" -gt 100 ]
  for file in damaged/*; do
    expected=$(basename "${file%%.*}")
    said_of "$file" who
    assert_equal "$file: ${said// /_}" "$file: $expected"
  done
  truncate -s 1T good.profile
  run -0 timeout 120 "$CLI_ASAN" who good.profile
  for file in /dev/zero missing.profile; do said_of $file who; done
}

@test "random changes to a good profile end in a table or in one line" {
  good_profile good.profile
  "$PYTHON" -I - good.profile "$CLI_ASAN" <<'PYTHON'
import pathlib, random, subprocess, sys
rng = random.Random(4)
data = pathlib.Path(sys.argv[1]).read_bytes()
for i in range(100):
    broken = bytearray(data)
    for _ in range(rng.choice((1, 3, 30, 300))):
        at = rng.randrange(*rng.choice(((0, 1096), (4096, len(broken)))))
        broken[at] = rng.choice((0, 1, 0x7f, 0x80, 0xff, rng.randrange(256)))
    pathlib.Path("broken.profile").write_bytes(broken)
    for arguments in ([], ["--format=json", "--by=thread"], ["--what=total", "--format=folded", "--minus=good.profile"],
                      ["--what=peak", "--format=speedscope"]):
        done = subprocess.run([sys.argv[2], "who", *arguments, "broken.profile"], capture_output=True, timeout=120)
        lines = done.stderr.count(b"\n")
        assert done.returncode in (0, 1) and b"Sanitizer" not in done.stderr and b"runtime error" not in done.stderr, (
            i, arguments, done)
        assert lines <= 1 and (done.returncode == 0) == (not lines), (i, arguments, done)
PYTHON
}

@test "among damaged files a report has what is whole, and names each of the others" {
  good_files
  mkdir damaged
  "$PYTHON" -I "$BATS_TEST_DIRNAME/damage.py" good.json good.live damaged
  count=$(find damaged -type f | wc -l)
  make_dump damaged/whole.json pid=123456
  STATUS=1 report damaged good.live
  assert_equal "${#stderr_lines[@]}" "$count"
  for line in "${stderr_lines[@]}"; do
    [[ $line == "arrowpool: report: damaged/"*": it"* ]] || fail "$line"
  done
  run -0 in_report 'r["processes"]["count"], r["files_damaged"] == r["files"] - 2, group("libc")["bytes_allocated"]'
  assert_output "(2, True, 1301111)"
}

@test "of a time series that is cut off or damaged in its midst the whole lines count" {
  make_dump s.jsonl pid=1 num_frees=1
  echo nonsense >>s.jsonl
  make_dump s.jsonl pid=2 num_frees=2
  make_dump tail.jsonl pid=3 num_frees=4
  head -c -30 tail.jsonl >>s.jsonl
  STATUS=1 report s.jsonl
  assert_equal "$stderr" "arrowpool: report: s.jsonl: it is neither a live file nor a dump in json"
  run -0 in_report 'r["processes"]["count"], group("arrow.mimalloc")["num_frees"]'
  assert_output "(2, 3)"
  run -0 "$CLI_ASAN" show s.jsonl
  assert_line --index 0 --partial "pid 2,"
}

@test "a dump that a tool has made pretty is read" {
  make_dump a.json num_frees=7
  "$PYTHON" -m json.tool a.json pretty.json
  report pretty.json
  run -0 in_report 'group("arrow.mimalloc")["num_frees"]'
  assert_output 7
}

@test "a mark before UTF-8 is skipped; what is compressed, in UTF-16 or for people is called that" {
  make_dump a.json num_frees=7
  "$PYTHON" -I -c '
import bz2, gzip, lzma, pathlib, zipfile
text = pathlib.Path("a.json").read_text()
write = lambda name, data: pathlib.Path(name).write_bytes(data)
write("bom.json", text.encode("utf-8-sig"))
write("bom.jsonl", (text + text).encode("utf-8-sig"))
import json
write("bom-pretty.json", json.dumps(json.loads(text), indent=2).encode("utf-8-sig"))
write("gzip.json", gzip.compress(text.encode()))
write("zstd.json", b"\x28\xb5\x2f\xfd" + bytes(20))
write("xz.jsonl", lzma.compress(text.encode()))
write("bzip2.json", bz2.compress(text.encode()))
write("lz4.live", b"\x04\x22\x4d\x18" + bytes(20))
write("little.json", text.encode("utf-16"))
write("big.json", b"\xfe\xff" + text.encode("utf-16-be"))
zipfile.ZipFile("zip.json", "w").writestr("a", text)'
  run -5 shim ARROW_POOL=jemalloc ARROW_POOL_STATS=text.json ARROW_POOL_STATS_FORMAT=text "$PROBES/probe_exit"
  run -5 shim ARROW_POOL=jemalloc ARROW_POOL_STATS=page.json ARROW_POOL_STATS_FORMAT=prometheus "$PROBES/probe_exit"
  for file in bom.json bom.jsonl bom-pretty.json; do
    report $file
    run -0 in_report 'group("arrow.mimalloc")["num_frees"]'
    assert_output 7
    run -0 "$CLI_ASAN" show $file
  done
  for file in "gzip.json: it is compressed by gzip: gunzip it first" "zstd.json: it is compressed by zstd: unzstd it first" \
    "xz.jsonl: it is compressed by xz: unxz it first" "bzip2.json: it is compressed by bzip2: bunzip2 it first" \
    "lz4.live: it is compressed by lz4: unlz4 it first" "zip.json: it is a zip archive: unzip it first" \
    "little.json: it is UTF-16: make it UTF-8 first, by iconv -f UTF-16 -t UTF-8" \
    "big.json: it is UTF-16: make it UTF-8 first, by iconv -f UTF-16 -t UTF-8" \
    "text.json: it is a dump as text: arrowpool reads json, jsonl and live files" \
    "page.json: it is a dump for Prometheus: arrowpool reads json, jsonl and live files"; do
    for command in show report "plot -o out.png"; do
      # shellcheck disable=SC2086 # words
      run -1 --separate-stderr "$CLI_ASAN" $command "${file%%:*}"
      assert_equal "$output:$stderr" ":arrowpool: ${command%% *}: $file"
    done
  done
}

@test "what is no file holds nobody up" {
  mkfifo pipe.json
  mkdir directory.json
  ln -s /dev/zero zero.json
  ln -s loop.json loop.json
  ln -s missing link.json
  for file in pipe.json zero.json /dev/zero /dev/null; do
    for command in show report; do
      said_of $file $command
      assert_equal "$said" "it is no file"
    done
    said_of $file plot -o out.png
    assert_equal "$said" "it is no file"
  done
  for file in loop.json link.json; do said_of $file report; done
  said_of directory.json show
  assert_equal "$said" "it is a directory: arrowpool report and top take one"
  make_dump directory.json/a.json
  STATUS=1 report .
  assert_equal "${#stderr_lines[@]}" 3 # of a dangling link nothing is said: it may have been a live file
  run -0 in_report 'r["processes"]["count"]'
  assert_output 1
}

@test "a file and a directory that may not be read are named" {
  need_root
  mkdir --mode=0 closed
  make_dump secret.json
  chmod 0 secret.json
  make_dump open.json pid=2
  chmod 755 . && chmod 644 open.json
  readable=$(mktemp -d)
  chmod 755 "$readable"
  cp -rpL "$CLI" "$BUILD/lib/libarrowpool.so.0" secret.json open.json closed "$readable"
  run -1 --separate-stderr setpriv --reuid=65534 --clear-groups --inh-caps=-all bash -c \
    "cd '$readable' && LD_LIBRARY_PATH=. ./arrowpool report secret.json open.json closed"
  rm -r "$readable"
  assert_equal "${stderr_lines[0]}" "arrowpool: report: secret.json: Permission denied"
  assert_equal "${stderr_lines[1]}" "arrowpool: report: closed: Permission denied"
  assert_line --regexp '^arrow.mimalloc +1 '
}

@test "a file that is huge, but sparse, is refused at once" {
  truncate -s 1T huge.json
  said_of huge.json report
  good_files
  cp good.live huge.live
  truncate -s 1T huge.live
  run -0 timeout 120 "$CLI_ASAN" show huge.live
  tr '\0' ' ' <huge.json | head -c 70000000 >spaces.json
  said_of spaces.json report
  assert_equal "$said" "it is too large for a dump"
}

@test "names with control characters do not reach the terminal" {
  make_dump a.json program=$'evil\e[31m' pool=$'c:\e]0;x'
  cp a.json $'\e[31m.json'
  : >$'\e[31mempty.json'
  run -1 "$CLI_ASAN" report --by=process,pool $'\e[31m.json' $'\e[31mempty.json'
  refute_output --partial $'\e'
  assert_output --partial 'evil?[31m'
  make_dump b.json program=$'evil\xc2\x9b31m' # a control character too, of two bytes
  run -0 "$CLI_ASAN" report --by=program b.json
  assert_output --partial 'evil?31m'
}

@test "random changes to good files end in a report or in one line" {
  good_files
  "$PYTHON" -I - good.json good.live "$CLI_ASAN" <<'PYTHON'
import pathlib, random, subprocess, sys
rng = random.Random(3)
for name in sys.argv[1:3]:
    data = pathlib.Path(name).read_bytes()
    used = len(data.rstrip(b"\0"))
    for i in range(60):
        broken = bytearray(data[:used + 1000])
        for _ in range(rng.choice((1, 3, 30))):
            broken[rng.randrange(rng.choice((200, len(broken))))] = rng.choice((0, 1, 0x7f, 0x80, 0xff, rng.randrange(256)))
        path = pathlib.Path(f"broken{pathlib.Path(name).suffix}")
        path.write_bytes(broken)
        for command in (["show"], ["show", "--format=json"], ["report"], ["report", "--format=prometheus", "--by=process"]):
            done = subprocess.run([sys.argv[3], *command, path], capture_output=True, timeout=120)
            lines = done.stderr.count(b"\n")
            assert done.returncode in (0, 1) and b"Sanitizer" not in done.stderr and b"runtime error" not in done.stderr, (
                name, i, command, done)
            assert lines <= 2 and (done.returncode == 0) == bool(done.stdout), (name, i, command, done)
PYTHON
}
