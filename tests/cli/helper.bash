# shellcheck shell=bash disable=SC2034,SC2154
# For the command's tests, on top of the shim tests' helper: the sanitized command, and dumps that are made up.
CLI_ASAN=$BUILD/tests/cli/arrowpool-asan
export CLI_ASAN PYTHONDONTWRITEBYTECODE=1 ASAN_OPTIONS=allocator_may_return_null=1

need_pyarrow() {
  "$PYTHON" -c 'import pyarrow' 2>/dev/null || skip "no pyarrow in $PYTHON"
}

need_promtool() {
  command -v promtool >/dev/null || skip "promtool is not installed (Debian package prometheus)"
}

# report [ARGUMENT]...: the report as json, for report_json.
report() {
  run -"${STATUS:-0}" --separate-stderr "$CLI_ASAN" report --format=json "$@"
  printf '%s\n' "$output" >"$BATS_TEST_TMPDIR/report"
}

# in_report EXPRESSION: evaluate Python on the last report, where r is the whole and group("libc") the first group
# in which some key has that value; prints the result.
in_report() {
  "$PYTHON" -I -c '
import json, sys
r = json.loads(open(sys.argv[1], "rb").read())
group = lambda name: [g for g in r["groups"] if name in g.values()][0]
print(eval(sys.argv[2]))' "$BATS_TEST_TMPDIR/report" "$1"
}

# make_dump FILE [NAME=VALUE]...: append a line to FILE, a dump as the shim writes them. Names: pid, host, program,
# start_time, time and figures of the process; pool, and figures of it (null: not known).
make_dump() {
  "$PYTHON" -I - "$SOURCE/docs/arrowpool.schema.json" "$@" <<'PYTHON'
import json, sys
defs = json.load(open(sys.argv[1]))
pool_keys = defs["$defs"]["pool"]["required"]
process_keys = defs["properties"]["process"]["required"]
pool = {key: 0 for key in pool_keys} | {"name": "arrow.mimalloc", "backend": "jemalloc", "size_basis": "requested",
        "size_histogram": [], "live_histogram": []}
process = {key: 0 for key in process_keys} | {"pid": 1, "program": "python", "host": "here", "start_time": 100.0,
           "time": 200.0}
for setting in sys.argv[3:]:
    key, value = setting.split("=", 1)
    if key == "pool":
        pool["name"] = value
    elif key in ("program", "host"):
        process[key] = value
    elif key in process:
        process[key] = json.loads(value)
    else:
        assert key in pool, key
        pool[key] = json.loads(value)
with open(sys.argv[2], "a") as out:
    out.write(json.dumps({"schema": "arrowpool/1", "version": "0.1.0", "process": process, "pools": [pool]}) + "\n")
PYTHON
}
