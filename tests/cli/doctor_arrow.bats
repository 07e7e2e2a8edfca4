#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2153,SC2154 # other shells and Python expand these; names of the helper; bats or the helper sets these
# `arrowpool doctor` on programs that use Arrow: which pyarrow and libarrow it finds, and whether their pools are served.
load ../shim/helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  echo 'int main(void) { return 7; }' >seven.c
}

doctor() {
  "$CLI" doctor "$@"
}

# says_arrow VENV VERSION: that pyarrow and its libarrow are found, and what the doctor says of it is so.
says_arrow() {
  local python=$SOURCE/$1/bin/python major=${2%%.*}
  [ -x "$python" ] || skip "no pyarrow $2 here: $python"
  "$python" -I -c 'import pyarrow' 2>/dev/null || skip "no pyarrow in $python"
  run -0 doctor "$python" -c 'import pyarrow'
  assert_line --regexp "^ok: pyarrow ${2//./\\.}[0-9.]*: $SOURCE/$1/lib/python3\.[0-9]+/site-packages/pyarrow$"
  assert_line --regexp "^ok: libarrow ${major}\.[0-9]+: its pools are served by the arrow_vtable hook.*/libarrow\.so\.${major}[0-9]{2}$"
  if [ "$major" -ge 25 ]; then assert_line --partial "by the arrow_mi hook"; else refute_line --partial "by the arrow_mi hook"; fi
  if [ "$major" = 23 ]; then assert_line --partial "note: libarrow 23.0: a C++ program that passes no pool"; fi
  "$CLI" run --stats="$1.json" -- "$python" -c 'import pyarrow; pyarrow.allocate_buffer(1 << 20)'
  run -0 json "$1.json" '[p["backend"] for p in d["pools"] if p["name"].startswith("arrow.")]'
  assert_output "['jemalloc']"
}

@test "the newest pyarrow" { says_arrow .venv 26; }
@test "pyarrow 23" { says_arrow .venv-pyarrow-23.0.1 23.0.1; }
@test "pyarrow 20" { says_arrow .venv-pyarrow-20.0.0 20.0.0; }
@test "pyarrow 16" { says_arrow .venv-pyarrow-16.1.0 16.1.0; }
@test "pyarrow 10" { says_arrow .venv-pyarrow-10.0.1 10.0.1; }

# found_by ARGUMENT...: the directory of the pyarrow that the doctor finds, and the one that Python imports.
found_by() {
  local theirs ours
  theirs=$("$@" -c 'import os, pyarrow; print(os.path.dirname(pyarrow.__file__))') || theirs=none
  ours=$(doctor "$@" -c '' | sed -n 's/^ok: pyarrow [^:]*: //p')
  assert_equal "${ours:-none}" "$theirs"
}

@test "pyarrow is looked for as Python does it" {
  "$PYTHON" -I -c 'import pyarrow' 2>/dev/null || skip "no pyarrow in $PYTHON"
  for place in here user/lib/"$("$PYTHON" -I -c 'import sys; print("python%d.%d" % sys.version_info[:2])')"/site-packages; do
    mkdir -p "$place/pyarrow"
    echo >"$place/pyarrow/__init__.py"
  done
  found_by "$PYTHON" -I
  PYTHONPATH=here found_by "$PYTHON"
  PYTHONPATH=$PWD/here found_by "$PYTHON"
  PYTHONPATH=$PWD/here found_by "$PYTHON" -E
  PYTHONPATH=$PWD/here found_by "$PYTHON" -I
  PYTHONUSERBASE=$PWD/user found_by "$PYTHON"
  PYTHONUSERBASE=$PWD/user found_by /usr/bin/python3
  PYTHONUSERBASE=$PWD/user found_by /usr/bin/python3 -s
  /usr/bin/python3 -m venv --without-pip plain
  found_by plain/bin/python
  echo "$PWD/here" >"$(echo plain/lib/python3*/site-packages)/some.pth"
  found_by plain/bin/python
  /usr/bin/python3 -m venv --without-pip --system-site-packages open
  PYTHONUSERBASE=$PWD/user found_by open/bin/python
  ln -s "$PWD/plain/bin/python" elsewhere
  found_by ./elsewhere
}

@test "a Python without pyarrow gets a note with the places" {
  /usr/bin/python3 -m venv --without-pip plain
  run -0 doctor plain/bin/python
  assert_line --regexp "^note: no pyarrow in .*, $PWD/plain/lib/python3\.[0-9]+/site-packages; libc's aligned functions are served"
}

# A C++ program that links to the wheel's libarrow, directly or by way of another library.
build_arrow_program() {
  command -v g++ >/dev/null || skip "g++ is not installed"
  arrow=$("$PYTHON" -I -c 'import glob, os, pyarrow; print(glob.glob(os.path.dirname(pyarrow.__file__) + "/libarrow.so.*")[0])') ||
    skip "no pyarrow in $PYTHON"
  cat >pool.h <<'END'
#include <cstdint>
namespace arrow {
class MemoryPool;
MemoryPool *default_memory_pool();
}
END
  printf '#include "pool.h"\nvoid *pool() { return arrow::default_memory_pool(); }\n' >middle.cc
  printf 'void *pool();\nint main() { return pool() ? 0 : 1; }\n' >main.cc
  printf '#include "pool.h"\narrow::MemoryPool *arrow::default_memory_pool() { return (MemoryPool *)1; }\n' >own.cc
}

@test "a C++ program linked to libarrow, and one that links to it through another library" {
  build_arrow_program
  directory=$(dirname "$arrow")
  g++ -o direct main.cc middle.cc "$arrow" -Wl,-rpath,"$directory"
  g++ -shared -fPIC -o libmiddle.so middle.cc "$arrow" -Wl,-rpath,"$directory"
  # shellcheck disable=SC2016 # the loader's variable
  g++ -o indirect main.cc libmiddle.so -Wl,-rpath,'$ORIGIN' -Wl,-rpath-link,"$directory"
  for program in direct indirect; do
    run -0 doctor ./$program
    assert_line --regexp "^ok: libarrow 2[0-9]\.[0-9]+: its pools are served by the arrow_vtable hook.*: $arrow$"
  done
  run -0 "$CLI" run --log=info -- ./direct
}

@test "a libarrow that is found by LD_LIBRARY_PATH alone" {
  build_arrow_program
  g++ -o direct main.cc middle.cc "$arrow"
  run -1 doctor ./direct
  assert_line --partial "problem: libarrow.so."
  LD_LIBRARY_PATH=$(dirname "$arrow") run -0 doctor ./direct
  assert_line --partial ": $arrow"
}

@test "a program with Arrow linked into it keeps its pools" {
  build_arrow_program
  g++ -o static main.cc middle.cc own.cc
  run -1 doctor ./static
  assert_line "problem: libarrow is linked into ./static: its pools stay its own; link it to libarrow.so"
}

@test "a libarrow that hides its symbols, and hooks that are shut" {
  build_arrow_program
  g++ -shared -fPIC -fvisibility=hidden -Wl,-soname,libarrow.so.2600 -o libarrow.so.2600 own.cc
  printf 'int main() {}\n' >main.cc
  g++ -Wl,--no-as-needed -o hidden main.cc ./libarrow.so.2600 -Wl,-rpath,"$PWD"
  run -1 doctor ./hidden
  assert_line --partial "problem: libarrow 26.0: it hides its symbols, so that its pools stay its own"
  ARROW_POOL_HOOKS=libc run -1 doctor "$PYTHON"
  assert_line --partial "ARROW_POOL_HOOKS leaves out every hook that would serve its pools"
  ARROW_POOL_HOOKS=libc ARROW_DEFAULT_MEMORY_POOL=system run -0 doctor "$PYTHON"
  assert_line --partial "only its system pool is served, by the libc hook"
}

@test "a profile: a libarrow that does not export its thread pools" {
  gcc -shared -fPIC -o libarrow.so.2600 -Wl,-soname,libarrow.so.2600 -xc - <<<'int _ZN5arrow19default_memory_poolEv;'
  gcc -o program -Wl,--no-as-needed -Wl,-rpath,"$PWD" seven.c libarrow.so.2600
  ARROW_POOL_PROFILE=$PWD run -1 doctor ./program
  assert_line "warning: a profile will not say for whom the threads of libarrow 26.0 work: it does not export what that takes"
}
