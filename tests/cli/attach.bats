#!/usr/bin/env bats
# shellcheck disable=SC2153,SC2154,SC2314 # names of the helper; bats or the helper sets these
# `arrowpool attach PID`: processes that run already get arrowpool, and stay as they were where that cannot be.
load ../shim/helper
load helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  [ "$(uname -m)" = x86_64 ] || skip "no process can be attached to on this processor yet"
  scope=$(cat /proc/sys/kernel/yama/ptrace_scope 2>/dev/null || echo 0)
  [ "$scope" = 0 ] || { [ "$scope" != 3 ] && [ "$(id -u)" = 0 ]; } || skip "kernel.yama.ptrace_scope is $scope"
  targets=()
}

teardown() {
  [ ${#targets[@]} = 0 ] || { kill -KILL "${targets[@]}"; wait "${targets[@]}"; } 2>/dev/null || :
}

end_later() { targets+=("$1"); }

# start COMMAND...: a process that has got as far as copying a line from its input to its output. Its number is in
# $target; it ends with the test.
start() {
  local number=${#targets[@]}
  mkfifo "in.$number" "out.$number"
  "$@" <"in.$number" >"out.$number" 2>"err.$number" 3>&- &
  target=$!
  end_later "$target"
  exec {input}>"in.$number" {answers}<"out.$number"
  assert_equal "$(ask ready)" ready
}

ask() {
  local answer
  echo "$1" >&"$input"
  read -r -t 120 answer <&"$answers"
  echo "$answer"
}

# start_python [CODE]: one that evaluates each line, behind `import pyarrow as pa` and the code.
start_python() {
  need_pyarrow
  start "${with[@]}" "$PYTHON" -c "import sys, pyarrow as pa
ready = 'ready'; held = []; hold = lambda size: held.append(pa.allocate_buffer(size))
${1-}
for line in sys.stdin: print(eval(line), flush=True)"
}

# finish: the process ends as it does by itself.
finish() {
  exec {input}>&-
  wait "$target"
}

# in_figures EXPRESSION: Python on the figures of $target, `pools` by their names.
in_figures() {
  run -0 --separate-stderr "$CLI" show --format=json "$target"
  run -0 "$PYTHON" -I -c 'import json, sys
pools = {p["name"]: p for p in json.loads(sys.argv[1])["pools"]}
print(eval(sys.argv[2]))' "$output" "$1"
}

# is_as_it_was: nothing was loaded into $target.
is_as_it_was() {
  run -1 grep -c libarrowpool "/proc/$target/maps"
  assert_equal "$(ask ready)" ready
}

# refused TEXT [PID]: that process, or $target, is not attached to, and a line says so.
refused() {
  local process=${2-$target}
  run -1 --separate-stderr "$CLI" attach "$process"
  assert_equal "$output" ""
  assert_equal "${#stderr_lines[@]}" 1
  [[ $stderr == "arrowpool: attach: $process: "$1 ]] || fail "$stderr"
}

@test "a process that waits is served from then on, to the byte, and frees what it had before" {
  start_python
  ask 'hold(1 << 20)'
  run -0 --separate-stderr "$CLI" attach "$target" --live=live --name=late
  assert_equal "$output" "arrowpool: process $target: Arrow's pools are served from now on"
  assert_equal "$stderr" ""
  assert_equal "$(ask 'pa.total_allocated_bytes()')" $((1 << 20))
  ask 'hold(3 << 20), hold(64)'
  in_figures '[p["bytes_allocated"] for p in pools.values() if p["bytes_allocated"]]'
  assert_output "[$(((3 << 20) + 64))]"
  in_figures '"libc" in pools'
  assert_output False
  assert_equal "$(ask 'held.clear() or pa.total_allocated_bytes()')" 0
  in_figures 'sum(p["bytes_allocated"] for p in pools.values())'
  assert_output 0
  finish
}

@test "with -v the process says what is served when it is first used, and --stats writes where the command was" {
  start_python 'import os; os.chdir("/")'
  run -0 "$CLI" attach "$target" -v --stats=end.json
  ask 'hold(1 << 20)'
  assert_equal "$(ask 'held.clear()')" None
  finish
  run -0 cat "err.0"
  assert_output --partial "is in use in python"
  assert_output --partial "libc's aligned functions are left alone"
  run -0 "$PYTHON" -I -c 'import json; print([p["num_allocations"] for p in json.load(open("end.json"))["pools"] if p["num_allocations"]])'
  assert_output "[1]"
}

@test "a process whose threads work on is served, and its results are right" {
  need_pyarrow
  count=4
  [ -z "${ARROWPOOL_LONG-}" ] || count=200
  run -0 "$PYTHON" "$BATS_TEST_DIRNAME/attach_many.py" "$CLI" $count
  assert_line --partial "$count processes, $count right"
}

@test "the command may be killed at any moment: processes whose threads work live on, and are served the next time" {
  need_pyarrow
  count=2
  [ -z "${ARROWPOOL_LONG-}" ] || count=50
  run -0 "$PYTHON" "$BATS_TEST_DIRNAME/attach_many.py" "$CLI" $count kill
  assert_line --partial "$count processes, $count right"
}

@test "a thread that only computes is no obstacle" {
  start_python 'import pyarrow.compute as pc; numbers = pa.array(range(1000))
def spin(seconds):
    import time
    end = time.monotonic() + seconds
    while time.monotonic() < end: pc.sum(numbers)
    return "spun"'
  (echo "spin(3)" >&"$input")
  run -0 "$CLI" attach "$target"
  read -r -t 120 answer <&"$answers"
  assert_equal "$answer" spun
  finish
}

@test "processes whose threads work on inside malloc are not harmed" {
  [ -e "$PROBES/libfake_arrow_26.so" ] || skip "no C++ compiler when the tests were built"
  cp "$PROBES/libfake_arrow_26.so" libarrow.so.2600
  count=5
  [ -z "${ARROWPOOL_LONG-}" ] || count=100
  for ((number = 0; number < count; number++)); do
    "$BUILD/tests/cli/probe_busy" "$PWD/libarrow.so.2600" >"said.$number" 3>&- &
    busy=$!
    end_later "$busy"
    eventually grep -qs ready "said.$number"
    run -0 "$CLI" attach "$busy"
    kill -USR1 "$busy"
    eventually grep -qs sound "said.$number"
    wait "$busy"
  done
}

@test "a process that has no address space left for it goes on, and is served when it has" {
  start_python 'import resource
def limit(size): resource.setrlimit(resource.RLIMIT_AS, (size, resource.RLIM_INFINITY))'
  ask 'limit(1 << 20)'
  refused "it could start no thread for it: Cannot allocate memory"
  is_as_it_was
  ask 'limit(resource.RLIM_INFINITY)'
  run -0 "$CLI" attach "$target"
  assert_equal "$(ask ready)" ready
  finish
}

@test "the command may be killed at each of its steps: the process lives on, and can be attached to again" {
  command -v strace >/dev/null || skip "strace is not installed"
  strace -o /dev/null true || skip "strace may not trace here"
  start_python
  for call in ptrace process_vm_writev process_vm_readv; do
    for ((step = 1; step < 400; step = step < 6 ? step + 1 : step * 3 / 2)); do
      run strace -f -qq -o /dev/null -e "inject=$call:signal=KILL:when=$step" "$CLI" attach "$target"
      assert_equal "$(ask ready)" ready
      [ "$status" = 137 ] || break
    done
  done
  ask 'hold(1 << 20)'
  run "$CLI" attach "$target"
  assert_output --partial "already"
  finish
}

@test "for some time: then new requests are Arrow's own again, and who holds what was allocated meanwhile is said" {
  start_python
  "$CLI" attach "$target" --profile=profiles --profile-mean=64K --for=1h >out.for 2>&1 3>&- &
  attaching=$!
  end_later "$attaching"
  eventually grep -q "served from now on" out.for
  ask 'hold(8 << 20)'
  kill -INT "$attaching"
  wait "$attaching"
  run -0 cat out.for
  assert_line "arrowpool: new requests are Arrow's own again"
  assert_line --partial "8.0 MiB live, as estimated"
  assert_line --partial "<string>:2 <lambda>"
  ask 'held.clear()'
  finish
}

@test "--dry-run says what would happen, and touches nothing" {
  start_python
  run -0 --separate-stderr "$CLI" attach --dry-run "$target"
  assert_line --regexp "^ok: process $target runs .*: $CODE\$"
  assert_line --regexp '^ok: libarrow [0-9]+\.[0-9]+: its pools are served by the arrow_vtable hook: .*/libarrow\.so\.[0-9]+$'
  assert_line --regexp '^ok: [0-9]+ of its threads?, [1-9][0-9]* now in a system call'
  assert_equal "$stderr" ""
  is_as_it_was
  start cat
  run -1 "$CLI" attach --dry-run "$target"
  assert_line "problem: no libarrow is mapped, or not yet: attach once its program has imported it"
}

@test "what cannot be attached to is told in one line, and stays as it was" {
  start cat
  refused "no libarrow is mapped, or not yet: attach once its program has imported it"
  is_as_it_was
  start "$CLI" run -- cat
  refused "the shim is mapped, and serves already: *"
  start_python
  kill -STOP "$target"
  eventually grep -q 'State:.T' "/proc/$target/status"
  refused "it is stopped, as by SIGSTOP*"
  kill -CONT "$target"
  is_as_it_was
  run -2 "$CLI" attach "$target" --pool=best
  is_as_it_was
  run -2 --separate-stderr "$CLI" attach "$target" --hooks=libc
  assert_equal "$stderr" "arrowpool: --hooks=libc: a process that runs has no hook but arrow_vtable: choose all, or a list that has it"
  is_as_it_was
  finish
  refused "no such process"
}

@test "a static program, one with a filter of its own, and what the kernel refuses" {
  echo 'int getchar(void), putchar(int); int main(void) { for (int c; (c = getchar()) >= 0;) putchar(c), c == 10 && fflush(0); }' >cat.c
  sed -i '1i int fflush(void *);' cat.c
  gcc -static -w -o static cat.c
  start ./static
  refused "it is linked statically, so that it has no loader which could load anything"
  start_python "$confine"
  ask 'confine()'
  refused "it confines itself by seccomp, and a forbidden system call might end it; *"
  is_as_it_was
  command -v strace >/dev/null && strace -o /dev/null true || return 0
  start_python
  for call in ptrace process_vm_readv; do
    run -1 --separate-stderr strace -qq -o /dev/null -e "inject=$call:error=EPERM" "$CLI" attach "$target"
    [[ $stderr == "arrowpool: attach: $target: the kernel does not let it be traced from here"* ]] || fail "$stderr"
    is_as_it_was
  done
}

# A filter of system calls that lets everything through.
confine='import ctypes, struct
def confine():
    libc = ctypes.CDLL(None)
    code = ctypes.create_string_buffer(struct.pack("=HBBI", 6, 0, 0, 0x7FFF0000))
    program = ctypes.create_string_buffer(struct.pack("@HP", 1, ctypes.addressof(code)))
    return libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program, 0, 0)'

@test "what is started under the same filter may attach, as in a container, also to what started it" {
  start_python "$confine
import os, subprocess"
  assert_equal "$(ask 'confine()')" 0
  assert_equal "$(ask "subprocess.run(['$CLI', 'attach', '--live=live', str(os.getpid())], stdout=subprocess.DEVNULL).returncode")" 0
  ask 'hold(1 << 20)'
  in_figures 'sum(p["bytes_allocated"] for p in pools.values())'
  assert_output $((1 << 20))
  finish
}

@test "a thread, a process of another user and one that another traces are refused" {
  start_python 'import threading, time; threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()'
  for thread in /proc/"$target"/task/*; do
    [ "${thread##*/}" = "$target" ] || refused "it is a thread of process $target: attach to that" "${thread##*/}"
  done
  if command -v gdb >/dev/null; then
    gdb -q -nx -batch -ex "shell echo >traced; sleep 1000" -p "$target" >/dev/null 2>&1 3>&- &
    end_later $!
    eventually grep -q 'TracerPid:.[1-9]' "/proc/$target/status"
    refused "process [0-9]* traces it, as debuggers and strace do; end that first"
  fi
  if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    run -1 setpriv --reuid=65534 --clear-groups --inh-caps=-all --bounding-set=-all "$CLI" attach "$target"
    [[ $output == *"it is a process of user "* ]] || skip "another user cannot start the command: $output"
  fi
}
