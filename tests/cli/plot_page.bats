#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154 # Python expands these; bats or the helper sets these
# The page of `arrowpool plot -o FILE.html`: what is in the file, and what a browser makes of it.
load ../shim/helper
load helper

setup() {
  mkdir "$BATS_TEST_TMPDIR/work"
  cd "$BATS_TEST_TMPDIR/work" || return
}

need_browser() {
  command -v chromedriver >/dev/null || skip "chromedriver is not installed (Debian package chromium-driver)"
}

# holds EXPRESSION: Python, of `seen` (what the browser saw) and `data` (the page's).
holds() {
  "$PYTHON" -I - "$1" <<'PYTHON'
import json, pathlib, re, sys
names = {}
if pathlib.Path("seen.json").exists():
    names["seen"] = json.loads(pathlib.Path("seen.json").read_text())
page = pathlib.Path("out.html").read_text()
names["data"] = json.loads(re.search(r'<script type="application/json" id="series">(.*?)</script>', page, re.S)[1])
assert eval(f"({sys.argv[1]})", names.copy()), "\n".join([sys.argv[1], json.dumps(names)[:8000]])
PYTHON
}

# browse: the page is used, and what was seen goes to seen.json.
browse() {
  HOME=$PWD timeout "$(patience 120)" "$PYTHON" -I "$BATS_TEST_DIRNAME/plot_browser.py" "$PWD/out.html" >seen.json 3>&-
}

# series FILE [NAME=VALUE]...: ten seconds; live bytes grow from 0 to 90 MiB, 30 MiB are idle, 200 MiB resident, and half
# of it is of a second pool.
series() {
  "$PYTHON" -I - "$SOURCE/docs/use/arrowpool.schema.json" "$@" <<'PYTHON'
import json, sys
defs = json.load(open(sys.argv[1]))
MIB = 1 << 20
options = {key: json.loads(value) for key, value in (setting.split("=", 1) for setting in sys.argv[3:])}
limit, grown = options.pop("limit", None), options.pop("grown", 10 * MIB)
with open(sys.argv[2], "a") as out:
    for second in range(10):
        process = dict.fromkeys(defs["properties"]["process"]["required"], 0) | {
            "pid": 1, "program": "python", "host": "here", "start_time": 100.0, "time": 100.0 + second, "idle_bytes": 30 * MIB,
            "rss_bytes": 200 * MIB, "limit_bytes": limit} | options
        pools = [dict.fromkeys(defs["$defs"]["pool"]["required"], 0) | {
            "name": name, "backend": "jemalloc", "size_basis": "requested", "size_histogram": [], "live_histogram": [],
            "bytes_allocated": 5 * MIB * second, "bytes_grown_in_place": grown * second} for name in ("arrow.mimalloc", "c:etl")]
        print(json.dumps({"schema": "arrowpool/1", "version": "0.1.0", "process": process, "pools": pools}), file=out)
PYTHON
}

@test "the page is one file that fetches nothing, has uPlot's licence, and the figures as data" {
  series s.jsonl limit=250000000 'name="nightly"'
  run -0 --separate-stderr "$CLI_ASAN" plot s.jsonl -o out.html
  assert_equal "$output|$stderr" "|"
  holds 'len(data["processes"]) == 1 and data["processes"][0]["name"] == "nightly"'
  holds 'data["processes"][0]["live"] == [10 * second << 20 for second in range(10)]'
  holds 'data["processes"][0]["in_place"] == [None] + [20 << 20] * 9'
  holds 'data["processes"][0]["limit"] == [250000000] * 10'
  holds '{pool["name"]: pool["live"][9] for pool in data["processes"][0]["pools"]} == {"arrow.mimalloc": 45 << 20, "c:etl": 45 << 20}'
  run -0 grep -c 'The MIT License' out.html
  run -0 grep -oE '(https?:)?//[a-z]+\.[a-z]+[^ ]*|@import|url\(' out.html
  assert_output "https://github.com/leeoniya/uPlot" # whose it is, in a comment
  run -0 "$CLI_ASAN" plot --pool=c:etl s.jsonl -o out.html
  holds '[pool["name"] for pool in data["processes"][0]["pools"]] == ["c:etl"] and data["pool"] == "c:etl"'
}

@test "no gnuplot is needed, and no name ends what it stands in" {
  series s.jsonl 'program="</script><script>alert(1)</script>"' 'host="<b>&amp;"'
  run -0 env PATH=/nonexistent "$CLI_ASAN" plot s.jsonl --title='</title><script>alert(2)</script>&' -o out.html
  run -0 grep -c '<script' out.html
  assert_output 2
  holds 'data["processes"][0]["program"] == "</script><script>alert(1)</script>"'
}

@test "up to a hundred processes are on a page" {
  for pid in {1..5}; do series s.jsonl pid="$pid"; done
  "$PYTHON" -I -c '
import json
lines = [json.loads(line) for line in open("s.jsonl")]
for copy in range(21):
    for line in lines:
        line["process"]["pid"] += 5
        print(json.dumps(line), file=open("many.jsonl", "a"))'
  run -1 --separate-stderr "$CLI_ASAN" plot many.jsonl -o out.html
  assert_equal "$stderr" "arrowpool: plot: 105 processes are too many for one page; at most 100"
}

@test "a browser draws stacks, the limit, pools apart, and processes side by side, in light and dark" {
  need_browser
  series s.jsonl limit=250000000 'name="nightly"'
  series s.jsonl pid=2 limit=99999999999 grown=0 rss_bytes=400000000
  run -0 "$CLI_ASAN" plot s.jsonl -o out.html
  browse
  holds 'all(p["right"] < p["room"] + 1 for p in seen["first"]["processes"])'
  assert_equal "$("$PYTHON" -I -c 'import json; print(json.load(open("seen.json"))["complaints"])')" '[]'
  holds 'not seen["first"]["wide"] and seen["first"]["title"] == "2 processes"'
  # Side by side: charts of a kind on one height, and on one scale.
  holds '[p["heading"] for p in seen["first"]["processes"]] == ["[nightly] python 1 on here", "python 2 on here"]'
  holds '(lambda one, two: one["place"][0] < two["place"][0] and one["place"][1] == two["place"][1] and one["places"] == two["places"])(*seen["first"]["processes"])'
  holds '[p["charts"] for p in seen["first"]["processes"]] == [["Memory", "Live, by pool", "Reallocated, old bytes per second"]] * 2'
  holds 'len(set(seen["first"]["scales"][0::3])) == 1 and len(set(seen["apart"]["scales"][0::3])) == 2'
  # Stacked areas, and the limit where it is near.
  holds 'min(p["pixels"][name] for p in seen["first"]["processes"] for name in ("live", "idle", "rest")) > 500'
  holds '[p["pixels"]["limit"] > 50 for p in seen["first"]["processes"]] == [True, False]'
  holds '[set(p["legends"][0]) for p in seen["first"]["processes"]] == [
    {"time", "the rest", "idle", "live", "resident", "limit"}, {"time", "the rest", "idle", "live", "resident"}]'
  holds 'set(seen["first"]["processes"][0]["legends"][1]) == {"time", "c:etl", "arrow.mimalloc"}'
  holds 'set(seen["first"]["processes"][0]["legends"][2]) == {"time", "in place"} and len(seen["first"]["processes"][1]["legends"]) == 2'
  holds 'seen["first"]["table"][0] == ["[nightly] python 1", "9.0", "90 MiB", "90 MiB", "30 MiB", "200 MiB", "200 MiB", "238 MiB"]'
  # The pointer tells figures, in all charts.
  holds 'seen["pointed"]["processes"][0]["legends"][0]["idle"] == "30 MiB" == seen["pointed"]["processes"][1]["legends"][0]["idle"]'
  # Zoom is of all, and undone by a double click.
  holds 'seen["first"]["zoomed"] == [[0, 9]] * 5 == seen["whole"]["zoomed"]'
  holds 'len({tuple(z) for z in seen["dragged"]["zoomed"]}) == 1 and abs(seen["dragged"]["zoomed"][0][0] - 2.25) < 0.2 and abs(seen["dragged"]["zoomed"][0][1] - 4.5) < 0.2'
  holds '"From 2." in seen["dragged"]["status"] and not seen["whole"]["status"]'
  holds 'seen["focus"] == "in" and seen["nearer"]["zoomed"][0] == [2.25, 6.75]'
  # A click on a name hides an area.
  holds 'seen["hidden"]["processes"][0]["pixels"]["rest"] < 100 < 500 < seen["shown"]["processes"][0]["pixels"]["rest"]'
  # In the dark, the same in other colours.
  holds 'seen["first"]["page"] == "rgb(255, 255, 255)" and seen["dark"]["page"] == "rgb(15, 20, 26)"'
  holds 'min(p["pixels"][name] for p in seen["dark"]["processes"] for name in ("live", "idle", "rest")) > 500'
}
