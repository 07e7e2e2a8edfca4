#!/usr/bin/env bats
# shellcheck disable=SC1003,SC2016,SC2153,SC2154 # other shells and Python expand these; names of the helper; bats or the helper sets these
# Files that are no programs, or damaged ones: one clear line from the doctor, whatever they hold.
load ../shim/helper
load helper

ASAN=$BUILD/tests/cli/arrowpool-asan
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1

setup() {
  cd "$BATS_TEST_TMPDIR" || return
}

# complains FILE TEXT: the doctor's only line is that problem with that file.
complains() {
  run -1 --separate-stderr "$CLI" doctor "$1"
  assert_output "problem: $1: $2"
  assert_equal "$stderr" ""
}

@test "a missing file, a directory, and a file that may not be run are told apart" {
  echo text >plain
  mkdir folder
  complains ./missing "No such file or directory"
  complains no-such-command-by-any-name "there is no such program in PATH"
  complains ./folder "it is a directory"
  complains ./plain "it is not executable"
}

@test "an empty file, noise, an object file, and a #! line that names nobody are no programs" {
  : >empty
  head -c 3000 /dev/zero >zeros
  echo 'int x;' | gcc -xc -c - -o object
  printf '#!\n' >nobody
  printf '#!/no/such/interpreter\n' >gone
  printf '#!%s\n' "$PWD/circle" >circle
  chmod +x -- *
  complains ./empty "it is empty"
  complains ./zeros "it is neither a program nor a script"
  complains ./object "it is no ELF program or library, or a damaged one"
  complains ./nobody "its #! line names no interpreter"
  run -1 "$CLI" doctor ./gone
  assert_output "problem: /no/such/interpreter: No such file or directory"
  run -1 "$CLI" doctor ./circle
  assert_output "problem: $PWD/circle: its #! lines go round in a circle, or too far"
}

@test "a fifo is not waited for" {
  mkfifo pipe
  chmod +x pipe
  run -1 timeout 60 "$CLI" doctor ./pipe
  assert_output "problem: ./pipe: it is no program"
}

@test "damaged programs are never a crash, nor more than one line where nothing can be read" {
  run -0 "$PYTHON" -I "$SOURCE/tests/cli/damage_program.py" "$CLI" "$PROBES/probe_exit" 60
  assert_output finished
}

@test "nor are they under AddressSanitizer" {
  run -0 "$PYTHON" -I "$SOURCE/tests/cli/damage_program.py" "$ASAN" "$PROBES/probe_exit" 40
  assert_output finished
}

@test "sound programs and processes pass under AddressSanitizer too" {
  run -0 --separate-stderr "$ASAN" doctor "$PYTHON" script.py
  assert_equal "$stderr" ""
  run -0 --separate-stderr "$ASAN" doctor --format=json ls
  assert_equal "$stderr" ""
  run -1 --separate-stderr "$ASAN" doctor $$
  assert_equal "$stderr" ""
}

@test "a damaged pyarrow is a problem, and named" {
  mkdir -p place/pyarrow
  touch place/pyarrow/__init__.py
  suffix=$("$PYTHON" -I -c 'import importlib.machinery; print(importlib.machinery.EXTENSION_SUFFIXES[0])')
  head -c 5000 "$SHIM" >"place/pyarrow/lib$suffix"
  PYTHONPATH=$PWD/place run -1 "$CLI" doctor "$PYTHON" -c 'import pyarrow'
  assert_line "ok: pyarrow of an unknown version: $PWD/place/pyarrow"
  assert_line --partial "problem: $PWD/place/pyarrow/lib$suffix: it is cut off or damaged"
}

@test "pipes in the places of Python's files are not waited for" {
  make_installation installed
  mkdir "$site/pyarrow-1.dist-info"
  mkfifo "$site/pyarrow-1.dist-info/METADATA"
  run -1 timeout 120 "$ASAN" doctor installed/bin/python3 -c 'import pyarrow'
  assert_line "problem: which pyarrow installed/bin/python3 would import is not known: installed/bin/python3 -B -c, did not answer within 5 s"
  rm "$site/pyarrow-1.dist-info/METADATA"
  run -1 timeout 120 "$ASAN" doctor installed/bin/python3 -c 'import pyarrow'
  assert_line "ok: pyarrow of an unknown version: $site/pyarrow"
  mkfifo installed/pyvenv.cfg
  run -1 timeout 120 "$ASAN" doctor installed/bin/python3 -c 'import pyarrow'
  assert_line --partial "did not answer within 5 s"
}

@test "a directory with a name like a pattern is that directory, and a pattern in pyvenv.cfg is none" {
  make_installation 'odd[a*]\'
  mkdir oda
  run -1 timeout 120 "$ASAN" doctor "./odd[a*]\\/bin/python3" -c 'import pyarrow'
  assert_line "ok: pyarrow of an unknown version: $site/pyarrow"
  [[ $site == "$PWD/odd[a*]\\/lib/python3"* ]]
  for home in "/[$(printf 'u%.0s' {1..3000})]sr/bin" "/$(printf '*/%.0s' {1..20})"; do
    printf 'home = %s\n' "$home" >'odd[a*]\/pyvenv.cfg'
    run --separate-stderr timeout 120 "$ASAN" doctor "./odd[a*]\\/bin/python3" -c 'import pyarrow'
    [ "$status" -le 1 ]
    assert_line --partial "note: asked "
    assert_equal "$stderr" ""
  done
}

@test "names that are not UTF-8 come back from Python as they are" {
  make_installation $'caf\xe9'
  run -1 timeout 120 "$ASAN" doctor $'./caf\xe9/bin/python3' -c 'import pyarrow'
  assert_line --partial "problem: $PWD/caf?/lib/python3"
  refute_line --partial "No such file"
  run -1 timeout 120 "$ASAN" doctor --format=json $'./caf\xe9/bin/python3' -c 'import pyarrow'
  assert_output --partial "its module pyarrow.lib is not there"
}

@test "it warns of a directory for live files where everybody may replace them" {
  mkdir own shared open
  chmod 1777 shared
  chmod 777 open
  for directory in own shared open; do
    ARROW_POOL_LIVE=$PWD/$directory run "$CLI" doctor ls
    if [ $directory = open ]; then
      assert_line "warning: ARROW_POOL_LIVE=$PWD/open: every user may remove and replace files there; chmod +t, or name another"
    else
      refute_line --partial ARROW_POOL_LIVE
    fi
  done
}
