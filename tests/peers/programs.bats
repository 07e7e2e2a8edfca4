#!/usr/bin/env bats
# Programs that people use do real work with the shim: same results, same status, nothing said on stderr that they
# do not say without it, and figures that can be right. The programs: tests/peers/programs.
load ../shim/helper

START=$BATS_TEST_DIRNAME/programs/start

# Some programs give up root: their folders have to be open to others.
setup() {
  folder=$(mktemp -d)
  chmod 755 "$folder"
  cd "$folder" || return
}

teardown() {
  cd / && rm -rf "$folder"
}

# perform NAME PROGRAM [NAME=VALUE]...: leaves NAME.out, NAME.err and NAME.status. Always in a folder of the same
# name, since what is compiled or said may contain it.
perform() {
  local name=$1 program=$2 status=0
  shift 2
  rm -rf work
  mkdir work
  (cd work && exec timeout 1200 env "$@" "$START" run "$program") >"$name.out" 2>"$name.err" </dev/null || status=$?
  echo "$status" >"$name.status"
}

# alike PROGRAM CALLS: the program's work thrice; with the shim at least so many calls come by the libc hook.
alike() {
  local program=$1 calls=$2 mode
  run "$START" version "$program"
  [ "$status" = 0 ] || skip "$output"
  perform stock "$program"
  cat stock.err
  assert_equal "stock: $(cat stock.status)" "stock: 0"
  assert [ -s stock.out ]
  for mode in system jemalloc; do
    mkdir -m 1777 "$mode"
    perform shim "$program" LD_PRELOAD="$SHIM" ARROW_POOL=$mode ARROW_POOL_STATS="$folder/$mode/%e.%p.json"
    diff stock.err shim.err
    diff stock.out shim.out
    assert_equal "$mode: $(cat shim.status)" "$mode: 0"
    run -0 python3 "$BATS_TEST_DIRNAME/programs_stats.py" "$mode" "$mode"
    assert [ "${output% *}" -ge "$calls" ]
  done
}

@test "sqlite3 fills, indexes, changes and checks a table" {
  alike sqlite3_table 0
}

@test "redis saves under load and starts again from what it saved" {
  alike redis_load 0
}

@test "git clones and checks this project" {
  alike git_clone 0
}

@test "C++17 with over-aligned classes" {
  alike cxx17_overaligned 100000
}

@test "numpy and scipy transform" {
  alike fft_numpy_scipy 0
}

@test "faiss builds indexes and searches them" {
  alike faiss_index 100
}

@test "opencv encodes, decodes and filters" {
  alike opencv_images 0
}

@test "onnxruntime runs a model" {
  alike onnxruntime_model 10
}

@test "node's buffers" {
  need_long
  alike node_buffers 30
}

@test "ffmpeg transcodes, with every frame the same" {
  need_long
  alike ffmpeg_transcode 10000
}

@test "Rust with vectors of aligned values" {
  need_long
  alike rust_aligned 100000
}

@test "Java compiles and runs" {
  need_long
  alike java_program 0
}

@test "R's statistics" {
  need_long
  alike r_statistics 0
}

@test "torch trains on the CPU" {
  need_long
  alike torch_training 1000
}

@test "postgres serves pgbench" {
  need_long
  alike postgres_pgbench 0
}

@test "gcc and make build jemalloc, every object the same" {
  need_long
  alike gcc_jemalloc 0
}
