# shellcheck shell=bash disable=SC2034,SC2154 # the files that load this use the names; bats or the helper sets these
# For the command's tests, on top of the shim tests' helper: the sanitized command, and dumps that are made up.
CLI_ASAN=$BUILD/tests/cli/arrowpool-asan
export CLI_ASAN PYTHONDONTWRITEBYTECODE=1 ASAN_OPTIONS=allocator_may_return_null=1

need_pyarrow() {
  "$PYTHON" -c 'import pyarrow' 2>/dev/null || skip "no pyarrow in $PYTHON"
}

need_promtool() {
  PATH=$PATH:$SOURCE/.prometheus/usr/bin # where scripts/setup unpacks it
  command -v promtool >/dev/null || skip "promtool is not installed (Debian package prometheus)"
}

# eventually COMMAND...: until it succeeds, for some time.
eventually() {
  local deadline=$((SECONDS + 120))
  until "$@"; do
    [ $SECONDS -lt $deadline ] || { echo "never came true: $*" && return 1; }
    sleep 0.05
  done
}

# make_installation DIRECTORY: a Python installation of its own, with a pyarrow that is empty in $site, its site
# directory.
make_installation() {
  local base version
  base=$("$PYTHON" -I -c 'import os; print(os.path.dirname(os.__file__))')
  version=${base##*/}
  mkdir -p "$1/bin" "$1/lib/$version"
  cp "$(readlink -f "$PYTHON")" "$1/bin/$version"
  ln -s "$version" "$1/bin/python3"
  ln -s "$version" "$1/bin/python"
  ln -s "$base"/* "$1/lib/$version"
  rm -f "$1/lib/$version"/*-packages
  site=$("$1/bin/python3" -I -c 'import site; print(site.getsitepackages()[-1])')
  mkdir -p "$site/pyarrow"
  touch "$site/pyarrow/__init__.py"
}

# report [ARGUMENT]...: the report as json, for report_json.
report() {
  run -"${STATUS:-0}" --separate-stderr "$CLI_ASAN" report --format=json "$@"
  printf '%s\n' "$output" >"$BATS_TEST_TMPDIR/report"
}

# in_report EXPRESSION: evaluate Python on the last report, where r is the whole and group("libc") the first group
# in which some key has that value; prints the result.
in_report() {
  "$PYTHON" -I -c '
import json, sys
r = json.loads(open(sys.argv[1], "rb").read())
group = lambda name: [g for g in r["groups"] if name in g.values()][0]
print(eval(sys.argv[2]))' "$BATS_TEST_TMPDIR/report" "$1"
}

# make_dump FILE [NAME=VALUE]...: append a line to FILE, a dump as the shim writes them. Names: pid, host, program,
# start_time, time and figures of the process; pool, and figures of it (null: not known).
make_dump() {
  "$PYTHON" -I - "$SOURCE/docs/use/arrowpool.schema.json" "$@" <<'PYTHON'
import json, sys
defs = json.load(open(sys.argv[1]))
pool_keys = defs["$defs"]["pool"]["required"]
process_keys = defs["properties"]["process"]["required"]
pool = {key: 0 for key in pool_keys} | {"name": "arrow.mimalloc", "backend": "jemalloc", "size_basis": "requested",
        "size_histogram": [], "live_histogram": [], "bytes_before_end": None, "histogram_before_end": None}
process = {key: 0 for key in process_keys} | {"pid": 1, "program": "python", "host": "here", "start_time": 100.0,
           "time": 200.0}
for setting in sys.argv[3:]:
    key, value = setting.split("=", 1)
    if key == "pool":
        pool["name"] = value
    elif key in ("program", "host"):
        process[key] = value
    elif key == "job":
        process["name"] = value
    elif key in process:
        process[key] = json.loads(value)
    else:
        assert key in pool, key
        pool[key] = json.loads(value)
with open(sys.argv[2], "a") as out:
    out.write(json.dumps({"schema": "arrowpool/1", "version": "0.1.0", "process": process, "pools": [pool]}) + "\n")
PYTHON
}

# profile FILE: one that the script on stdin makes of `p` (profiles.py).
profile() { "$PYTHON" -I "$SOURCE/tests/cli/profiles.py" "$1"; }

# who [ARGUMENT]...: as json, for in_who.
who() {
  run -"${STATUS:-0}" --separate-stderr "$CLI_ASAN" who --format=json "$@"
  printf '%s\n' "$output" >"$BATS_TEST_TMPDIR/who"
}

# in_who EXPRESSION: Python on the last answer, where r is the whole and rows {who: bytes}.
in_who() {
  run -0 "$PYTHON" -I -c '
import json, sys
r = json.loads(open(sys.argv[1], "rb").read())
rows = {row["who"]: row["bytes"] for row in r["rows"]}
print(eval(sys.argv[2]))' "$BATS_TEST_TMPDIR/who" "$1"
}

# three_lines [FILE]: a profile with a line of each kind.
three_lines() {
  profile "${1:-a.profile}" <<'PYTHON'
s = p.stack("etl.py:8 stream", "etl.py:20 <module>")
p.record(s, 64 * MIB, exposure=128, since=10)
t = p.stack("/x/lib/python3.12/site-packages/pyarrow/csv.py:40 read_csv", "etl.py:3 load", kind=TASK)
p.live(t, *[MIB] * 12, since=500)
u = p.stack("etl.py:5 small", pool="libc")
for i in range(4):
    p.record(u, 8192, exposure=8192 / p.mean, since=900)
p.samples = 17
p.end_time, p.state = p.start_time + 1_000_000, ENDED
PYTHON
}

# ---- programs that keep live files and do what they are told, and a real terminal ----

# start_probe NAME [COMMAND]...: a program under the shim, keeping a live file in $LIVE. Its number is in
# pid[NAME].
declare -gA pid to from
start_probe() {
  local name=$1 command input output
  mkfifo "$name.in" "$name.out"
  (
    for input in "${to[@]}" "${from[@]}"; do exec {input}>&-; done # or others would not see the end of their stdin
    exec "$CLI" run --live="$LIVE" --decay=never -- "$BUILD/tests/cli/probe_pools" 3>&-
  ) <"$name.in" >"$name.out" 2>"$name.err" &
  pid[$name]=$!
  exec {input}>"$name.in" {output}<"$name.out"
  to[$name]=$input from[$name]=$output
  shift
  for command; do
    tell "$name" "$command"
  done
}

# tell NAME COMMAND: have it done, and wait until it is.
tell() {
  local answer
  echo "$2" >&"${to[$1]}"
  read -r -t 120 answer <&"${from[$1]}"
  [ "$answer" = ok ]
}

# end_probe NAME: it returns from main.
end_probe() {
  # shellcheck disable=SC1083,SC2086,SC2093 # a descriptor whose number is an element of an array
  exec {to[$1]}>&-
  wait "${pid[$1]}"
  unset "pid[$1]"
}

# kill_probe NAME: SIGKILL.
kill_probe() {
  kill -KILL "${pid[$1]}"
  wait "${pid[$1]}" || true
  unset "pid[$1]"
}

end_probes() {
  local name
  for name in "${!pid[@]}"; do
    kill_probe "$name"
  done
}

# terminal WIDTH HEIGHT COMMAND: a shell in a terminal of that size, with the command typed into it.
terminal() {
  command -v tmux >/dev/null || skip "tmux is not installed"
  TMUX_TMPDIR=$(mktemp -d "$BATS_TEST_TMPDIR/tmux.XXXX") # its own: a server that was told to end may still be there
  export TMUX_TMPDIR
  tmux -f /dev/null new-session -d -x "$1" -y "$2" -e LC_ALL="${TERMINAL_LOCALE:-C.UTF-8}" \
    "exec env PS1='prompt\$ ' bash --norc --noprofile" 3>&-
  screen_has 'prompt\$'
  type_keys "$3" Enter
}

type_keys() { tmux send-keys "$@"; }

end_terminal() { [ ! -v TMUX_TMPDIR ] || tmux kill-server 2>/dev/null || true; }

# What a capture has to say at last: screen_has REGEX, screen_lacks REGEX. The last one is in $screen.
screen_is() {
  local deadline=$((SECONDS + 120))
  while [ $SECONDS -lt $deadline ]; do
    screen=$(tmux capture-pane -p)
    if grep -qE -- "$2" <<<"$screen"; then [ "$1" = not ] || return 0; else [ "$1" = yes ] || return 0; fi
    sleep 0.05
  done
  printf 'the screen never came to (%s) %s:\n%s\n' "$1" "$2" "$screen"
  return 1
}
screen_has() { screen_is yes "$1"; }
screen_lacks() { screen_is not "$1"; }
