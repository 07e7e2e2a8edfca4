#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154 # awk's program; bats or the helper sets these
# Every command under valgrind, with good files, live ones and hostile ones: no error, nothing lost, no descriptor left
# open. The command is the ordinary one.
load ../shim/helper
load helper

setup() {
  command -v valgrind >/dev/null || skip "valgrind is not installed"
  cd "$BATS_TEST_TMPDIR" || return
  LIVE=$PWD/live
}

teardown() { end_probes; }

# checked STATUS ARGUMENT...: the command has that status, and memcheck has nothing to say; what it says besides, of
# descriptors that were open at the start, is left out.
checked() {
  local status=$1
  shift
  run -"$status" --separate-stderr timeout 600 valgrind --quiet --leak-check=full --show-leak-kinds=definite \
    --track-fds=yes --child-silent-after-fork=yes --log-file=memcheck.log "$CLI" "$@" </dev/null
  run -0 awk '
    /FILE DESCRIPTORS:/ { next }
    /Open file descriptor/ { open = $0; next }
    /<inherited from parent>/ { open = ""; next }
    open { print open; open = "" }
    NF > 1' memcheck.log
  assert_equal "$* $output" "$* "
}

good_files() {
  run -5 shim ARROW_POOL=jemalloc ARROW_POOL_STATS=good.json ARROW_POOL_LIVE="$PWD/kept" ARROW_POOL_LIVE_KEEP=1 \
    "$PROBES/probe_exit"
  mv kept/*.live good.live
  for time in 100 101 102; do make_dump good.jsonl time=$time start_time=99; done
}

@test "help, versions and wrong usage" {
  checked 2
  checked 0 --version
  checked 0 --help
  for command in run attach env show top serve report record plot path doctor who; do
    checked 0 "$command" --help
    checked 2 "$command" --nonsense
  done
  checked 0 path
  checked 0 path shim
  checked 2 path nonsense
  checked 2 nonsense
  checked 2 run --pool=nonsense -- true
  checked 2 top --sort=nonsense .
}

@test "run becomes the command, or says why not" {
  checked 0 run --pool=jemalloc --stats=s.json --decay=never -- true
  checked 127 run -- ./missing
  checked 126 run -- .
}

@test "env, with values that are good, bad and unknown" {
  checked 0 env
  export ARROW_POOL_HOOKS=libc ARROW_POOL_STATS_FROMAT=json
  checked 0 env
  export ARROW_POOL=nonsense
  checked 2 env
}

@test "show, report, plot and top of good files, and of processes that run" {
  good_files
  for format in text json prometheus; do
    checked 0 show --format=$format good.json
    checked 0 show --format=$format good.live
    checked 0 report --format=$format --by=host,program,process,pool --top=1 good.json good.live good.jsonl
  done
  checked 0 report --format=jsonl --by=process,pool good.json good.live good.jsonl
  start_probe one 'allocate a 1000000' 'resize a 3000000' 'allocate b 5000'
  checked 0 show --live="$LIVE" "${pid[one]}"
  checked 0 report "$LIVE"
  checked 0 top --once --pools "$LIVE"
  mkdir prom
  checked 0 serve --live="$LIVE" --textfile=prom --once
  checked 0 serve --live="$LIVE" --textfile=prom --once --by=host,program,pool
  checked 0 top -n 3 --interval=100ms --sort=allocs --filter=probe "$LIVE"
  if command -v gnuplot >/dev/null; then
    checked 0 plot --title=title -o out.png good.jsonl
  fi
  checked 0 plot -o out.html good.jsonl
  checked 0 record --for=1ms -o recorded.jsonl .
  checked 1 plot --pool=nonsense -o out.png good.jsonl
}

@test "who of good profiles and of damaged ones" {
  for number in 1 2; do
    "$PYTHON" -I "$BATS_TEST_DIRNAME/profiles.py" $number.profile <<PYTHON
p.pid = $number
library = next(line.split()[-1] for line in open("/proc/self/maps") if "/libc.so" in line)
p.module(library, 0x100000, 0x9000000, bias=0x100000)
thread = p.thread(11, "python3")
for line in range(20):
    s = p.stack(f"a.py:{line} f", native=[0x140000 + line * 999, 0x150000], kind=1 + line % 2, total=(MIB, 2, 2))
    p.live(s, MIB, thread=thread)
    p.lived(s, MIB, 1)
PYTHON
  done
  for format in text json folded speedscope pprof html; do
    checked 0 who --format=$format -o out 1.profile 2.profile
  done
  checked 0 who --by=thread --older-than=1s 1.profile
  checked 0 who --what=peak --by=native --minus=2.profile 1.profile
  mkdir damaged
  "$PYTHON" -I "$BATS_TEST_DIRNAME/damage.py" 1.profile damaged
  checked 1 who damaged
}

@test "attach to a process without a libarrow, to one under the shim, and to what is none" {
  checked 1 attach 99999999
  checked 1 attach --dry-run $$
  start_probe one "allocate a 1000"
  checked 1 attach "${pid[one]}"
}

@test "doctor of programs, of a process and of what is none" {
  checked 0 doctor sh -c :
  checked 0 doctor --format=json "$PYTHON" -c 'import pyarrow'
  checked 1 doctor ./missing
  checked 1 doctor 99999999
  start_probe one 'allocate a 1000'
  checked 0 doctor "${pid[one]}"
}

@test "files that are damaged or made up" {
  good_files
  mkdir damaged
  "$PYTHON" -I "$BATS_TEST_DIRNAME/damage.py" good.json good.live damaged
  # All at once; and by the other reader, that of one file, some of either kind.
  checked 1 report --format=json damaged
  mkdir corpus
  cp "$SOURCE"/tests/fuzz/corpus/live/* "$SOURCE"/tests/fuzz/corpus/json/* corpus
  for file in corpus/*; do mv "$file" "${file%.json}.json"; done
  checked 1 report --by=process,pool corpus
  # The same under names that only live files have, which is what top reads.
  mkdir "$LIVE"
  number=0
  for file in corpus/*; do mv "$file" "$LIVE/arrowpool-1-$((number += 1))-0.live"; done
  checked 0 top --once --pools "$LIVE"
  mkdir prom
  checked 0 serve --live="$LIVE" --textfile=prom --once
  for file in damaged/it_is_cut_off.8300.live damaged/its_header_is_damaged.16.0.live damaged/its_figures_are_damaged.text.json \
    damaged/it_is_nested_too_deeply.json; do
    checked 1 show "$file"
    checked 1 plot -o out.png "$file"
  done
}
