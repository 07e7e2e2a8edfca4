#!/usr/bin/env bats
# shellcheck disable=SC2154 # bats or the helper sets these
# Dumps on a signal's own stack, which programs make as small as 8 KiB: whole, or left out with a word; never is a byte
# written that is not of the stack, and the program ends as it would have.
load helper

setup() {
  need_hardware "signal frames are the emulator's"
  ulimit -c 0
  mkdir "$BATS_TEST_TMPDIR/work" && cd "$BATS_TEST_TMPDIR/work" || return
}

# altstack MODE DESTINATION ARGUMENT...: the probe, with a live file.
altstack() {
  run -0 --separate-stderr shim ARROW_POOL="$1" ARROW_POOL_STATS="$2" ARROW_POOL_STATS_SIGNAL=USR2 \
    ARROW_POOL_LIVE="$PWD/live" timeout 60 "$PROBES/probe_altstack" "${@:3}"
}

# whole FILE...: each is a dump in which all pools are, and in jsonl each line.
whole() {
  "$PYTHON" -I - "$@" <<'PYTHON'
import json, sys
for name in sys.argv[1:]:
    text = open(name).read()
    if name.endswith(".prom"):
        count = text.count("\narrowpool_bytes_allocated{")
    elif name.endswith(".txt"):
        count = text.count("\npool-") + text.count("\nc:pool-") + text.count("\nlibc ")
    else:
        count = min(len(json.loads(line)["pools"]) for line in text.splitlines())
    assert text.endswith("\n") and count in (20, 21), (name, count)  # libc's live bytes are not known in system mode
PYTHON
}

@test "a dump in any format fits on 8 KiB of signal stack: on a signal, at abort and at _exit in a handler" {
  for mode in jemalloc system; do
    for way in signal abort _exit nested; do
      for ending in json jsonl prom txt; do
        altstack $mode "$mode.$way.%p.$ending" $way 8192 8192 1 20
        assert_equal "$stderr" ""
      done
    done
  done
  assert_equal "$(find . -maxdepth 1 -type f | wc -l)" 32
  whole ./*.*.*.*
}

@test "and on what the kernel's own frame takes and 2 KiB" {
  for mode in jemalloc system; do
    for way in signal abort _exit; do
      altstack $mode "$mode.$way.%p.json" $way +2048 +2048 1 20
      assert_equal "$stderr" ""
    done
  done
  assert_equal "$(find . -maxdepth 1 -type f | wc -l)" 6
  whole ./*.json
}

@test "a dump on stderr does, and what is said where there is none" {
  for way in signal abort _exit; do
    altstack jemalloc stderr $way 8192 8192 1 20
    [[ $stderr == "arrowpool "*"c:pool-19"* ]]
    altstack jemalloc /nonexistent/s.json $way 8192
    assert_equal "$stderr" "arrowpool: cannot write /nonexistent/s.json: No such file or directory"
  done
}

@test "what does not fit is left out with a word: sizes in steps of 64 bytes" {
  local left_out="arrowpool: no statistics: too little is left of the signal stack" count files
  for way in signal abort _exit; do
    altstack jemalloc "$way.%p.json" $way +768 +4096 64 20
    count=$(grep -cxF "$left_out" <<<"$stderr")
    assert_equal "${#stderr_lines[@]}" "$count"
    files=$(find . -name "$way.*.json" | wc -l)
    [ $way = signal ] || assert_equal $((files + count)) "${#lines[@]}" # after a signal there is another way out
    assert [ "$files" -gt 30 ]
  done
  whole ./*.json
  altstack jemalloc s.json _exit +768 +768 1
  assert_equal "$stderr" "$left_out"
  assert [ ! -e s.json ]
  ARROW_POOL_LOG=quiet altstack jemalloc s.json _exit +768 +768 1
  assert_equal "$stderr" ""
}

@test "a fork in a handler fits on 8 KiB, and a process's first buffer on 16 KiB" {
  for mode in jemalloc system; do
    altstack $mode "$mode.%p.json" fork 8192 8192 1 20
    assert_equal "$stderr" ""
    altstack $mode "$mode.%p.json" first 16384
    assert_equal "$stderr" ""
  done
}

@test "no function on the way of a dump has more than 640 bytes of stack of its own" {
  cc=$("$PYTHON" -I -c 'import json, sys; print(json.load(open(sys.argv[1]))[0]["command"])' "$BUILD/compile_commands.json")
  [[ $cc == *cc* && $cc != *clang* ]] || skip "the compiler tells no stack usage"
  run -0 "$PYTHON" -I - "$BUILD" "$PWD" <<'PYTHON'
import json, pathlib, re, shlex, subprocess, sys
build, out = sys.argv[1:]
files = "sigpipe dump dump_file dump_path log counters pool_table report report_json report_prometheus report_text snapshot writer"
elsewhere = {"rebase", "counters_be_exact", "counters_read_history"}  # not on the way
commands = {}
for entry in json.load(open(f"{build}/compile_commands.json")):
    path = pathlib.Path(entry["file"])
    if {"lib", "shim"} & set(path.parts) and path.stem in files.split() and "libarrowpool_" in entry["output"]:
        commands.setdefault(path.stem, entry)
assert len(commands) == len(files.split()), sorted(commands)
for name, entry in commands.items():
    words = shlex.split(entry["command"])
    words[words.index("-o") + 1] = f"{out}/{name}.o"
    words[words.index("-MF") + 1] = f"{out}/{name}.d"
    subprocess.run([*words, "-O2", "-fstack-usage"], cwd=entry["directory"], check=True)
    for line in open(f"{out}/{name}.su"):
        where, size, kind = line.split("\t")
        function = re.split(r"[:.]", where.split(":")[-1])[0]
        if function not in elsewhere and (int(size) > 640 or (kind.strip() == "dynamic")):
            print(f"{where}: {size} bytes, {kind.strip()}")
PYTHON
  assert_output ""
}
