# shellcheck shell=bash disable=SC2034,SC2154 # the files that load this use the names; bats or the helper sets these
# For tests of the profiles of real programs, on top of the shim tests' helper: programs that kill themselves
# (who_cases.py), and what is said of them.
PEERS=$SOURCE/tests/peers
OPERATIONS=(read_csv dataset dataset_filter read_table read_table_serial to_batches group_by join sort ipc to_pandas
  from_pandas filter write_table write_dataset four_threads)

# killed MEAN CASE [ARGUMENT]: what is true goes to truth.json, what is told of live buffers to who.json.
killed() {
  local status=0
  shim ARROW_POOL="${POOL:-jemalloc}" ARROW_POOL_PROFILE="$PWD/profiles" ARROW_POOL_PROFILE_MEAN="$1" timeout "$(patience 300)" \
    "$PYTHON" "$PEERS/who_cases.py" "$2" truth.json "${@:3}" 2>errors || status=$?
  [ "$status" = 137 ] || { cat errors; return 1; }
  ! grep '^arrowpool' errors
  "$CLI" who --what="${WHAT:-live}" --format=json profiles/*.profile >who.json
}

# every_byte_has_a_line MEAN ROWS NAME...: every byte that these operations on so many rows allocate.
every_byte_has_a_line() {
  local name said
  for name in "${@:3}"; do
    rm -rf profiles data
    mkdir profiles data
    WHAT=total killed "$1" operation "$name:data:$2"
    said=$("$PYTHON" "$PEERS/who_check.py" lines who.json) || { echo "$name of $PYTHON"; return 1; }
    echo "# $name: $said" >&3
  done
}
