#!/usr/bin/env bats
# shellcheck disable=SC2016 # other shells and Python expand these
# Ordinary programs give the same output and the same status with the shim, in both modes.
load helper

# unchanged COMMAND...: three runs, compared.
unchanged() {
  need_hardware "programs of this machine are not"
  command -v "$1" >/dev/null || skip "$1 is not installed"
  cd "$BATS_TEST_TMPDIR" || return
  "$@" >plain.out 2>plain.err </dev/null && status=0 || status=$?
  for mode in system jemalloc; do
    shim ARROW_POOL=$mode "$@" >shim.out 2>shim.err </dev/null && got=0 || got=$?
    assert_equal "$mode: $got" "$mode: $status"
    cmp plain.out shim.out
    cmp plain.err shim.err
  done
}

@test "bash, with pipes, subshells and a failing command" {
  unchanged bash -c 'for i in 1 2 3; do (echo $((i * 2))); done | sort -r | tr "\n" " "; nonexistent-command; exit 3'
}

@test "ls of a folder and of a missing one" {
  unchanged ls -la "$SOURCE/shim" /nonexistent
}

@test "git log" {
  [ -e "$SOURCE/.git" ] || skip "no git repository here"
  unchanged git -C "$SOURCE" -c safe.directory='*' log --stat -3
}

@test "gcc compiles and refuses as ever" {
  echo 'int main(void) { return x; }' >"$BATS_TEST_TMPDIR/a.c"
  unchanged gcc -Wall a.c -o a
  echo 'int main(void) { return 0; }' >"$BATS_TEST_TMPDIR/a.c"
  unchanged gcc -O2 a.c -o a
}

@test "the system's Python, with threads and a subprocess" {
  unchanged python3 -c '
import hashlib, subprocess, threading, zlib
threads = [threading.Thread(target=lambda: zlib.compress(bytes(10**6))) for _ in range(4)]
[t.start() for t in threads]; [t.join() for t in threads]
print(hashlib.sha256(bytes(10**6)).hexdigest(), subprocess.run(["true"]).returncode)
raise SystemExit(4)'
}

@test "perl" {
  unchanged perl -e 'my %h = map {$_ => $_ ** 2} 1..100000; print join(",", map {$h{$_}} 1..20), "\n"; die "end\n"'
}

@test "gdb --version" {
  unchanged gdb --version
}

@test "node --version" {
  unchanged node --version
}

@test "node runs JavaScript" {
  unchanged node -e 'console.log([...Array(100000).keys()].map(String).sort().slice(-3)); process.exit(6)'
}

@test "sort, with threads" {
  seq 200000 >"$BATS_TEST_TMPDIR/numbers"
  unchanged sort --parallel=4 -R --random-source="$BATS_TEST_TMPDIR/numbers" -S 8M numbers
}
