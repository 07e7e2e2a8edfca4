#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154 # other shells and Python expand these; bats or the helper sets these
# `arrowpool top`: as text, and in a real terminal.
load ../shim/helper
load helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  LIVE=$BATS_TEST_TMPDIR/live
  mkdir "$LIVE"
}

teardown() {
  end_probes
  end_terminal
}

# top [ARGUMENT]...: on a terminal, refreshing often.
top() { terminal "${WIDTH:-120}" "${HEIGHT:-30}" "'$CLI' top --interval=200ms $* '$LIVE'"; }

# field NAME POOL: of the text in `text`, of the first line of that pool ("-": of the process).
field() {
  awk -v name="$1" -v pool="$2" '
    $1 == "PID" { for (i = 1; i <= NF; i++) at[$i] = i; next }
    at["PID"] && $at["POOL"] == pool { print $at[name]; exit }' text
}

@test "text says what show says, field by field" {
  start_probe one 'allocate a 1000000' 'resize a 3000000' 'allocate b 5000' 'free b' 'resize a 2000000'
  "$CLI" show --format=json "$LIVE"/*.live >before.json
  "$CLI" top --once --pools "$LIVE" >text
  "$CLI" show --format=json "$LIVE"/*.live >after.json
  assert_equal "$(wc -l <text)" 5
  assert_equal "$(field PID -) $(field STATE -) $(field PROGRAM -)" "${pid[one]} running probe_pools"
  json before.json 'd["process"]["program"]' >program
  assert_equal "$(cat program)" probe_pools
  for pool in c:a c:b; do
    assert_equal "$(field LIVE $pool)" "$(json after.json "pool('$pool')['bytes_allocated']")"
    assert_equal "$(field PEAK $pool)" "$(json after.json "pool('$pool')['max_memory']")"
    assert_equal "$(field RSS $pool) $(field IDLE $pool)" "- -"
  done
  assert_equal "$(field LIVE -)" "$(json after.json "sum(p['bytes_allocated'] for p in d['pools'])")"
  assert_equal "$(field PEAK -)" "$(json after.json "sum(p['max_memory'] for p in d['pools'])")"
  assert_equal "$(field RSS -)" "$(json after.json "d['process']['rss_bytes']")"
  assert_equal "$(field IDLE -)" "$(json after.json "d['process']['idle_bytes']")"
  # The first rates are over the life of the process, which was longer the second time.
  while read -r column pool figure; do
    between=$(for dump in after before; do
      json $dump.json "pool('$pool')['$figure'] / (d['process']['time'] - d['process']['start_time'])"
    done)
    # shellcheck disable=SC2086 # two numbers
    run -0 "$PYTHON" -I -c 'import sys
rate, low, high = map(float, sys.argv[1:])
assert low - 0.001 <= rate <= high * 1.01 + 0.001, sys.argv' "$(field "$column" "$pool")" $between
  done <<'END'
ALLOC/s c:a num_allocations
ALLOC/s c:b num_allocations
PLACE/s c:a reallocs_in_place
REMAP/s c:a reallocs_remapped
COPY/s c:a reallocs_copied
BYTES/s c:a bytes_copied
END
  assert [ "$(field ALLOC/s c:a)" != 0.000 ]
}

@test "text without --once goes on until nobody reads, and rates are of the interval then" {
  start_probe one 'allocate a 1000000'
  run -0 bash -c "'$CLI' top --interval=100ms '$LIVE' | grep -m 3 ' running '"
  assert_equal "${#lines[@]}" 3
  assert_equal "$(awk '{ print $9 }' <<<"${lines[2]}")" 0.000
  run -0 "$CLI" top -n 2 --interval=100ms "$LIVE"
  assert_equal "$(grep -c ' running ' <<<"$output")" 2
}

@test "killed processes stay, with what they had, ended ones vanish" {
  start_probe one 'allocate a 1000000'
  start_probe two 'allocate a 2000000'
  start_probe three 'allocate a 4000000'
  killed=${pid[two]}
  end_probe one
  kill_probe two
  run -0 "$CLI" top --once "$LIVE"
  assert_line --regexp ' 2 processes, 1 gone; live 4000000;'
  assert_line --regexp "^$killed +gone +2000000 +2000000 +[0-9]{7} "
  refute_output --partial "unreadable"
}

@test "a process that was killed is so before its parent knows" {
  run -0 "$PYTHON" -I - "$CLI" "$LIVE" "$BUILD/tests/cli/probe_pools" <<'END'
import os, subprocess, sys
cli, live, probe = sys.argv[1:]
p = subprocess.Popen([cli, "run", "--live=" + live, "--", probe], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
p.stdin.write(b"allocate a 1000\n")
p.stdin.flush()
assert p.stdout.readline() == b"ok\n"
os.kill(p.pid, 9)
os.waitid(os.P_PID, p.pid, os.WEXITED | os.WNOWAIT)
print(subprocess.check_output([cli, "top", "--once", live], text=True))
END
  assert_line --partial ' 1 processes, 1 gone; live 0;'
}

@test "a process whose first thread ended before others is running" {
  "$CLI" run --live="$LIVE" -- timeout 600 "$PYTHON" -I -c '
import ctypes, os, subprocess, sys, threading, time
ctypes.CDLL(None).posix_memalign(ctypes.byref(ctypes.c_void_p()), 64, 1000)
def look():
    while "State:\tZ" not in open(f"/proc/{os.getpid()}/status").read(): time.sleep(0.01)
    os.write(1, subprocess.check_output([sys.argv[1], "top", "--once", sys.argv[2]]))
    os._exit(0)
threading.Thread(target=look).start()
ctypes.CDLL(None).pthread_exit(None)' "$CLI" "$LIVE" >text
  run -0 cat text
  assert_line --partial ' 1 processes, 0 gone;'
}

@test "a damaged file is counted and ends nothing" {
  start_probe one 'allocate a 1000000'
  echo nonsense >"$LIVE/arrowpool-1-2-0.live"
  head -c 5000 "$LIVE/arrowpool-${pid[one]}"-*.live >"$LIVE/arrowpool-3-4-0.live"
  mkdir "$LIVE/arrowpool-5-6-0.live"
  : >"$LIVE/other.txt"
  run -0 --separate-stderr "$CLI" top --once "$LIVE"
  assert_line --regexp ' 1 processes, 0 gone, 3 unreadable;'
  assert_equal "$stderr" ""
}

@test "the directory comes from the argument, the environment, or the process" {
  start_probe one 'allocate a 1000000'
  start_probe two 'allocate a 2000000'
  ARROW_POOL_LIVE=$LIVE run -0 "$CLI" top --once
  assert_line --partial ' 2 processes'
  run -0 "$CLI" top --once "${pid[two]}"
  assert_line --partial ' 1 processes'
  assert_line --regexp "^${pid[two]} +running +2000000 .* c:a +- +probe_pools +-$"
  run -2 --separate-stderr "$CLI" top --once
  assert_equal "$stderr" "arrowpool: top: no directory given, and ARROW_POOL_LIVE is not set; see arrowpool top --help"
  run -1 --separate-stderr "$CLI" top --once $$
  assert_equal "$stderr" "arrowpool: top: $$: keeps no live file: start it with arrowpool run --live=DIR"
  run -1 --separate-stderr "$CLI" top --once missing
  assert_equal "$stderr" "arrowpool: top: missing: No such file or directory"
}

@test "text has the job's name, the command line, growth and the share of the limit" {
  ARROW_POOL_NAME='the nightly one' ARROW_POOL_LIMIT=4000000 start_probe one 'allocate a 1000000'
  "$CLI" top --once "$LIVE" >text
  assert_equal "$(field NAME -) $(field PROGRAM -)" "the_nightly_one probe_pools"
  assert_equal "$(field COMMAND -)" "$BUILD/tests/cli/probe_pools"
  assert_equal "$(field 'LIMIT%' -)" 25.0
  assert [ "$(field GROW/min -)" -gt 0 ]
  run -0 "$CLI" top --once --filter=NIGHTLY --sort=name "$LIVE"
  assert_line --partial ' running '
}

@test "--by=program adds up the processes of a program and a name" {
  start_probe one 'allocate a 1000000'
  start_probe two 'allocate a 2000000'
  ARROW_POOL_NAME=nightly start_probe three 'allocate a 4000000'
  start_probe four 'allocate a 8000000'
  kill_probe four
  "$CLI" top --once --by=program "$LIVE" | sed 's/^PROCS/PID/' >text
  assert_equal "$(awk '$2 == "running" { print $1, $3, $(NF - 2), $(NF - 1) }' text)" \
    $'1 4000000 nightly probe_pools\n2 3000000 - probe_pools'
}

@test "a directory that is not there yet is waited for" {
  rmdir "$LIVE"
  run -1 --separate-stderr "$CLI" top --once "$LIVE"
  assert_equal "$stderr" "arrowpool: top: $LIVE: No such file or directory"
  "$CLI" top --interval=100ms "$LIVE" >text 2>err 3>&- &
  waits=$!
  eventually grep -q ' 0 processes' text
  assert_equal "$(cat err)" "arrowpool: top: $LIVE: not there yet"
  top
  screen_has '^the directory is not there yet'
  mkdir "$LIVE"
  start_probe one 'allocate a 104857600'
  eventually grep -q ' running ' text
  screen_has 'running +100M'
  end_probe one
  rm -r "$LIVE" # it was there: it is not waited for again
  status=0
  wait $waits || status=$?
  assert_equal "$status" 1
  screen_has '^No such file or directory'
}

@test "--sort and --filter choose and order the lines" {
  start_probe one 'allocate small 1000' 'free small'
  start_probe two 'allocate large 2000000'
  run -0 bash -c "'$CLI' top --once --sort=live '$LIVE' | awk '/running/ { printf \"%s \", \$1 }'"
  assert_output "${pid[two]} ${pid[one]} "
  run -0 bash -c "'$CLI' top --once --filter=SMALL '$LIVE' | awk '/running/ { printf \"%s \", \$1 }'"
  assert_output "${pid[one]} "
}

@test "bad arguments are status 2 and one line" {
  for arguments in --interval=50ms --interval=x --interval=2h --sort=nonsense '-n 0' '-n x' --nonsense --sort 'a b'; do
    # shellcheck disable=SC2086 # an option and its value
    run -2 --separate-stderr "$CLI" top $arguments
    assert_equal "${#stderr_lines[@]}" 1
    [[ $stderr == "arrowpool: top: "* ]]
    assert_equal "$output" ""
  done
  run -1 bash -c "'$CLI' top --once '$LIVE' >/dev/full"
}

@test "a refresh takes some 20 system calls and 200,000 instructions for each of 500 live files" {
  command -v valgrind >/dev/null || skip "valgrind is not installed"
  strace -qq -o trace true || skip "nothing can be traced here"
  start_probe one 'allocate a 1000000' 'resize a 3000000' 'allocate b 5000'
  file=$(echo "$LIVE"/*.live)
  for i in {1..499}; do # of a running process, which costs more than a killed one
    cp --sparse=always "$file" "$LIVE/arrowpool-$i-0-0.live"
  done
  run -0 strace -f -qq -o trace "$CLI" top --once "$LIVE"
  assert_line --partial ' 500 processes, 0 gone;'
  calls=$(($(wc -l <trace) / 500))
  run -0 valgrind --tool=callgrind --callgrind-out-file=callgrind "$CLI" top --once "$LIVE"
  assert_line --partial ' 500 processes, 0 gone;'
  instructions=$(($(sed -n 's/.*Collected : //p' <<<"$output") / 500))
  echo "# a refresh: $calls system calls and $instructions instructions for each file" >&3
  assert [ $calls -le 30 ]
  assert [ $instructions -le 300000 ]
}

@test "the screen follows processes as they come, change and go" {
  top
  screen_has '^0 processes, 0 gone'
  start_probe one 'allocate a 104857600'
  screen_has "^ *${pid[one]} running +100M +100M .*\+ probe_pools"
  tell one 'resize a 209715200'
  screen_has "^ *${pid[one]} running +200M +200M"
  start_probe two 'allocate b 524288000'
  screen_has '^2 processes, 0 gone'
  screen_has '^live 700M'
  kill_probe two
  screen_has '^2 processes, 1 gone'
  screen_has ' gone +500M +500M +[0-9.]+M ' # resident at its last sign of life, which may be older
  end_probe one
  screen_has '^1 processes, 1 gone'
  screen_lacks ' running '
}

@test "rates show what happens, then that nothing does" {
  start_probe one 'allocate a 1000'
  WIDTH=170 top
  screen_has ' running '
  ( # until it was seen: a refresh shows what was since the one before
    until [ -e seen ]; do for i in {1..200}; do tell one "resize a $((i * 1000))"; done; done
  ) 3>&- &
  screen_has "running .* [1-9][0-9.]*[kM]? +[0-9.]+[kM]? +[0-9.]+[kM]? +[0-9.]+[kM]? +[1-9][0-9.]*[KM]? "
  touch seen
  wait $!
  screen_has ' running +195K +195K +[0-9.]+[KMG] +[0-9.]+[KMG]? +[^ ]+ +- +0 +0 +0 +0 +0 '
}

@test "Enter shows and hides the pools of a process, p those of all" {
  start_probe one 'allocate a 1000' 'allocate b 104857600'
  start_probe two 'allocate c 1000'
  top
  screen_has '\+ probe_pools'
  screen_lacks 'c:'
  type_keys Enter
  screen_has '^ +100M +100M .* c:b'
  screen_lacks 'c:c'
  type_keys j j j Enter # the other process
  screen_has 'c:c'
  type_keys Up Up Up Space
  screen_lacks 'c:b'
  type_keys p
  screen_has 'c:b'
  type_keys p
  screen_lacks 'c:'
}

@test "t shows totals by program, and processes again" {
  start_probe one 'allocate a 104857600'
  start_probe two 'allocate a 104857600'
  top
  screen_has "${pid[two]} running +100M"
  type_keys t
  screen_has 'PROCS STATE'
  screen_has '^ +2 running +200M'
  screen_lacks "${pid[two]} running"
  type_keys w
  screen_has 'press t, and choose a process'
  type_keys w Enter
  screen_has '^ +200M .* c:a'
  type_keys t
  screen_has "${pid[two]} running +100M"
}

@test "w shows the lines that hold most, of the process that is selected" {
  start_probe one 'allocate a 3000000'
  start_probe two 'allocate a 1000000'
  file=$(echo "$LIVE"/arrowpool-"${pid[one]}"-*.live)
  profile "${file%.live}.profile" <<'PYTHON'
p.live(p.stack("etl.py:8 stream"), 3 * MIB)
p.live(p.stack("etl.py:3 load", kind=TASK), MIB)
PYTHON
  top
  screen_has "${pid[two]} running"
  screen_lacks 'HELD BY'
  type_keys w
  screen_has "LIVE  SHARE  HELD BY ${pid[one]} probe_pools"
  screen_has '^  3\.0M  75\.0%  etl\.py:8 stream$'
  screen_has '^  1\.0M  25\.0%  etl\.py:3 load  \[task\]$'
  type_keys Down
  screen_has "LIVE  SHARE  HELD BY ${pid[two]} probe_pools"
  screen_has '^no profile: '
  type_keys Up
  screen_has 'etl\.py:8 stream'
  tmux resize-window -x 100 -y 12
  screen_lacks 'HELD BY'
  screen_has "${pid[two]} running"
  tmux resize-window -x 100 -y 20
  screen_has 'etl\.py:8 stream'
  type_keys w
  screen_lacks 'HELD BY'
}

@test "s and r change the order, and what is selected stays selected" {
  start_probe one 'allocate a 104857600' 'free a'
  start_probe two 'allocate a 52428800'
  top --sort=peak
  order() { screen_has "running" && awk '/running/ { printf "%s ", $1 }' <<<"$screen"; }
  order_becomes() {
    local deadline=$((SECONDS + 120))
    until [ "$(order)" = "$1" ]; do [ $SECONDS -lt $deadline ]; done
  }
  screen_has "^ *${pid[two]} running"
  order_becomes "${pid[one]} ${pid[two]} "
  type_keys r
  order_becomes "${pid[two]} ${pid[one]} "
  type_keys r
  order_becomes "${pid[one]} ${pid[two]} "
  type_keys S # the field before it: live
  order_becomes "${pid[two]} ${pid[one]} "
  # A selected line is in reverse video; it was the first one, of process one.
  run -0 bash -c "tmux capture-pane -p -e | grep -E $'\e\\[[0-9;]*7m.*${pid[one]} '"
}

@test "/ filters while it is typed, Escape shows all again" {
  start_probe one 'allocate first 1000'
  start_probe two 'allocate second 1000'
  top
  screen_has "${pid[two]} running"
  type_keys / seco
  screen_has 'filter: seco_'
  screen_lacks "${pid[one]} running"
  type_keys BSpace BSpace BSpace BSpace firs Enter
  screen_has "${pid[one]} running"
  screen_lacks "${pid[two]} running"
  screen_has 'filter: firs +h: help'
  type_keys Escape
  screen_has "${pid[two]} running"
  screen_lacks 'filter'
}

@test "+ and - change the interval, h helps" {
  top
  screen_has 'every 0.2 s'
  type_keys +
  screen_has 'every 0.5 s'
  type_keys - -
  screen_has 'every 0.1 s'
  type_keys h
  screen_has '^q +quit'
  type_keys x
  screen_has 'every 0.1 s'
}

@test "the last minute is drawn in Unicode, or in ASCII where the locale is not UTF-8" {
  start_probe one 'allocate a 1000'
  top
  screen_has '█'
  end_terminal
  TERMINAL_LOCALE=C top
  screen_has ' # +\+ probe_pools'
  refute [ "$(LC_ALL=C grep -c '[^ -~]' <<<"$screen")" != 0 ]
}

@test "it fits into any terminal, and follows its size" {
  start_probe one 'allocate a 104857600'
  WIDTH=20 HEIGHT=5 top
  screen_has "^ *${pid[one]} +100M \+ pr"
  tmux resize-window -x 160 -y 40
  screen_has 'RSS 1min'
  tmux resize-window -x 1 -y 1
  screen_lacks running
  tmux resize-window -x 100 -y 20
  screen_has "^ *${pid[one]} running +100M"
}

@test "a long list scrolls with the selection" {
  start_probe one 'allocate a 1000'
  file=$(echo "$LIVE"/*.live)
  for i in {10..60}; do cp --sparse=always "$file" "$LIVE/arrowpool-$i-0-0.live"; done
  HEIGHT=12 top --pools
  screen_has 'c:a'
  type_keys End
  screen_has '^52 processes'
  run -0 bash -c "tmux capture-pane -p -e | tail -n 1 | grep -E $'\e\\[[0-9;]*7m.*c:a'"
  type_keys Home NPage k
  screen_has 'c:a'
}

@test "q, SIGINT and SIGTERM end it and restore the terminal" {
  start_probe one 'allocate a 1000'
  terminal 100 20 "stty -a >before; '$CLI' top '$LIVE'"
  screen_has running
  type_keys q 'echo status $?' Enter
  screen_has '^status 0'
  screen_lacks running
  for end in INT TERM HUP; do
    type_keys "'$CLI' top '$LIVE'" Enter
    screen_has running
    if [ $end = INT ]; then type_keys C-c; else pkill -$end -P "$(tmux display-message -p '#{pane_pid}')" arrowpool; fi
    screen_has 'prompt\$ $|prompt\$$'
    type_keys 'echo status $?' Enter
    screen_has "^status $((128 + $(kill -l $end)))"
    screen_lacks running
  done
  type_keys 'stty -a >after; cmp before after && echo the same' Enter
  screen_has '^the same'
}

@test "SIGTSTP gives the terminal back, fg takes it up again" {
  start_probe one 'allocate a 1000'
  terminal 100 20 "set -m; '$CLI' top --interval=200ms '$LIVE'"
  screen_has running
  type_keys C-z
  screen_has 'Stopped'
  screen_lacks running
  tell one 'resize a 104857600'
  type_keys fg Enter
  screen_has 'running +100M'
  type_keys q
  screen_has 'prompt\$'
}

@test "a terminal it cannot draw on is said so" {
  terminal 100 20 "TERM=nonsense '$CLI' top '$LIVE'; echo status \$?"
  screen_has 'arrowpool: top: TERM=nonsense: a terminal that cannot be drawn on'
  screen_has 'status 1'
}
