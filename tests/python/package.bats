#!/usr/bin/env bats
# The Python package arrowpool with a stock pyarrow: one binary for all of them, with and without the shim.
load ../shim/helper
load ../peers/helper
load helper

# all_tests VERSION [NAME=VALUE]...: watches in a process of their own, since what others have left in pyarrow's pool makes
# their peaks less than exact.
all_tests() {
  wheel "$1"
  for tests in "--ignore=$BATS_TEST_DIRNAME/test_watch.py $BATS_TEST_DIRNAME" "$BATS_TEST_DIRNAME/test_watch.py"; do
    # shellcheck disable=SC2086 # two words
    run -0 packaged "${@:2}" timeout "$(patience 2000)" "$PYTHON" -m pytest -q -p no:cacheprovider --tb=short $tests
    assert_output --regexp '[0-9]{2,} passed'
    refute_output --partial ' failed'
  done
}

# pools_under_the_shim VERSION MODE
pools_under_the_shim() {
  wheel "$1"
  run -0 packaged LD_PRELOAD="$SHIM" ARROW_POOL="$2" timeout "$(patience 6000)" "$PYTHON" -m pytest -q -p no:cacheprovider --tb=short \
    "$BATS_TEST_DIRNAME/test_pools.py"
  assert_output --regexp '[0-9]{2,} passed'
}

@test "pools from Python, in pyarrow 10.0.1" {
  all_tests 10.0.1
}

@test "pools from Python, in pyarrow 16.1.0" {
  [ -n "${ARROWPOOL_LONG-}" ] || skip "takes long: scripts/test --long"
  all_tests 16.1.0
}

@test "pools from Python, in pyarrow 20.0.0" {
  all_tests 20.0.0
}

@test "pools from Python, in pyarrow 23.0.1" {
  [ -n "${ARROWPOOL_LONG-}" ] || skip "takes long: scripts/test --long"
  all_tests 23.0.1
}

@test "pools from Python, in the newest pyarrow" {
  all_tests newest
}

@test "the same under the shim, in the oldest and the newest pyarrow" {
  for mode in jemalloc system; do
    pools_under_the_shim newest $mode
    pools_under_the_shim 10.0.1 $mode
  done
}

@test "watches, the magic and the plugin of pytest under the shim" {
  for mode in jemalloc system; do
    run -0 packaged LD_PRELOAD="$SHIM" ARROW_POOL=$mode timeout "$(patience 2000)" "$PYTHON" -m pytest -q -p no:cacheprovider \
      --tb=short "$BATS_TEST_DIRNAME"/test_{watch,magics,plugin}.py
    assert_output --regexp '[0-9]{2,} passed'
  done
}

@test "what a named pool does not serve, the shim does, to the byte" {
  for mode in jemalloc system; do
    run -0 packaged LD_PRELOAD="$SHIM" ARROW_POOL=$mode timeout "$(patience 600)" "$PYTHON" "$BATS_TEST_DIRNAME/paths.py" check
    assert_output alike
  done
}

@test "the document tells the operations that are measured" {
  run -0 packaged timeout "$(patience 600)" "$PYTHON" "$BATS_TEST_DIRNAME/paths.py"
  operations=$(sed -n 's/^| \([^|]*\) |.*/\1/p' <<<"$output")
  run -0 sed -n '/<!-- paths -->/,/<!-- .paths -->/s/^| \([^|]*\) |.*/\1/p' "$SOURCE/docs/use/python.md"
  assert_output "$operations"
  assert_line "Table.join"
}

@test "the module is of Python's limited API, and needs the library by its name alone" {
  module=$PACKAGE/arrowpool/_library.abi3.so
  run -0 bash -c "nm -D --defined-only '$module' | awk '{print \$3}'"
  assert_output PyInit__library
  # These are of the limited API, in spite of their names.
  run -0 bash -c "nm -D --undefined-only '$module' | grep -o '_Py.*' | sort | xargs"
  assert_output "_PyArg_ParseTuple_SizeT _PyObject_CallMethod_SizeT _Py_BuildValue_SizeT _Py_Dealloc _Py_NoneStruct"
  run -0 bash -c "readelf -dW '$module' | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort | xargs"
  assert_output "libarrowpool.so.0 libc.so.6"
}

@test "a Python without a GIL stays so, with pools in many threads" {
  local interpreter=${ARROWPOOL_FREE_THREADED-} folder=$BATS_TEST_TMPDIR/package headers suffix sources preloaded
  [ -n "$interpreter" ] || skip "ARROWPOOL_FREE_THREADED names no free-threaded Python with pyarrow"
  read -r headers suffix < <("$interpreter" -c 'import sysconfig as s; print(s.get_paths()["include"], s.get_config_var("EXT_SUFFIX"))')
  mkdir "$folder"
  cp -r "$SOURCE/python/arrowpool" "$folder"
  # The module alone is another one there; meson would build all of it anew.
  mapfile -t sources < <(meson introspect --targets "$BUILD" | python3 -c '
import json, sys
for one in json.load(sys.stdin):
    if one["name"] == "_library":
        print(*(name for part in one["target_sources"] for name in part.get("sources", []) if name.endswith(".c")), sep="\n")')
  cc -shared -fPIC -std=gnu11 -D_GNU_SOURCE -fvisibility=hidden "-DARROWPOOL_VERSION=\"$("$CLI" --version | cut -d' ' -f2)\"" \
    -I"$SOURCE" -I"$SOURCE/lib" -I"$SOURCE/lib/include" -I"$headers" -o "$folder/arrowpool/_library$suffix" \
    "${sources[@]}" "$BUILD/lib/libarrowpool.so" -Wl,-rpath,"$BUILD/lib"
  for preloaded in "" "$SHIM"; do
    run -0 env PYTHONPATH="$folder" LD_PRELOAD="$preloaded" timeout "$(patience 300)" "$interpreter" -W error "$BATS_TEST_DIRNAME/free_threaded.py"
    assert_output $'live 0\nall made'
  done
}
