#!/usr/bin/env bats
# shellcheck disable=SC2154 # bats or the helper sets these
# The wheel: built as a user builds it, or for another processor, installed into a Python of its own, used, and taken
# away. What builds for another processor names meson's cross files in ARROWPOOL_CROSS (scripts/test-aarch64).
load ../shim/helper
load ../peers/helper
load helper

setup_file() {
  export WORK=$BATS_FILE_TMPDIR
  # As a clone has it, and with jemalloc's tarball, which scripts/setup fetched.
  mkdir "$WORK/source"
  (cd "$SOURCE" && git ls-files -z --cached --others --exclude-standard | grep -zv '^\.venv' |
    tar --null --files-from=- -cf -) | tar -xf - -C "$WORK/source"
  cp -a "$SOURCE/subprojects/packagecache" "$WORK/source/subprojects/"
  /usr/bin/python3 -m venv "$WORK/tools"
  if ! "$WORK/tools/bin/pip" install -q --disable-pip-version-check -r "$SOURCE/scripts/packages/requirements-wheel.txt" >"$WORK/pip" 2>&1; then
    echo "the tools of scripts/packages/requirements-wheel.txt cannot be installed: $(tail -n 1 "$WORK/pip")" >"$WORK/missing"
    return
  fi
  export PATH=$WORK/tools/bin:$PATH
  local cross=()
  for file in ${ARROWPOOL_CROSS-}; do cross+=("-Csetup-args=--cross-file=$file"); done
  # Python's name for what it runs on becomes the wheel's.
  [ ${#cross[@]} = 0 ] || export _PYTHON_HOST_PLATFORM=linux-$MACHINE
  timeout "$(patience 3000)" python -m build --wheel --no-isolation "${cross[@]}" -o "$WORK/wheels" "$WORK/source" >"$WORK/log" 2>&1 ||
    tail -n 30 "$WORK/log" >&2
  unset _PYTHON_HOST_PLATFORM
}

setup() {
  [ ! -f "$WORK/missing" ] || skip "$(cat "$WORK/missing")"
  wheel=$(echo "$WORK"/wheels/arrowpool-*.whl)
  assert [ -f "$wheel" ]
  pyarrow=$("$PYTHON" -c 'import os, pyarrow; print(os.path.dirname(os.path.dirname(pyarrow.__file__)))')
}

# install_wheel FOLDER: a Python with the wheel, to which $pyarrow lends its packages. pip runs in that Python, so it
# judges by itself whether the wheel is for it.
install_wheel() {
  local command
  if [ -n "${ARROWPOOL_VENVS-}" ]; then
    mkdir -p "$1/lib/python3.11/site-packages"
    cp -a "$ARROWPOOL_VENVS"/.venv/{bin,pyvenv.cfg} "$1"
  else
    /usr/bin/python3 -m venv --without-pip "$1"
  fi
  find "$1" ! -name site-packages | sort >"$1.before" # pip takes that away once it is empty
  pip --python "$1/bin/python" install -q --disable-pip-version-check --no-deps --no-compile "$wheel"
  if [ -n "${ARROWPOOL_VENVS-}" ]; then # the command, which its script becomes, is to be emulated as well
    command=$(echo "$1"/lib/python3*/site-packages/arrowpool/bin/arrowpool)
    mv "$command" "$command.foreign"
    cp "$ARROWPOOL_VENVS/emulate" "$command"
  fi
}

@test "the wheel has the package, the libraries, the command and the licences, and nothing else" {
  run -0 python3 -m zipfile -l "$wheel"
  run -0 bash -c "awk 'NR > 1 {print \$1}' <<<'$output' | sed 's/arrowpool-[0-9.]*dist-info/dist-info/' | sort | xargs -n 1"
  # What an installation has besides, as tests/install/installed.txt has it.
  mapfile -t installed < <(sed -nE '/COPYING|LICENSE/d; s,^(include|share)/,arrowpool/&,p' "$SOURCE/tests/install/installed.txt")
  assert_output "$( (cd "$SOURCE/python" && ls -1 arrowpool/*.py arrowpool/*.pyi arrowpool_*.py && printf '%s\n' "${installed[@]}" \
    arrowpool/_library.abi3.so arrowpool/bin/arrowpool arrowpool/lib/libarrowpool.so.0 arrowpool/lib/libarrowpool_preload.so \
    arrowpool/licences/elfutils.txt arrowpool/licences/jansson.txt arrowpool/licences/jemalloc.txt \
    arrowpool/licences/ncurses.txt arrowpool/licences/uPlot.txt arrowpool/licences/zlib.txt arrowpool/py.typed \
    dist-info/METADATA dist-info/RECORD dist-info/WHEEL dist-info/entry_points.txt dist-info/licenses/LICENSE) | sort)"
}

@test "auditwheel finds it to be manylinux, and all that it needs in glibc" {
  run -0 "$WORK/tools/bin/auditwheel" show "$wheel"
  output=$(tr '\n' ' ' <<<"$output")
  assert_output --regexp "consistent with the +following platform tag: \"manylinux_2_(28|3[0-9])_$MACHINE\""
  [[ $wheel == *-abi3-linux_"$MACHINE".whl ]]
}

@test "it looks for libraries in its own folder only" {
  mkdir "$BATS_TEST_TMPDIR/w" && cd "$BATS_TEST_TMPDIR/w"
  python3 -m zipfile -e "$wheel" .
  for file in arrowpool/_library.abi3.so arrowpool/bin/arrowpool arrowpool/lib/*.so*; do
    run -0 bash -c "readelf -dW $file | sed -n 's/.*RUNPATH.*\[\(.*\)\]/\1/p'"
    # shellcheck disable=SC2016
    case $output in
    "" | '$ORIGIN/lib' | '$ORIGIN/../lib') ;;
    *) fail "$file: $output" ;;
    esac
  done
}

@test "installed, pools work, the command finds its shim, and uninstalling leaves nothing" {
  venv=$BATS_TEST_TMPDIR/v
  install_wheel "$venv"
  cat >"$BATS_TEST_TMPDIR/app.py" <<'END'
import arrowpool, os, pyarrow as pa
kept = pa.array(range(1000), memory_pool=arrowpool.pool("app"))
print(arrowpool.pool("app").bytes_allocated(), os.path.basename(arrowpool._library.versions()[2]))
END
  export PYTHONPATH=$pyarrow PYTHONDONTWRITEBYTECODE=1
  run -0 "$venv/bin/python" "$BATS_TEST_TMPDIR/app.py"
  assert_output "8000 libarrowpool.so.0"
  run -0 --separate-stderr "$venv/bin/arrowpool" run --stats=stderr -- "$venv/bin/python" "$BATS_TEST_TMPDIR/app.py"
  assert_output "8000 libarrowpool_preload.so"
  [[ $stderr == *c:app* ]]
  run -0 env -u PYTHONPATH "$venv/bin/arrowpool" --version # without pyarrow
  assert_output --partial "arrowpool "
  find "$venv" -name '*.foreign' -path '*/arrowpool/*' -delete
  run -0 pip --python "$venv/bin/python" uninstall -q -y arrowpool
  run -0 diff "$venv.before" <(find "$venv" ! -name site-packages | sort)
  assert_output ""
}

@test "path says where all that a wheel has besides is, and it can be used" {
  venv=$BATS_TEST_TMPDIR/v
  install_wheel "$venv"
  run -0 "$venv/bin/arrowpool" path
  while read -r name path; do
    [[ $path == "$venv"/* ]] && [ -e "$path" ] || fail "$name: $path"
  done <<<"$output"
  path() { "$venv/bin/arrowpool" path "$1"; }
  assert_equal "$(PYTHONPATH=$pyarrow "$venv/bin/python" -c 'import arrowpool; print(arrowpool.shim_path())')" "$(path shim)"
  run -0 python3 -c 'import json, sys; print(*(json.load(open(one))["title"] for one in sys.argv[1:]), sep="\n")' \
    "$(path dashboard)" "$(path schemas)"/arrowpool.schema.json
  run -0 bash -c "source '$(path bash)' && complete -p arrowpool"
  run -0 grep -c 'alert:' "$(path alerts)"
  if command -v man >/dev/null; then
    run -0 env MANPATH="$(path man)" man -w arrowpool 3 arrowpool
    assert_equal "${#lines[@]}" 2
  fi
  [ -z "${ARROWPOOL_CROSS-}" ] || return 0
  run -0 gcc -o "$BATS_TEST_TMPDIR/use" "$SOURCE/tests/install/project/use.c" -I"$(path include)" -L"$(path lib)" \
    -l:libarrowpool.so.0 -Wl,-rpath,"$(path lib)"
  run -0 "$BATS_TEST_TMPDIR/use"
}

@test "pytest finds the plugin by itself, and a notebook the extension" {
  venv=$BATS_TEST_TMPDIR/v
  install_wheel "$venv"
  run -0 env PYTHONPATH="$pyarrow" timeout "$(patience 300)" "$venv/bin/python" -m pytest -q -p no:cacheprovider --tb=short \
    "$SOURCE/tests/python/test_plugin.py" "$SOURCE/tests/python/test_magics.py"
  assert_output --regexp '[0-9]{2,} passed'
  run -0 env PYTHONPATH="$pyarrow" "$venv/bin/python" -m pytest --markers
  assert_output --partial "@pytest.mark.arrow_limit(bytes)"
}

@test "what a wheel cannot be built without is told in one line" {
  mkdir "$BATS_TEST_TMPDIR/bare"
  cp -a "$WORK"/source/. "$BATS_TEST_TMPDIR/bare"
  rm -rf "$BATS_TEST_TMPDIR"/bare/subprojects/{packagecache,jemalloc-5*}
  run ! env PKG_CONFIG_LIBDIR=/nowhere "$WORK/tools/bin/pip" install --no-deps --no-build-isolation \
    --config-settings=setup-args=--wrap-mode=nodownload "$BATS_TEST_TMPDIR/bare"
  line=$(grep -o 'arrowpool cannot be built without these.*' <<<"$output")
  assert_equal "$(wc -l <<<"$line")" 1
  for one in libjansson-dev libelf-dev libncurses-dev subprojects/packagecache/jemalloc-5.3.0.tar.bz2; do
    [[ $line == *" $one"* ]] || fail "$one: $line"
  done
}

@test "the tests of pools pass with the wheel" {
  venv=$BATS_TEST_TMPDIR/v
  install_wheel "$venv"
  run -0 env PYTHONPATH="$pyarrow" timeout "$(patience 300)" "$venv/bin/python" -m pytest -q -p no:cacheprovider --tb=short \
    "$SOURCE/tests/python/test_pools.py" "$SOURCE/tests/python/test_watch.py"
  assert_output --regexp '[0-9]{2,} passed'
}
