#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154 # Python expands these; bats or the helper sets these
# `arrowpool record`: time series of live files.
load ../shim/helper
load helper

setup() {
  mkdir "$BATS_TEST_TMPDIR/work" "$BATS_TEST_TMPDIR/live"
  cd "$BATS_TEST_TMPDIR/work" || return
  LIVE=$BATS_TEST_TMPDIR/live
}

teardown() {
  end_probes
  [ ! -v recorder ] || kill -KILL "$recorder" 2>/dev/null || :
}

# start_record: in the background, to s.jsonl.
start_record() {
  (
    for input in "${to[@]}" "${from[@]}"; do exec {input}>&-; done
    exec "$CLI_ASAN" record "$LIVE" -o s.jsonl --interval=100ms 2>record.err 3>&-
  ) &
  recorder=$!
}

# stop_record SIGNAL: it ends with status 0.
stop_record() {
  local status=0
  kill -"$1" "$recorder"
  wait "$recorder" || status=$?
  unset recorder
  assert_equal "$status" 0
}

# recorded EXPRESSION: Python, of `lines`, and of(pid), the live bytes of that process at each time.
recorded() {
  "$PYTHON" -I - "$1" <<'PYTHON'
import json, sys
lines = [json.loads(line) for line in open("s.jsonl")]
def of(pid):
    return [sum(pool["bytes_allocated"] for pool in line["pools"]) for line in lines if line["process"]["pid"] == pid]
sys.exit(not eval(sys.argv[1]))
PYTHON
}

@test "each process has a line at each reading, of what it counts then, and plot draws them" {
  start_probe one 'allocate a 1000000'
  ARROW_POOL_NAME=nightly start_probe two 'allocate a 2000000'
  ended=${pid[one]}
  start_record
  eventually recorded "len(of(${pid[one]})) > 2 and len(of(${pid[two]})) > 2"
  tell one 'resize a 3000000'
  eventually recorded "of(${pid[one]})[-1] == 3000000"
  end_probe one
  eventually recorded "len(of(${pid[two]})) > len(of($ended)) + 2"
  stop_record TERM
  assert_equal "$(cat record.err)" ""
  recorded "of($ended)[0] == 1000000 and set(of(${pid[two]})) == {2000000}"
  recorded '{line["process"].get("name") for line in lines} == {None, "nightly"}'
  "$PYTHON" -c 'import jsonschema' 2>/dev/null && "$PYTHON" -c '
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
for line in open("s.jsonl"): jsonschema.validate(json.loads(line), schema)' "$SOURCE/docs/use/arrowpool.schema.json"
  run -0 "$CLI_ASAN" plot s.jsonl -o out.html
  assert_equal "$(head -c 15 out.html)" "<!doctype html>"
}

@test "a process that was killed is written once more, and not again" {
  start_probe one 'allocate a 1000000'
  start_record
  eventually recorded "len(of(${pid[one]})) > 1"
  killed=${pid[one]}
  kill_probe one
  start_probe two 'allocate a 2000000'
  eventually recorded "len(of(${pid[two]})) > 4"
  count=$(grep -c "\"pid\":$killed," s.jsonl)
  before=$(wc -l <s.jsonl)
  eventually recorded "len(lines) > $before + 3"
  assert_equal "$(grep -c "\"pid\":$killed," s.jsonl)" "$count"
  recorded "[line for line in lines if line['process']['pid'] == $killed][-1]['process']['rss_bytes'] > 0"
  stop_record INT
}

@test "it waits for the directory, and goes on behind what is there" {
  rmdir "$LIVE"
  start_record
  eventually test -e s.jsonl
  mkdir "$LIVE"
  start_probe one 'allocate a 1000000'
  eventually recorded "len(of(${pid[one]})) > 1"
  stop_record HUP
  before=$(wc -l <s.jsonl)
  printf '{"cut' >>s.jsonl # as after a crash
  run -0 "$CLI_ASAN" record "$LIVE" -o s.jsonl --for=1ms
  assert_equal "$(wc -l <s.jsonl)" $((before + 2))
  run -0 tail -n 1 s.jsonl
  assert_output --partial "\"pid\":${pid[one]},"
}

@test "--for and --most end it, the latter before the file is larger" {
  start_probe one 'allocate a 1000000'
  run -0 --separate-stderr timeout 60 "$CLI_ASAN" record "$LIVE" -o s.jsonl --interval=100ms --for=350ms
  assert_equal "$stderr" ""
  line=$(head -n 1 s.jsonl | wc -c)
  rm s.jsonl
  run -0 --separate-stderr timeout 60 "$CLI_ASAN" record "$LIVE" -o s.jsonl --interval=100ms --most=$((line * 3 + line / 2))
  assert_equal "$stderr" "arrowpool: record: s.jsonl: ended, since it would be larger than --most"
  assert_equal "$(wc -l <s.jsonl)" 3
}

@test "a full disk is one line, and leaves whole lines" {
  start_probe one 'allocate a 1000000'
  run -0 "$CLI_ASAN" record "$LIVE" -o s.jsonl --for=1ms
  size=$(stat -c %s s.jsonl)
  run -1 --separate-stderr bash -c 'trap "" XFSZ; ulimit -f '$((size / 1024 + 1))'; exec timeout 60 "$0" record "$1" -o s.jsonl --interval=100ms' "$CLI_ASAN" "$LIVE"
  assert_equal "$stderr" "arrowpool: record: s.jsonl: File too large"
  recorded "len(lines) >= 1"
}
