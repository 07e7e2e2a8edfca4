#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154 # each test is a subshell; bats or the helper sets these
# Children for which no handler of fork runs (container runtimes, sandboxes, _Fork): they count nothing in the live
# file of their parent, and those that share its memory go on counting in it.
load helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  need_hardware "the emulator keeps memory in children"
}

teardown() {
  exec 8>&- 9<&-
  wait
}

# figures WAY EXPRESSION: of the parent, once its child has ended; in jemalloc mode, where all is known.
figures() {
  rm -rf in said live
  mkfifo in said
  env LD_PRELOAD="$SHIM" ARROW_POOL=jemalloc ARROW_POOL_DECAY=never ARROW_POOL_LIVE="$PWD/live" ARROW_POOL_LIVE_KEEP=1 \
    ARROW_POOL_STATS="$1.%p.json" "$PROBES/probe_raw_child" "$1" <in >said 3>&- &
  parent=$!
  exec 8>in 9<said
  read -r -t 60 <&9
  "$CLI" show --format=json "$parent" >shown.json
  run -0 json shown.json "$2"
  echo >&8
  wait $parent
}

sums='[pool("libc")[f] for f in ("bytes_allocated", "num_allocations", "num_frees", "max_memory", "total_bytes_allocated")], d["process"]["idle_bytes"]'

@test "what the child does shows nowhere in its parent's live file, nor in its dump" {
  for way in clone clone-exit clone-fork clone-threads _Fork; do
    figures $way "$sums"
    assert_equal "$way $output" "$way ([10485760, 10, 0, 10485760, 10485760], 0)"
    run -0 json $way."$parent".json "$sums"
    assert_equal "$way $output" "$way ([11534336, 11, 0, 11534336, 11534336], 0)"
    run -0 "$CLI" show --format=json live/arrowpool-"$parent"-*.live
    echo "$output" >ended.json
    run -0 json ended.json "$sums"
    assert_equal "$way $output" "$way ([11534336, 11, 0, 11534336, 11534336], 0)"
  done
}

@test "in system mode as well" {
  mkfifo in said
  env LD_PRELOAD="$SHIM" ARROW_POOL=system ARROW_POOL_LIVE="$PWD/live" "$PROBES/probe_raw_child" clone <in >said 3>&- &
  exec 8>in 9<said
  read -r -t 60 <&9
  "$CLI" show --format=json $! >shown.json
  run -0 json shown.json 'pool("libc")["num_allocations"]'
  assert_output 10
  echo >&8
  wait $!
}

@test "a child that it forks has a live file of its own, with what it inherited" {
  figures clone-fork 1
  grandchild=$(find live -name '*.live' ! -name "arrowpool-$parent-*")
  assert_equal "$(wc -l <<<"$grandchild")" 1
  "$CLI" show --format=json "$grandchild" >shown.json
  run -0 json shown.json '[pool("libc")[f] for f in ("inherited_bytes", "bytes_allocated", "total_bytes_allocated")]'
  assert_output "[41943040, 41945040, 2000]"
}

@test "a child that shares all memory counts in its parent's file" {
  figures vm '[pool("libc")[f] for f in ("bytes_allocated", "num_frees")]'
  assert_output "[41943040, 11]"
}

@test "a chain of forks takes no more of each file than the first" {
  run -0 shim ARROW_POOL=jemalloc ARROW_POOL_LIVE="$PWD/live" timeout 60 "$PROBES/probe_raw_child" chain 30
  run -0 "$PYTHON" -I -c '
import glob, struct
files = glob.glob("live/*.live")
print(len(files), {struct.unpack_from("<I", open(file, "rb").read(128), 64)[0] for file in files})'
  assert_output "30 {1}"
}
