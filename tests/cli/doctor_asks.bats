#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2153,SC2154 # other shells and Python expand these; names of the helper; bats or the helper sets these
# `arrowpool doctor` asks Python and the loader: what they say is what the program gets, and nothing that they do, or
# do not do, holds the doctor up.
load ../shim/helper
load helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  echo 'int main(void) { return 7; }' >seven.c
}

doctor() {
  "$CLI" doctor "$@"
}

# make_package DIRECTORY: a pyarrow without anything in it.
make_package() {
  mkdir -p "$1/pyarrow"
  touch "$1/pyarrow/__init__.py"
}

# make_python CODE: ./python3, which is taken for an interpreter, with that C code for its main function.
make_python() {
  printf '#include <stdio.h>\n#include <unistd.h>\nint Py_BytesMain(void) { return 0; }\nint main(void) { %s }\n' "$1" >python.c
  gcc -rdynamic -o python3 python.c
}

# make_venv DIRECTORY: without pip; its site-packages are in $site.
make_venv() {
  /usr/bin/python3 -m venv --without-pip "$1"
  site=$(echo "$PWD/$1"/lib/python3*/site-packages)
}

@test "an environment as conda makes it, with libarrow in its lib folder" {
  "$PYTHON" -I -c 'import pyarrow' 2>/dev/null || skip "no pyarrow in $PYTHON"
  make_installation conda
  mkdir conda/conda-meta
  for version in conda/lib/python3.*; do ln -s "${version##*/}" conda/lib/python3.1; done # conda has such a link
  arrow=$("$PYTHON" -I -c 'import glob, os, pyarrow; print(glob.glob(os.path.dirname(pyarrow.__file__) + "/libarrow.so.*")[0])')
  ln -s "$arrow" conda/lib
  mkdir "$site/pyarrow-26.0.0.dist-info"
  printf 'Metadata-Version: 2.1\nName: pyarrow\nVersion: 26.0.0\n' >"$site/pyarrow-26.0.0.dist-info/METADATA"
  suffix=$(conda/bin/python -I -c 'import importlib.machinery; print(importlib.machinery.EXTENSION_SUFFIXES[0])')
  gcc -shared -fPIC -o "$site/pyarrow/lib$suffix" -xc /dev/null -xnone -Wl,--no-as-needed "$arrow" \
    -Wl,-rpath,'$ORIGIN/'"$(realpath --relative-to="$site/pyarrow" conda/lib)"
  run -0 doctor conda/bin/python etl.py
  assert_line --regexp "^ok: it is Python 3\.[0-9]+\.[0-9]+ with the prefix $PWD/conda\$"
  assert_line "ok: pyarrow 26.0.0: $site/pyarrow"
  assert_line --regexp "^ok: libarrow [0-9.]+: .*/conda/lib/(python3\.[0-9]+/\.\./|[^ ]*\.\./|)${arrow##*/}\$"
}

@test "an editable install, by a .pth file with code" {
  make_venv plain
  make_package source/python
  echo 'import _editable_pyarrow; _editable_pyarrow.install()' >"$site/__editable__.pyarrow.pth"
  cat >"$site/_editable_pyarrow.py" <<PYTHON
import importlib.util, sys
class Finder:
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name == "pyarrow":
            return importlib.util.spec_from_file_location(name, "$PWD/source/python/pyarrow/__init__.py")
def install():
    print("what is printed here\\0 is no answer")
    sys.meta_path.append(Finder)
PYTHON
  mkdir "$site/pyarrow-99.0.dist-info"
  printf 'Metadata-Version: 2.1\nName: pyarrow\nVersion: 99.0\n' >"$site/pyarrow-99.0.dist-info/METADATA"
  run -1 doctor plain/bin/python -c 'import pyarrow'
  assert_line "ok: pyarrow 99.0: $PWD/source/python/pyarrow"
  assert_line --partial "problem: $PWD/source/python/pyarrow: its module pyarrow.lib is not there"
  run -0 doctor plain/bin/python -I -S -c 'import pyarrow'
  assert_line --partial "note: no pyarrow in "
}

@test "a finder that fails is quoted" {
  make_venv plain
  echo 'import sys; sys.meta_path.insert(0, type("F", (), {"find_spec": lambda self, name, path=None, target=None: 1 / 0 if name == "pyarrow" else None})())' >"$site/some.pth"
  run -1 doctor plain/bin/python
  assert_line "problem: looking for pyarrow failed in plain/bin/python: ZeroDivisionError: division by zero"
}

@test "sys.path begins as the command's does, and what lies beside a script is not run" {
  make_venv plain
  make_package scripts
  make_package here
  echo 'open("started", "w")' | tee scripts/json.py scripts/re.py scripts/pyarrow/__init__.py here/json.py >/dev/null
  for script in plain.py linked.py; do ln -s "$PWD/scripts/real.py" $script; done
  echo >scripts/real.py
  cd here
  run doctor ../plain/bin/python ../scripts/real.py
  assert_line --partial "ok: pyarrow of an unknown version: $BATS_TEST_TMPDIR/scripts/pyarrow"
  run doctor ../plain/bin/python -B ../linked.py -c
  assert_line --partial "ok: pyarrow of an unknown version: $BATS_TEST_TMPDIR/scripts/pyarrow"
  run doctor ../plain/bin/python -I ../scripts/real.py
  assert_line --partial "note: no pyarrow in "
  for arguments in "-c pass" "-m json.tool" "-sc pass" "-Xdev -W ignore -m json.tool" "-" ""; do
    # shellcheck disable=SC2086 # several words
    run doctor ../plain/bin/python $arguments
    assert_line --partial "ok: pyarrow of an unknown version: $BATS_TEST_TMPDIR/here/pyarrow"
  done
  run doctor ../plain/bin/python -I -c pass
  assert_line --partial "note: no pyarrow in "
  touch ../scripts/__main__.py
  run doctor ../plain/bin/python -I ../scripts
  assert_line --partial "ok: pyarrow of an unknown version: $BATS_TEST_TMPDIR/scripts/pyarrow"
  assert [ ! -e started ]
}

@test "what env sets on the way counts, whoever reads it" {
  make_package here
  printf '#!/usr/bin/env -S PYTHONPATH=here %s -s\n' "$PYTHON" >script
  chmod +x script
  for command in "env A=1 PYTHONPATH=there PYTHONPATH=here $PYTHON" ./script; do
    # shellcheck disable=SC2086 # several words
    PYTHONPATH=elsewhere run doctor $command
    assert_line "ok: pyarrow of an unknown version: $PWD/here/pyarrow"
  done
  ARROW_POOL=system run -0 doctor env ARROW_POOL=jemalloc ls
  assert_line --partial "ok: ARROW_POOL=jemalloc"
}

@test "the version of a package without metadata is in its files" {
  make_package place
  echo "__version__ = version = '12.3.dev4'" >place/pyarrow/_generated_version.py
  PYTHONPATH=place run -1 doctor "$PYTHON"
  assert_line "ok: pyarrow 12.3.dev4: $PWD/place/pyarrow"
}

@test "a directory that is gone does not keep Python from answering" {
  make_venv plain
  mkdir gone
  cd gone
  rmdir ../gone
  for arguments in "-c pass" "-m json.tool"; do
    # shellcheck disable=SC2086 # several words
    run -0 doctor "$BATS_TEST_TMPDIR/plain/bin/python" $arguments
    assert_line --partial "note: no pyarrow in "
  done
}

@test "Python is asked without the shim, without input, and leaves no files" {
  make_venv plain
  echo 'import look_around' >"$site/some.pth"
  cat >"$site/look_around.py" <<'PYTHON'
import os, sys
with open("seen", "w") as file:
    print(os.environ.get("LD_PRELOAD"), os.environ.get("OWN"), repr(sys.stdin.read()), file=file)
PYTHON
  gcc -shared -fPIC -o other.so -xc /dev/null
  echo input | PYTHONDONTWRITEBYTECODE='' OWN=1 LD_PRELOAD=$SHIM:$PWD/other.so doctor plain/bin/python
  run cat seen
  assert_output "$PWD/other.so 1 ''"
  assert [ ! -e "$site/__pycache__" ]
}

@test "what code of site directories leaves running is not waited for" {
  make_venv plain
  echo 'import subprocess; subprocess.Popen(["sleep", "30"], start_new_session=True)' >"$site/some.pth"
  run -0 doctor plain/bin/python
  assert_line --partial "note: no pyarrow in "
}

@test "every Python that is installed here can be asked" {
  for python in /usr/bin/python3 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.{9,1?}.*/bin/python3; do
    [ -x "$python" ] || continue
    run doctor "$python" -I
    assert_line "ok: it is Python $("$python" -I -c 'import sys; print("%d.%d.%d with the prefix %s" % (*sys.version_info[:3], sys.prefix))')"
  done
}

@test "an interpreter that hangs is ended, with what it has started, and the doctor goes on" {
  make_python 'fork(); FILE *f = fopen("pids", "a"); fprintf(f, "%d\n", (int)getpid()); fclose(f); for (;;) pause();'
  run -1 doctor ./python3 etl.py
  assert_line "problem: which pyarrow ./python3 would import is not known: ./python3 -B -c, did not answer within 5 s"
  assert_line --regexp '^ok: an address range of '
  assert_line --regexp '^note: asked .* --list and \./python3 -B -c, for at most 5 s each$'
  [ "$(wc -l <pids)" = 2 ]
  while read -r pid; do
    run cat "/proc/$pid/stat"
    [ "$status" != 0 ] || [[ $output == *") Z "* ]]
  done <pids
}

@test "an interpreter that prints garbage, too much, or nothing" {
  make_python 'printf("\033[2J{\"python\": [1, 2\n{\"python\": 3}\n{\"python\": \"\\u0000\"}\n\377\376{}\n");'
  run -1 doctor ./python3
  assert_line "problem: which pyarrow ./python3 would import is not known: ./python3 -B -c, gave no answer that can be read"
  assert_line --regexp '^ok: an address range of '
  make_python 'for (;;) if (puts("{\"python\": \"3.11.2\"}") < 0) return 1;'
  run -1 doctor ./python3
  assert_line --partial "./python3 -B -c, said more than 1048576 bytes"
  make_python 'fputs("one\nFancyError: \033[31mbad\nlast\n", stderr); return 3;'
  run -1 --separate-stderr doctor ./python3
  assert_line --partial "./python3 -B -c, ended with status 3: FancyError: ?[31mbad"
  assert_equal "$stderr" ""
  make_python 'return 0 * puts("{\"python\": \"3.11.2\"}") + *(volatile int *)8;'
  run -1 doctor ./python3
  assert_line --partial "./python3 -B -c, was ended by signal 11"
  make_python 'return 0;'
  run -1 doctor ./python3
  assert_line --partial "./python3 -B -c, gave no answer that can be read"
}

@test "a program that has Python in it, and another name, is not asked" {
  make_python 'fclose(fopen("started", "w")); return 0;'
  mv python3 editor
  run -0 doctor ./editor
  assert_line "note: Python is in it, but it is not called python: it is not asked which pyarrow it would import"
  assert [ ! -e started ]
}

# refused LOADER REASON: it is not run for a program that names it.
refused() {
  gcc -o seven seven.c -Wl,--dynamic-linker="$1"
  run -1 doctor ./seven
  assert_line "problem: which libraries $PWD/seven loads is not known: $1, is not asked: $2"
  refute_line --partial "note: asked"
  assert_line --regexp '^ok: an address range of '
}

@test "a loader that is refused" {
  loader=$(doctor ls | sed -n 's/^ok: .*code, //p')
  name=${loader##*/}
  cp "$(readlink -f "$loader")" "$name"
  refused "./$name" "its name is no absolute path"
  gcc -o seven seven.c -Wl,--dynamic-linker="$PWD/$name"
  run -0 doctor ./seven
  assert_line "note: asked $PWD/$name --list, for at most 5 s"
  chmod o+w "$name"
  refused "$PWD/$name" "somebody else than root and this user may have made it"
  printf '#include <stdio.h>\nint main(void) { return fclose(fopen("started", "w")); }\n' >other.c
  gcc -o "$name" other.c
  refused "$PWD/$name" "it is no loader of glibc's"
  gcc -static -o "$name" other.c
  refused "$PWD/$name" "it is no loader of glibc's"
  rm "$name"
  refused "$PWD/$name" "No such file or directory"
  assert [ ! -e started ]
  need_root
  cp "$(readlink -f "$loader")" "$name"
  chown nobody "$name"
  refused "$PWD/$name" "somebody else than root and this user may have made it"
}

@test "the loader's own rules: glibc-hwcaps, and nothing but LD_LIBRARY_PATH of its variables" {
  [ "$MACHINE" = x86_64 ] || skip "the folder's name is that of x86-64"
  mkdir -p lib/glibc-hwcaps/x86-64-v2
  gcc -shared -fPIC -Wl,-soname,libarrow.so.2600 -o lib/glibc-hwcaps/x86-64-v2/libarrow.so.2600 -xc /dev/null
  gcc -o seven seven.c -Wl,--no-as-needed lib/glibc-hwcaps/x86-64-v2/libarrow.so.2600
  grep -qw sse4_2 /proc/cpuinfo || skip "a processor before x86-64-v2"
  LD_LIBRARY_PATH=$PWD/lib LD_DEBUG=all LD_DEBUG_OUTPUT=$PWD/debug run -1 doctor ./seven
  assert_line --partial "stay its own: $PWD/lib/glibc-hwcaps/x86-64-v2/libarrow.so.2600"
  assert [ "$(find . -name 'debug.*' | wc -l)" -le 3 ] # of the doctor itself, and its child
}

@test "a library that is missing does not hide the others" {
  printf 'void gone(void) {}\n' | gcc -shared -fPIC -nostdlib -Wl,-soname,libgone.so -o libgone.so -xc -
  gcc -shared -fPIC -Wl,-soname,libarrow.so.2600 -o libarrow.so.2600 -xc /dev/null
  gcc -o needy seven.c -Wl,--no-as-needed ./libgone.so ./libarrow.so.2600 -Wl,-rpath,"$PWD"
  rm libgone.so
  run -1 doctor ./needy
  assert_line --partial "warning: the library libgone.so is not found here"
  assert_line --partial "problem: libarrow 26.0: "
  assert_line --partial "note: asked LD_TRACE_LOADED_OBJECTS=1 "
}

@test "a Python whose frames cannot be read" {
  make_installation here # its pyarrow, which is empty, is the problem
  says() {
    echo "import sys; $1" >"$site/other.pth"
    ARROW_POOL_PROFILE=$PWD run -1 doctor here/bin/python etl.py
    assert_line "warning: a profile will name no lines of Python: frames of $2 cannot be read; take CPython 3.9 to 3.14"
  }
  version=$("$PYTHON" -I -c 'import platform; print(platform.python_version())')
  says 'sys.version = "3.15.0 free-threading build (main)"' "cpython $version without a GIL"
  says 'sys.version = "3.8.0 (main)"' "cpython $version"
  says 'sys.implementation.name = "pypy"' "pypy $version"
}
