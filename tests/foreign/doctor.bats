#!/usr/bin/env bats
# shellcheck disable=SC2154 # bats or the helper sets these
# `arrowpool doctor` on packages of PyPI with allocators or an Arrow of their own, and whether the variables that it names
# reach them. scripts/setup carriers installs them; a package that is not there is skipped.
load ../shim/helper

setup() {
  need_long
  CARRIERS=${ARROWPOOL_CARRIERS:-$SOURCE/.venv-carriers}/bin/python
  [ -x "$CARRIERS" ] || skip "no packages that carry Arrow: scripts/setup carriers"
  cd "$BATS_TEST_TMPDIR" || return
}

teardown() { [ -z "${target-}" ] || kill "$target" 2>/dev/null || :; }

need() { "$CARRIERS" -W ignore -c "import $1" 2>/dev/null || skip "no $1 in $CARRIERS"; }

# tells FOLDER WHAT [MODULE]: a command's line names the package, and that of a process which has imported it.
tells() {
  local folder=$1 what=$2 module=${3-$1}
  need "$module"
  run "$CLI" doctor "$CARRIERS" script.py
  assert_line --regexp "^warning: not served, if it is imported: .*$folder \($what\)"
  mkfifo in out
  "$CLI" run -- "$CARRIERS" -W ignore -c "import sys, $module; print('ready', flush=True); sys.stdin.read()" <in >out 3>&- &
  target=$!
  exec {input}>in {output}<out # it ends when this is closed
  : "$input"
  read -r -t 300 answer <&"$output"
  assert_equal "$answer" ready
  run "$CLI" doctor "$target"
  assert_line --regexp "^(warning|problem): $folder is not served: .*/site-packages/_?$folder"
}

# obeys VARIABLE WORK WHAT: it says so on stderr, which it does not without the variable.
obeys() {
  need "$2"
  run -0 "$CARRIERS" -W ignore "$SOURCE/tests/foreign/carriers_work.py" "$2"
  refute_output --partial "$3"
  rm -rf -- *
  run env "$1" "$CARRIERS" -W ignore "$SOURCE/tests/foreign/carriers_work.py" "$2"
  assert_output --partial "$3"
}

@test "polars" { tells polars_runtime_32 "jemalloc: _RJEM_MALLOC_CONF" polars; }
@test "daft" { tells daft "jemalloc: _RJEM_MALLOC_CONF"; }
@test "deltalake" { tells deltalake "jemalloc: _RJEM_MALLOC_CONF"; }
@test "duckdb" { tells duckdb "jemalloc: DUCKDB_JE_MALLOC_CONF"; }
@test "chdb" { tells chdb "jemalloc: JE_MALLOC_CONF, libarrow linked in"; }
@test "datafusion" { tells datafusion "mimalloc: MIMALLOC_\*"; }
@test "pysail" { tells pysail "mimalloc: MIMALLOC_\*" pysail._native; }
@test "perspective" { tells perspective "libarrow linked in"; }

@test "graphar's own libarrow is served, and the doctor says so" {
  need graphar
  run "$CLI" doctor "$CARRIERS" script.py
  assert_line --regexp "^ok: the libarrow of graphar is served as well, should it be imported: .*/graphar\.libs/libarrow-"
  run -0 "$CLI" run --stats="$PWD/s.json" -- "$CARRIERS" -W ignore "$SOURCE/tests/foreign/carriers_work.py" graphar
  run -0 json s.json '[pool(name)["num_allocations"] > 100 for name in ("arrow.mimalloc", "arrow.mimalloc.2")]'
  assert_output "[True, True]"
}

@test "polars, daft and deltalake obey _RJEM_MALLOC_CONF" {
  for work in polars daft deltalake; do obeys _RJEM_MALLOC_CONF=no_such:1 "$work" "<jemalloc>: Invalid conf pair: no_such:1"; done
}
@test "duckdb obeys DUCKDB_JE_MALLOC_CONF" {
  obeys DUCKDB_JE_MALLOC_CONF=no_such:1 duckdb "<jemalloc>: Invalid conf pair: no_such:1"
}

@test "chdb, which prints nothing of it, obeys JE_MALLOC_CONF" {
  need chdb
  run env JE_MALLOC_CONF=abort_conf:true,no_such:1 "$CARRIERS" -c 'import chdb'
  assert_equal "$status" 134
  run -0 env JE_MALLOC_CONF=abort_conf:true,tcache:true "$CARRIERS" -c 'import chdb'
}

@test "pyarrow's own jemalloc obeys JE_ARROW_MALLOC_CONF" {
  program='import pyarrow as pa; pa.array(range(9), memory_pool=pa.jemalloc_memory_pool())'
  run env JE_ARROW_MALLOC_CONF=no_such:1 "$CARRIERS" -c "$program"
  assert_output --partial "<jemalloc>: Invalid conf pair: no_such:1"
}

@test "datafusion and pysail obey MIMALLOC_VERBOSE" {
  need datafusion
  # pyarrow's own mimalloc, which datafusion imports, says it as well.
  for module in pyarrow datafusion; do
    MIMALLOC_VERBOSE=1 "$CARRIERS" -c "import $module" 2>&1 | grep -c "process init" >"$module" || :
  done
  assert [ "$(cat datafusion)" -gt "$(cat pyarrow)" ]
  need pysail._native
  MIMALLOC_VERBOSE=1 run -0 "$CARRIERS" -c "import pysail._native"
  assert_output --partial "mimalloc: process init"
}

@test "packages that carry Arrow print what they do without the shim, in both modes" {
  ninja -C "$BUILD" tests/foreign/libcalls.so >/dev/null
  run "$PYTHON" "$SOURCE/tests/foreign/carriers.py" --python "$CARRIERS" --rounds 1
  echo "$output"
  assert_success
}
