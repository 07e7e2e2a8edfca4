#!/usr/bin/env bats
# shellcheck disable=SC2153,SC2154 # bats or the helper sets these
# The frames of the calling thread, read without the GIL, in every version of Python whose layout is known, as far as
# it is installed: beside python3.N in the PATH those of pyenv, and those that ARROWPOOL_PYTHONS names.
load helper
load pythons

FRAMES=$BATS_TEST_DIRNAME/frames.py
PROBE=$PROBES/libprobe_frames.so
export PYTHONDONTWRITEBYTECODE=1 PYTHONFAULTHANDLER=

frames() {
  timeout "$(patience 300)" "$@"
}

# has_malloc PYTHON: whether its objects can be blocks of malloc's. Those of builds without a GIL cannot.
has_malloc() { PYTHONMALLOC=malloc "$1" -c '' 2>/dev/null; }

# all_kinds PYTHON: with the GIL and without it, and with each object a block of malloc's.
all_kinds() {
  run -0 frames "$1" "$FRAMES" "$PROBE" compare
  assert_output --regexp "^[0-9]{4,} compared, 0 differ$"
  run -0 frames "$1" "$FRAMES" "$PROBE" compare held
  has_malloc "$1" || return 0
  run -0 frames env PYTHONMALLOC=malloc "$1" "$FRAMES" "$PROBE" compare
}

# wrong_layouts PYTHON: they lead to no frame, and not to the end of the program.
wrong_layouts() {
  run -0 frames "$1" "$FRAMES" "$PROBE" damage
  assert_output "380 wrong layouts"
}

# while_it_ends PYTHON: threads go on reading, and what is destroyed last finds nothing.
while_it_ends() {
  for _ in {1..20}; do
    run -0 frames "$1" "$FRAMES" "$PROBE" exit
    assert_line --regexp "^atexit: [1-9]"
    assert_line "last: 0"
  done
}

# layout_of_headers PYTHON
layout_of_headers() {
  local headers
  headers=$("$1" -c 'import sysconfig; print(sysconfig.get_paths()["include"])')
  [ -d "$headers/internal" ] || return 0
  frames "$1" "$FRAMES" "$PROBE" layout >found
  "$SOURCE/scripts/python-layout" "$headers" | sed '/^$/,$d' >wanted
  diff found wanted
  done_once=1
}

# embedded PYTHON: its library in a program, for everybody or for the program alone.
embedded() {
  local library walk=$'<string>:2 inner\n<string>:4 outer\n<string>:5 <module>'
  library=$("$1" -c 'import sysconfig as s; print(s.get_config_var("LIBDIR") + "/" + s.get_config_var("INSTSONAME"))')
  [[ $library == *.so* ]] && [ -f "$library" ] || return 0
  for scope in local global; do
    run -0 frames "$PROBES/probe_embed" "$library" $scope
    assert_output "$walk"$'\n'"$walk"
  done
  done_once=1
}

# at_each_allocation PYTHON: with each object a block of malloc's.
at_each_allocation() {
  local run
  has_malloc "$1" || return 0
  for run in compare exit; do
    run -0 frames env LD_PRELOAD="$PROBES/libprobe_frames_malloc.so" PYTHONMALLOC=malloc "$1" "$FRAMES" "$PROBE" $run
    assert_line "many walks, 0 failed, 0 not described, state 1"
  done
  done_once=1
}

# sanitized PYTHON: with objects that AddressSanitizer sees.
sanitized() {
  has_malloc "$1" || return 0
  run -0 frames env LD_PRELOAD="$runtime" ASAN_OPTIONS=detect_leaks=0:log_path=stderr PYTHONMALLOC=malloc \
    "$1" "$FRAMES" "$PROBES/libprobe_frames_asan.so" compare
  refute_output --partial AddressSanitizer
  assert_output --partial ", 0 differ"
  done_once=1
}

# each_known FUNCTION REASON: with all interpreters there are; skips the test if there is none that it can be done with.
each_known() {
  local minor python done_once=
  for minor in 9 10 11 12 13 14 13t 14t; do
    while read -r python; do
      echo "$python"
      "$1" "$python"
    done < <(pythons $minor)
  done
  [ -n "$done_once" ] || skip "$2"
}

@test "all kinds of frames are as Python 3.9 says" {
  each 9 all_kinds
}

@test "wrong layouts of Python 3.9 are found out" {
  each 9 wrong_layouts
}

@test "frames while Python 3.9 ends" {
  each 9 while_it_ends
}

@test "all kinds of frames are as Python 3.10 says" {
  each 10 all_kinds
}

@test "wrong layouts of Python 3.10 are found out" {
  each 10 wrong_layouts
}

@test "frames while Python 3.10 ends" {
  each 10 while_it_ends
}

@test "all kinds of frames are as Python 3.11 says" {
  each 11 all_kinds
}

@test "wrong layouts of Python 3.11 are found out" {
  each 11 wrong_layouts
}

@test "frames while Python 3.11 ends" {
  each 11 while_it_ends
}

@test "all kinds of frames are as Python 3.12 says" {
  each 12 all_kinds
}

@test "wrong layouts of Python 3.12 are found out" {
  each 12 wrong_layouts
}

@test "frames while Python 3.12 ends" {
  each 12 while_it_ends
}

@test "all kinds of frames are as Python 3.13 says" {
  each 13 all_kinds
}

@test "wrong layouts of Python 3.13 are found out" {
  each 13 wrong_layouts
}

@test "frames while Python 3.13 ends" {
  each 13 while_it_ends
}

@test "all kinds of frames are as Python 3.14 says" {
  each 14 all_kinds
}

@test "wrong layouts of Python 3.14 are found out" {
  each 14 wrong_layouts
}

@test "frames while Python 3.14 ends" {
  each 14 while_it_ends
}

@test "all kinds of frames are as Python 3.13t says" {
  each 13t all_kinds
}

@test "wrong layouts of Python 3.13t are found out" {
  each 13t wrong_layouts
}

@test "frames while Python 3.13t ends" {
  each 13t while_it_ends
}

@test "all kinds of frames are as Python 3.14t says" {
  each 14t all_kinds
}

@test "wrong layouts of Python 3.14t are found out" {
  each 14t wrong_layouts
}

@test "frames while Python 3.14t ends" {
  each 14t while_it_ends
}

@test "the layouts are those of the headers, where there are any" {
  cd "$BATS_TEST_TMPDIR" || return
  need_hardware "the headers are of this processor"
  each_known layout_of_headers "no Python with internal headers"
}

@test "an interpreter in a program that begins it twice" {
  each_known embedded "no Python with a shared library"
}

@test "no frames are read of other versions, and of other Pythons" {
  mapfile -t found < <(pythons 7; pythons 8; command -v pypy3)
  [ "${#found[@]}" -gt 0 ] || skip "no Python 3.7 or 3.8, and no PyPy"
  for python in "${found[@]}"; do
    run -1 frames "$python" "$FRAMES" "$PROBE" compare
    assert_output --regexp "^state 2, version (3\.[78]\.|PyPy)"
  done
}

@test "frames are read at each allocation of the interpreter's" {
  each_known at_each_allocation "no Python"
}

@test "nothing is read that was freed" {
  local runtime
  [ -e "$PROBES/libprobe_frames_asan.so" ] || skip "the probe was not built with AddressSanitizer"
  runtime=$(cc -print-file-name=libasan.so)
  each_known sanitized "no Python"
}
