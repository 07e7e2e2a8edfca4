#!/usr/bin/env bats
# shellcheck disable=SC2013,SC2016,SC2154 # lists of words; other shells and Python expand these; bats or the helper sets these
# The command `arrowpool`.
load helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
}

@test "--version names the version of the library" {
  run -0 "$CLI" --version
  assert_output "arrowpool $("$PROBES/probe_api")"
}

@test "--help goes to stdout and names the commands" {
  run -0 --separate-stderr "$CLI" --help
  assert_output --partial "usage: arrowpool COMMAND"
  assert_line --regexp '^  run '
  assert_line --regexp '^  env '
  assert_equal "$stderr" ""
}

@test "without a command, or with an unknown one, the usage goes to stderr with status 2" {
  run -2 --separate-stderr "$CLI"
  assert_equal "$output" ""
  [[ $stderr == "usage: arrowpool"* ]]
  run -2 --separate-stderr "$CLI" nonsense
  assert_equal "$output" ""
  [[ $stderr == "arrowpool: nonsense: unknown command"* ]]
}

@test "help, -h and -V are taken, and --help wherever options may stand" {
  assert_equal "$("$CLI" help)$("$CLI" -h)$("$CLI" -V)" "$("$CLI" --help)$("$CLI" --help)$("$CLI" --version)"
  for command in run show report record plot path top serve doctor who env; do
    help=$("$CLI" "$command" --help)
    assert_equal "$("$CLI" help $command)$("$CLI" $command -h)" "$help$help"
  done
  assert_equal "$("$CLI" run --pool=system --help)" "$("$CLI" help run)"
  assert_equal "$("$CLI" show missing.json --help)" "$("$CLI" help show)"
  run -0 "$CLI" run echo --help
  refute_output --partial "usage: arrowpool"
}

@test "help that cannot be written is a failure" {
  run -1 bash -c "'$CLI' --help >/dev/full"
  run -1 bash -c "'$CLI' help run >/dev/full"
  run -1 bash -c "'$CLI' show x --help >/dev/full"
  run -1 bash -c "'$CLI' env >/dev/full"
}

@test "run --help shows a flag for every variable" {
  run -0 "$CLI" run --help
  for variable in $(sed -n 's/^OPTION([A-Z_]*, "\([A-Z_]*\)".*/ARROW_POOL\1/p' "$SOURCE/lib/options/options.def"); do
    assert_output --partial "=VALUE  ($variable)"
  done
}

@test "env shows each variable once, with its default" {
  run -0 --separate-stderr "$CLI" env
  assert_equal "$stderr" ""
  "$PYTHON" -I - "$SOURCE/lib/options/options.def" "$output" <<'PYTHON'
import re, sys
row = re.compile(r'^OPTION\(\w+, "(\w*)", \w+, "(?:[^"\\]|\\.)*",\s*(NULL|"[^"]*"),', re.M)
expected = [("ARROW_POOL" + s, "none" if d == "NULL" else d.strip('"'), "default")
            for s, d in row.findall(open(sys.argv[1]).read())]
lines = sys.argv[2].splitlines()
start = next(i for i, line in enumerate(lines) if line.startswith("VARIABLE "))
found = [tuple(line.split()[:3]) for line in lines[start + 1:]]
assert found == expected and len(found) >= 13, found
PYTHON
}

@test "env shows a value that is set, and where it comes from" {
  run -0 env ARROW_POOL=jemalloc ARROW_POOL_STATS="/tmp/%p.json" "$CLI" env
  assert_line --regexp '^ARROW_POOL +jemalloc +environment '
  assert_line --regexp '^ARROW_POOL_STATS +/tmp/%p\.json +environment '
}

@test "env complains about a bad value and shows what holds instead" {
  ARROW_POOL=nonsense run --separate-stderr "$CLI" env
  [[ $stderr == "arrowpool: ARROW_POOL=nonsense: choose jemalloc or system"* ]]
  assert_line --regexp '^ARROW_POOL +system +default '
}

@test "run passes the arguments through as they are" {
  need_hardware "it says that what it starts is a program of this machine"
  run -0 "$CLI" run -- printf '<%s>' a 'b c' '' '--pool=x' $'new\nline' '*'
  assert_output $'<a><b c><><--pool=x><new\nline><*>'
  run -0 "$CLI" run printf '<%s>' --help --pool=nonsense -- -x
  assert_output '<--help><--pool=nonsense><--><-x>'
}

@test "run gives the command's own status" {
  need_hardware "it says that what it starts is a program of this machine"
  for status in 0 1 2 7 127 255; do
    run -$status "$CLI" run -- sh -c "exit $status"
    assert_output ""
  done
  run -143 sh -c "'$CLI' run -- sh -c 'kill -TERM \$\$'; exit \$?"
}

@test "run keeps stdin, stdout and the process number" {
  need_hardware "it says that what it starts is a program of this machine"
  run -0 bash -c 'echo in | "$CLI" run -- cat'
  assert_output in
  run -0 bash -c 'echo $$; exec "$CLI" run -- sh -c "echo \$\$"'
  assert_equal "${lines[0]}" "${lines[1]}"
}

@test "run uses jemalloc unless told otherwise" {
  "$CLI" run --stats=a.json -- "$PROBES/probe_exit" || :
  ARROW_POOL=system "$CLI" run --stats=b.json -- "$PROBES/probe_exit" || :
  ARROW_POOL=jemalloc "$CLI" run --pool system --stats c.json -- "$PROBES/probe_exit" || :
  ARROW_POOL='' "$CLI" run --stats=d.json -- "$PROBES/probe_exit" || :
  run -0 bash -c 'for f in ?.json; do grep -o "\"backend\":\"[a-z]*\"" $f; done | tr -d "\n"'
  assert_output '"backend":"jemalloc""backend":"system""backend":"system""backend":"jemalloc"'
}

@test "run puts its own settings over the environment's" {
  ARROW_POOL_STATS=wrong.json run -5 "$CLI" run --stats=right --stats-format=json -- "$PROBES/probe_exit"
  json right 'd["schema"]'
  assert_equal "$(ls)" right
}

@test "a bad setting means status 2, one line, and nothing started" {
  for setting in --pool=nonsense --stats=%q --stats-idle=2 --log=loud --hooks=none; do
    run -2 --separate-stderr "$CLI" run $setting -- touch started
    assert_equal "${#stderr_lines[@]}" 1
    [[ $stderr == "arrowpool: $setting: choose "* ]]
    assert_equal "$output" ""
  done
  ARROW_POOL=nonsense run -2 --separate-stderr "$CLI" run -- touch started
  assert_equal "${stderr_lines[0]:0:31}" "arrowpool: ARROW_POOL=nonsense:"
  run -2 "$CLI" run --nonsense=1 -- touch started
  run -2 "$CLI" run --pool
  run -2 "$CLI" run --pool=jemalloc
  assert [ ! -e started ]
}

@test "a setting on the command line cures a bad one of the environment" {
  need_hardware "it says that what it starts is a program of this machine"
  ARROW_POOL=nonsense run -0 "$CLI" run --pool=system -- sh -c 'echo $ARROW_POOL'
  assert_output system
}

@test "a missing command is status 127, one that cannot run 126" {
  run -127 --separate-stderr "$CLI" run -- ./missing
  [[ $stderr == "arrowpool: ./missing: "* ]]
  echo text >plain
  run -126 --separate-stderr "$CLI" run -- ./plain
  run -126 --separate-stderr "$CLI" run -- "$BATS_TEST_TMPDIR"
  assert_equal "$output" ""
}

@test "an LD_PRELOAD of the user's stays, behind the shim" {
  need_hardware "it says that what it starts is a program of this machine"
  other=$PROBES/libprobe_plugin.so
  LD_PRELOAD=$other run -0 "$CLI" run -- sh -c 'echo $LD_PRELOAD'
  assert_output "$SHIM:$other"
}

@test "run never writes to stdout" {
  run -5 --separate-stderr "$CLI" run --stats=stderr -- "$PROBES/probe_exit"
  assert_equal "$output" ""
  run -2 --separate-stderr "$CLI" run
  assert_equal "$output" ""
}

@test "run finds the shim from wherever it is called, and through a link" {
  need_hardware "it says that what it starts is a program of this machine"
  ln -s "$CLI" link
  run -0 ./link run -- true
  PATH=$(dirname "$CLI"):$PATH run -0 arrowpool run -- sh -c 'echo $LD_PRELOAD'
  assert_output "$SHIM"
}
