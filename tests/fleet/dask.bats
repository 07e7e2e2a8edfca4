#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031 # other shells and sed read these; each test sets its own
# Dask's workers under the shim, started as users start them, on this machine: results, figures, memory as Dask sees
# it, and workers that are killed.
load ../shim/helper
load helper

# dask WHAT [ARGUMENT]...
dask() { timeout 3000 "$FLEET" "$SOURCE/tests/fleet/dask_cases.py" "$@"; }

# from_shell NAME COMMAND...: a scheduler, and workers started by that command followed by dask's; what they do is in
# NAME.json.
from_shell() {
  local name=$1 dask=${FLEET%/*}/dask scheduler workers status=0
  shift
  local -x PYTHONPATH=$SOURCE/tests/fleet # for the scheduler too, which reads tasks
  mkdir -p "$name"
  "$dask" scheduler --host 127.0.0.1 --port 0 --no-dashboard --scheduler-file "$name/scheduler.json" \
    &>"$name/scheduler.log" 3>&- &
  scheduler=$!
  # What it waits for: the file appears when the scheduler listens.
  timeout 600 bash -c 'until [ -s "$1" ]; do sleep 0.1; done' - "$name/scheduler.json" || status=1
  "$@" "$dask" worker --nworkers 4 --nthreads 1 --no-dashboard \
    --local-directory "$name/scratch" --scheduler-file "$name/scheduler.json" &>"$name/workers.log" 3>&- &
  workers=$!
  [ $status != 0 ] || dask shell "$name" . >"$name.json" || status=$?
  kill "$workers" "$scheduler"
  wait "$workers" "$scheduler" || true # a signal ended them
  [ $status = 0 ] || tail -n 20 "$name"/*.log >&2
  return $status
}

setup_file() {
  "$FLEET" -c "import dask, distributed, pyarrow" 2>/dev/null || return 0 # each test says so
  cd "$BATS_FILE_TMPDIR" || return
  dask data .
  mkdir -p run/dumps
  locally 3>&- & # beside the others, as much of it is waiting
  local started_locally=$!
  from_shells
  wait $started_locally
}

locally() { for mode in stock jemalloc system; do dask local $mode . >$mode.json || return; done; }

from_shells() {
  from_shell run "$CLI" run --live="$PWD/run/live" --stats="$PWD/run/dumps/%e.%p.json" -- || return
  from_shell variables env "DASK_DISTRIBUTED__NANNY__PRE_SPAWN_ENVIRON={'LD_PRELOAD': '$SHIM', \
'ARROW_POOL': 'system', 'ARROW_POOL_LIVE': '$PWD/variables/live'}"
}

setup() {
  need_engine dask
  cd "$BATS_FILE_TMPDIR" || return
}

# for_each_worker FILE EXPRESSION: how many workers there are, and for how many it holds. said: what a worker said of
# itself; pool: what its live file says of its Arrow pool; seen: an environment that a worker has.
for_each_worker() {
  json "$1" "[len(d['workers']), sum(1 for pid, said in d['said'].items()
    for pool in [next(p for n, p in d['read'][pid].items() if n.startswith('arrow.'))] if $2)]"
}

# total FILE WHEN FIELD...: MiB over all workers, as Dask's scheduler said.
total() {
  local file=$1 when=$2
  shift 2
  json "$file" "round(sum(w[f] for w in d['memory']['$when'].values() for f in '$*'.split()) / (1 << 20))"
}

@test "results are the same without the shim and with it, in both modes and both ways of starting" {
  stock=$(json stock.json 'd["shuffle"]')
  for file in jemalloc system run variables; do
    assert_equal "$(json $file.json 'd["shuffle"]')" "$stock"
  done
  for file in jemalloc system; do
    assert_equal "$(json $file.json 'd["dataframe"]')" "$(json stock.json 'd["dataframe"]')"
  done
  assert_equal "$(json jemalloc.json 'd["wide"]')" "$(json stock.json 'd["wide"]')"
}

@test "each worker's live file says to the byte what the worker says of its Arrow pool" {
  for file in jemalloc system run variables; do
    run -0 for_each_worker $file.json "all(pool[f] == said[f] > 0 for f in ('bytes_allocated', 'total_bytes_allocated'))"
    assert_output '[4, 4]'
  done
}

@test "workers have the variables of the recipe, and Dask's own besides" {
  for file in jemalloc system run variables; do
    assert_equal "$(json $file.json \
      'sorted({(e["LD_PRELOAD"], e["MALLOC_TRIM_THRESHOLD_"], e["OMP_NUM_THREADS"]) for e in d["environments"]})')" \
      "[('$SHIM', '65536', '1')]"
  done
  assert_equal "$(json stock.json 'sorted({(e["LD_PRELOAD"], e["MALLOC_TRIM_THRESHOLD_"]) for e in d["environments"]})')" \
    "[(None, '65536')]"
}

@test "files are those of workers; client, scheduler and nannies use no pool" {
  for file in jemalloc system run variables; do
    assert_equal "$(json $file.json 'sorted(map(int, d["read"])) == d["workers"], set(d["nannies"]) & set(d["workers"])')" \
      "(True, set())"
  done
}

# Dask kills a worker that has not ended within 4 s: then its live file is left, and else its dump.
@test "after the cluster is closed the figures of all workers are there" {
  for file in jemalloc system run; do
    "$CLI" report --by=process --format=json $file/live $file/dumps >closed.json
    run -0 "$PYTHON" -I -c '
import json, sys
ran, closed = (json.load(open(name)) for name in sys.argv[1:])
found = {group["pid"]: group["total_bytes_allocated"] for group in closed["groups"]}
print(sum(found[int(pid)] >= said["total_bytes_allocated"] for pid, said in ran["said"].items()), len(found))' \
      $file.json closed.json
    assert_output '4 4'
  done
}

@test "what is read in a loop is unmanaged memory of stock workers afterwards, and not of ours" {
  for file in stock jemalloc; do
    declare "$file=$(total $file.json later unmanaged_old unmanaged_recent)"
    declare "${file}_grown=$((${!file} - $(total $file.json before unmanaged_old unmanaged_recent)))"
    echo "# $file: unmanaged ${!file} MiB in 4 workers, recent $(total $file.json later unmanaged_recent)" >&3
  done
  # shellcheck disable=SC2154 # declared above
  assert [ "$jemalloc" -lt "$stock" ]
  # shellcheck disable=SC2154
  assert [ "$jemalloc_grown" -lt $((stock_grown / 2)) ]
}

@test "a task that exceeds a worker's limit fails with Arrow's error, and the worker goes on" {
  run -0 --separate-stderr dask limit .
  assert_output --regexp '^ArrowMemoryError: malloc of size 536870912 failed: .* of their limit of 256.0 MiB, ARROW_POOL_LIMIT=.*'
}

@test "workers killed while they work are restarted, the result is right, and their last figures are there" {
  kills=20
  [ -z "${ARROWPOOL_LONG-}" ] || kills=200
  run -0 --separate-stderr dask kill . $kills
  assert_equal "${lines[-1]}" "$(json stock.json 'd["shuffle"]')"
  assert_equal "$(grep -c ' gone exactly ' <<<"$output")" $((kills / 2))
  assert_equal "$(grep -c ' gone at least ' <<<"$output")" $((kills / 2))
  read -r pid _ _ bytes <<<"${lines[0]}"
  run -0 "$CLI" show killed/live/arrowpool-"$pid"-*.live
  assert_line --index 0 --regexp "^gone: .*spawn_main"
  run -0 "$CLI" show --format=json killed/live/arrowpool-"$pid"-*.live
  assert_output --partial "\"bytes_allocated\":${bytes%:*},"
}

# The Python of docs/use/fleet.md, with paths that are here.
@test "the recipe of the document serves its workers" {
  mkdir -p recipe/dumps
  sed -n '/^```python$/,/^```$/p' "$SOURCE/docs/use/fleet.md" | sed -e '/^```/d' -e "s,/path/to/libarrowpool_preload.so,$SHIM," \
    -e "s,/run/pools,$PWD/recipe/live," -e "s,/var/tmp,$PWD/recipe/dumps," >recipe/recipe.py
  run -0 --separate-stderr "$FLEET" recipe/recipe.py
  assert_output 100000
  "$CLI" report --format=json recipe/live recipe/dumps >recipe/report.json
  assert_equal "$(json recipe/report.json '[g["total_bytes_allocated"] for g in d["groups"] if g["pool"][:6] == "arrow."][0] >= 800_000')" True
}

@test "the nanny's own environment gets the variables too, which with a LocalCluster is the client's" {
  assert_equal "$(json jemalloc.json 'd["client_preload"]')" "$SHIM"
  assert_equal "$(json stock.json 'd["client_preload"]')" None
}

# pre_spawn [NAME=VALUE]... STATEMENT: what Dask would set before it starts a worker, and how often that has its own.
pre_spawn() {
  run -0 env "${@:1:$#-1}" "$FLEET" -c '
import sys, dask, distributed
exec(sys.argv[1])
found = dask.config.get("distributed.nanny.pre-spawn-environ")
print(sorted(name for name, value in found.items() if value == "x"), "MALLOC_TRIM_THRESHOLD_" in found)' "${!#}"
}

@test "a key for each variable, a YAML file and a variable with a dictionary add to Dask's defaults" {
  pre_spawn 'dask.config.set({"distributed.nanny.pre-spawn-environ.LD_PRELOAD": "x"})'
  assert_output "['LD_PRELOAD'] True"
  mkdir -p yaml
  sed -n '/^```yaml$/,/^```$/p' "$SOURCE/docs/use/fleet.md" | sed -e '/^```/d' -e 's,: [/j].*,: x,' >yaml/dask.yaml
  pre_spawn DASK_CONFIG="$PWD/yaml" pass
  assert_output "['ARROW_POOL', 'ARROW_POOL_LIVE', 'LD_PRELOAD'] True"
  pre_spawn DASK_DISTRIBUTED__NANNY__PRE_SPAWN_ENVIRON="{'LD_PRELOAD': 'x'}" pass
  assert_output "['LD_PRELOAD'] True"
}

@test "a dictionary in Python takes the place of the defaults, and a variable of its own gets a name in lower case" {
  pre_spawn 'dask.config.set({"distributed.nanny.pre-spawn-environ": {"LD_PRELOAD": "x"}})'
  assert_output "['LD_PRELOAD'] False"
  pre_spawn DASK_DISTRIBUTED__NANNY__PRE_SPAWN_ENVIRON__LD_PRELOAD=x pass
  assert_output "['ld_preload'] True"
}
