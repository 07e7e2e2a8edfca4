#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154 # Python expands these; bats or the helper sets these
# Odd names of programs, pools and files, wherever they are printed: columns stay where they are, and no terminal gets
# anything to obey.
load ../shim/helper
load helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
}

# straight FILE FROM: from the line on that begins with FROM to the first that is none of the table, all lines take the
# same number of columns, as the Unicode database has them; prints how many there are.
straight() {
  "$PYTHON" -I - "$@" <<'PYTHON'
import sys, unicodedata
def columns(text):
    return sum(0 if unicodedata.category(c) in ("Mn", "Me", "Cf") else 2 if unicodedata.east_asian_width(c) in "WF" else 1
               for c in text)
lines = open(sys.argv[1], encoding="utf-8").read().splitlines()
start = next(i for i, line in enumerate(lines) if line.startswith(sys.argv[2]))
table = [line for line in lines[start:] if not line.startswith(("still ", "limit of "))]
assert len({columns(line) for line in table}) == 1, "\n".join(f"{columns(line)} {line}" for line in table)
print(len(table))
PYTHON
}

# clear FILE: all of it is UTF-8 that a terminal only shows.
clear() {
  "$PYTHON" -I -c '
import sys
text = open(sys.argv[1], "rb").read().decode("utf-8", "strict")
bad = [c for c in text if not c.isprintable() and c not in "\n\u200d"]
assert not bad, (bad, text)' "$1"
}

# Names of one column a byte, of other scripts, wide, combining, of several, and longest.
make_names() {
  local pid=0 name
  for name in plain Größe Zażółć Ελληνικά данные 日本語の表 데이터 "$(printf 'e\xcc\x81te\xcc\x81')" ไทย 🐍.py हिन्दी שלום ｆｕｌｌ "a long name of many words"; do
    make_dump names.jsonl pid=$((pid += 1)) program="$name" pool="p $name" num_allocations=1
  done
}

@test "columns of report, show, top and a dump as text do not shift with names of any script" {
  make_names
  run -0 "$CLI_ASAN" report --by=program,pool names.jsonl
  printf '%s\n' "$output" >report.txt
  run -0 straight report.txt pool
  assert_output 15
  run -0 "$CLI_ASAN" report --by=process names.jsonl
  printf '%s\n' "$output" >processes.txt
  run -0 straight processes.txt host
  assert_output 15
  "$PYTHON" -I -c '
import json
dumps = [json.loads(line) for line in open("names.jsonl")]
dumps[0]["pools"] = [dump["pools"][0] for dump in dumps]
json.dump(dumps[0], open("all.json", "w"))'
  run -0 "$CLI_ASAN" show all.json
  printf '%s\n' "$output" >show.txt
  run -0 straight show.txt pool
  assert_output 15
  run -0 --separate-stderr shim ARROW_POOL=jemalloc ARROW_POOL_STATS=dump.txt ARROW_POOL_LIVE="$PWD/live" \
    ARROW_POOL_LIVE_KEEP=1 "$TESTED_PYTHON" -I -c '
import ctypes
library = ctypes.CDLL(None)
for name in "plain Größe 日本語の表 데이터 e\u0301te\u0301 ไทย 🐍.py".split():
    pool, buffer = ctypes.c_void_p(), ctypes.c_void_p()
    assert library.arrowpool_create(name.encode(), None, ctypes.byref(pool)) == 0
    assert library.arrowpool_allocate(pool, ctypes.c_int64(1000), ctypes.c_int64(64), ctypes.byref(buffer)) == 0'
  grep -v '^libc' dump.txt >shim.txt
  run -0 straight shim.txt pool
  assert_output 8
  run -0 "$CLI_ASAN" top --pools --once live
  printf '%s\n' "$output" | grep -E '^PID|c:' | sed -E 's/ [^ ]*$//' >top.txt
  run -0 straight top.txt PID
  assert_output 8
}

@test "no control character, direction or byte that is no text goes to a terminal" {
  evil=$'a\x1b[31mb\x9b2Jc\xc2\x9bd\xe2\x80\xaee\xe2\x80\xa8f\xffg\xe2\x81\xa6h\xef\xbb\xbfi\x7f'
  seen='a?[31mb?2Jc?d?e?f?g?h?i?'
  run -5 --separate-stderr bash -c 'export LD_PRELOAD=$SHIM ARROW_POOL=jemalloc ARROW_POOL_STATS=stderr; exec -a "$1" "$PROBES/probe_exit"' \
    - "$evil"
  printf '%s\n' "$stderr" >said.txt
  clear said.txt
  [[ $stderr == "arrowpool "*": $seen, pid "* ]] || fail "$stderr"
  run -5 bash -c 'export LD_PRELOAD=$SHIM ARROW_POOL=jemalloc ARROW_POOL_STATS=evil.json ARROW_POOL_LIVE=$PWD/live ARROW_POOL_LIVE_KEEP=1
    exec -a "$1" "$PROBES/probe_exit"' - "$evil"
  for command in show report top; do
    for file in evil.json live; do
      case $command:$file in
      top:evil.json) continue ;;
      show:live) file=$(echo live/*.live) ;;
      esac
      words=("$command")
      [ $command != report ] || words+=(--by=program)
      [ $command != top ] || words+=(--once)
      run -0 --separate-stderr "$CLI_ASAN" "${words[@]}" "$file"
      printf '%s\n%s\n' "$output" "$stderr" >said.txt
      clear said.txt
      assert_output --partial "$seen"
    done
  done
  ARROW_POOL_STATS=$evil run -0 --separate-stderr "$CLI_ASAN" env
  printf '%s\n%s\n' "$output" "$stderr" >said.txt
  clear said.txt
  run -1 --separate-stderr "$CLI_ASAN" show "$evil"
  assert_equal "$stderr" "arrowpool: show: $seen: No such file or directory"
}

@test "a program without a name is a question mark" {
  make_dump nameless.json program= num_allocations=1
  run -0 "$CLI_ASAN" show nameless.json
  assert_line --index 0 --partial ": ?, pid 1,"
  run -0 "$CLI_ASAN" report --by=program nameless.json
  assert_line --regexp '^\? +1 '
}
