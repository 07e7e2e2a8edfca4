#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2153,SC2154 # other shells and Python expand these; names of the helper; bats or the helper sets these
# `arrowpool doctor PID`: processes with and without the shim, and those that are not ours to see.
load ../shim/helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  targets=()
}

teardown() {
  [ ${#targets[@]} = 0 ] || kill "${targets[@]}" 2>/dev/null || :
}

# start COMMAND...: a process that copies its input to its output, and has got as far as doing so. Its number is
# in $target; it ends with the test.
start() {
  local number=${#targets[@]}
  mkfifo "in.$number" "out.$number"
  "$@" <"in.$number" >"out.$number" 3>&- &
  target=$!
  targets+=("$target")
  exec {input}>"in.$number" {output}<"out.$number"
  echo ready >&"$input"
  read -r -t 60 answer <&"$output"
  assert_equal "$answer" ready
}

python_cat='import sys; print(sys.stdin.readline(), end="", flush=True); sys.stdin.read()'

@test "a process with the shim, and one without" {
  start "$CLI" run -- cat
  run -0 --separate-stderr "$CLI" doctor "$target"
  assert_line --regexp "^ok: process $target runs .*/cat: $CODE\$"
  assert_line "ok: the shim $("$PROBES/probe_api") is mapped: $SHIM"
  assert_line "ok: ARROW_POOL=jemalloc: buffers come from the private jemalloc"
  assert_line --partial "note: it keeps no live file"
  assert_equal "$stderr" ""
  start cat
  run -1 "$CLI" doctor "$target"
  assert_line "problem: the shim is not mapped: LD_PRELOAD did not name it when the process started; start it by arrowpool run"
}

@test "a process that uses pyarrow, with its hooks and its live file" {
  "$PYTHON" -I -c 'import pyarrow' 2>/dev/null || skip "no pyarrow in $PYTHON"
  mkdir live
  start "$CLI" run --live="$PWD/live" -- "$PYTHON" -c "import pyarrow; b = pyarrow.allocate_buffer(1 << 20); $python_cat"
  run -0 "$CLI" doctor "$target"
  assert_line --regexp '^ok: libarrow [0-9]+\.[0-9]+: its pools are served by the arrow_vtable hook.*/libarrow\.so\.[0-9]+$'
  assert_line "ok: it keeps a live file: $(echo "$PWD"/live/arrowpool-"$target"-*.live)"
  start env ARROW_POOL_HOOKS=libc LD_PRELOAD="$SHIM" "$PYTHON" -c "import pyarrow; $python_cat"
  run -1 "$CLI" doctor "$target"
  assert_line --partial "ARROW_POOL_HOOKS leaves out every hook that would serve its pools"
  assert_line --partial "note: ARROW_POOL is not set, which means system"
}

@test "a process that keeps a profile, and what that has" {
  "$PYTHON" -I -c 'import pyarrow' 2>/dev/null || skip "no pyarrow in $PYTHON"
  version=$("$PYTHON" -I -c 'import platform; print(platform.python_version())')
  mkdir profiles
  program="import pyarrow; b = pyarrow.allocate_buffer(8 << 20)
t = pyarrow.table({'a': pyarrow.array(range(9)).dictionary_encode()}).group_by('a').aggregate([]); $python_cat"
  start "$CLI" run --profile="$PWD/profiles" -- "$PYTHON" -c "$program"
  run -0 "$CLI" doctor "$target"
  assert_line "ok: it keeps a profile: $(echo "$PWD"/profiles/arrowpool-"$target"-*.profile)"
  assert_line "ok: its profile names lines of Python $version"
  assert_line "ok: its profile says for whom Arrow's threads work"
  start env ARROW_POOL_PROFILE_FRAMES=native "$CLI" run --profile="$PWD/profiles" -- "$PYTHON" -c "$program"
  run -0 "$CLI" doctor "$target"
  assert_line "note: its profile names no lines of Python: ARROW_POOL_PROFILE_FRAMES leaves them out"
  assert_line "note: its profile does not say for whom Arrow's threads work: ARROW_POOL_PROFILE_FRAMES leaves them out"
  start "$CLI" run -- "$PYTHON" -c "$program"
  run -0 "$CLI" doctor "$target"
  assert_line "note: it keeps no profile; ARROW_POOL_PROFILE=DIRECTORY keeps one"
  start env LD_PRELOAD="$SHIM" ARROW_POOL_PROFILE=/proc/none cat
  run -0 "$CLI" doctor "$target"
  assert_line "warning: it keeps no profile: it could not make one in /proc/none, which has no room or is not writable; name another directory"
}

@test "a process that frees past the shim" {
  cat >cat.c <<'C'
#include <unistd.h>
void __libc_free(void *buffer);
void free(void *buffer) { __libc_free(buffer); }
int main(void) {
  char text[100];
  for (ssize_t size; (size = read(0, text, sizeof text)) > 0;)
    if (write(1, text, (size_t)size) < 0)
      return 1;
  return 0;
}
C
  gcc -o cat cat.c
  start "$CLI" run -- ./cat
  run -1 "$CLI" doctor "$target"
  assert_line --partial "problem: it defines its own free"
  start "$CLI" run --pool=system -- ./cat
  run -0 "$CLI" doctor "$target"
}

@test "LD_PRELOAD that got lost on the way" {
  start "$CLI" run -- sh -c 'env -i cat; true'
  child=$(pgrep -P "$target")
  run -1 "$CLI" doctor "$child"
  assert_line --partial "LD_PRELOAD got lost on the way from its parent, process $target, which has it"
}

@test "a static program under the shim" {
  printf '#include <unistd.h>\nint main(void) { char b[64]; long n; while ((n = read(0, b, 64)) > 0) write(1, b, n); }\n' >copy.c
  gcc -static -o copy copy.c
  start "$CLI" run -- ./copy
  run -1 "$CLI" doctor "$target"
  assert_line --partial "problem: the shim is not mapped: it is linked statically"
}

@test "a set-user-ID program under the shim" {
  need_root
  "$PYTHON" -I -c 'import os, sys; sys.exit(os.statvfs(".").f_flag & os.ST_NOSUID)' || skip "mounted nosuid"
  cp "$(command -v cat)" other
  chown nobody other
  chmod 4755 other
  chmod a+rx .
  start "$CLI" run -- ./other
  run -1 "$CLI" doctor "$target"
  assert_line --partial "problem: the shim is not mapped: it was started with more rights than its user has"
}

@test "a process of another user: what cannot be seen is said" {
  need_root
  setpriv --reuid=nobody --clear-groups test -x "$CLI" || skip "not to be reached by another user: $CLI"
  start "$CLI" run -- cat
  run -1 setpriv --reuid=nobody --clear-groups "$CLI" doctor "$target"
  assert_line "note: it is of another user, 0"
  assert_line --partial "problem: what is mapped into it is not ours to see"
  assert_line --partial "warning: its environment is not ours to see"
}

@test "a shim whose file was replaced" {
  cp "$SHIM" libarrowpool_preload.so
  start env LD_PRELOAD="$PWD/libarrowpool_preload.so" cat
  rm libarrowpool_preload.so
  run -0 "$CLI" doctor "$target"
  assert_line --partial "warning: the shim is mapped, of an unknown version: its file was replaced or removed"
}

@test "a process that has ended, and one that never was" {
  start cat
  exec {input}>&-
  wait "$target"
  run -1 --separate-stderr "$CLI" doctor "$target"
  assert_equal "$stderr" "arrowpool: doctor: $target: no such process"
  run -1 "$CLI" doctor 99999999999999999999
  run -1 "$CLI" doctor 0
}

@test "limits are those of the process" {
  start bash -c 'ulimit -v 2000000; exec "$CLI" run -- cat'
  run -0 "$CLI" doctor "$target"
  assert_line --partial "note: ulimit -v is 1.9 GiB"
  assert_line --partial "warning: the address range has only"
}
