#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154 # Python expands these; bats or the helper sets these
# `arrowpool who --format=pprof` and `--format=html`, on profiles that are made up: what readers that are not ours make of
# them, and of names that are made to break them.
load ../shim/helper
load helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
}

# pictures VERB [ARGUMENT]...: who_pictures.py; its JSON goes to a file of the verb's name.
pictures() {
  "$PYTHON" "$BATS_TEST_DIRNAME/who_pictures.py" "$@" >"$1.json"
}

# written KIND FORMAT [OPTION]...: the profile of that kind, written as that format to out.FORMAT, and read by us.
written() {
  local kind=$1 format=$2
  shift 2
  pictures make "$kind" "$kind.profile"
  run -0 --separate-stderr "$CLI_ASAN" who "$kind.profile" --format="$format" -o "out.$format" "$@"
  assert_equal "$output|$stderr" "|"
  pictures "$format" "out.$format"
}

# holds EXPRESSION: Python, in which each JSON file is a variable of its name.
holds() {
  "$PYTHON" -I - "$1" <<'PYTHON'
import json, pathlib, sys
names = {path.stem: json.loads(path.read_text()) for path in pathlib.Path(".").glob("*.json")}
assert eval(f"({sys.argv[1]})", names.copy()), "\n".join([sys.argv[1], *(f"{name}: {str(value)[:3000]}" for name, value in names.items())])
PYTHON
}

need_pprof() {
  go tool pprof -h 2>&1 | grep -q 'Output formats' || skip "pprof is not installed (Debian package golang-go)"
}

# pprof OPTION...: its output on the file; it fetches nothing, and keeps no files in the home directory.
pprof() {
  run -0 --separate-stderr env HOME="$PWD" PPROF_TMPDIR="$PWD" go tool pprof -unit=B "$@" out.pprof
}

need_browser() {
  command -v chromium >/dev/null || skip "chromium is not installed (Debian package chromium)"
}

# browse [OPTION]...: what the browser makes of the page, without a network, in dom.json.
browse() {
  HOME=$PWD timeout "$(patience 120)" chromium --headless --no-sandbox --disable-gpu --user-data-dir="$PWD/browser" \
    --host-resolver-rules='MAP * ~NOTFOUND' --virtual-time-budget=5000 --dump-dom "$@" "file://$PWD/out.html" \
    >dom 2>browser.err 3>&-
  pictures dom dom
}

# ---- pprof ----

@test "the sums of a profile for pprof are those of the samples" {
  for kind in few many odd; do
    written "$kind" pprof
    holds 'all(abs(pprof["sums"][name] - value) <= len(pprof["samples"]) for name, value in make.items())'
    holds 'pprof["types"][:4] == [["alloc_objects", "count"], ["alloc_space", "bytes"], ["inuse_objects", "count"], ["inuse_space", "bytes"]]'
    holds 'pprof["default"] == "inuse_space" and pprof["period"] == 512 * 1024'
  done
}

@test "what an earlier profile had is taken off" {
  pictures make odd odd.profile
  mv make.json odd.json
  written few pprof --minus=odd.profile
  holds 'all(abs(pprof["sums"][name] - make[name] + odd[name]) <= len(pprof["samples"]) for name in make)'
  holds 'any(sample["values"][1] < 0 for sample in pprof["samples"])'
}

@test "what is shown is pprof's default" {
  written few pprof --what=total
  holds 'pprof["default"] == "alloc_space"'
  written few pprof --what=peak
  holds 'pprof["default"] == "peak_space"'
}

@test "frames have file, line and first line, and native ones their module" {
  written few pprof
  holds '{(f["name"], f["file"], f["line"], f["start_line"]) for s in pprof["samples"] for f in s["stack"]} >=
         {("load", "/srv/jobs/etl.py", 8, 5), ("module etl.py", "/srv/jobs/etl.py", 31, 1)}'
  holds '{f["build_id"] for s in pprof["samples"] for f in s["stack"] if f["mapping"].endswith("nothing.so.3")} == {bytes(range(20)).hex()}'
}

@test "names that pprof would leave out are written in other words" {
  written few pprof
  holds '{f["name"] for s in pprof["samples"] for f in s["stack"]} >=
         {"module etl.py", "lambda etl.py", "<lambda>.<locals>.inner", "small.<locals>.<listcomp>"}'
}

@test "frames of the allocation itself are none, and named for pprof to drop" {
  written named pprof
  holds '[[f["name"] for f in s["stack"]] for s in pprof["samples"]] == [["libnothing.so.3+0x1010", "load"]] * 2'
  holds 'pprof["drop"] == "arrowpool_allocate"'
}

@test "labels tell the kind of thread, its name, the pool and the age" {
  written few pprof
  holds '{tuple(sorted(s["labels"].items())) for s in pprof["samples"] if s["values"][3]} == {
    (("age", 256), ("pool", "arrow.mimalloc"), ("thread", "etl.py"), ("thread_kind", "python")),
    (("age", 64), ("pool", "arrow.mimalloc"), ("thread", "jemalloc_bg"), ("thread_kind", "arrow\u0027s, for a task")),
    (("age", 8), ("pool", "libc"), ("thread", "?"), ("thread_kind", "python")),
    (("age", 8), ("pool", "arrow.mimalloc"), ("thread", "?"), ("thread_kind", "no python"))}'
}

@test "pprof reads it: sums, lines and labels" {
  need_pprof
  written few pprof
  pprof -top -cum -sample_index=inuse_space
  assert_line --regexp "of $("$PYTHON" -I -c 'import json; print(json.load(open("pprof.json"))["sums"]["inuse_space"])')B? total"
  assert_line --regexp '^ .* load$'
  assert_line --regexp '^ .* module etl.py$'
  assert_line --regexp '^ .* <lambda>\.<locals>\.inner$'
  assert_line --regexp '^ .* small\.<locals>\.<listcomp>$'
  pprof -top -symbolize=force
  assert_line --regexp '^ .* module etl.py$'
  pprof -tags -sample_index=inuse_space
  assert_line --regexp "arrow's, for a task"
  assert_line --regexp 'jemalloc_bg'
  mkdir -p srv/jobs
  printf 'line %d\n' {1..40} >srv/jobs/etl.py
  pprof -list=load -source_path="$PWD" -trim_path=/ -sample_index=inuse_space
  assert_line --regexp '67108864B? .* 8: *line 8$'
}

@test "protoc decodes it by profile.proto" {
  command -v protoc >/dev/null || skip "protoc is not installed (Debian package protobuf-compiler)"
  local folder=/usr/share/gocode/src/github.com/google/pprof/proto
  [ -e "$folder/profile.proto" ] || skip "there is no profile.proto (Debian package golang-github-google-pprof-dev)"
  written odd pprof
  gzip -dc <out.pprof >plain
  protoc --proto_path="$folder" --decode=perftools.profiles.Profile profile.proto <plain >decoded
  assert_equal "$(grep -c '^sample {' decoded)" "$("$PYTHON" -I -c 'import json; print(len(json.load(open("pprof.json"))["samples"]))')"
  run -1 grep -E '^ *[0-9]+: ' decoded # a field that profile.proto does not have
}

# ---- the page ----

@test "a page is one file that fetches nothing, with the figures as data" {
  for kind in few many odd; do
    written "$kind" html
    holds 'all(abs(html["profile"]["whats"][i]["sum"][0] - make[name]) <= 1
               for i, name in enumerate(("inuse_space", "alloc_space", "peak_space")))'
    holds 'abs(sum(stack[1][0] for stack in html["profile"]["stacks"]) - make["inuse_space"]) <= len(html["profile"]["stacks"])'
    run -1 grep -oE '(https?:)?//[a-z]+\.[a-z]+|@import|url\(' out.html
  done
}

@test "no name in a profile ends what it stands in" {
  written odd html
  holds 'html["scripts"] == 2 and not html["unexpected"]'
  holds 'html["title"] == "Who holds Arrow\u0027s memory: </title><b>&amp;, pid 4242 on h</h1>"'
  holds 'any(frame[0] == "</script><script>document.title=\u0027hacked\u0027</script>" for frame in html["profile"]["frames"])'
}

@test "the table on the page is by what was chosen" {
  written few html --by=pool --what=total
  holds 'html["profile"]["what"] == 1 and html["profile"]["by"] == "pool"'
  holds '[row["label"] for row in html["profile"]["whats"][1]["rows"]] == ["arrow.mimalloc", "libc"]'
  written few html --by=thread
  holds '[len(what["rows"]) > 0 for what in html["profile"]["whats"]] == [True, False, False]'
}

@test "a browser draws the page" {
  need_browser
  written few html
  browse
  holds '"live" in dom["title"] and "etl.py, pid 4242" in dom["title"]'
  holds 'dom["rows"] == 4 and len(dom["frames"]) == 13'
  holds 'any(label.startswith("load  etl.py:8: ") and "64.0" in label for label in dom["frames"])'
}

@test "a browser runs nothing of what is in a profile" {
  need_browser
  written odd html
  browse
  holds 'dom["title"].startswith("Who holds Arrow\u0027s memory: </title><b>&amp;, pid 4242 on h</h1>")'
  holds 'any(label.startswith("</script><script>document.title=") for label in dom["frames"])'
  holds 'dom["rows"] == 12'
}

@test "a browser draws thousands of frames" {
  need_browser
  written many html
  browse --window-size=1600,1200
  holds 'len(html["profile"]["frames"]) > 5000 and 300 < len(dom["frames"]) < 20000'
  holds 'dom["rows"] == 100'
}

@test "all of the page is reached by the keyboard" {
  need_browser
  command -v chromedriver >/dev/null || skip "chromedriver is not installed (Debian package chromium-driver)"
  written few html
  # Four tabs lead to the graph, which is one step in their order.
  HOME=$PWD timeout "$(patience 120)" "$PYTHON" -I "$BATS_TEST_DIRNAME/who_browser.py" "$PWD/out.html" \
    tab tab tab tab down down right enter up escape / load escape tab tab tab tab enter \
    tab tab tab tab tab tab tab enter >keys.json 3>&-
  holds '[each["focus"].split(": ")[0] for each in keys["seen"]] == [
    "what", "search", "native", "all", "<module>  etl.py:31", "load  etl.py:8", "<lambda>  etl.py:12", "<lambda>  etl.py:12",
    "<module>  etl.py:31", "all", "search", "search", "search", "native", "all", "Bytes", "Share", "Share",
    "Error", "Buffers, about", "Samples", "Oldest", "Largest", "Who", "etl.py:8 load", "load  etl.py:8"]'
  holds 'keys["seen"][11]["found"] == 1 and "64.0" in keys["seen"][11]["status"]'
  holds 'keys["seen"][12]["found"] == 0 and not keys["seen"][12]["status"]'
  holds 'keys["seen"][-2]["found"] == 0 and keys["seen"][-1]["found"] == 1'
  holds 'not keys["complaints"]'
}
