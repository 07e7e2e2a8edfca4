#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # other shells and Python expand these; each test is a subshell; bats or the helpers set these
# `arrowpool serve --listen`: what is on the page, and how it is answered.
load ../shim/helper
load ../cli/helper
load helper

# head_of METHOD PATH: status and some headers of the answer, and how long its body is.
head_of() {
  "$PYTHON" -I - "$1" "$URL$2" <<'PYTHON'
import http.client, sys, urllib.parse
url = urllib.parse.urlsplit(sys.argv[2])
connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
connection.request(sys.argv[1], url.path)
answer = connection.getresponse()
body = answer.read()
print(answer.status, answer.headers["Content-Type"], answer.headers["Allow"], int(answer.headers["Content-Length"]) > 0, len(body) > 0)
PYTHON
}

@test "the page has of each running process what show says of it" {
  start_probe one 'allocate a 1000000' 'resize a 3000000' 'allocate b 5000'
  start_probe two 'allocate a 70000'
  start_serve
  page >page.prom
  for name in one two; do
    "$CLI" show --format=prometheus --live="$LIVE" "${pid[$name]}" | grep -vE '_resident_bytes|idle_bytes' >shown
    assert [ "$(wc -l <shown)" -gt 30 ]
    while read -r line; do
      grep -qxF -- "$line" page.prom || fail "$line"
    done <shown
  done
  for line in resident_bytes peak_resident_bytes idle_bytes; do
    assert_equal "$(grep -c "^arrowpool_$line{program=\"probe_pools\",pid=" page.prom)" 2
  done
  assert_equal "$(page_says 'value("arrowpool_bytes_allocated")')" 3075000
  stop_serve
}

@test "processes come and go; killed ones are counted, and not shown" {
  start_serve
  page_has 'arrowpool_processes{state="running"} 0' arrowpool_serve_files\ 0
  start_probe one 'allocate a 1000'
  start_probe two 'allocate a 2000'
  eventually page_is 'value("arrowpool_bytes_allocated")' 3000
  tell one 'allocate b 500'
  eventually page_is 'value("arrowpool_bytes_allocated"), count("arrowpool_bytes_allocated")' "(3500, 3)"
  kill_probe one
  eventually page_has 'arrowpool_processes{state="running"} 1' 'arrowpool_processes{state="gone"} 1'
  page_is 'value("arrowpool_bytes_allocated"), count("arrowpool_resident_bytes")' "(2000, 1)"
  end_probe two
  eventually page_has 'arrowpool_processes{state="running"} 0' 'arrowpool_serve_files 1'
  page_is 'count("arrowpool_bytes_allocated")' 0
  stop_serve
}

@test "a process that another program replaced has one series" {
  start_serve
  mkfifo hold
  exec 9<>hold
  shim ARROW_POOL=jemalloc ARROW_POOL_LIVE="$LIVE" "$PYTHON" -I -c '
import ctypes, os, sys
libc = ctypes.CDLL(None)
libc.aligned_alloc.restype = ctypes.c_void_p
libc.aligned_alloc(64, 1 << 20)
if sys.argv[1:]:
    os.execv(sys.executable, [sys.executable, "-I", "-c", sys.argv[1]])' '
import ctypes
libc = ctypes.CDLL(None)
libc.aligned_alloc.restype = ctypes.c_void_p
libc.aligned_alloc(64, 1 << 21)
open("hold").read(1)' 3>&- &
  eventually page_has 'arrowpool_processes{state="running"} 1' 'arrowpool_processes{state="replaced"} 1'
  page_is 'value("arrowpool_bytes_allocated", pool="libc"), count("arrowpool_start_time_seconds")' "($((1 << 21)), 1)"
  # The same when the file of the program before never said that it was replaced.
  file=$(echo live/*-1.live)
  cp "$file" "${file%-*}-7.live"
  eventually page_has 'arrowpool_serve_files 3'
  page_is 'value("arrowpool_bytes_allocated", pool="libc"), count("arrowpool_start_time_seconds")' "($((1 << 21)), 1)"
  echo >&9
  wait $!
  stop_serve
}

@test "files are found at any depth, and other files are left alone" {
  mkdir -p live/service/worker
  touch live/note.txt live/other.live live/arrowpool-1.json
  LIVE=$LIVE/service/worker start_probe one 'allocate a 2000'
  start_serve
  page_has 'arrowpool_serve_files 1' 'arrowpool_serve_damaged_files 0'
  page_is 'value("arrowpool_bytes_allocated")' 2000
  stop_serve
}

@test "GET and HEAD, other paths and other methods" {
  start_serve
  assert_equal "$(head_of GET /metrics)" "200 text/plain; version=0.0.4; charset=utf-8 None True True"
  assert_equal "$(head_of HEAD /metrics)" "200 text/plain; version=0.0.4; charset=utf-8 None True False"
  assert_equal "$(head_of GET /)" "200 text/plain; charset=utf-8 None True True"
  for path in /metric /metrics/ //metrics /../metrics /%6detrics/x; do
    assert_equal "$path $(head_of GET $path)" "$path 404 text/plain; charset=utf-8 None True True"
  done
  for method in POST PUT DELETE OPTIONS PATCH NONSENSE; do
    assert_equal "$method $(head_of $method /metrics)" "$method 405 text/plain; charset=utf-8 GET, HEAD True True"
  done
  stop_serve
}

@test "loopback unless another address is given; IPv6 too" {
  start_serve
  [[ $URL == http://127.0.0.1:* ]]
  port=${URL##*:}
  run -0 awk -v port="$(printf '%04X' "$port")" '$4 == "0A" && $2 ~ ":" port "$" { print $2 }' /proc/net/tcp /proc/net/tcp6
  assert_output "0100007F:$(printf '%04X' "$port")"
  run -1 --separate-stderr "$CLI" serve --live=live --listen=":$port"
  assert_equal "$stderr|$output" "arrowpool: serve: --listen=:$port: Address already in use: choose another port; 0 takes any that is free|"
  stop_serve
  LISTEN=0.0.0.0:0 start_serve
  [[ $URL == http://0.0.0.0:* ]]
  page_has 'arrowpool_serve_files 0'
  stop_serve
  [ "$(cat /proc/sys/net/ipv6/conf/lo/disable_ipv6 2>/dev/null)" = 0 ] || skip "no IPv6 here"
  LISTEN='[::1]:0' start_serve
  [[ $URL == http://\[::1\]:* ]]
  page_has 'arrowpool_serve_files 0'
  stop_serve
}

@test "SIGTERM, SIGINT and SIGHUP end it with status 0, also while it waits for long" {
  for signal in TERM INT HUP; do
    REFRESH=1h start_serve
    stop_serve $signal
  done
}

@test "the directory is read once in a refresh, whatever clients ask" {
  start_probe one 'allocate a 1000'
  REFRESH=1h start_serve
  page >first
  tell one 'allocate b 1000'
  for _ in {1..20}; do page >next && cmp first next; done
  grep -qx 'arrowpool_serve_readings_total 1' next
  stop_serve
  REFRESH=100ms start_serve
  eventually page_is 'value("arrowpool_bytes_allocated")' 2000
  eventually page_is 'value("arrowpool_serve_scrapes_total") >= 2' True
  stop_serve
}

@test "a page tells when it was made" {
  before=$(date +%s)
  start_serve
  run -0 page_says 'value("arrowpool_serve_snapshot_time_seconds")'
  assert [ "$output" -ge "$before" ]
  assert [ "$output" -le "$(date +%s)" ]
  first=$output
  eventually page_is "value('arrowpool_serve_snapshot_time_seconds') > $first" True
  stop_serve
}

@test "--most: so many processes are shown, and stay; others take their places" {
  for name in one two three; do start_probe $name 'allocate a 1000'; done
  start_serve --most=2
  page_has 'arrowpool_processes{state="running"} 2' 'arrowpool_serve_left_out_files 1' 'arrowpool_serve_files 3'
  page_is 'value("arrowpool_bytes_allocated")' 2000
  for name in one two three; do
    page_is "count('arrowpool_start_time_seconds', pid='${pid[$name]}')" 1 && end_probe $name && break
  done
  eventually page_has 'arrowpool_processes{state="running"} 2' 'arrowpool_serve_left_out_files 0' 'arrowpool_serve_files 2'
  page_is 'value("arrowpool_bytes_allocated")' 2000
  stop_serve
}

@test "--profile-top: the lines that hold most, of each process that has a profile" {
  start_probe one 'allocate a 1000'
  start_probe two 'allocate a 1000'
  file=$(echo live/arrowpool-"${pid[one]}"-*.live)
  profile "${file%.live}.profile" <<'PYTHON'
p.live(p.stack("etl.py:8 stream"), 64 * MIB)
p.live(p.stack("etl.py:3 load", kind=TASK), MIB)
p.live(p.stack('a "b" \\.py:5 small'), 2 * MIB)
for line in range(60):
    p.live(p.stack(f"many.py:{line + 1} f"), 3000 + line)
PYTHON
  start_serve --profile-top=3
  labels="program=\"probe_pools\",pid=\"${pid[one]}\""
  eventually page_has "arrowpool_held_bytes{$labels,line=\"etl.py:8 stream\",task=\"0\"} 67108864" \
    "arrowpool_held_bytes{$labels,line=\"etl.py:3 load\",task=\"1\"} 1048576" \
    "arrowpool_held_bytes{$labels,line=\"a \\\"b\\\" \\\\.py:5 small\",task=\"0\"} 2097152" \
    '# TYPE arrowpool_held_bytes gauge'
  page_is 'count("arrowpool_held_bytes")' 3
  profile new <<<'p.live(p.stack("etl.py:9 other"), MIB)'
  mv new "${file%.live}.profile"
  eventually page_is 'count("arrowpool_held_bytes"), value("arrowpool_held_bytes", line="etl.py:9 other")' "(1, 1048576)"
  rm "${file%.live}.profile"
  eventually page_is 'count("arrowpool_held_bytes")' 0
  page_is 'count("arrowpool_start_time_seconds")' 2
  stop_serve
}

@test "--profile-top: no series without it, and never more than 50" {
  start_probe one 'allocate a 1000'
  file=$(echo live/arrowpool-*.live)
  profile "${file%.live}.profile" <<'PYTHON'
for line in range(60):
    p.live(p.stack(f"many.py:{line + 1} f"), 3000 + line)
PYTHON
  for options in "" --profile-top=0; do
    # shellcheck disable=SC2086 # none, or one
    start_serve $options
    page_is 'count("arrowpool_held_bytes")' 0
    stop_serve
  done
  mkdir out
  run -0 "$SERVE" serve --live=live --textfile=out --once --profile-top=50
  assert_equal "$(grep -c '^arrowpool_held_bytes{' out/arrowpool-"${pid[one]}"-*.prom)" 50
  for value in 51 -1 x ''; do
    run -2 --separate-stderr "$SERVE" serve --live=live --listen=0 --profile-top="$value"
    assert_equal "$stderr" "arrowpool: serve: --profile-top=$value: choose a number from 0 to 50"
  done
  run -2 --separate-stderr "$SERVE" serve --live=live --listen=0 --profile-top=3 --by=pool
  assert_equal "$stderr" "arrowpool: serve: --profile-top: only without --by"
}

@test "--remove-after: files of killed processes go, no others" {
  start_probe one 'allocate a 1000'
  start_probe two 'allocate a 2000'
  cp "$(ls live/*-"${pid[one]}"-*.live)" live/kept.live
  ln -s "$PWD/live/kept.live" live/arrowpool-1-2-3.live
  kill_probe one
  start_serve --remove-after=300ms
  eventually page_has 'arrowpool_serve_removed_files_total 1'
  eventually page_has 'arrowpool_processes{state="gone"} 1' # the link
  assert_equal "$(cd live && echo *)" "$(cd live && echo arrowpool-1-2-3.live arrowpool-"${pid[two]}"-*.live kept.live)"
  page_is 'value("arrowpool_bytes_allocated")' 2000
  stop_serve
}

@test "a directory that is not there yet is waited for; one that vanishes is counted as unreadable" {
  mv live away
  start_serve
  assert_equal "$(head -n 1 serve.err)" "arrowpool: serve: --live=$LIVE: No such file or directory; it is waited for"
  page_is 'value("arrowpool_serve_files"), value("arrowpool_serve_unreadable_directories")' "(0, 0)"
  mv away live
  start_probe one 'allocate a 1000'
  eventually page_has 'arrowpool_processes{state="running"} 1' 'arrowpool_serve_unreadable_directories 0'
  mv live away # it was there
  eventually page_has 'arrowpool_serve_unreadable_directories 1'
  SAID=2 stop_serve
}

@test "a job's name is a label" {
  ARROW_POOL_NAME='one "night"' start_probe one 'allocate a 1000'
  start_probe two 'allocate b 1000'
  start_serve
  page >page.prom
  run -0 grep -E '^arrowpool_(resident_bytes|bytes_allocated).*,name="one \\"night\\""' page.prom
  assert_equal "${#lines[@]}" 2
  run -0 grep -E "^arrowpool_(resident_bytes|bytes_allocated).*pid=\"${pid[two]}\"[,}]" page.prom
  refute_output --partial name=
  stop_serve
}

@test "the directory of ARROW_POOL_LIVE, if no other is given; one that vanishes is counted" {
  start_probe one 'allocate a 1000'
  ARROW_POOL_LIVE=$LIVE run_serve --listen=0
  URL=$(sed -n 's,^arrowpool: serve: \(http://.*\)/metrics$,\1,p' serve.err)
  page_is 'value("arrowpool_bytes_allocated"), value("arrowpool_serve_unreadable_directories")' "(1000, 0)"
  mv live away
  eventually page_has 'arrowpool_serve_unreadable_directories 1' 'arrowpool_processes{state="running"} 0'
  mv away live
  eventually page_has 'arrowpool_serve_unreadable_directories 0' 'arrowpool_processes{state="running"} 1'
  stop_serve
}

@test "without libmicrohttpd it says what is missing, and files are written all the same" {
  command -v unshare >/dev/null || skip "unshare is not installed"
  unshare --mount true 2>/dev/null || skip "may not make a mount namespace"
  library=$(ldconfig -p | sed -n 's/.*libmicrohttpd.so.12 .*=> //p' | head -n 1)
  mkdir prom
  run -1 --separate-stderr unshare --mount bash -c \
    'mount --bind /dev/null "$1" && exec "$2" serve --live=live --listen=0' bash "$library" "$CLI"
  assert_equal "$stderr|$output" "arrowpool: serve: --listen=0: needs libmicrohttpd.so.12 (Debian package libmicrohttpd12)|"
  run -0 unshare --mount bash -c \
    'mount --bind /dev/null "$1" && exec "$2" serve --live=live --textfile=prom --once' bash "$library" "$CLI"
  assert_equal "$(ls prom)" arrowpool-serve.prom
}
