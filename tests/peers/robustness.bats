#!/usr/bin/env bats
# What could hang or crash, many times in a row and in both modes: threads at the very first touch of the pools,
# forks and workers while buffers live, the interpreter's end. A hang is a failure, by timeout.
load ../shim/helper
load helper

RUNS=10
[ -z "${ARROWPOOL_LONG-}" ] || RUNS=20

# once RUN COMMAND...: the odd ones in jemalloc mode, the others in system mode.
once() {
  local run=$1 modes=(system jemalloc) said status=0
  shift
  said=$(LD_PRELOAD="$SHIM" ARROW_POOL=${modes[run % 2]} timeout 300 "$PYTHON" "$DIRECTORY/robustness.py" "$@" 2>&1) ||
    status=$?
  [ "$status $said" = "0 done" ] && return
  echo "run $run, ${modes[run % 2]} mode, status $status: $said"
  return 255 # xargs starts no more of them
}

# times VERSION COMMAND...: two at a time.
times() {
  wheel "$1"
  shift
  export -f once
  export PYTHON DIRECTORY=$BATS_TEST_DIRNAME
  # shellcheck disable=SC2016 # the inner shell expands
  seq $RUNS | xargs -P 2 -I{} bash -c 'once "$@"' - {} "$@"
}

# The older wheels' turn is in the long form; the first touch differs most between them.

@test "eight threads touch the pools first, all at once, in pyarrow 10.0.1" {
  times 10.0.1 threads
}

@test "forks with live buffers, in pyarrow 10.0.1" {
  need_long
  times 10.0.1 fork
}

@test "workers by fork with live buffers, in pyarrow 10.0.1" {
  need_long
  times 10.0.1 multiprocessing fork
}

@test "workers by spawn with live buffers, in pyarrow 10.0.1" {
  need_long
  times 10.0.1 multiprocessing spawn
}

@test "workers by forkserver with live buffers, in pyarrow 10.0.1" {
  need_long
  times 10.0.1 multiprocessing forkserver
}

@test "the end of the interpreter with live buffers, in pyarrow 10.0.1" {
  need_long
  times 10.0.1 exit
}

@test "eight threads touch the pools first, all at once, in pyarrow 16.1.0" {
  times 16.1.0 threads
}

@test "forks with live buffers, in pyarrow 16.1.0" {
  need_long
  times 16.1.0 fork
}

@test "workers by fork with live buffers, in pyarrow 16.1.0" {
  need_long
  times 16.1.0 multiprocessing fork
}

@test "workers by spawn with live buffers, in pyarrow 16.1.0" {
  need_long
  times 16.1.0 multiprocessing spawn
}

@test "workers by forkserver with live buffers, in pyarrow 16.1.0" {
  need_long
  times 16.1.0 multiprocessing forkserver
}

@test "the end of the interpreter with live buffers, in pyarrow 16.1.0" {
  need_long
  times 16.1.0 exit
}

@test "eight threads touch the pools first, all at once, in pyarrow 20.0.0" {
  times 20.0.0 threads
}

@test "forks with live buffers, in pyarrow 20.0.0" {
  need_long
  times 20.0.0 fork
}

@test "workers by fork with live buffers, in pyarrow 20.0.0" {
  need_long
  times 20.0.0 multiprocessing fork
}

@test "workers by spawn with live buffers, in pyarrow 20.0.0" {
  need_long
  times 20.0.0 multiprocessing spawn
}

@test "workers by forkserver with live buffers, in pyarrow 20.0.0" {
  need_long
  times 20.0.0 multiprocessing forkserver
}

@test "the end of the interpreter with live buffers, in pyarrow 20.0.0" {
  need_long
  times 20.0.0 exit
}

@test "eight threads touch the pools first, all at once, in pyarrow 23.0.1" {
  times 23.0.1 threads
}

@test "forks with live buffers, in pyarrow 23.0.1" {
  need_long
  times 23.0.1 fork
}

@test "workers by fork with live buffers, in pyarrow 23.0.1" {
  need_long
  times 23.0.1 multiprocessing fork
}

@test "workers by spawn with live buffers, in pyarrow 23.0.1" {
  need_long
  times 23.0.1 multiprocessing spawn
}

@test "workers by forkserver with live buffers, in pyarrow 23.0.1" {
  need_long
  times 23.0.1 multiprocessing forkserver
}

@test "the end of the interpreter with live buffers, in pyarrow 23.0.1" {
  need_long
  times 23.0.1 exit
}

@test "eight threads touch the pools first, all at once, in the newest pyarrow" {
  times newest threads
}

@test "forks with live buffers, in the newest pyarrow" {
  times newest fork
}

@test "workers by fork with live buffers, in the newest pyarrow" {
  times newest multiprocessing fork
}

@test "workers by spawn with live buffers, in the newest pyarrow" {
  times newest multiprocessing spawn
}

@test "workers by forkserver with live buffers, in the newest pyarrow" {
  times newest multiprocessing forkserver
}

@test "the end of the interpreter with live buffers, in the newest pyarrow" {
  times newest exit
}
