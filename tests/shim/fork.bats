#!/usr/bin/env bats
# shellcheck disable=SC2154 # bats sets these
# Processes that a program starts: fork, vfork, exec.
load helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
}

@test "parent and child of a fork both dump, the child's sums starting at zero" {
  for way in fork fork-exit; do
    run -5 --separate-stderr shim ARROW_POOL=jemalloc ARROW_POOL_STATS="$way.%p.json" "$PROBES/probe_exit" $way
    child=$output
    assert_equal "$(find . -name "$way.*.json" | wc -l)" 2
    # 1301111 bytes inherited; 2000 more, 1000 less.
    run -0 json "$way.$child.json" '[pool("libc")[f] for f in ("inherited_bytes", "bytes_allocated",
      "total_bytes_allocated", "num_allocations", "num_frees", "num_reallocations", "max_memory")]'
    assert_output "[1301111, 1302111, 2000, 1, 1, 0, 1303111]"
    rm "$way.$child.json"
    run -0 json "$way".*.json '[pool("libc")[f] for f in ("inherited_bytes", "bytes_allocated", "num_allocations", "num_frees")]'
    assert_output "[0, 1301111, 5, 1]"
  done
}

@test "100 forks of a program whose threads allocate never hang in jemalloc mode" {
  run -0 shim ARROW_POOL=jemalloc ARROW_POOL_STATS="child.%p.json" timeout 60 "$PROBES/probe_fork" 100
  assert_output ""
  assert_equal "$(find . -name 'child.*.json' | wc -l)" 101
  run -0 "$PYTHON" -I -c '
import json, sys
live = [json.load(open(path))["pools"][0]["num_allocations"] for path in sys.argv[1:]]
print(sum(count == 15 for count in live))' child.*.json # 5 rounds of 2 allocations and 1 growth
  assert_output 100
}

@test "100 forks of a program whose threads allocate never hang in system mode" {
  run -0 shim ARROW_POOL=system timeout 60 "$PROBES/probe_fork" 100
}

@test "a vfork child that calls _exit leaves the parent's dump whole" {
  run -0 shim ARROW_POOL=jemalloc ARROW_POOL_STATS="s.%p.json" "$PROBES/probe_vfork" _exit
  assert_equal "$(dumps .)" 1
  run -0 json s.*.json 'pool("libc")["num_allocations"], pool("libc")["bytes_allocated"]'
  assert_output "(2, 3000)"
}

@test "a vfork child whose exec fails leaves the parent's dump whole" {
  run -0 shim ARROW_POOL=jemalloc ARROW_POOL_STATS="s.%p.json" "$PROBES/probe_vfork" exec
  assert_equal "$(dumps .)" 1
  run -0 json s.*.json 'pool("libc")["num_allocations"], pool("libc")["bytes_allocated"]'
  assert_output "(2, 3000)"
}

@test "Python's subprocess with a missing program raises as ever, and leaves the dumps of its processes" {
  [ -n "$TESTED_PYTHON" ] || skip "emulated: there is no Python for that processor"
  run -0 shim ARROW_POOL_STATS="s.%p.json" ARROW_POOL_STATS_IDLE=1 "$TESTED_PYTHON" -I -c '
import subprocess
try:
    subprocess.run(["/nonexistent"])
except FileNotFoundError as error:
    print(error.filename)'
  assert_output /nonexistent
  # Before 3.10 it forks, and the child is a process of its own.
  assert_equal "$(dumps .)" "$("$TESTED_PYTHON" -I -c 'import sys; print(1 if sys.version_info >= (3, 10) else 2)')"
}

@test "a program that execs another hands the shim on, and only the last one dumps" {
  run -5 shim ARROW_POOL=jemalloc ARROW_POOL_STATS="s.%e.json" ARROW_POOL_STATS_IDLE=1 \
    bash -c "exec '$PROBES/probe_exit'"
  assert_equal "$(ls)" s.probe_exit.json
}

# Handlers of a library that the program is linked to, whose constructor runs before ours.
@test "fork handlers that allocate, registered before anything of the shim ran: no fork hangs" {
  run -0 "$PROBES/probe_atfork" handlers 3
  for mode in jemalloc system; do
    for debug in off warn; do
      for way in handlers threads; do
        run -0 --separate-stderr shim ARROW_POOL=$mode ARROW_POOL_DEBUG=$debug ARROW_POOL_STATS=s.jsonl \
          ARROW_POOL_STATS_INTERVAL=5ms timeout -s KILL "$(patience 100)" "$PROBES/probe_atfork" $way 20
        assert_equal "$mode:$debug:$way:$output$stderr" "$mode:$debug:$way:"
      done
    done
  done
}

@test "a signal handler that forks in the middle of a fork: no fork hangs, and every signal arrives" {
  run -0 "$PROBES/probe_atfork" nested
  for mode in jemalloc system; do
    run -0 --separate-stderr shim ARROW_POOL=$mode ARROW_POOL_LIVE=live timeout -s KILL "$(patience 100)" \
      "$PROBES/probe_atfork" nested
    assert_equal "$mode:$output$stderr" "$mode:"
  done
}

# With a thread that gives pages back it hangs sooner or later: docs/use/surroundings.md, "Forks in handlers".
@test "a timer's handler forks wherever it comes, and both sides go on, where no thread gives pages back" {
  run -0 "$PROBES/probe_atfork" timer 200
  for decay in 0 never; do
    run -0 --separate-stderr shim ARROW_POOL=jemalloc ARROW_POOL_DECAY=$decay timeout -s KILL "$(patience 100)" \
      "$PROBES/probe_atfork" timer 200
    assert_equal "$decay:$output$stderr" "$decay:"
  done
  run -0 --separate-stderr shim ARROW_POOL=system timeout -s KILL "$(patience 100)" "$PROBES/probe_atfork" timer 200
  assert_equal "$output$stderr" ""
}
