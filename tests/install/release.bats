#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # other programs expand these; each test its own; bats or the helper sets these
# What scripts/release makes of the last commit: files that are the same wherever they are built, and that can be
# installed and used. Only in the long form: it builds all wheels twice.
load ../shim/helper
load ../shim/pythons

setup() {
  [ -n "${ARROWPOOL_LONG-}" ] || skip "only in the long form of the tests"
}

setup_file() {
  [ -n "${ARROWPOOL_LONG-}" ] || return 0
  export ONE=$BATS_FILE_TMPDIR/one OTHER=$BATS_FILE_TMPDIR/in/another/folder
  for clone in "$ONE" "$OTHER"; do
    git clone --quiet --shared "$SOURCE" "$clone"
    cp -a "$SOURCE/subprojects/packagecache" "$clone/subprojects/"
  done
  # Each in a build folder of its own.
  if ! (cd "$ONE" && env -u ARROWPOOL_BUILD scripts/release) >"$BATS_FILE_TMPDIR/log" 2>&1; then
    tail -n 30 "$BATS_FILE_TMPDIR/log" >&2
    return 1
  fi
  ln -s "$ONE/.venv-wheel" "$OTHER/"
  (cd "$OTHER" && env -u ARROWPOOL_BUILD TZ=Asia/Tokyo LC_ALL=C.UTF-8 scripts/wheel) >"$BATS_FILE_TMPDIR/log" 2>&1
  export PATH=$ONE/.venv-wheel/bin:$PATH DIST=$ONE/dist
  VERSION=$(sed -n "s/^project(.*[^_]version: '\([0-9][^']*\)'.*/\1/p" "$SOURCE/meson.build")
  export VERSION
}

@test "a release has these files, with their checksums" {
  run -0 bash -c 'ls "$DIST" | grep -v "_$VERSION"' # but for Debian's packages
  assert_output "SHA256SUMS
arrowpool-$VERSION-cp39-abi3-manylinux_2_28_aarch64.whl
arrowpool-$VERSION-cp39-abi3-manylinux_2_28_x86_64.whl
arrowpool-$VERSION.tar.gz
arrowpool-aarch64.cdx.json
arrowpool-x86_64.cdx.json"
  cd "$DIST"
  run -0 sha256sum --check SHA256SUMS
  [ "${#lines[@]}" -ge 5 ]
}

@test "two builds of one commit are equal to the byte" {
  run -0 diff -r --exclude=SHA256SUMS --exclude="*_$VERSION*" "$DIST" "$OTHER/dist"
  assert_output ""
}

@test "nothing in a wheel needs more than glibc 2.28, and libraries are looked for in its own folder" {
  cd "$BATS_TEST_TMPDIR"
  for processor in x86_64 aarch64; do
    wheel=$(echo "$DIST"/*_"$processor".whl)
    run -0 auditwheel show "$wheel"
    assert_output --regexp "platform tag:\s+\"manylinux_2_28_$processor\""
    python3 -m zipfile -e "$wheel" "$processor"
    for file in "$processor"/arrowpool/{_library.abi3.so,bin/arrowpool,lib/libarrowpool.so.0,lib/libarrowpool_preload.so}; do
      run -0 readelf -VW "$file"
      newest=$(grep -o 'Name: GLIBC_2\.[0-9]*' <<<"$output" | sed 's/.*\.//' | sort -n | tail -n 1)
      [ "$newest" -le 28 ] || fail "$file needs glibc 2.$newest"
      run -0 readelf -dW "$file"
      case $(sed -n 's/.*RUNPATH.*\[\(.*\)\]/\1/p' <<<"$output") in
      "" | '$ORIGIN/lib') ;;
      *) fail "$file: $output" ;;
      esac
      run -1 grep -c "$BATS_FILE_TMPDIR" "$file" # no name of the folder that it was built in
    done
  done
}

@test "what is linked in is listed, in the wheel and beside it, and each has its licence" {
  for processor in x86_64 aarch64; do
    run -0 python3 - "$DIST/arrowpool-$processor.cdx.json" "$(echo "$DIST"/*_"$processor".whl)" <<'END_OF_PROGRAM'
import json, sys, zipfile
text = open(sys.argv[1]).read()
wheel = zipfile.ZipFile(sys.argv[2])
(own,) = [name for name in wheel.namelist() if name.endswith("sboms/arrowpool.cdx.json")]
assert wheel.read(own).decode() == text
inside = {part["name"] for part in json.loads(text)["components"]} - {"pyarrow", "libmicrohttpd"}
licences = {name.split("/")[-1].lower().removesuffix(".txt") for name in wheel.namelist() if "/licences/" in name and name.endswith(".txt")}
print(sorted(inside), inside == licences)
END_OF_PROGRAM
    assert_output "['elfutils', 'jansson', 'jemalloc', 'ncurses', 'uplot', 'zlib'] True"
  done
}

@test "the source distribution is built and installed without a network" {
  # Not as a root who may give files to nobody: old versions of tarfile would leave programs without their permission.
  local alone=(unshare --net)
  [ "$(id -u)" = 0 ] || alone+=(--map-current-user)
  "${alone[@]}" true 2>/dev/null || skip "no namespace of networks can be made"
  run -0 "${alone[@]}" "$ONE/.venv-wheel/bin/pip" install -q --disable-pip-version-check --no-index --no-deps --no-build-isolation \
    --target "$BATS_TEST_TMPDIR/installed" "$DIST/arrowpool-$VERSION.tar.gz"
  run -0 "$BATS_TEST_TMPDIR/installed/arrowpool/bin/arrowpool" --version
  assert_output --partial "$VERSION"
}

# use_wheel PYTHON: the same work, stock and served, in a virtual environment of its own.
use_wheel() {
  local venv
  venv=$(mktemp -d "$BATS_TEST_TMPDIR/venv.XXXXXX")
  "$1" -m venv "$venv"
  run -0 "$venv/bin/python" -m pip install -q --disable-pip-version-check --only-binary=:all: "$wheel"
  stock=$("$venv/bin/python" "$SOURCE/tests/install/use.py")
  for mode in jemalloc system; do
    run -0 --separate-stderr "$venv/bin/arrowpool" run --pool=$mode --stats="$venv/$mode.json" -- "$venv/bin/python" "$SOURCE/tests/install/use.py" pools
    assert_output "pool c:small has 0 B of its limit of 1.0 MiB
app 8000 1000
$stock"
    run -0 "$venv/bin/python" -c 'import json, sys
pools = {pool["name"]: pool for pool in json.load(open(sys.argv[1]))["pools"]}
arrow = pools["arrow.mimalloc"]
print(arrow["num_allocations"] > 100 and arrow["num_reallocations"] > 10 and arrow["max_memory"] > 64 << 20)' "$venv/$mode.json"
    assert_output True
  done
  run -0 "$venv/bin/arrowpool" doctor "$venv/bin/python" "$SOURCE/tests/install/use.py"
  refute_line --regexp '^problem'
}

@test "one wheel for each Python there is, from 3.9 on" {
  local wheel stock python tried=0
  wheel=$(echo "$DIST"/*_"$(uname -m)".whl)
  for minor in 9 10 11 12 13 14; do
    for python in $(pythons "$minor"); do
      "$python" -c 'import ensurepip, sys; sys.exit(sys.prefix != sys.base_prefix)' 2>/dev/null || continue
      use_wheel "$python"
      tried=$((tried + 1))
    done
  done
  [ "$tried" -gt 0 ]
}
