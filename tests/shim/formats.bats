#!/usr/bin/env bats
# The formats of a dump, and the promise that JSON keeps to its schema.
load helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
}

dump() {
  run -5 shim ARROW_POOL=jemalloc ARROW_POOL_STATS="$1" "${@:2}" "$PROBES/probe_exit"
}

@test "the path's ending chooses the format, text without one" {
  dump s.json
  dump s.jsonl
  dump s.txt
  dump s
  assert_equal "$(head -c 23 s.json)" '{"schema":"arrowpool/1"'
  assert_equal "$(head -c 23 s.jsonl)" '{"schema":"arrowpool/1"'
  assert_equal "$(head -c 10 s.txt)" "arrowpool "
  assert_equal "$(head -c 10 s)" "arrowpool "
}

@test "jsonl is one object on one line, with its newline" {
  dump s.jsonl
  assert_equal "$(wc -l <s.jsonl)" 1
  assert_equal "$(tail -c 1 s.jsonl | od -An -c | tr -d ' ')" '\n'
  json s.jsonl 'd["schema"]'
}

@test "ARROW_POOL_STATS_FORMAT overrides the ending" {
  dump s.json ARROW_POOL_STATS_FORMAT=text
  dump s.txt ARROW_POOL_STATS_FORMAT=json
  assert_equal "$(head -c 10 s.json)" "arrowpool "
  json s.txt 'd["schema"]'
}

@test "the text report has a row for each pool" {
  dump s.txt
  assert_equal "$(awk '/^libc/ {print $1, $8}' s.txt)" "libc 5"
  assert_equal "$(awk 'NR == 1 {print $1, $3}' s.txt)" "arrowpool probe_exit,"
}

@test "dumps of both modes, of an idle process and of a program's own pool keep to the schema" {
  schema=$SOURCE/docs/use/arrowpool.schema.json
  assert [ -f "$schema" ]
  dump jemalloc.json
  run -5 shim ARROW_POOL_STATS=system.json "$PROBES/probe_exit"
  run -5 shim ARROW_POOL_STATS=idle.json ARROW_POOL_STATS_IDLE=1 "$PROBES/probe_exit" idle
  run -5 shim ARROW_POOL=jemalloc ARROW_POOL_STATS=fork.%p.json "$PROBES/probe_exit" fork
  run -0 shim ARROW_POOL_STATS=api.json "$PROBES/probe_api"
  run -0 "$PYTHON" -I - "$schema" ./*.json <<'PYTHON'
import json, sys
import jsonschema

schema = json.load(open(sys.argv[1]))
validator = jsonschema.validators.validator_for(schema)
validator.check_schema(schema)
for path in sys.argv[2:]:
    validator(schema).validate(json.load(open(path)))

# A schema that refuses nothing would pass as well.
broken = json.load(open(sys.argv[2]))
broken["pools"][0]["num_frees"] = "many"
assert not validator(schema).is_valid(broken)
print(len(sys.argv) - 2)
PYTHON
  assert_output 6
}
