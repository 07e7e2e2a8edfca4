#!/usr/bin/env bats
# shellcheck disable=SC2154 # bats or the helper sets these
# docs/use/leaks.md: its programs, its commands, and what it shows of them.
load ../shim/helper
load helper

EXAMPLES=$SOURCE/docs/use/examples/leaks

setup() {
  cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
  [ -z "${pid-}" ] || kill -KILL "$pid" 2>/dev/null || true
}

# as_shown HEADING NUMBER COMMAND...: the command prints what that block of the page shows.
as_shown() {
  "${@:3}" >printed
  "$PYTHON" "$BATS_TEST_DIRNAME/leaks_check.py" "$1" "$2" <printed
}

@test "the page shows its programs as they are" {
  for program in growing previews night; do
    "$PYTHON" "$BATS_TEST_DIRNAME/leaks_check.py" --program "$EXAMPLES/$program.py"
  done
}

@test "a list that grows: what lives, what is new, what is old" {
  local heading="A list that grows" before more
  before=$("$PYTHON" "$BATS_TEST_DIRNAME/leaks_check.py" "$heading" 0 --mib)
  more=$("$PYTHON" "$BATS_TEST_DIRNAME/leaks_check.py" "$heading" 1 --mib)
  mkfifo to from
  env PYTHONPATH="$EXAMPLES" "$CLI" run --profile="$PWD/pools" --profile-mean=16K -- \
    "$PYTHON" "$BATS_TEST_DIRNAME/leaks_growing.py" <to >from 3>&- &
  pid=$!
  exec 7>to 8<from
  echo "$before" >&7
  read -r _ <&8
  as_shown "$heading" 0 "$CLI" who "$pid" --profile="$PWD/pools"
  cp pools/arrowpool-*.profile before.profile
  bc <<<"$before + $more" >&7
  read -r _ <&8
  as_shown "$heading" 1 "$CLI" who "$pid" --profile="$PWD/pools" --minus=before.profile
  sleep 3
  "$CLI" who "$pid" --profile="$PWD/pools" --older-than=2s >old
  run -0 grep -o 'growing.py:11 answer$' old
  run -0 "$CLI" who "$pid" --profile="$PWD/pools" --older-than=1h
  refute_output --partial growing.py:11
  exec 7>&- 8<&-
}

# previewing PROGRAM: begin it, and wait until it has its previews.
previewing() {
  rm -rf pools
  mkdir pools
  mkfifo ready
  env PYTHONPATH="$BUILD/python" ARROW_POOL_HOLDERS="$PWD/pools" "$CLI" run --profile="$PWD/pools" -- \
    "$PYTHON" "$1" >ready 3>&- &
  pid=$!
  read -r _ <ready
  rm ready
}

@test "small slices of large tables: the line, the variable, and the mended program" {
  [ -d "$BUILD/python/arrowpool" ] || skip "Python's headers were not there when the package was to be built"
  local heading="Small slices of large tables"
  previewing "$EXAMPLES/previews.py"
  as_shown "$heading" 0 "$CLI" who "$pid" --profile="$PWD/pools"
  as_shown "$heading" 1 "$CLI" who --holders="$PWD/pools" "$pid"
  kill -KILL "$pid"
  sed 's/table.slice(0, 10)/table.take(list(range(10)))/' "$EXAMPLES/previews.py" >previews_mended.py
  run ! cmp -s "$EXAMPLES/previews.py" previews_mended.py
  previewing previews_mended.py
  run -0 "$CLI" who "$pid" --profile="$PWD/pools"
  assert_output --regexp "[^0-9][0-4]\.[0-9] MiB live" # a sample or two may be among its 4,097 buffers of 128 bytes
}

@test "killed at night: the line of the peak, and the sums" {
  local heading="Killed at night"
  in_cgroup 600 "$CLI" run --profile="$PWD/night" --live="$PWD/night" -- "$PYTHON" "$EXAMPLES/night.py"
  assert_equal "$status" 137
  as_shown "$heading" 0 "$CLI" who --what=peak night
  as_shown "$heading" 1 "$CLI" show night/*.live
}
