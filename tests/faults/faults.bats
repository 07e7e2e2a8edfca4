#!/usr/bin/env bats
# shellcheck disable=SC2154
# Calls that fail under us (docs/internals/faults.md): tests/faults/run, by a sample of all numbers; scripts/test --long has all of
# them. The first tests see that faults arrive, and that they can be told from none.
load ../shim/helper

INJECT=$BUILD/tests/faults/libfault_inject.so
WORKLOAD=$BUILD/tests/faults/workload

setup() {
  cd "$BATS_TEST_TMPDIR" || return
}

# faults PROGRAM: the series of that program.
faults() {
  local options=(--only "$1" --json counts.json)
  run -0 env ARROWPOOL_BUILD="$BUILD" ARROWPOOL_PYTHON="$PYTHON" "$SOURCE/tests/faults/run" "${options[@]}"
  [[ "${lines[-1]}" =~ ^faults\ injected:\ ([1-9][0-9]*),\ survived:\ ([0-9]+), ]]
  assert_equal "${BASH_REMATCH[2]}" "${BASH_REMATCH[1]}"
  echo "# ${lines[-1]}" >&3
}

@test "where mremap fails, bytes are copied" {
  run -0 "$WORKLOAD" api jemalloc
  assert_output --regexp '^0 refused, 0 misaligned; [0-9]+ in place, [1-9][0-9]* remapped'
  run -0 env LD_PRELOAD="$INJECT" FAULTS=mremap:1+:38 "$WORKLOAD" api jemalloc
  assert_output --regexp '^0 refused, 0 misaligned; [0-9]+ in place, 0 remapped, [1-9][0-9]* copied, 0 fallbacks$'
}

@test "where no address becomes writable, the allocator behind us serves" {
  run -0 env LD_PRELOAD="$INJECT" FAULTS=mprotect:1+:12 "$WORKLOAD" api jemalloc
  assert_output --regexp '^0 refused, 0 misaligned; .* [1-9][0-9]* fallbacks$'
}

@test "where that has no memory either, requests are refused" {
  run -0 env LD_PRELOAD="$INJECT" FAULTS=mprotect:1+:12,posix_memalign:1+:12 "$WORKLOAD" api jemalloc
  assert_output --regexp '^[1-9][0-9]* refused, 0 misaligned; 0 in place, 0 remapped, 0 copied'
}

@test "a dump that cannot be written is one line, and leaves nothing behind" {
  for fault in open:1+:30 openat:2+:28 write:1:28 close:1+:5 renameat:1:28; do
    folder=${fault%%:*}
    mkdir "$folder"
    run -0 --separate-stderr env LD_PRELOAD="$SHIM:$INJECT" FAULTS=$fault ARROW_POOL_STATS="$folder/dump.json" \
      "$PROBES/probe_resize"
    assert_regex "$stderr" "^arrowpool: cannot write $PWD/$folder/dump.json: [A-Z][^:]*$"
    assert_equal "$(dumps "$folder")" 0
  done
}

@test "a fork's child that can map and move nothing leaves its parent's live file alone" {
  for number in {10..30}; do # in some of these runs all that the child would map fails
    run -0 env LD_PRELOAD="$SHIM:$INJECT" FAULTS="mmap:$number+:12>mremap:1+:12" ARROW_POOL=jemalloc \
      ARROW_POOL_LIVE="$BATS_TEST_TMPDIR/live" ARROW_POOL_DECAY=20ms "$WORKLOAD" libc jemalloc
  done
}

@test "a profile that gets no memory, no file or no room leaves the program alone" {
  for fault in mmap::12 mprotect::12 madvise::22 open::24 ftruncate::28 posix_fallocate::28; do
    for number in 1 2 5 12 13 14 20 30; do # of mmap 12 to 14 leave slots without memory, and small blocks with it
      run -0 env LD_PRELOAD="$SHIM:$INJECT" FAULTS="${fault/::/:$number+:}" ARROW_POOL=jemalloc \
        ARROW_POOL_PROFILE="$BATS_TEST_TMPDIR/profiles" ARROW_POOL_PROFILE_MEAN=1K "$WORKLOAD" libc jemalloc
    done
  done
}

@test "the library by itself survives every fault" {
  faults linked
}

@test "the shim survives every fault, in both modes" {
  faults shim
}

@test "a stock pyarrow under the shim survives every fault" {
  "$PYTHON" -c 'import pyarrow' 2>/dev/null || skip "no pyarrow in $PYTHON"
  faults pyarrow
}
