#!/usr/bin/env bats
# shellcheck disable=SC2102,SC2154 # a section of a unit file; bats or the helper sets these
# What the documents show is what the examples are and print.
load ../shim/helper

@test "the documents show the examples and what they print" {
  command -v g++ >/dev/null || skip "g++ is not installed"
  "$PYTHON" -c 'import pyarrow, pandas' 2>/dev/null || skip "no pyarrow and pandas in $PYTHON"
  [ -d "$BUILD/python/arrowpool" ] || skip "Python's headers were not there when the package was to be built"
  run -0 --separate-stderr env ARROWPOOL_BUILD="$BUILD" PYTHONDONTWRITEBYTECODE=1 timeout 200 "$PYTHON" \
    "$SOURCE/scripts/lib/examples.py" "$BATS_TEST_TMPDIR" --check
  assert_output ""
}

@test "the systemd drop-in is one that systemd takes, and puts the service on a live shim" {
  command -v systemd-analyze >/dev/null || skip "systemd-analyze is not installed"
  cd "$BATS_TEST_TMPDIR" || return
  mkdir demo.service.d
  printf '%s\n' [Service] ExecStart=/bin/true >demo.service
  cp "$BUILD/docs/use/examples/arrowpool.conf" demo.service.d
  run -0 --separate-stderr env SYSTEMD_UNIT_PATH="$PWD:" systemd-analyze verify --man=no ./demo.service
  assert_equal "$stderr" ""
  # That the drop-in was read at all: an error in it is told.
  echo RuntimeDirectory=/not/relative >>demo.service.d/arrowpool.conf
  run --separate-stderr env SYSTEMD_UNIT_PATH="$PWD:" systemd-analyze verify --man=no ./demo.service
  [[ $stderr =~ arrowpool.conf:[0-9]+:.*not/relative ]]
}

@test "the variables of the systemd drop-in serve a program" {
  cd "$BATS_TEST_TMPDIR" || return
  mkdir -p run/arrowpool/demo
  # As systemd would expand them, with this build's shim.
  mapfile -t variables < <(sed -n "s,%t,$PWD/run,; s,%N,demo,; s,%%,%,; s,=/.*/libarrowpool_preload,=$(dirname "$SHIM")/libarrowpool_preload,;
    s,^Environment=,,p" "$BUILD/docs/use/examples/arrowpool.conf")
  assert_equal "${#variables[@]}" 4
  run -0 --separate-stderr env "${variables[@]}" ARROW_POOL_LIVE_KEEP=1 "$PROBES/probe_api"
  assert_equal "$stderr" ""
  "$CLI" show --format=json run/arrowpool/demo/*.live >shown.json
  run -0 json shown.json 'pool("c:probe")["backend"], pool("libc")["backend"], d["process"]["limit_bytes"] > 1 << 20'
  assert_output "('jemalloc', 'jemalloc', True)"
}
