#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # other shells and Perl expand these; each test is a subshell; bats or the helper sets these
# Programs that write a title over their arguments and their environment: settings, names and figures stay what they
# were, and the command finds the live file all the same.
load helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  mkdir out
}

teardown() {
  exec 8>&- 9<&-
  wait
}

# begin MODE: the program, with its title set, until a line on descriptor 8 ends it. Its number is in $titled.
begin() {
  mkfifo in said
  env LD_PRELOAD="$SHIM" ARROW_POOL="$1" ARROW_POOL_LIVE="$PWD/live" "$PROBES/probe_title" wait <in >said 3>&- &
  titled=$!
  exec 8>in 9<said
  read -r -t 60 <&9
}

@test "dumps go where the settings said, under the program's own name, from a forked child as well" {
  for mode in jemalloc system; do
    run -0 --separate-stderr shim ARROW_POOL=$mode ARROW_POOL_STATS="$PWD/out/$mode-%e-%p.json" "$PROBES/probe_title"
    assert_equal "$output$stderr" ""
    assert_equal "$(find . -type f -name '*.json' | wc -l)" 2
    for file in out/"$mode"-probe_title-*.json; do
      run -0 json "$file" 'd["process"]["program"], pool("libc")["total_bytes_allocated"] in (1000, 2000)'
      assert_output "('probe_title', True)"
    done
    rm out/*
  done
}

@test "a path in the working directory, a format and an interval hold as well" {
  run -0 --separate-stderr shim ARROW_POOL=jemalloc ARROW_POOL_STATS=out/s ARROW_POOL_STATS_FORMAT=prometheus \
    ARROW_POOL_STATS_INTERVAL=1h "$PROBES/probe_title"
  assert_equal "$output$stderr" ""
  run -0 grep -c '^arrowpool_allocated_bytes_total{program="probe_title"' out/s
}

@test "perl's \$0 takes the environment's memory, and the dump is there" {
  need_hardware "perl is this machine's"
  command -v perl >/dev/null || skip "perl is not installed"
  run -0 --separate-stderr shim ARROW_POOL_STATS="$PWD/out/%e.json" ARROW_POOL_STATS_IDLE=1 perl -e '$0 = "GET/x " x 2000'
  assert_equal "$output$stderr" ""
  run -0 json out/perl.json 'd["process"]["program"]'
  assert_output perl
}

@test "show, top and doctor find the process by what it has mapped" {
  need_hardware "qemu-user tells another start time than the kernel"
  for mode in jemalloc system; do
    begin $mode
    run -0 --separate-stderr "$CLI" show --format=json $titled
    echo "$output" >shown.json
    run -0 json shown.json 'd["process"]["pid"], d["process"]["program"], pool("libc")["total_bytes_allocated"]'
    assert_output "($titled, 'probe_title', 2000)"
    run -0 "$CLI" top --once $titled
    assert_line --regexp "^$titled +running .* probe_title .*/probe_title( wait)?$"
    run -0 "$CLI" doctor $titled
    assert_line "ok: it keeps a live file: $(echo "$PWD"/live/arrowpool-$titled-*.live)"
    assert_line --partial "warning: its environment was overwritten, as by a program that sets its title"
    refute_line --partial "which means system"
    echo >&8
    wait $titled
    exec 8>&- 9<&-
    rm -r live in said
  done
}

@test "a process in another directory, and one whose environment is whole" {
  need_hardware "qemu-user tells another start time than the kernel"
  mkfifo in said
  (cd / && exec env LD_PRELOAD="$SHIM" ARROW_POOL_LIVE="$BATS_TEST_TMPDIR/live" "$PROBES/probe_live" threads 1) <in >said 3>&- &
  whole=$!
  exec 8>in 9<said
  read -r -t 60 <&9
  run -0 "$CLI" show $whole
  assert_line --index 0 --partial "running: "
  run -0 "$CLI" doctor $whole
  refute_line --partial "overwritten"
  echo >&8
}

@test "a value that is too long is one line that says so, and the default is used" {
  run -5 --separate-stderr shim ARROW_POOL_STATS="$PWD/out/$(printf 'x%.0s' {1..5000}).json" "$PROBES/probe_exit"
  assert_equal "$stderr" "arrowpool: ARROW_POOL_STATS: longer than a path may be; using off"
  run -2 --separate-stderr "$CLI" run --live="/$(printf 'x%.0s' {1..5000})" -- true
  assert_equal "$stderr" "arrowpool: --live: longer than a path may be"
}
