#!/usr/bin/env bats
# shellcheck disable=SC2153,SC2154 # names of the helper; bats or the helper sets these
# `arrowpool doctor` on libraries with allocators or an Arrow of their own: made-up ones here, which hold nothing but the
# texts that tell them. tests/foreign/doctor.bats looks at those of packages.
load ../shim/helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  targets=()
}

teardown() {
  [ ${#targets[@]} = 0 ] || kill "${targets[@]}" 2>/dev/null || :
}

doctor() { "$CLI" doctor "$@"; }

# library FILE [TEXT]...: a stripped library that has these texts, each with a NUL behind it.
library() {
  local file=$1 text i=0
  shift
  for text; do
    echo "const char text$((i++))[] = \"$text\";"
  done | gcc -xc -shared -fPIC -s -o "$file" -
}

# The texts as the allocators have them.
jemalloc() { library "$1" "<jemalloc>: Unsupported" "value of the environment variable MALLOC_CONF" "$2"; }
mimalloc() { library "$1" "mimalloc: warning: " mimalloc_ "mimalloc: "; }
arrow() { library "$1" N5arrow10MemoryPoolE N5arrow16SystemMemoryPoolE; }

# make_site: a Python with packages of each kind, and with things that are none.
make_site() {
  /usr/bin/python3 -m venv --without-pip venv
  site=$(echo "$PWD"/venv/lib/python3*/site-packages)
  mkdir -p "$site"/{_bears_runtime,ducks,sail,view/deep/er,pyarrow,plain}
  jemalloc "$site/_bears_runtime/_bears.abi3.so" _RJEM_MALLOC_CONF
  ln -s _bears.abi3.so "$site/_bears_runtime/again.so"
  jemalloc "$site/_ducks.cpython-311-x86_64-linux-gnu.so" DUCKDB_JE_MALLOC_CONF
  mimalloc "$site/sail/_native.abi3.so"
  arrow "$site/view/deep/er/view.abi3.so"
  jemalloc "$site/pyarrow/libarrow.so.2600" JE_ARROW_MALLOC_CONF
}

warning="warning: not served, if it is imported: bears_runtime (jemalloc: _RJEM_MALLOC_CONF), ducks (jemalloc: DUCKDB_JE_MALLOC_CONF), sail (mimalloc: MIMALLOC_*), view (libarrow linked in); where a variable is named, it sets the allocator that the package brings along"

@test "the packages of a Python that bring allocators or an Arrow are named once, with their variables" {
  make_site
  run -0 doctor venv/bin/python script.py
  assert_line "$warning"
  assert_equal "$(grep -c '^warning: not served' <<<"$output")" 1
}

@test "what only looks alike is not named" {
  make_site
  library "$site/plain/mentions.so" "<jemalloc>: an allocator" NO_MALLOC_CONFIG "mimalloc: " mimalloc_
  library "$site/plain/reads.so" "value of the environment variable MALLOC_CONF" _RJEM_MALLOC_CONF
  library "$site/plain/derives.so" N5arrow10MemoryPoolE N5arrow15ProxyMemoryPoolE
  library "$site/plain/libpython9.9.so.1.0" "mimalloc: warning: "
  echo '<jemalloc> _RJEM_MALLOC_CONF mimalloc: warning: ' >"$site/plain/notes.so.txt"
  head -c 5000 "$site/_bears_runtime/_bears.abi3.so" >"$site/plain/cut.so"
  : >"$site/plain/empty.so"
  mkdir "$site/plain/folder.so"
  mkfifo "$site/plain/pipe.so"
  ln -s nowhere "$site/plain/gone.so"
  run -0 timeout 60 "$CLI" doctor venv/bin/python script.py
  assert_line "$warning"
}

@test "an allocator without a prefix, and one that serves malloc itself" {
  make_site
  rm -r "$site"/{_bears_runtime,sail,view,_ducks*}
  jemalloc "$site/plain/hidden.so" OTHER
  gcc -xc -shared -fPIC -s -o "$site/plain/serves.so" - <<'C'
void *malloc(unsigned long size) { (void)size; return 0; }
const char says[] = "<jemalloc>: ", reads[] = "MALLOC_CONF";
C
  run -0 doctor venv/bin/python script.py
  assert_line --partial "warning: not served, if it is imported: plain (jemalloc: MALLOC_CONF);"
}

@test "texts are found wherever pieces of a file end" {
  make_site
  rm -r "$site"/{_bears_runtime,sail,view,_ducks*}
  for behind in 2 6 12 20; do # bytes that a text begins before the end of a MiB
    gcc -xassembler -shared -s -o "$site/plain/large.so" - <<END
.section .rodata
.zero $(((1 << 20) - behind))
.asciz "<jemalloc>: "
.zero $(((1 << 20) - 13))
.asciz "SOME_OTHER_MALLOC_CONF"
.section .note.GNU-stack,"",@progbits
END
    run -0 doctor venv/bin/python script.py
    assert_line --partial "if it is imported: plain (jemalloc: SOME_OTHER_MALLOC_CONF);"
  done
}

@test "a wheel's own libarrow is served, and one that hides its symbols is not" {
  [ -e "$PROBES/libfake_arrow_26.so" ] || skip "no C++ compiler when the tests were built"
  make_site
  rm -r "$site"/{_bears_runtime,sail,view,_ducks*}
  mkdir "$site"/{graph,other}.libs
  cp "$PROBES/libfake_arrow_26.so" "$site/graph.libs/libarrow-0123abcd.so.2200.0.0"
  echo 'int _ZN5arrow19default_memory_poolEv;' | gcc -xc -shared -fPIC -o "$site/other.libs/libarrow-0123abcd.so.2300.0.0" -
  run -0 doctor venv/bin/python script.py
  assert_line "ok: the libarrow of graph is served as well, should it be imported: $site/graph.libs/libarrow-0123abcd.so.2200.0.0"
  assert_line --partial "warning: not served, if it is imported: other (a libarrow that cannot be patched);"
  ARROW_POOL_HOOKS=libc run -0 doctor venv/bin/python script.py
  assert_line --partial "if it is imported: graph (a libarrow that cannot be patched), other"
}

@test "PYTHONPATH has packages as well, and a Python that is isolated does not see them" {
  /usr/bin/python3 -m venv --without-pip venv
  mkdir -p there/some-1.dist-info there/some here/other
  jemalloc there/some/some.so _RJEM_MALLOC_CONF
  jemalloc here/other/other.so _RJEM_MALLOC_CONF
  PYTHONPATH=$PWD/there:$PWD/here run -0 doctor venv/bin/python script.py
  assert_line --partial "if it is imported: some.so (jemalloc: _RJEM_MALLOC_CONF);"
  PYTHONPATH=$PWD/there run -0 doctor venv/bin/python -I script.py
  refute_line --partial "not served"
}

# A program that is linked to such a library, and copies its input.
make_program() {
  jemalloc libbears.so _RJEM_MALLOC_CONF
  printf '#include <unistd.h>\nint main(void) { char b[64]; long n; while ((n = read(0, b, 64)) > 0) write(1, b, n); }\n' >copy.c
  gcc -o copy copy.c "$@" -Wl,--no-as-needed -L. -lbears -Wl,-rpath,"$PWD"
}

# start_program: it runs under the shim until the test ends, and its number is in $target.
start_program() {
  rm -f in out
  mkfifo in out
  "$CLI" run -- ./copy <in >out 3>&- &
  target=$!
  targets+=("$target")
  exec {input}>in {output}<out
  echo ready >&"$input"
  read -r -t 60 answer <&"$output"
  assert_equal "$answer" ready
}

@test "a program that is linked to one, and one that has it in itself" {
  make_program
  run -1 doctor ./copy
  assert_line "problem: libbears.so is not served: it has a jemalloc of its own, set by _RJEM_MALLOC_CONF: $PWD/libbears.so"
  printf 'const char a[] = "mimalloc: warning: ", b[] = "N5arrow16SystemMemoryPoolE"; int main(void) {}\n' | gcc -xc -s -o own -
  run -1 doctor ./own
  assert_line "problem: own is not served: libarrow is linked into it, and it has a mimalloc of its own, set by MIMALLOC_*: $PWD/own"
}

@test "a process that has one mapped, by itself and beside a libarrow" {
  make_program
  start_program
  run -1 doctor "$target"
  assert_line "problem: libbears.so is not served: it has a jemalloc of its own, set by _RJEM_MALLOC_CONF: $PWD/libbears.so"
  [ -e "$PROBES/libfake_arrow_26.so" ] || skip "no C++ compiler when the tests were built"
  cp "$PROBES/libfake_arrow_26.so" . # told by what it exports, whatever its name
  make_program -Wl,--no-as-needed ./libfake_arrow_26.so
  start_program
  run -0 doctor "$target"
  assert_line "warning: libbears.so is not served: it has a jemalloc of its own, set by _RJEM_MALLOC_CONF: $PWD/libbears.so"
  assert_line --regexp "^ok: libarrow: its pools are served by the arrow_vtable hook.*: $PWD/libfake_arrow_26.so$"
}

@test "json lists them, and keeps to its schema" {
  make_site
  "$CLI" doctor --format=json venv/bin/python script.py >installed.json
  make_program
  "$CLI" doctor --format=json ./copy >linked.json || [ $? = 1 ]
  run -0 "$PYTHON" -I - "$SOURCE/docs/use/doctor.schema.json" <<'PYTHON'
import json, os, sys
import jsonschema

schema = json.load(open(sys.argv[1]))
validator = jsonschema.validators.validator_for(schema)(schema)
for name in ("installed", "linked"):
    report = json.load(open(f"{name}.json"))
    validator.validate(report)
    for library in report["libraries"]:
        assert os.path.exists(library["path"]), library
        print(*(library[key] for key in ("package", "has", "variable", "served", "loaded")))
library["has"] = []
assert not validator.is_valid(report)
PYTHON
  assert_output "bears_runtime ['jemalloc'] _RJEM_MALLOC_CONF False False
ducks ['jemalloc'] DUCKDB_JE_MALLOC_CONF False False
sail ['mimalloc'] MIMALLOC_* False False
view ['arrow'] None False False
libbears.so ['jemalloc'] _RJEM_MALLOC_CONF False True"
}

@test "what it looks through is damaged, or not ours to read" {
  make_site
  "$PYTHON" -I - "$site/_bears_runtime/_bears.abi3.so" "$site/plain" <<'PYTHON'
import random, sys
random.seed(7)
whole = open(sys.argv[1], "rb").read()
for number in range(200):
    damaged = bytearray(whole)
    for _ in range(8):
        damaged[random.choice((random.randrange(64), random.randrange(len(whole)), len(whole) - 1 - random.randrange(1024)))] = random.randrange(256)
    open(f"{sys.argv[2]}/{number}.so", "wb").write(damaged[:random.randrange(1, len(whole) + 1)] if number % 2 else damaged)
PYTHON
  ASAN_OPTIONS=detect_leaks=1 run -0 timeout 120 "$BUILD/tests/cli/arrowpool-asan" doctor venv/bin/python script.py
  assert_line --partial "warning: not served, if it is imported: bears_runtime (jemalloc: _RJEM_MALLOC_CONF), ducks"
}
