#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154 # other shells and Python expand these; bats or the helpers set these
# `arrowpool serve --by`: sums by group, whose counters never fall while processes come and go.
load ../shim/helper
load ../cli/helper
load helper

# short_lived NAME=VALUE...: a process that makes 5 allocations of 1311111 bytes together, and ends.
short_lived() { shim ARROW_POOL=jemalloc ARROW_POOL_LIVE="$LIVE" "$@" "$PROBES/probe_exit" return 3>&- || [ $? = 5 ]; }

@test "a group has the sums of its processes' series, whatever the keys" {
  start_probe one 'allocate a 1000000' 'resize a 3000000' 'allocate b 5000'
  start_probe two 'allocate a 70000'
  mkdir out
  mkfifo hold
  exec 9<>hold
  shim ARROW_POOL=system ARROW_POOL_NAME=etl ARROW_POOL_LIVE="$LIVE" "$PYTHON" -I -c '
import ctypes
libc = ctypes.CDLL(None)
libc.aligned_alloc.restype = ctypes.c_void_p
libc.aligned_alloc(64, 1 << 20)
open("hold").read(1)' 3>&- &
  while [ "$(find live -name '*.live' | wc -l)" -lt 3 ]; do sleep 0.05; done
  serve_once() { "$SERVE" serve --live=live --textfile=out --once "$@"; }
  serve_once
  cat out/*.prom >single
  for by in pool name host program pool,program name,host,program,pool; do
    serve_once --by=$by
    "$PYTHON" -I - "$SOURCE/tests/serve" "$by" single out/arrowpool-serve.prom <<'PYTHON'
import collections, re, socket, sys
sys.path.insert(0, sys.argv[1])
import page
families = collections.defaultdict(collections.Counter)
text = re.sub(r"^#.*\n", "", open(sys.argv[3]).read(), flags=re.M)
keys = sorted(set(sys.argv[2].split(",")))
for match in page.SAMPLE.finditer(text):
    name, labels, value = match.groups()
    if re.search("serve_|_processes|start_time", name):
        continue
    labels = dict(page.LABEL.findall(labels)) | {"host": socket.gethostname()}
    own = tuple((key, labels[key]) for key in keys if key in labels)
    families[name][own] += int(value)
found = page.Page(open(sys.argv[4]).read()).samples
grouped = collections.defaultdict(dict)
for (name, labels), value in found.items():
    if not re.search("serve_|_processes", name):
        grouped[name][labels] = int(value)
assert set(families) == set(grouped), set(families) ^ set(grouped)
assert len(grouped) >= 18
for name, sums in families.items():
    assert set(sums) == set(grouped[name]), (name, sums, grouped[name])
    if "resident" not in name and "idle" not in name:
        assert dict(sums) == grouped[name], (name, sums, grouped[name])
PYTHON
  done
  echo >&9
  wait $!
}

@test "what a killed process had counted stays in its group, and its bytes do not" {
  start_serve --by=program,pool
  start_probe one 'allocate a 1000' 'resize a 5000'
  start_probe two 'allocate a 2000'
  labels='{program="probe_pools",pool="c:a"}'
  eventually page_has "arrowpool_allocated_bytes_total$labels 7000" "arrowpool_bytes_allocated$labels 7000"
  kill_probe one
  eventually page_has 'arrowpool_processes{state="gone"} 1' "arrowpool_allocated_bytes_total$labels 7000" \
    "arrowpool_bytes_allocated$labels 2000" "arrowpool_reallocations_total$labels 1"
  end_probe two
  rm live/*.live
  eventually page_has 'arrowpool_serve_files 0'
  page_has "arrowpool_allocated_bytes_total$labels 7000"
  page_is 'count("arrowpool_bytes_allocated"), count("arrowpool_resident_bytes")' "(0, 0)"
  stop_serve
}

@test "processes that are gone before they are read count, if they leave their file" {
  start_serve --by=pool
  for _ in {1..20}; do short_lived ARROW_POOL_LIVE_KEEP=1; done
  eventually page_has 'arrowpool_processes{state="ended"} 20' 'arrowpool_allocations_total{pool="libc"} 100'
  rm live/*.live
  eventually page_has 'arrowpool_serve_files 0'
  page_has 'arrowpool_allocations_total{pool="libc"} 100' 'arrowpool_allocated_bytes_total{pool="libc"} 26222220'
  stop_serve
}

@test "while processes come and go, no counter ever falls" {
  start_serve --by=pool --remove-after=200ms
  (
    for i in {1..60}; do
      short_lived "ARROW_POOL_LIVE_KEEP=$((i % 2))"
    done
    touch finished
  ) 3>&- &
  # What has been counted once stays; the 30 that left their files are counted for certain.
  run -0 "$PYTHON" -I - "$SOURCE/tests/serve" "$URL/metrics" <<'PYTHON'
import os, sys, time
sys.path.insert(0, sys.argv[1])
import page
last, pages = {}, 0
deadline = time.monotonic() + 600
while time.monotonic() < deadline:
    done = os.path.exists("finished")
    new = page.Page(page.fetch(sys.argv[2])).samples
    counters = {key: value for key, value in new.items() if key[0].endswith("_total")}
    assert set(last) <= set(counters), set(last) - set(counters)
    for key, value in last.items():
        assert counters[key] >= value, (key, value, counters[key])
    last, pages = counters, pages + 1
    files = new["arrowpool_serve_files", ()]
    if done and files == 0:
        break
assert files == 0
calls = last["arrowpool_allocations_total", (("pool", "libc"),)]
assert 30 * 5 <= calls <= 60 * 5 and pages > 1, (calls, pages)
PYTHON
  wait $!
  stop_serve
}

@test "a directory that cannot be read for a while: nothing falls, and nothing counts twice" {
  need_root
  command -v setpriv >/dev/null || skip "setpriv is not installed"
  # Root without the right to read what is closed.
  printf '#!/bin/sh\nexec setpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-dac_override,-dac_read_search "%s" "$@"\n' \
    "$CLI" >restricted
  chmod 755 restricted
  SERVE=$PWD/restricted
  mkdir live/sub
  LIVE=$LIVE/sub start_probe one 'allocate a 1000'
  start_serve --by=pool
  page_has 'arrowpool_allocations_total{pool="c:a"} 1' 'arrowpool_bytes_allocated{pool="c:a"} 1000'
  chmod 0 live/sub
  eventually page_has 'arrowpool_serve_unreadable_directories 1'
  page_has 'arrowpool_allocations_total{pool="c:a"} 1'
  chmod 700 live/sub
  eventually page_has 'arrowpool_serve_unreadable_directories 0' 'arrowpool_bytes_allocated{pool="c:a"} 1000'
  page_has 'arrowpool_allocations_total{pool="c:a"} 1'
  stop_serve
}
