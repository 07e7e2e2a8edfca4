#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # other shells and Python expand these; each test is a subshell; bats or the helper sets these
# `arrowpool report`: what is counted, once, and how it is added up.
load ../shim/helper
load helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
}

# workers METHOD: eight pyarrow workers; their report equals what they counted themselves.
workers() {
  need_pyarrow
  mkdir figures dumps
  run -0 shim ARROW_POOL=jemalloc ARROW_POOL_STATS="$PWD/dumps/%p.json" \
    timeout 600 "$PYTHON" "$BATS_TEST_DIRNAME/workers.py" "$1" figures
  assert_equal "$(find dumps -type f | wc -l)" 8
  report dumps
  run -0 in_report '[r["processes"]["count"], r["files"], group("arrow.mimalloc")["processes"]]'
  assert_output "[8, 8, 8]"
  "$PYTHON" -I - report figures <<'PYTHON'
import json, pathlib, sys
group = [g for g in json.load(open(sys.argv[1]))["groups"] if g["pool"] == "arrow.mimalloc"][0]
workers = [json.loads(path.read_text()) for path in pathlib.Path(sys.argv[2]).iterdir()]
assert len(workers) == 8
for field in ("bytes_allocated", "total_bytes_allocated", "num_allocations"):
    assert group[field] == sum(w[field] for w in workers), (field, group)
peaks = sorted(w["max_memory"] for w in workers)
assert group["max_memory_sum"] == sum(peaks), (group, peaks)
assert group["max_memory_highest"] == peaks[-1]
assert [group["max_memory_p50"], group["max_memory_p90"], group["max_memory_p99"]] == [peaks[3], peaks[7], peaks[7]]
assert len(set(peaks)) > 1
PYTHON
}

@test "spawned workers' dumps add up to what the workers counted, without helpers that used no pool" {
  workers spawn
}

@test "so do workers' of a fork server" {
  workers forkserver
}

@test "a report of multiprocessing.Pool equals the sum of its dumps" {
  need_pyarrow
  mkdir dumps
  cat >pool.py <<'PYTHON'
import multiprocessing
import pyarrow as pa

def work(n):
    return len(pa.array(range(n)).buffers()[1]), multiprocessing.current_process().pid

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(8) as pool:
        print(len({pid for _, pid in pool.map(work, range(1000, 1400), chunksize=1)}))
        pool.close()
        pool.join()
PYTHON
  run -0 shim ARROW_POOL=jemalloc ARROW_POOL_STATS="$PWD/dumps/%p.json" timeout 600 "$PYTHON" pool.py
  report dumps
  "$PYTHON" -I - report dumps <<'PYTHON'
import collections, json, pathlib, sys
report = json.load(open(sys.argv[1]))
sums, highest = collections.defaultdict(collections.Counter), collections.Counter()
dumps = [json.loads(path.read_text()) for path in pathlib.Path(sys.argv[2]).iterdir()]
assert report["processes"]["count"] == len(dumps) >= 8
for dump in dumps:
    for pool in dump["pools"]:
        sums[pool["name"]]["processes"] += 1
        for field, value in pool.items():
            if isinstance(value, int) and field != "bytes_before_end": # it is in no report
                sums[pool["name"]][field] += value
        highest[pool["name"]] = max(highest[pool["name"]], pool["max_memory"])
assert len(report["groups"]) == len(sums)
for group in report["groups"]:
    expected = sums[group["pool"]]
    assert group["max_memory_sum"] == expected.pop("max_memory")
    assert group["max_memory_highest"] == highest[group["pool"]]
    assert {field: group[field] for field in expected} == dict(expected)
assert sums["arrow.mimalloc"]["num_allocations"] >= 400
PYTHON
}

@test "files are found at any depth by their endings, others and links to directories are left alone" {
  mkdir -p d/e/f
  make_dump d/a.json pid=1
  make_dump d/e/b.jsonl pid=2
  make_dump d/e/f/c.json pid=3
  make_dump d/e/f/c.json.17.tmp pid=4
  make_dump d/note.txt pid=5
  ln -s .. d/e/loop
  report d
  run -0 in_report 'r["files"], r["processes"]["count"]'
  assert_output "(3, 3)"
}

@test "a process counts once: the newest dump of it, in whatever order they are read" {
  make_dump old.json time=110 num_frees=1 max_memory=900
  make_dump new.json time=120 num_frees=2 max_memory=500
  for files in "old.json new.json" "new.json old.json" "old.json new.json old.json new.json"; do
    # shellcheck disable=SC2086 # several names
    report $files
    run -0 in_report 'r["processes"]["count"], group("arrow.mimalloc")["num_frees"], group("arrow.mimalloc")["max_memory_highest"]'
    assert_output "(1, 2, 500)"
  done
}

@test "the same process number on another host, or with another start, is another process" {
  make_dump a.json
  make_dump b.json host=there
  make_dump c.json start_time=100.001
  make_dump d.json pid=2
  report a.json b.json c.json d.json
  run -0 in_report 'r["processes"]["count"]'
  assert_output 4
}

@test "of a time series of several processes the last line of each counts" {
  make_dump s.jsonl pid=1 time=101 num_frees=1
  make_dump s.jsonl pid=2 time=102 num_frees=10
  make_dump s.jsonl pid=1 time=103 num_frees=2
  make_dump s.jsonl pid=2 time=104 num_frees=20
  make_dump s.jsonl pid=2 time=105 num_frees=30
  report s.jsonl
  run -0 in_report 'r["processes"]["count"], group("arrow.mimalloc")["num_frees"]'
  assert_output "(2, 32)"
}

@test "sums, highest and percentiles by the nearest rank" {
  for pid in {1..10}; do make_dump s.jsonl pid="$pid" max_memory="$((pid * 10))" bytes_copied=7; done
  report s.jsonl
  run -0 in_report '[group("arrow.mimalloc")[f] for f in ("max_memory_sum", "max_memory_highest", "max_memory_p50", "max_memory_p90", "max_memory_p99", "bytes_copied")]'
  assert_output "[550, 100, 50, 90, 100, 70]"
}

@test "what is not known of a part is null, with what is known as the lower bound" {
  make_dump s.jsonl pid=1 pool=libc bytes_allocated=5 max_memory=100 num_frees=null
  make_dump s.jsonl pid=2 pool=libc bytes_allocated=null max_memory=null num_frees=null
  report s.jsonl
  run -0 in_report '[group("libc")[f] for f in ("bytes_allocated", "max_memory_sum", "max_memory_highest", "max_memory_p50", "num_frees", "num_failed")]'
  assert_output "[None, None, None, None, None, 0]"
  run -0 in_report 'group("libc")["at_least"]'
  assert_output "{'bytes_allocated': 5, 'max_memory_sum': 100, 'max_memory_highest': 100}"
  run -0 "$CLI" report s.jsonl
  assert_line --regexp '^libc +2 +>=5 B +>=100 B +>=100 B +\? +\? +\? '
  run -0 "$CLI" report --format=prometheus s.jsonl
  refute_output --partial bytes_allocated
  refute_output --partial frees_total
  assert_line 'arrowpool_report_failed_total{pool="libc"} 0'
}

@test "sums that no number holds are unknown, not wrong" {
  make_dump s.jsonl pid=1 bytes_copied=9223372036854775807
  make_dump s.jsonl pid=2 bytes_copied=9223372036854775807
  report s.jsonl
  run -0 in_report 'group("arrow.mimalloc")["bytes_copied"], group("arrow.mimalloc")["at_least"]["bytes_copied"]'
  assert_output "(None, 9223372036854775807)"
}

@test "--by takes the keys apart, repeated or in a list" {
  make_dump s.jsonl pid=1 host=h1 program=p1 num_failed=1
  make_dump s.jsonl pid=2 host=h1 program=p2 num_failed=2
  make_dump s.jsonl pid=3 host=h2 program=p1 num_failed=4
  make_dump s.jsonl pid=4 host=h2 program=p1 pool=libc num_failed=8
  for by in --by=host,pool "--by=host --by=pool"; do
    # shellcheck disable=SC2086 # two options
    report $by --sort=name s.jsonl
    run -0 in_report '[(g["host"], g["pool"], g["num_failed"]) for g in r["groups"]]'
    assert_output "[('h1', 'arrow.mimalloc', 3), ('h2', 'arrow.mimalloc', 4), ('h2', 'libc', 8)]"
  done
  report --by=program --sort=num_failed s.jsonl
  run -0 in_report '[(g["program"], g["num_failed"], g["processes"]) for g in r["groups"]]'
  assert_output "[('p1', 13, 3), ('p2', 2, 1)]"
  report --by=process --sort=num_failed --top=2 s.jsonl
  run -0 in_report '[(g["host"], g["pid"], g["num_failed"]) for g in r["groups"]], r["groups_total"]'
  assert_output "([('h2', 4, 8), ('h2', 3, 4)], 4)"
  run -0 "$CLI" report --by=process --top=1 s.jsonl
  assert_line "and 3 more"
}

@test "--by=name adds up the processes of a job" {
  make_dump s.jsonl pid=1 job=etl num_failed=1
  make_dump s.jsonl pid=2 job=etl num_failed=2 pool=libc
  make_dump s.jsonl pid=3 job=nightly num_failed=4
  make_dump s.jsonl pid=4 num_failed=8
  report --by=name --sort=name s.jsonl
  run -0 in_report '[(g["name"], g["num_failed"], g["processes"]) for g in r["groups"]]'
  assert_output "[('', 8, 1), ('etl', 3, 2), ('nightly', 4, 1)]"
  run -0 "$CLI" report --by=name --sort=name s.jsonl
  run -0 awk 'NR > 3 { print $1, $2 }' <<<"$output"
  assert_output "- 1
etl 2
nightly 1"
  run -0 "$CLI" report --by=pool,name --format=prometheus s.jsonl
  assert_line 'arrowpool_report_failed_total{pool="libc",name="etl"} 2'
}

@test "pools of one process in one group: their peaks are one process's" {
  make_dump a.json max_memory=100
  sed -i 's/"pools": \[\(.*\)\]}$/"pools": [\1, \1]}/; s/arrow.mimalloc/libc/' a.json
  report --by=host a.json
  run -0 in_report '[group("here")[f] for f in ("processes", "max_memory_sum", "max_memory_p50", "max_memory_highest")]'
  assert_output "[1, 200, 200, 200]"
}

@test "a program that another replaced by exec counts beside it" {
  mkdir live
  run -5 shim ARROW_POOL=jemalloc ARROW_POOL_LIVE="$PWD/live" ARROW_POOL_LIVE_KEEP=1 \
    "$PYTHON" -I -c '
import ctypes, os, sys
libc = ctypes.CDLL(None)
libc.aligned_alloc.restype = ctypes.c_void_p
libc.aligned_alloc(64, 1 << 20)
os.execv(sys.argv[1], sys.argv[1:])' "$PROBES/probe_exit" return
  assert_equal "$(find live -name '*.live' | wc -l)" 2
  report live
  run -0 in_report '[r["processes"][k] for k in ("count", "ended", "replaced", "gone", "running")]'
  assert_output "[2, 1, 1, 0, 0]"
  run -0 in_report 'group("libc")["bytes_allocated"], group("libc")["processes"]'
  assert_output "($((1301111 + (1 << 20))), 2)"
}

@test "a killed process's live file counts, rather than an earlier dump of it" {
  mkdir out
  run shim ARROW_POOL=jemalloc ARROW_POOL_LIVE="$PWD/out" ARROW_POOL_STATS="$PWD/out/s.jsonl" ARROW_POOL_STATS_SIGNAL=USR2 \
    "$PYTHON" -I -c '
import ctypes, os, signal, time
libc = ctypes.CDLL(None)
libc.aligned_alloc.restype = ctypes.c_void_p
libc.aligned_alloc(64, 1 << 20)
os.kill(os.getpid(), signal.SIGUSR2)
while not os.path.exists("out/s.jsonl") or not open("out/s.jsonl").read().endswith("\n"):
    time.sleep(0.01)
libc.aligned_alloc(64, 1 << 21)
os.kill(os.getpid(), signal.SIGKILL)'
  assert_equal "$status" 137
  run -0 json out/s.jsonl 'pool("libc")["bytes_allocated"]'
  assert_output "$((1 << 20))"
  report out
  run -0 in_report 'r["files"], r["processes"]["count"], r["processes"]["gone"], group("libc")["bytes_allocated"]'
  assert_output "(2, 1, 1, $((3 << 20)))"
}

@test "a running process is counted as running" {
  mkdir live
  mkfifo hold
  exec 9<>hold
  shim ARROW_POOL=jemalloc ARROW_POOL_LIVE="$PWD/live" "$PYTHON" -I -c '
import ctypes, sys
libc = ctypes.CDLL(None)
libc.aligned_alloc.restype = ctypes.c_void_p
libc.aligned_alloc(64, 1 << 20)
open("ready", "w").write("x")
sys.stdin.read(1)' <hold 9>&- &
  until [ -s ready ]; do sleep 0.05; done
  report live
  echo >&9
  exec 9>&-
  wait
  run -0 in_report 'r["processes"]["running"], r["processes"]["count"], group("libc")["bytes_allocated"]'
  assert_output "(1, 1, $((1 << 20)))"
  run -1 --separate-stderr "$CLI" report live
  assert_equal "$stderr" "arrowpool: report: live: no .json, .jsonl or .live file there"
}

@test "text ends in the lines that hold most, of all profiles beside files that count" {
  for name in a b c; do make_dump $name.json pid=$((++number)); done
  make_dump again.json pid=1 time=150 # an older one of the first
  number=0
  for name in a b again; do
    number=$((number + 1))
    profile $name.profile <<PYTHON
p.pid = $number
p.live(p.stack("etl.py:8 stream"), 2 * MIB)
p.live(p.stack("etl.py:3 load", kind=TASK), MIB)
PYTHON
  done
  run -0 --separate-stderr "$CLI_ASAN" report a.json b.json c.json again.json
  assert_equal "$stderr" ""
  assert_equal "$(tail -n 3 <<<"$output")" "held by, in the profiles of 2 of 3 processes
     4.0 MiB   66.7%  etl.py:8 stream
     2.0 MiB   33.3%  etl.py:3 load  [task]"
  run -0 "$CLI_ASAN" report again.json a.json # which is read again, for the newer
  assert_equal "$(tail -n 3 <<<"$output")" "held by
     2.0 MiB   66.7%  etl.py:8 stream
     1.0 MiB   33.3%  etl.py:3 load  [task]"
  run -0 "$CLI_ASAN" report c.json
  refute_output --partial "held by"
  for format in jsonl prometheus; do
    run -0 "$CLI_ASAN" report --format=$format a.json
    refute_output --partial etl.py
  done
}

@test "json has the lines that hold most, by its schema; null where there is no profile" {
  for name in a b c; do make_dump $name.json pid=$((++number)); done
  profile a.profile <<'PYTHON'
p.pid = 1
for i, size in enumerate([MIB, 8 * MIB, 2 * MIB, 4 * MIB]):
    p.live(p.stack(f'odd "{i}\\.py:{i + 1} load', kind=TASK if i == 1 else OWN), size)
PYTHON
  profile b.profile <<'PYTHON'
p.pid = 2
p.live(p.stack('odd "3\\.py:4 load'), MIB)
PYTHON
  : >c.profile # is none
  report a.json b.json c.json
  run -0 in_report '[(line["line"], line["task"], line["bytes"] >> 20, line["share"]) for line in r["held_by"]["lines"]]'
  assert_output "[('odd \"1\\\\.py:2 load', True, 8, 0.5), ('odd \"3\\\\.py:4 load', False, 5, 0.313), ('odd \"2\\\\.py:3 load', False, 2, 0.125)]"
  run -0 in_report 'r["held_by"]["profiles"]'
  assert_output 2
  "$PYTHON" -I -c 'import json, jsonschema, sys
jsonschema.validate(*(json.load(open(path)) for path in sys.argv[1:]))' report "$SOURCE/docs/use/report.schema.json"
  report c.json
  run -0 in_report 'r["held_by"]'
  assert_output None
}

@test "what is known only in part is sorted by that part, what is unknown comes last" {
  make_dump s.jsonl pid=1 host=a max_memory=null
  make_dump s.jsonl pid=2 host=b max_memory=200
  make_dump s.jsonl pid=3 host=c max_memory=null
  make_dump s.jsonl pid=4 host=c max_memory=300
  make_dump s.jsonl pid=5 host=d max_memory=100
  for field in max_memory_sum max_memory_highest; do
    report --by=host --sort=$field s.jsonl
    run -0 in_report '[g["host"] for g in r["groups"]]'
    assert_output "['c', 'b', 'd', 'a']"
  done
}

@test "jsonl has the groups of json, a line each and nothing nested" {
  make_dump s.jsonl pid=1 program='odd "\ name' start_time=100 max_memory=3
  make_dump s.jsonl pid=2 pool='c:späte' num_frees=null
  for by in pool host program process process,pool; do
    report --by=$by s.jsonl
    run -0 --separate-stderr "$CLI_ASAN" report --by=$by --format=jsonl s.jsonl
    printf '%s\n' "$output" >lines
    "$PYTHON" -I - "$SOURCE/docs/use/report.schema.json" report lines <<'PYTHON'
import json, sys
import jsonschema
schema, report = (json.load(open(path)) for path in sys.argv[1:3])
lines = [json.loads(line) for line in open(sys.argv[3])]
assert len(lines) == report["groups_total"] > 0
for line, group in zip(lines, report["groups"], strict=True):
    del group["at_least"]
    assert list(line.items()) == list(group.items()), (line, group)
    jsonschema.validate(line, {"$defs": schema["$defs"], "$ref": "#/$defs/row"})
PYTHON
  done
  run -0 "$CLI_ASAN" report --by=process --format=jsonl --top=1 s.jsonl
  assert_equal "${#lines[@]}" 1
  assert_output --partial '"pid":1,"start_time":100.000,'
}

@test "the json report keeps to its schema, whatever it is by" {
  make_dump s.jsonl pid=1 pool=libc bytes_allocated=null
  make_dump s.jsonl pid=2 pool=libc max_memory=3
  for by in pool name host program process pool,name,host,program,process; do
    report --by=$by s.jsonl
    "$PYTHON" -I - "$SOURCE/docs/use/report.schema.json" report <<'PYTHON'
import json, sys
import jsonschema
schema, report = (json.load(open(path)) for path in sys.argv[1:])
validator = jsonschema.validators.validator_for(schema)
validator.check_schema(schema)
validator(schema).validate(report)
report["groups"][0]["num_failed"] = "many"
assert not validator(schema).is_valid(report)
del report["groups"][0]["num_failed"]
assert not validator(schema).is_valid(report)
PYTHON
  done
}

@test "Prometheus accepts the reports, the command's and the shim's own pages" {
  need_promtool
  make_dump s.jsonl pid=1 program='odd "\ name' num_failed=3
  make_dump s.jsonl pid=2 pool='c:späte' max_memory=null
  for by in pool host program process pool,process; do
    "$CLI" report --by=$by --format=prometheus s.jsonl | promtool check metrics
  done
  "$CLI" show --format=prometheus s.jsonl | promtool check metrics
  run -5 shim ARROW_POOL=jemalloc ARROW_POOL_STATS=s.prom "$PROBES/probe_exit"
  promtool check metrics <s.prom
  run -5 shim ARROW_POOL_STATS=system.prom "$PROBES/probe_exit"
  promtool check metrics <system.prom
  # What it refuses is refused here too.
  run ! promtool check metrics < <(sed '/^# HELP/d' s.prom)
}

@test "no file, no directory or none in it is status 1 and one line" {
  mkdir empty
  run -1 --separate-stderr "$CLI" report empty
  assert_equal "$output|$stderr" "|arrowpool: report: empty: no .json, .jsonl or .live file there"
  run -1 --separate-stderr "$CLI" report missing.json
  assert_equal "$output|$stderr" "|arrowpool: report: missing.json: No such file or directory"
}

@test "wrong usage is status 2 and one line" {
  make_dump a.json
  for option in --by=nonsense --by= "--by=pool," --format=xml --sort=nonsense --top=0 --top=-1 --top=1x --nonsense --by; do
    run -2 --separate-stderr "$CLI" report a.json "$option"
    assert_equal "${#stderr_lines[@]}|$output" "1|"
    [[ $stderr == "arrowpool: report: ${option}: "* ]]
  done
  run -2 --separate-stderr "$CLI" report
  assert_equal "$stderr" "arrowpool: report: no FILE or DIRECTORY given; see arrowpool report --help"
  run -0 "$CLI" report --help
  for field in bytes_allocated max_memory_p99; do assert_output --partial " $field"; done
}

@test "a report that cannot be written is a failure" {
  make_dump a.json
  for format in text json jsonl prometheus; do
    run -1 bash -c "'$CLI' report --format=$format a.json >/dev/full"
  done
}

@test "of a file nothing is kept but its sums: memory grows by less than 200 bytes a process" {
  "$PYTHON" -I "$BATS_TEST_DIRNAME/many.py" many 4000
  report many
  run -0 in_report 'r["processes"]["count"], [g["num_frees"] for g in r["groups"]]'
  assert_output "(4000, [7998000, 7998000])"
  [ -x /usr/bin/time ] || skip "time is not installed"
  for folder in many/0 many; do
    # A child of Python's would begin with Python's own peak.
    /usr/bin/time -f %M -o "peak.${folder#many/}" "$CLI" report "$folder" >/dev/null
  done
  echo "1,000: $(<peak.0) KiB; 4,000: $(<peak.many) KiB"
  [ $((($(<peak.many) - $(<peak.0)) * 1024)) -lt $((3000 * 200)) ]
}
