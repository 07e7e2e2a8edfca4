#!/usr/bin/env bats
# PySpark's workers under the shim, and the JVMs not: results, figures, who is served, and what is left of workers that
# end in each way. Executors are processes of their own, on this machine.
load ../shim/helper
load helper

# spark WHAT [ARGUMENT]...
spark() {
  timeout 600 "$FLEET" "$SOURCE/tests/fleet/spark_cases.py" "$@" 2>"$BATS_FILE_TMPDIR/log" && return
  tail -n 30 "$BATS_FILE_TMPDIR/log" >&2
  return 1
}

setup_file() {
  [ -x "$FLEET" ] || return 0 # each test says so
  cd "$BATS_FILE_TMPDIR" || return
  [ -z "$(engine_lacks spark)" ] || return 0
  spark data "$PWD" >data.json
  spark work "$PWD" >work.json
}

setup() {
  need_engine spark
  cd "$BATS_FILE_TMPDIR" || return
}

@test "results are the same without the shim and with it, in both modes" {
  results='[d[mode][f] for f in ("shuffle", "dataframe", "wide")]'
  stock=$(json work.json "${results/mode/\"stock\"}")
  [[ $stock =~ ^\[\'[0-9a-f]{64}\',\ \'[0-9a-f]{64}\' ]]
  for mode in jemalloc system; do
    assert_equal "$(json work.json "${results/mode/\"$mode\"}")" "$stock"
  done
}

@test "by a wrapper of Python, workers are served, and neither driver nor JVMs" {
  roles='[d[mode]["processes"][role] for role in ("driver", "JVM of the driver", "executor", "Python")]'
  run -0 json work.json "${roles/mode/\"stock\"}"
  assert_output "[['nothing'], ['nothing'], ['nothing'], ['nothing']]"
  run -0 json work.json "${roles/mode/\"jemalloc\"}" # the stock workers, now idle, are still there
  assert_output "[['nothing'], ['nothing'], ['nothing'], ['nothing', 'shim']]"
}

@test "each forked worker's live file says to the byte what the worker says of its Arrow pool" {
  for mode in jemalloc system; do
    run -0 json work.json "d['$mode']['workers']"
    assert_output "[$(printf "['running, as it said', True], %.0s" 1 2 3)['running, as it said', True]]"
  done
}

@test "a worker that is killed leaves its live file, and Spark does its task again" {
  run -0 json work.json 'd["killed"]'
  assert_output "['gone, as it said', 'nothing']"
}

# When the executor stops, its daemon sends them SIGHUP, while they see their connection close and call _exit(0): which
# comes first is chance, and so is whether there is a dump.
@test "workers that end with their executor leave their live files, with their last figures" {
  for mode in jemalloc system; do
    run -0 json work.json "len(d['$mode']['stopped']) >= 3, sorted({live in ('gone, as it said', 'ended, as it said') and dump in ('nothing', 'ended, as it said') for live, dump in d['$mode']['stopped']})"
    assert_output "(True, [True])"
  done
}

@test "spark.executorEnv reaches the executor's JVM as well; workers that are not used again leave dumps" {
  spark executorEnv "$PWD" >executorEnv.json
  run -0 json executorEnv.json '[d["processes"][role] for role in ("driver", "JVM of the driver", "executor")]'
  assert_output "[['nothing'], ['nothing'], ['shim']]"
  run -0 json executorEnv.json 'd["workers"]'
  assert_output "[$(printf "['ended, as it said', 'ended, as it said'], %.0s" 1 2)['ended, as it said', 'ended, as it said']]"
}
