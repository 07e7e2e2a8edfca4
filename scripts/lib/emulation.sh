# For tests of another processor's build: folders that look as a build folder of this machine does, in which each
# program is one that has the real one emulated. The bats files notice nothing. Sourced after common.sh, by scripts
# that have set FOREIGN, the build folder; SYSROOT, where its libc is; and EMULATOR.
# shellcheck shell=bash
: "${FOREIGN:?}" "${SYSROOT:?}" "${EMULATOR:?}"
EMULATED=$FOREIGN/emulated

# stand_in FILE PROGRAM: FILE runs that program, which then believes that it is FILE.foreign.
stand_in() {
  mkdir -p "$(dirname "$1")"
  ln "$EMULATED/emulate" "$1"
  cp "$2" "$1.foreign"
}

# The shim has one name and two files. A program of this machine that is told to preload it, such as the shell that
# starts a probe, finds a library with nothing in it; an emulated one, for which the emulator looks below the
# sysroot first, finds the shim. It would find the folders above it there as well, and must not need them: so this is
# a folder of its own.
make_shim() {
  SHIM_FOLDER=$(mktemp -d /tmp/arrowpool-shim.XXXXXX)
  trap 'rm -rf "$SHIM_FOLDER" "$SYSROOT$SHIM_FOLDER"' EXIT
  export ARROWPOOL_SHIM=$SHIM_FOLDER/libarrowpool_preload.so
  chmod 755 "$SHIM_FOLDER"
  gcc -shared -o "$ARROWPOOL_SHIM" -x c /dev/null
  mkdir -p "$SYSROOT$SHIM_FOLDER"
  cp "$FOREIGN/shim/libarrowpool_preload.so" "$SYSROOT$SHIM_FOLDER"
  ln -s "$SHIM_FOLDER" "$EMULATED/shim" # where the command looks
}

make_emulated() {
  local file
  rm -rf "$EMULATED"
  mkdir -p "$EMULATED"/{cli,tests/shim}
  gcc -O2 -static -DEMULATOR="\"$EMULATOR\"" -DSYSROOT="\"$SYSROOT\"" -o "$EMULATED/emulate" tests/emulated/emulate.c
  ln -s "$FOREIGN/lib" "$EMULATED"
  [ ! -d "$FOREIGN/python" ] || ln -s "$FOREIGN/python" "$EMULATED"
  [ ! -d "$FOREIGN/tests/peers" ] || ln -s "$FOREIGN/tests/peers" "$EMULATED/tests"
  for file in "$FOREIGN"/cli/arrowpool "$FOREIGN"/tests/shim/{probe,lib}* "$FOREIGN"/tests/bench/bench_growth; do
    case $file in
    *.so) ln -s "$file" "$EMULATED/tests/shim" ;;
    *) [ ! -f "$file" ] || stand_in "$EMULATED/${file#"$FOREIGN/"}" "$file" ;;
    esac
  done
  make_shim
}

# run_bats NAME FILE...: the results are in $FOREIGN/bats.NAME.tap.
run_bats() {
  (cd tests && exec bats --tap "${@:2}") >"$FOREIGN/bats.$1.tap"
}

# count_all LOG: add up what run_bats and meson, by its log, had for results.
count_all() {
  cat "$FOREIGN"/bats.*.tap >&2
  python3 scripts/lib/count_results.py "$1" 0 0 "$FOREIGN"/bats.*.tap
}
