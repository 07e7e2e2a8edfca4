#!/usr/bin/env bats
# shellcheck disable=SC2034,SC2154 # the helper reads or sets these, or bats
# Profiles of stock pyarrow for aarch64, emulated: every byte that an operation allocates has a line of Python. Run by
# scripts/test-aarch64.
load ../shim/helper
load ../peers/who_helper

setup() {
  [ -n "${ARROWPOOL_EMULATED-}" ] || skip "only scripts/test-aarch64 knows how to emulate Python"
  export PYTHONDONTWRITEBYTECODE=1
  PYTHON=$BUILD/.venv/bin/python
  cd "$BATS_TEST_TMPDIR" || return
}

@test "every byte of eight operations has a line, those that read and write" {
  every_byte_has_a_line 16K 100000 read_csv dataset dataset_filter read_table read_table_serial to_batches write_table \
    write_dataset
}

@test "every byte of eight operations has a line, those that compute" {
  every_byte_has_a_line 16K 100000 group_by join sort ipc to_pandas from_pandas filter four_threads
}

@test "every byte of sixteen operations on large tables has a line, in pyarrow 26, 20.0.0 and 10.0.1" {
  need_long
  for venv in .venv .venv-pyarrow-20.0.0 .venv-pyarrow-10.0.1; do
    [ -f "$BUILD/$venv/requirements.txt" ] || skip "no $venv"
    PYTHON=$BUILD/$venv/bin/python
    every_byte_has_a_line 64K 1000000 "${OPERATIONS[@]}"
  done
}
