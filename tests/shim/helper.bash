# shellcheck shell=bash disable=SC2016,SC2034 # the files that load this use the names
# What the test files share. Works under `meson test` and for `bats tests/shim` by hand.
bats_require_minimum_version 1.5.0
load /usr/lib/bats/bats-support/load
load /usr/lib/bats/bats-assert/load

SOURCE=${ARROWPOOL_SOURCE:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}
BUILD=${ARROWPOOL_BUILD:-$SOURCE/build}
PYTHON=${ARROWPOOL_PYTHON:-$SOURCE/.venv/bin/python}
TESTED_PYTHON=${ARROWPOOL_TESTED_PYTHON-$PYTHON} # to be run under the shim, where there is one for that processor
SHIM=${ARROWPOOL_SHIM:-$BUILD/shim/libarrowpool_preload.so} # scripts/sanitize: another
LIBRARY=$BUILD/lib/libarrowpool.so
CLI=$BUILD/cli/arrowpool
PROBES=$BUILD/tests/shim
MACHINE=${ARROWPOOL_MACHINE:-$(uname -m)} # the processor that the build folder is for
CODE="64-bit ${MACHINE/x86_64/x86-64} code" # as the doctor says it
export SOURCE BUILD PYTHON TESTED_PYTHON SHIM LIBRARY CLI PROBES MACHINE CODE

# Nothing of the caller's reaches the tests; meson's MALLOC_PERTURB_ would fill gigabytes.
unset LD_PRELOAD MALLOC_PERTURB_ "${!ARROW_@}"
export LC_ALL=C

# shim [NAME=VALUE]... COMMAND...: the command with the shim preloaded, and with those variables.
shim() {
  env LD_PRELOAD="${ARROWPOOL_RUNTIME:+$ARROWPOOL_RUNTIME:}$SHIM" "$@"
}

# preloadable NAME...: the first that is installed, or the last. By env, since the shell's own true starts no program.
preloadable() {
  local name
  for name; do
    env LD_PRELOAD="$name" true 2>&1 | grep -q 'cannot be preloaded' || break
  done
  echo "$name"
}

# json FILE EXPRESSION: evaluate Python on the dump, where d is the whole and pool("libc") one of its pools;
# prints the result.
json() {
  "$PYTHON" -I -c '
import json, sys
d = json.loads(open(sys.argv[1], "rb").read())
pool = lambda name: [p for p in d["pools"] if p["name"] == name][0]
print(eval(sys.argv[2]))' "$1" "$2"
}

# dumps DIRECTORY: how many files there are in it.
dumps() {
  find "$1" -mindepth 1 -printf x | wc -c
}

# need_hardware REASON: what an emulator cannot do.
need_hardware() {
  [ -z "${ARROWPOOL_EMULATED-}" ] || skip "emulated: $1"
}

# without_emulator TEXT: what a program said, without what the emulator adds when a signal ends it.
without_emulator() {
  printf '%s' "${1%%qemu: uncaught target signal*}"
}

# need_long: what only the long form runs, and begins while the time of its part lasts (scripts/lib/long.py).
need_long() {
  [ -n "${ARROWPOOL_LONG-}" ] || skip "takes long: scripts/test --long"
  [ "$(date +%s)" -lt "${ARROWPOOL_UNTIL:-9999999999}" ] || skip "the time of its part was over"
}

# patience SECONDS: for timeout, as an emulator needs it.
patience() {
  echo $(($1 * ${ARROWPOOL_EMULATED:+10*}1))
}

need_root() {
  [ "$(id -u)" = 0 ] || skip "needs root"
}

# in_cgroup MEBIBYTES COMMAND...: in a memory cgroup of that size, made inside of our own.
in_cgroup() {
  local size=$1 group limit path
  shift
  need_root
  path=$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)
  group=$(findmnt -nt cgroup -O memory -o TARGET | head -n 1)
  limit=memory.limit_in_bytes
  if [ -z "$group" ]; then
    path=$(sed -n 's/^0:://p' /proc/self/cgroup)
    group=$(findmnt -nt cgroup2 -o TARGET | head -n 1)
    limit=memory.max
  fi
  group=$group${path%/}/arrowpool-$BASHPID
  mkdir "$group" 2>/dev/null || skip "no cgroup can be made here"
  if ! echo $((size << 20)) 2>/dev/null >"$group/$limit"; then
    rmdir "$group"
    skip "no memory cgroup can be made here"
  fi
  for limit in memory.swap.max:0 memory.memsw.limit_in_bytes:$((size << 20)); do # or it would be swapped, not killed
    [ ! -e "$group/${limit%:*}" ] || echo "${limit#*:}" >"$group/${limit%:*}"
  done
  run --separate-stderr bash -c 'echo $$ >"$1/cgroup.procs" && exec "${@:2}"' - "$group" "$@"
  rmdir "$group"
}
