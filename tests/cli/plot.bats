#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # other shells and Python expand these; each test is a subshell; bats or the helper sets these
# `arrowpool plot`: what reaches gnuplot, and what becomes of names and failures. A gnuplot that keeps its input stands
# in for the real one where the commands matter.
load ../shim/helper
load helper

setup() {
  mkdir "$BATS_TEST_TMPDIR/work" # bats keeps files of its own beside it
  cd "$BATS_TEST_TMPDIR/work" || return
}

need_gnuplot() {
  command -v gnuplot >/dev/null || skip "gnuplot is not installed (Debian package gnuplot-nox)"
}

# A time series: 1 MiB live at first, then 3 MiB; 5 MiB/s grown in place.
series() {
  make_dump "$1" "${@:2}" time=101 bytes_allocated=1048576 rss_bytes=4194304
  make_dump "$1" "${@:2}" time=103 bytes_allocated=3145728 rss_bytes=5242880 bytes_grown_in_place=10485760
}

stand_in() {
  mkdir bin
  printf '#!/bin/sh\necho "$@" >"%s/arguments"\ncat >"%s/commands"\necho picture\n' "$PWD" "$PWD" >bin/gnuplot
  chmod +x bin/gnuplot
  PATH=$PWD/bin:$PATH
}

@test "PNG and SVG are drawn, and readable as the umask says" {
  need_gnuplot
  series s.jsonl
  umask 027
  run -0 "$CLI_ASAN" plot s.jsonl -o out.png
  assert_output ""
  assert_equal "$(head -c 4 out.png | tail -c 3)" PNG
  assert_equal "$(stat -c %a out.png)" 640
  run -0 "$CLI_ASAN" plot -o out.svg --title='Grown & <more>' s.jsonl
  "$PYTHON" -I - out.svg <<'PYTHON'
import sys, xml.etree.ElementTree as tree
texts = ["".join(node.itertext()).strip() for node in tree.parse(sys.argv[1]).iter("{http://www.w3.org/2000/svg}text")]
for wanted in ("Grown & <more>", "live", "resident", "idle", "the rest", "in place", "memory (MiB)", "reallocated (MiB/s)",
               "time since the start (s)"):
    assert any(wanted in text for text in texts), (wanted, texts)
assert not any(other in text for other in ("copied", "pages moved", "limit") for text in texts), texts
PYTHON
}

@test "the curves are the figures, per second where they are sums" {
  stand_in
  series s.jsonl
  run -0 "$CLI_ASAN" plot s.jsonl -o out.png
  assert_equal "$(cat out.png)" picture
  run -0 sed -n '/^$data0 << END/,/^END/p' commands
  assert_line --index 1 "1 1 4 0 NaN NaN NaN 0 1 1 4"
  assert_line --index 2 "3 3 5 0 5 0 0 0 3 3 5" # s, MiB, MiB, MiB, MiB/s, limit, and the stack
}

@test "a limit is drawn where it is near, and a panel only where it has something to show" {
  stand_in
  for time in 101 102; do
    make_dump near.jsonl time=$time bytes_allocated=1000 rss_bytes=2000 limit_bytes=6000
    make_dump far.jsonl time=$time bytes_allocated=1000 rss_bytes=2000 limit_bytes=6001
  done
  run -0 "$CLI_ASAN" plot near.jsonl -o out.png
  assert_equal "$(grep -c "title 'limit'" commands) $(grep -c reallocated commands)" "1 0"
  run -0 grep multiplot commands
  assert_line --regexp '^set multiplot layout 1,1 '
  run -0 "$CLI_ASAN" plot far.jsonl -o out.png
  assert_equal "$(grep -c "title 'limit'" commands)" 0
  run -0 "$CLI_ASAN" plot --size=1234x567 far.jsonl -o out.png
  run -0 grep '^set terminal pngcairo size 1234,567 ' commands
  run -0 "$CLI_ASAN" plot --size=300x200 far.jsonl -o out.svg
  run -0 grep '^set terminal svg size 300,200 ' commands
}

@test "the last point is what was live when Python began to end, not what it left" {
  stand_in
  series s.jsonl
  make_dump s.jsonl time=104 bytes_allocated=1024 bytes_before_end=7340032 rss_bytes=9437184 idle_bytes=8388608 bytes_grown_in_place=10485760
  run -0 "$CLI_ASAN" plot s.jsonl -o out.png
  assert_equal "$(sed -n '/^$data0/{n;n;n;p}' commands)" "4 7 9 1.00097656 0 0 0 0 7 8.00097656 9"
}

@test "one pool, or all whose live bytes are known" {
  stand_in
  for time in 101 102; do
    make_dump s.jsonl time=$time bytes_allocated=1000
    make_dump t.jsonl time=$time pool=libc bytes_allocated=null max_memory=null
    "$PYTHON" -I -c '
import json
s, t = (json.loads(open(name).readlines()[-1]) for name in ("s.jsonl", "t.jsonl"))
s["pools"] += t["pools"]
print(json.dumps(s), file=open("both.jsonl", "a"))'
  done
  run -0 "$CLI_ASAN" plot both.jsonl -o out.png
  assert_equal "$(sed -n '/^$data0/{n;p}' commands | cut -d ' ' -f 1,2)" "1 1000"
  run -0 "$CLI_ASAN" plot --pool=libc both.jsonl -o out.png
  assert_equal "$(sed -n '/^$data0/{n;p}' commands | cut -d ' ' -f 1,2)" "1 NaN"
  run -1 --separate-stderr "$CLI_ASAN" plot --pool=nonsense both.jsonl -o out.png
  assert_equal "$stderr" "arrowpool: plot: --pool=nonsense: no such pool in both.jsonl; choose arrow.mimalloc, libc"
}

@test "several processes, of one file or of several, stand side by side on one scale" {
  need_gnuplot
  series a.jsonl pid=1
  series a.jsonl pid=2
  series b.jsonl pid=3 host=there
  run -0 "$CLI_ASAN" plot a.jsonl b.jsonl -o out.svg
  "$PYTHON" -I - out.svg <<'PYTHON'
import re, sys, xml.etree.ElementTree as tree
svg = "{http://www.w3.org/2000/svg}"
places = {}
for group in tree.parse(sys.argv[1]).iter(svg + "g"):
    for text in group.findall(svg + "text"):
        words, place = "".join(text.itertext()).strip(), re.match(r"translate\(([\d.]+),([\d.]+)\)", group.get("transform", ""))
        if place:
            places[words] = tuple(map(float, place.groups()))
columns = [places[f"python {pid}"] for pid in (1, 2, 3)]
assert len({y for x, y in columns}) == 1 and len({x for x, y in columns}) == 3, columns
PYTHON
  for pid in {1..13}; do series many.jsonl pid="$pid"; done
  run -1 --separate-stderr "$CLI_ASAN" plot many.jsonl -o many.png
  assert_equal "$stderr" "arrowpool: plot: 13 processes are too many for one picture; at most 12; a page (-o OUT.html) takes 100"
}

@test "texts and names are never interpreted" {
  need_gnuplot
  touch=$(printf '`touch hacked`; $(touch hacked)\047; system("touch hacked")\nsystem("touch hacked") #{/=40 x}')
  series "|touch hacked.jsonl" program="$touch"
  run -0 "$CLI_ASAN" plot "|touch hacked.jsonl" -o "|touch hacked;'\`touch hacked\`.png"
  run -0 "$CLI_ASAN" plot "|touch hacked.jsonl" -o plain.svg --title="$touch"
  run -0 ls -A
  assert_output "plain.svg
|touch hacked.jsonl
|touch hacked;'\`touch hacked\`.png"
  run -0 grep -cF '#{/=40 x}' plain.svg
}

@test "fewer than two points in time are not drawn, and said" {
  make_dump s.jsonl
  run -1 --separate-stderr "$CLI_ASAN" plot s.jsonl -o out.png
  assert_equal "$stderr" "arrowpool: plot: s.jsonl: fewer than two points in time; see ARROW_POOL_STATS_INTERVAL"
  make_dump s.jsonl # the same moment again
  run -1 --separate-stderr "$CLI_ASAN" plot s.jsonl -o out.png
  assert_equal "$(ls)" s.jsonl
}

@test "without gnuplot the message says what to install" {
  series s.jsonl
  run -1 --separate-stderr env PATH=/nonexistent "$CLI_ASAN" plot s.jsonl -o out.png
  assert_equal "$stderr" "arrowpool: plot: gnuplot is not installed (on Debian: apt-get install gnuplot-nox)"
  assert [ ! -e out.png ]
}

@test "a gnuplot that fails leaves no picture, and an old one as it was" {
  series s.jsonl
  mkdir bin
  printf '#!/bin/sh\necho part; exit 1\n' >bin/gnuplot
  chmod +x bin/gnuplot
  echo old >out.png
  PATH=$PWD/bin:$PATH run -1 --separate-stderr "$CLI_ASAN" plot s.jsonl -o out.png
  assert_equal "$stderr" "arrowpool: plot: out.png: gnuplot could not draw it"
  assert_equal "$(cat out.png)|$(dumps .)" "old|4"
}

@test "a picture that cannot be written is one line" {
  series s.jsonl
  run -1 --separate-stderr "$CLI_ASAN" plot s.jsonl -o missing/out.png
  assert_equal "$stderr" "arrowpool: plot: missing/out.png: No such file or directory"
}

@test "a damaged file is named, and the others are drawn" {
  stand_in
  series s.jsonl
  echo '{' >damaged.jsonl
  run -1 --separate-stderr "$CLI_ASAN" plot damaged.jsonl s.jsonl -o out.png
  assert_equal "$stderr" "arrowpool: plot: damaged.jsonl: it is cut off"
  assert_equal "$(cat out.png)" picture
}

@test "wrong usage is status 2 and one line" {
  series s.jsonl
  for arguments in "s.jsonl" "-o out.png" "s.jsonl -o out.gif" "s.jsonl -o out" "s.jsonl -o" "s.jsonl --nonsense -o a.png" \
    "s.jsonl --size=100x300 -o a.png" "s.jsonl --size=300 -o a.png" "s.jsonl --size=300x300x -o a.png" "s.jsonl --size=x300 -o a.png"; do
    # shellcheck disable=SC2086 # several arguments
    run -2 --separate-stderr "$CLI_ASAN" plot $arguments
    assert_equal "${#stderr_lines[@]}|$output" "1|"
    [[ $stderr == "arrowpool: plot: "* ]]
  done
  assert_equal "$(ls)" s.jsonl
}

@test "a pyarrow program's own time series is drawn" {
  need_gnuplot
  need_pyarrow
  run -0 shim ARROW_POOL=jemalloc ARROW_POOL_STATS="$PWD/s.jsonl" ARROW_POOL_STATS_INTERVAL=50ms "$PYTHON" -I -c '
import time
import pyarrow as pa
sink = pa.BufferOutputStream()
while len(open("s.jsonl").readlines()) < 5 if __import__("os").path.exists("s.jsonl") else True:
    sink.write(bytes(1 << 20))
    time.sleep(0.02)'
  run -0 "$CLI_ASAN" plot s.jsonl -o out.png
  assert_equal "$(head -c 4 out.png | tail -c 3)" PNG
}
