#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # other shells and Python expand these; each test is a subshell; bats or the helper sets these
# `arrowpool who`: what it writes for other programs, and where to.
load ../shim/helper
load helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
}

@test "folded stacks, from the outermost frame, add up to the table" {
  three_lines
  run -0 --separate-stderr "$CLI_ASAN" who --format=folded a.profile
  assert_output "<module> (etl.py:20);stream (etl.py:8) 67108864
load (etl.py:3);read_csv (/x/lib/python3.12/site-packages/pyarrow/csv.py:40);(by Arrow's threads) 12582912
small (etl.py:5) 2113579"
  profile b.profile <<'PYTHON'
p.module("/nowhere/lib;x.so", 0x1000, 0x9000, bias=0x1000)
p.live(p.stack("a;b.py:1 f;g", native=[0x1010, 0x2010]), MIB)
p.live(p.stack(native=[0x1010]), 2 * MIB)
p.live(0, 5)
PYTHON
  run -0 --separate-stderr "$CLI_ASAN" who --format=folded b.profile
  assert_output "(other) 5
f:g (a:b.py:1);lib:x.so+0x1010;lib:x.so+0x10 1048576
(no Python frame);lib:x.so+0x10 2097152"
  for what in live total peak; do
    who --what=$what a.profile
    in_who 'sum(rows.values())'
    assert_equal "$("$CLI_ASAN" who --what=$what --format=folded a.profile | awk '{ sum += $NF } END { print sum + 0 }')" "$output"
  done
}

@test "speedscope gets its frames, samples and weights" {
  three_lines
  run -0 --separate-stderr "$CLI_ASAN" who --format=speedscope a.profile
  printf '%s\n' "$output" >out.json
  "$PYTHON" -I - <<'PYTHON'
import json
whole = json.load(open("out.json"))
[profile] = whole["profiles"]
frames = whole["shared"]["frames"]
assert whole["$schema"] == "https://www.speedscope.app/file-format-schema.json"
assert (profile["type"], profile["unit"], profile["startValue"]) == ("sampled", "bytes", 0)
assert profile["weights"] == [67108864, 12582912, 2113579] and profile["endValue"] == sum(profile["weights"])
assert [[frames[i]["name"] for i in sample] for sample in profile["samples"]] == [
    ["<module>", "stream"], ["load", "read_csv", "(by Arrow's threads)"], ["small"]]
assert frames[profile["samples"][0][1]] == {"name": "stream", "file": "etl.py", "line": 8}
PYTHON
}

@test "the json keeps to its schema, whatever is chosen" {
  profile a.profile <<'PYTHON'
p.module("/nowhere/libx.so", 0x1000, 0x9000)
one = p.thread(11, "python3")
p.live(p.stack("a.py:1 f", native=[0x1010], total=(MIB, 1, 1)), MIB, thread=one)
p.live(p.stack(), 2 * MIB)
p.live(0, 5)
PYTHON
  three_lines b.profile
  for arguments in "a.profile" "--by=function a.profile" "--by=native a.profile" "--by=pool a.profile" "--by=thread a.profile" \
    "--what=total a.profile" "--what=peak a.profile" "--at-least=50% b.profile" "a.profile --minus=b.profile"; do
    # shellcheck disable=SC2086 # several
    who $arguments
    "$PYTHON" -I - "$SOURCE/docs/use/who.schema.json" who <<'PYTHON'
import json, sys
import jsonschema
schema, answer = (json.load(open(path)) for path in sys.argv[1:])
validator = jsonschema.validators.validator_for(schema)
validator.check_schema(schema)
validator(schema).validate(answer)
answer["sum"]["bytes"] = "many"
assert not validator(schema).is_valid(answer)
PYTHON
  done
}

@test "names with control characters do not reach the terminal" {
  profile a.profile <<'PYTHON'
p.program, p.command = "evil\x1b[31m", ["a\x1b]0;x", "b"]
p.module("/tmp/\x1b[31m.so", 0x1000, 0x9000)
p.live(p.stack("a\x1b[31m.py:1 f\x07", native=[0x1010], pool="c:\x1b"), MIB)
PYTHON
  for format in text json folded speedscope; do
    run -0 "$CLI_ASAN" who --format=$format a.profile
    refute_output --partial $'\e'
    refute_output --partial '\u001b'
  done
  run -0 "$CLI_ASAN" who a.profile
  assert_line --partial 'a?[31m.py:1 f?'
}

@test "-o writes the file when it is whole" {
  three_lines
  run -0 --separate-stderr "$CLI_ASAN" who --format=folded -o out.folded a.profile
  assert_equal "$output$stderr" ""
  assert_equal "$(wc -l <out.folded)|$(stat -c %a out.folded)" "3|$(printf %o $((0666 & ~$(umask))))"
  run -0 "$CLI_ASAN" who --format=folded --output=/dev/stdout a.profile
  assert_output "$(<out.folded)"
  run -1 --separate-stderr "$CLI_ASAN" who -o missing/out a.profile
  assert_equal "$stderr" "arrowpool: who: missing/out: No such file or directory"
  for format in text json folded speedscope; do
    run -1 bash -c "'$CLI_ASAN' who --format=$format a.profile >/dev/full"
    run -1 --separate-stderr "$CLI_ASAN" who --format=$format -o /dev/full a.profile
    assert_equal "$stderr" "arrowpool: who: /dev/full: No space left on device"
  done
  assert_equal "$(find . -type f ! -name 'separate-stderr*' | sort | paste -sd ' ')" "./a.profile ./out.folded"
}
