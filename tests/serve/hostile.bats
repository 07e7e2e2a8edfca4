#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2034,SC2154 # other shells and Python expand these; the helpers use these; bats or the helpers set these
# `arrowpool serve` among damaged and made-up live files, and hostile clients. The command is the one with sanitizers.
load ../shim/helper
load ../cli/helper
load helper

# clients MODE [ARGUMENT]...
clients() { timeout 600 "$PYTHON" "$BATS_TEST_DIRNAME/clients.py" "$URL" "$@"; }

# good_file: of a process that was killed, as good.live.
good_file() {
  run -5 shim ARROW_POOL=jemalloc ARROW_POOL_STATS=good.json ARROW_POOL_LIVE="$PWD/kept" ARROW_POOL_LIVE_KEEP=1 \
    "$PROBES/probe_exit"
  mv kept/*.live good.live
}

@test "damaged files are counted, and the others shown" {
  good_file
  mkdir damaged
  "$PYTHON" -I "$SOURCE/tests/cli/damage.py" good.json good.live damaged
  number=0
  for file in damaged/*.live "$SOURCE"/tests/fuzz/corpus/live/*; do
    cp "$file" "live/arrowpool-1-$((number += 1))-0.live"
  done
  assert [ $number -gt 60 ]
  mkfifo live/arrowpool-1-2-3.live
  ln -s /dev/zero live/arrowpool-1-2-4.live
  mkdir live/arrowpool-1-2-5.live prom
  start_probe one 'allocate a 1000'
  for by in "" --by=host,program,pool; do
    # shellcheck disable=SC2086 # no option, or one
    start_serve --textfile=prom $by
    eventually page_has "arrowpool_serve_files $((number + 3))" 'arrowpool_processes{state="running"} 1'
    damaged=$(find damaged -name '*.live' | wc -l)
    page_is "value('arrowpool_serve_damaged_files') >= $damaged + 2" True
    page_is 'value("arrowpool_bytes_allocated", pool="c:a")' 1000
    for file in prom/*; do "$PYTHON" -I "$SOURCE/tests/serve/page.py" - <"$file" >/dev/null; done
    stop_serve
  done
}

@test "files that claim to be of running processes never make a page that Prometheus refuses" {
  start_probe one 'allocate a 1000' 'allocate b 2000'
  run -0 "$PYTHON" -I "$BATS_TEST_DIRNAME/made_up.py" live/*.live live "${pid[one]}" $$
  made=$output
  for by in "" --by=pool --by=program,pool; do
    # shellcheck disable=SC2086 # no option, or one
    start_serve $by
    eventually page_has "arrowpool_serve_files $((made + 1))" # checks the page
    if command -v promtool >/dev/null; then promtool check metrics <page.prom; fi
    stop_serve
  done
}

@test "random changes to a live file, many at a time" {
  start_probe one 'allocate a 1000' 'allocate b 2000'
  start_serve
  run -0 timeout 600 "$PYTHON" -I - "$BATS_TEST_DIRNAME" live/*.live "$URL/metrics" <<'PYTHON'
import os, pathlib, random, sys
sys.path.insert(0, sys.argv[1])
import page
rng = random.Random(5)
data = pathlib.Path(sys.argv[2]).read_bytes()
used = len(data.rstrip(b"\0"))
last = 0
for round in range(5):
    for i in range(100):
        broken = bytearray(data[:used + 1000])
        for _ in range(rng.choice((1, 3, 30))):
            broken[rng.randrange(rng.choice((200, len(broken))))] = rng.choice((0, 1, 0x7f, 0x80, 0xff, rng.randrange(256)))
        path = pathlib.Path(f"live/arrowpool-9-{i}-0.live")
        path.with_suffix(".new").write_bytes(broken)
        os.replace(path.with_suffix(".new"), path)
    while True: # until all have been read
        found = page.Page(page.fetch(sys.argv[3]))
        if found.value("arrowpool_serve_readings_total") > last + 1 and found.value("arrowpool_serve_files") == 101:
            break
    last = found.value("arrowpool_serve_readings_total")
    for i in range(100):
        os.unlink(f"live/arrowpool-9-{i}-0.live")
PYTHON
  stop_serve
}

@test "a hundred clients at once, while files appear and vanish: each gets a whole page" {
  start_probe one 'allocate a 1000'
  good_file
  start_serve
  (
    for i in {1..200}; do
      cp good.live "live/arrowpool-1-$i-0.live"
      rm -f "live/arrowpool-1-$((i - 10))-0.live"
    done
    touch finished
  ) 3>&- &
  run -0 clients scrape 100 finished
  assert_output --regexp '^[0-9]+ pages, [0-9]+ readings$'
  wait $!
  stop_serve
}

@test "a client that sends a byte a second, and one that does not read, hold nobody up, and are ended" {
  start_serve
  run -0 clients slow
  assert_output --regexp 'ended after [1-9][0-9]+ s$'
  page_is 'value("arrowpool_serve_slow_connections_total") >= 1' True
  stop_serve
}

@test "beside 400 slow senders and 200 slow readers everybody else is answered at once" {
  [ "$(ulimit -Hn)" -ge 2048 ] || skip "no 2048 descriptors here"
  ulimit -n 2048
  start_serve
  page_has 'arrowpool_serve_files 0'
  run -0 clients beside 400 200
  assert_output --regexp '^answered while [0-9]+ hang$'
  page_is 'value("arrowpool_serve_slow_connections_total") > 100' True
  stop_serve
}

@test "a thousand connections: no more are accepted than memory is meant for, and everybody is served when they go" {
  [ "$(ulimit -Hn)" -ge 2048 ] || skip "no 2048 descriptors here"
  ulimit -n 2048
  start_serve
  page_has 'arrowpool_serve_files 0'
  # shellcheck disable=SC2086 # numbers
  run -0 clients crowd 1000 "$serve_pid"
  assert_output --regexp '^held 1000, the server [0-9]+ of them$'
  page_has 'arrowpool_serve_files 0'
  stop_serve
}

@test "few descriptors: clients do not take those that live files need" {
  start_probe one 'allocate a 1000'
  printf '#!/bin/bash\nulimit -n 32\nexec "%s" "$@"\n' "$CLI" >few
  chmod 755 few
  SERVE=$PWD/few start_serve
  (timeout 600 "$PYTHON" "$BATS_TEST_DIRNAME/clients.py" "$URL" hold 100 held finished) 3>&- &
  eventually test -e held
  tell one 'allocate b 2000'
  touch finished
  wait $!
  eventually page_has 'arrowpool_processes{state="running"} 1' 'arrowpool_processes{state="gone"} 0'
  page_is 'value("arrowpool_bytes_allocated"), value("arrowpool_serve_damaged_files")' '(3000, 0)'
  stop_serve
}

@test "requests that are none, or too long" {
  start_serve
  run -0 clients wrong
  assert_line "1 MiB of headers: 431"
  assert_line "a path of 1 MiB: 414"
  assert_line "a body of 1 GiB: 405"
  assert_line "no HTTP: 400 or nothing"
  page_has 'arrowpool_serve_files 0'
  stop_serve
}

@test "valgrind finds nothing lost, and no descriptor left open" {
  command -v valgrind >/dev/null || skip "valgrind is not installed"
  start_probe one 'allocate a 1000' 'allocate b 2000'
  start_probe two 'allocate a 1000'
  mkdir prom
  printf '#!/bin/bash\nexec valgrind --quiet --leak-check=full --show-leak-kinds=definite --error-exitcode=9 --log-file=memcheck.log "%s" "$@"\n' \
    "$CLI" >checked
  chmod 755 checked
  SERVE=$PWD/checked start_serve --by=program,pool --textfile=prom --remove-after=100ms
  page_has 'arrowpool_processes{state="running"} 2'
  kill_probe one
  end_probe two
  eventually page_has 'arrowpool_processes{state="running"} 0' 'arrowpool_serve_files 0'
  clients wrong >/dev/null
  stop_serve
  assert_equal "$(cat memcheck.log)" ""
}
