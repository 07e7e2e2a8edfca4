#!/usr/bin/env bats
# Ray's workers under the shim, by the runtime environment and nothing else: results, figures, who is served and who is
# not, and what is left of workers that end in each way.
load ../shim/helper
load helper

# ray WHAT [ARGUMENT]...
ray() {
  timeout 300 "$FLEET" "$SOURCE/tests/fleet/ray_cases.py" "$@" 2>"$BATS_FILE_TMPDIR/log" && return
  tail -n 30 "$BATS_FILE_TMPDIR/log" >&2
  return 1
}

setup_file() {
  [ -x "$FLEET" ] || return 0 # each test says so
  cd "$BATS_FILE_TMPDIR" || return
  [ -z "$(engine_lacks ray)" ] || return 0
  ray data "$PWD" >data.json
  for mode in stock jemalloc system; do ray work $mode "$PWD" >$mode.json; done
}

setup() {
  need_engine ray
  cd "$BATS_FILE_TMPDIR" || return
}

@test "results are the same without the shim and with it, in both modes" {
  stock=$(json stock.json '[d["shuffle"], d["wide"]]')
  [[ $stock =~ ^\[\'[0-9a-f]{64}\' ]]
  for mode in jemalloc system; do
    assert_equal "$(json $mode.json '[d["shuffle"], d["wide"]]')" "$stock"
  done
}

@test "actors are served; the driver, the raylet, the GCS and the other processes of Ray keep what they had" {
  for mode in jemalloc system; do
    run -0 json $mode.json 'd["processes"]["actor"], sorted({what for role in d["processes"] if role != "actor" for what in d["processes"][role]})'
    assert_output "(['shim'], [\"Ray's jemalloc\", 'nothing'])"
    run -0 json $mode.json '[d["processes"][role] for role in ("driver", "raylet", "GCS")]'
    assert_output "[['nothing'], [\"Ray's jemalloc\"], [\"Ray's jemalloc\"]]"
  done
  run -0 json stock.json 'd["processes"]["actor"]'
  assert_output "['nothing']"
}

@test "each worker's live file says to the byte what the worker says of its Arrow pool" {
  for mode in jemalloc system; do
    run -0 json $mode.json 'd["workers"]'
    assert_output "[$(printf "['running, as it said', True], %.0s" 1 2 3)['running, as it said', True]]"
  done
}

@test "one actor or one task is served alone, by a runtime environment of its own" {
  ray single "$PWD" >single.json
  run -0 json single.json 'sorted(d.items())'
  assert_output "[('actor not', False), ('actor served', True), ('task not', False), ('task served', True)]"
}

@test "the shim around the driver reaches Ray's own processes as well as the workers" {
  # A function of the test's own cannot stand behind env.
  shim ARROW_POOL=jemalloc timeout 300 "$FLEET" "$SOURCE/tests/fleet/ray_cases.py" around >around.json
  run -0 json around.json 'd["task"], [d["processes"][role] for role in ("driver", "raylet", "GCS", "idle worker")]'
  assert_output "(True, [['shim'], ['shim'], ['shim'], ['shim']])"
}

# In this order: the live file, the dump. Which way Ray takes is its own affair: what a worker leaves is not.
@test "what is left of an actor, by the way it ended" {
  ray ends "$PWD/ends" >ends.json
  while IFS=: read -r how live dump; do
    run -0 json ends.json "d['$how']"
    assert_output "['$live', '$dump']"
  done <<'END'
exit_actor:nothing:ended, total as it said
out of scope:nothing:ended, total as it said
os._exit:ended, as it said:ended, as it said
ray.kill:ended, as it said:ended, as it said
ray.shutdown:ended, as it said:ended, as it said
SIGKILL:gone, as it said:nothing
END
}

@test "LightGBM trains the same model in a worker under the shim" {
  "$FLEET" -c 'import lightgbm' 2>/dev/null || skip "no lightgbm in .venv-fleet"
  ray lightgbm stock "$PWD" >trained-stock.json
  ray lightgbm jemalloc "$PWD" >trained.json
  run -0 json trained-stock.json '[served for model, served in d]'
  assert_output "[False, False]"
  run -0 json trained.json '[served for model, served in d]'
  assert_output "[True, True]"
  assert_equal "$(json trained.json '[model for model, served in d]')" "$(json trained-stock.json '[model for model, served in d]')"
}
