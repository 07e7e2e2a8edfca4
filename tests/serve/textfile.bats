#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2034,SC2154 # other shells and Python expand these; the helpers use these; bats or the helpers set these
# `arrowpool serve --textfile`: files for node_exporter's textfile collector.
load ../shim/helper
load ../cli/helper
load helper

setup() {
  begin
  mkdir prom
}

teardown() {
  end_serve
  [ ! -v exporter ] || kill "$exporter"
}

# in_file NAME LINE
in_file() { grep -qxF -- "$2" "prom/$1"; }

# file_of NAME: of that probe.
file_of() { (cd live && file=$(echo *-"${pid[$1]}"-*.live) && echo "${file%.live}.prom"); }

@test "a file for each process, readable by all, and one with the rest; all are gone in the end" {
  start_probe one 'allocate a 1000'
  start_probe two 'allocate a 2000'
  umask 077
  run_serve --live=live --textfile=prom
  assert_equal "$(cat serve.err)" "arrowpool: serve: prom"
  assert_equal "$(cd prom && echo *)" "$(printf '%s\n' "$(file_of one)" "$(file_of two)" arrowpool-serve.prom | sort | paste -sd ' ')"
  assert_equal "$(stat -c %a prom/* | sort -u)" 644
  for file in prom/*; do "$PYTHON" -I "$BATS_TEST_DIRNAME/page.py" - <"$file" >/dev/null; done
  in_file "$(file_of one)" "arrowpool_bytes_allocated{program=\"probe_pools\",pid=\"${pid[one]}\",pool=\"c:a\",backend=\"jemalloc\"} 1000"
  in_file arrowpool-serve.prom 'arrowpool_processes{state="running"} 2'
  tell one 'allocate b 5'
  eventually in_file "$(file_of one)" "arrowpool_bytes_allocated{program=\"probe_pools\",pid=\"${pid[one]}\",pool=\"c:b\",backend=\"jemalloc\"} 5"
  gone=$(file_of one)
  kill_probe one
  eventually in_file arrowpool-serve.prom 'arrowpool_processes{state="gone"} 1'
  assert [ ! -e "prom/$gone" ]
  stop_serve
  assert_equal "$(dumps prom)" 0
}

@test "with --by one file has it all" {
  start_probe one 'allocate a 1000'
  start_probe two 'allocate a 2000'
  run_serve --live=live --textfile=prom --by=pool
  assert_equal "$(ls prom)" arrowpool-serve.prom
  in_file arrowpool-serve.prom 'arrowpool_bytes_allocated{pool="c:a"} 3000'
  stop_serve
}

@test "what an earlier one left goes, nothing else is touched, and no link is followed" {
  start_probe one 'allocate a 1000'
  run_serve --live=live --textfile=prom
  kill -KILL "$serve_pid"
  wait "$serve_pid" || true
  unset serve_pid
  assert_equal "$(dumps prom)" 2
  cp "prom/$(file_of one)" prom/arrowpool-1-2-3.prom
  touch prom/arrowpool-1-2-4.prom.tmp prom/arrowpool-serve.prom.tmp
  echo victim >victim
  kept=(other.prom arrowpool.prom arrowpool-.prom arrowpool-1.prom arrowpool-1-2.prom arrowpool-1-2-3-4.prom arrowpool-1-2-x.prom
    arrowpool-1-2-3.prom.bak arrowpool-server.prom xarrowpool-1-2-3.prom)
  for name in "${kept[@]}"; do echo kept >"prom/$name"; done
  ln -s ../victim prom/arrowpool-7-7-7.prom
  ln -sf ../victim "prom/$(file_of one).tmp"
  ln -sf ../victim prom/arrowpool-serve.prom
  run_serve --live=live --textfile=prom
  assert_equal "$(cd prom && printf '%s\n' * | sort)" \
    "$(printf '%s\n' "${kept[@]}" arrowpool-7-7-7.prom "$(file_of one)" arrowpool-serve.prom | sort)"
  assert [ ! -L prom/arrowpool-serve.prom ]
  stop_serve
  assert_equal "$(cd prom && printf '%s\n' * | sort)" "$(printf '%s\n' "${kept[@]}" arrowpool-7-7-7.prom | sort)"
  assert_equal "$(cat victim)" victim
}

@test "--once writes them and leaves them there; the next time removes those that are stale" {
  start_probe one 'allocate a 1000'
  start_probe two 'allocate a 2000'
  run -0 --separate-stderr "$SERVE" serve --live=live --textfile=prom --once
  assert_equal "$stderr|$output" "|"
  assert_equal "$(dumps prom)" 3
  gone=$(file_of two)
  end_probe two
  run -0 "$SERVE" serve --live=live --textfile=prom --once
  assert_equal "$(dumps prom)" 2
  assert [ ! -e "prom/$gone" ]
}

@test "a reader never sees a part of a file" {
  start_probe one 'allocate a 1000'
  run_serve --live=live --textfile=prom
  run -0 timeout 600 "$PYTHON" -I - "$BATS_TEST_DIRNAME" <<'PYTHON'
import pathlib, sys
sys.path.insert(0, sys.argv[1])
import page
rest, seen = pathlib.Path("prom/arrowpool-serve.prom"), set()
while len(seen) < 10: # readings
    seen.add(page.Page(rest.read_text()).value("arrowpool_serve_readings_total"))
    for path in pathlib.Path("prom").glob("*.prom"):
        assert page.Page(path.read_text()).samples
PYTHON
  stop_serve
}

@test "files that cannot be written: one line, and it goes on once they can" {
  mkdir prom/arrowpool-serve.prom
  run -1 --separate-stderr "$SERVE" serve --live=live --textfile=prom --once
  assert_equal "$stderr|$output" "arrowpool: serve: prom/arrowpool-serve.prom: Is a directory|"
  run_serve --live=live --textfile=prom
  eventually grep -q 'serve: prom$' serve.err
  start_probe one 'allocate a 1000'
  eventually test -f "prom/$(file_of one)"
  rmdir prom/arrowpool-serve.prom
  eventually in_file arrowpool-serve.prom 'arrowpool_processes{state="running"} 1'
  SAID=2 stop_serve
}

@test "node_exporter has in its answer what is in the files" {
  need_program prometheus-node-exporter prometheus-node-exporter
  start_probe one 'allocate a 1000' 'resize a 7000'
  start_probe two 'allocate a 2000'
  run_serve --live=live --textfile=prom
  prometheus-node-exporter --collector.disable-defaults --collector.textfile --collector.textfile.directory=prom \
    --web.disable-exporter-metrics --web.listen-address=127.0.0.1:0 2>exporter.err 3>&- &
  exporter=$!
  eventually grep -q '"Listening on" address=127' exporter.err
  address=$(sed -n 's/.*"Listening on" address=\([0-9.:]*\).*/\1/p' exporter.err)
  fetch() { "$PYTHON" -I -c 'import sys; sys.path.insert(0, sys.argv[1]); import page; print(page.fetch(sys.argv[2]), end="")' \
    "$BATS_TEST_DIRNAME" "http://$address/metrics"; }
  fetch >answer
  assert_equal "$(awk '/^arrowpool_bytes_allocated/ { sum += $NF } END { print sum }' answer)" 9000
  assert_equal "$(grep -c '^arrowpool_resident_bytes' answer)" 2
  grep -qx 'node_textfile_scrape_error 0' answer
  assert_equal "$(grep -c '^node_textfile_mtime_seconds' answer)" 3
  stop_serve
  fetch >answer
  run ! grep '^arrowpool' answer
}
