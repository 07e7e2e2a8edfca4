#!/usr/bin/env bats
# shellcheck disable=SC2154 # bats or the helper sets these
# Every bad input of a table is answered by one clear line and the right status (bad_inputs.txt, bad_inputs.py).
load ../shim/helper
load helper

@test "each bad command line, value and file gets one clear line, the right status, and nothing started" {
  cd "$BATS_TEST_TMPDIR" || return
  run -0 timeout 250 "$PYTHON" -I "$BATS_TEST_DIRNAME/bad_inputs.py" "$CLI" "$SHIM" "$PROBES/probe_exit"
  [[ $output =~ ^"bad_inputs: "([0-9]+)" tried, "([0-9]+)" answered (" ]] || fail "$output"
  assert [ "${BASH_REMATCH[1]}" -ge 900 ]
  assert_equal "${BASH_REMATCH[2]}" "${BASH_REMATCH[1]}"
}

@test "control characters in names and values stay off the terminal, and the line stays one" {
  evil=$'x\e[31m\ny'
  for command in "$evil" "show|$evil" "report|$evil" "plot|-o|a.png|$evil" "plot|-o|$evil|a" "top|--once|$evil" "path|$evil" "run|--pool=$evil|true" \
    "attach|$evil" "doctor|--format=$evil|true"; do
    IFS='|' read -rd '' -a words < <(printf '%s\0' "$command") || :
    run --separate-stderr "$CLI" "${words[@]}"
    assert_equal "${#stderr_lines[@]}" 1
    [[ $stderr == "arrowpool: "*"x?[31m?y"* ]] || fail "$stderr"
  done
  run -127 --separate-stderr "$CLI" run "./$evil"
  assert_equal "$stderr" "arrowpool: ./x?[31m?y: No such file or directory"
  ARROW_POOL=$evil run -2 --separate-stderr "$CLI" env
  assert_equal "$stderr" "arrowpool: ARROW_POOL=x?[31m?y: choose jemalloc or system; using system"
  run -5 --separate-stderr shim ARROW_POOL="$evil" "$PROBES/probe_exit"
  assert_equal "$stderr" "arrowpool: ARROW_POOL=x?[31m?y: choose jemalloc or system; using system"
}
