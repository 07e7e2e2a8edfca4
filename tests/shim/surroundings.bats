#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2153,SC2154 # other shells expand these; tests are functions; bats or the helper sets these
# Surroundings that refuse what a process usually has: address space, descriptors, threads, system calls, /proc, room
# on a disk, open streams, an environment that may be trusted. In both modes contents hold, the program's status is
# its own, stdout stays the program's, and nothing hangs. docs/use/surroundings.md has the table.
#
# Elsewhere: a dump that cannot be written, devices, pipes and links (dumps.bats); a live file on a full disk or cut
# off (live.bats); small address spaces before the constructor (libc.bats); a setuid program that is owned by another
# user (options.bats). Threads, signals, forks and ends of processes: life.bats. pyarrow: tests/peers/surroundings.bats.
load helper

setup() {
  PUBLIC=$(mktemp -d /tmp/arrowpool.XXXXXX) # others may enter; bats's own folders are for their owner only
  chmod 755 "$PUBLIC"
  cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
  rm -rf "$PUBLIC"
  [ -z "${OVERCOMMIT-}" ] || echo "$OVERCOMMIT" >/proc/sys/vm/overcommit_memory
}

# both [NAME=VALUE]... COMMAND...: in both modes, with statistics and a live file; nothing is said, every request was
# counted, and of what is ours nothing is live. FOLDER: where the files go.
both() {
  local mode
  for mode in jemalloc system; do
    run -0 --separate-stderr shim ARROW_POOL=$mode ARROW_POOL_DECAY=20ms ARROW_POOL_STATS="${FOLDER-$PWD}/$mode.json" \
      ARROW_POOL_LIVE="${FOLDER-$PWD}/live" "$@"
    assert_equal "$mode:$output$stderr" "$mode:"
  done
  run -0 json "${FOLDER-$PWD}/jemalloc.json" \
    'pool("libc")["num_allocations"] + pool("libc")["num_fallbacks"] >= 12 and pool("libc")["bytes_allocated"]'
  assert_output 0
  run -0 json "${FOLDER-$PWD}/system.json" 'pool("libc")["num_allocations"]'
  assert_output 12
}

# said LINE COMMAND...: in both modes; LINE is a pattern for the one line on stderr.
said() {
  local line=$1 mode
  shift
  for mode in jemalloc system; do
    run -0 --separate-stderr shim ARROW_POOL=$mode "$@"
    assert_equal "$mode:$output" "$mode:"
    [[ $stderr =~ ^$line$ ]] || fail "$mode: $stderr"
  done
}

@test "the probe of surroundings holds without the shim" {
  need_hardware "the limits would be the emulator's"
  run -0 "$PROBES/probe_surround"
  run -0 "$PROBES/probe_surround" address-space=150 top=524288 refused
  run -0 "$PROBES/probe_surround" no-descriptors
}

@test "an address space that is small from the start" {
  need_hardware "the limit would be the emulator's"
  for limit in 100000 300000 2000000; do
    both bash -c "ulimit -v $limit && exec '$PROBES/probe_surround' top=2048"
  done
}

@test "an address space that comes to its end refuses growth, and nothing else" {
  need_hardware "the limit would be the emulator's"
  both bash -c "ulimit -v 600000 && exec '$PROBES/probe_surround' top=524288 refused"
  both "$PROBES/probe_surround" address-space=100 top=524288 refused
}

@test "a limit on data, from the start and later" {
  need_hardware "the limit would be the emulator's"
  # Some 300 MB are enough, depending on which slot each buffer comes to: three times that.
  both bash -c "ulimit -d 1000000 && exec '$PROBES/probe_surround'"
  both bash -c "ulimit -d 300000 && exec '$PROBES/probe_surround' top=524288 refused"
  both "$PROBES/probe_surround" data=200 top=524288 refused
}

@test "no descriptor left: buffers as ever, and one line about each file" {
  both bash -c "ulimit -n 64 && exec '$PROBES/probe_surround'"
  said "arrowpool: cannot write $PWD/s.json: Too many open files" \
    ARROW_POOL_STATS=s.json "$PROBES/probe_surround" no-descriptors
  said "arrowpool: no live file $PWD/none/arrowpool-[0-9-]+.live: Too many open files" \
    ARROW_POOL_LIVE=none "$PROBES/probe_surround" no-descriptors
  assert_equal "$(find . -name 's.json*' -o -name '*.live' | wc -l)" 0
}

@test "no thread can be made: buffers as ever" {
  need_root # and then be somebody else, for whom the limit holds
  need_hardware "another user's copies would not be"
  cp "$SHIM" "$PROBES/probe_surround" "$PUBLIC"
  chmod 755 "$PUBLIC"/*
  mkdir -m 777 "$PUBLIC/out"
  SHIM=$PUBLIC/$(basename "$SHIM") FOLDER=$PUBLIC/out
  both ARROW_POOL_STATS_INTERVAL=5ms \
    setpriv --reuid=$((1000000 + BASHPID)) --regid=65534 --clear-groups bash -c \
    "ulimit -u 1 && exec '$PUBLIC/probe_surround' no-threads"
}

@test "strict overcommit, as the library sees it" {
  need_hardware "the limit would be the emulator's"
  unshare -m true 2>/dev/null || skip "no mount namespace can be made here"
  echo 2 >overcommit
  for limit in 300000 4000000; do
    both unshare -m bash -c 'mount --bind overcommit /proc/sys/vm/overcommit_memory && ulimit -v "$1" && exec "$2"' \
      - $limit "$PROBES/probe_surround"
  done
}

@test "strict overcommit of the kernel's own" {
  need_long # it changes a setting of the whole machine
  need_root
  OVERCOMMIT=$(cat /proc/sys/vm/overcommit_memory) # as it is to be again
  echo 2 >/proc/sys/vm/overcommit_memory || skip "vm.overcommit_memory cannot be changed here"
  both "$PROBES/probe_surround"
}

@test "a memory cgroup: what fits into it is served, what does not is killed, and the live file tells" {
  need_hardware "the memory would be the emulator's"
  for mode in jemalloc system; do
    in_cgroup 100 env LD_PRELOAD="$SHIM" ARROW_POOL=$mode ARROW_POOL_STATS=$mode.json "$PROBES/probe_surround" top=6000
    assert_equal "$mode $status:$output$stderr" "$mode 0:"
    in_cgroup 100 env LD_PRELOAD="$SHIM" ARROW_POOL=$mode ARROW_POOL_LIVE=$mode "$PROBES/probe_surround" top=524288
    assert_equal "$mode $status:$output$stderr" "$mode 137:"
    "$CLI" show $mode/*.live | grep -q "^gone: $PROBES/probe_surround"
  done
  "$CLI" show --format=json jemalloc/*.live >shown.json
  run -0 json shown.json '(10 << 20) < pool("libc")["bytes_allocated"] < (1 << 30)'
  assert_output True
}

@test "mlockall for now and for later, by root" {
  need_root
  need_hardware "the limit would be the emulator's"
  run -0 "$PROBES/probe_surround" lock-now lock-future || skip "nothing can be locked here"
  both "$PROBES/probe_surround" lock-now lock-future top=8192
  run -0 json jemalloc.json 'd["process"]["peak_rss_bytes"] < (400 << 20)'
  assert_output True
}

@test "mlockall for later, by a user who may lock 8 MiB: the next allocator serves, and there is no live file" {
  need_root
  need_hardware "the limit would be the emulator's"
  cp "$SHIM" "$PROBES/probe_surround" "$PUBLIC"
  chmod 755 "$PUBLIC"/*
  mkdir -m 777 "$PUBLIC/out"
  SHIM=$PUBLIC/$(basename "$SHIM")
  user=(setpriv --reuid=$((1000000 + BASHPID)) --regid=65534 --clear-groups)
  said "" "${user[@]}" bash -c "ulimit -l 8192 && exec '$PUBLIC/probe_surround' lock-future top=256"
  said "" "${user[@]}" bash -c "ulimit -l 8192 && exec '$PUBLIC/probe_surround' lock-future top=65536 refused"
  said "arrowpool: no live file $PUBLIC/out: Resource temporarily unavailable" \
    ARROW_POOL_LIVE="$PUBLIC/out" "${user[@]}" bash -c \
    "ulimit -l 8192 && exec '$PUBLIC/probe_surround' lock-future top=256"
}

# confined CALLS: neither error changes anything.
confined() {
  [ -x "$PROBES/probe_confine" ] || skip "built without libseccomp"
  for error in EPERM ENOSYS; do
    both "$PROBES/probe_confine" $error "$1" "$PROBES/probe_surround" top=65536
  done
}

@test "mremap is forbidden: bytes are copied, and counted as copied" {
  confined mremap
  run -0 json jemalloc.json 'pool("libc")["reallocs_remapped"], pool("libc")["bytes_copied"] > 0'
  assert_output "(0, True)"
  both "$PROBES/probe_surround" top=65536
  run -0 json jemalloc.json 'pool("libc")["reallocs_remapped"] > 0'
  assert_output True
}

@test "madvise is forbidden: contents hold, whatever cannot be given back" {
  confined madvise
  confined madvise,mremap
}

@test "making addresses writable is forbidden: the next allocator serves" {
  [ -x "$PROBES/probe_confine" ] || skip "built without libseccomp"
  both "$PROBES/probe_confine" EPERM writable "$PROBES/probe_surround"
  run -0 json jemalloc.json 'pool("libc")["num_allocations"], pool("libc")["num_fallbacks"] >= 12'
  assert_output "(0, True)"
}

@test "fallocate is forbidden: live files are made all the same, or one line says why not" {
  [ -x "$PROBES/probe_confine" ] || skip "built without libseccomp"
  said "arrowpool: no live file $PWD/live/arrowpool-[0-9-]+.live: Operation not permitted" \
    ARROW_POOL_LIVE=live "$PROBES/probe_confine" EPERM fallocate "$PROBES/probe_surround"
  said "(arrowpool: no live file .*)?" \
    ARROW_POOL_LIVE=live "$PROBES/probe_confine" ENOSYS fallocate "$PROBES/probe_surround"
}

@test "what else the library asks of the kernel is forbidden" {
  confined fsync,fcntl,getrandom,sched_getaffinity,prlimit64,uname,getcwd,pipe2,eventfd2,memfd_create,process_madvise,mincore
}

@test "a program that allows itself only what malloc needs, else to be killed: buffers as ever" {
  need_hardware "the system calls would be the emulator's"
  for way in "" syscall; do
    for use in "" before; do
      run "$PROBES/probe_strict" $way $use
      [ "$status" -ne 77 ] || skip "no filter can be set here"
      assert_equal "$way:$use:$status:$output" "$way:$use:0:"
      for mode in jemalloc system; do
        for decay in 1ms 10s 0 never; do
          run -0 --separate-stderr shim ARROW_POOL=$mode ARROW_POOL_DECAY=$decay "$PROBES/probe_strict" $way $use
          assert_equal "$mode:$decay:$way:$use:$output$stderr" "$mode:$decay:$way:$use:"
        done
      done
    done
  done
  run -0 --separate-stderr shim ARROW_POOL=jemalloc ARROW_POOL_LOG=info "$PROBES/probe_strict" before
  assert_equal "$(grep -v 'is in use in' <<<"$stderr")" "arrowpool: the program confines itself (seccomp): arrowpool starts no threads from here on"
}

@test "the same with a live file, which stays" {
  need_hardware "the system calls would be the emulator's"
  for mode in jemalloc system; do
    run shim ARROW_POOL=$mode ARROW_POOL_LIVE="$PWD/live" "$PROBES/probe_strict"
    [ "$status" -ne 77 ] || skip "no filter can be set here"
    assert_equal "$mode:$status:$output" "$mode:0:"
    assert [ ! -e live ] # it comes with the first buffer
    run -0 --separate-stderr shim ARROW_POOL=$mode ARROW_POOL_LIVE="$PWD/live" "$PROBES/probe_strict" before
    assert_equal "$output$stderr" ""
    run -0 "$CLI" show live/*.live
      assert_output --partial "probe_strict, pid "
    rm -r live
  done
}

@test "calls that a signal interrupts are made again" {
  need_hardware "the system calls would be the emulator's"
  command -v strace >/dev/null || skip "strace is not installed"
  strace -qq -o /dev/null true || skip "nothing can be traced here"
  for mode in jemalloc system; do
    run -0 --separate-stderr strace -ff -qq -o trace -e inject=fallocate:error=EINTR:when=1..2 \
      -e inject=fcntl:error=EINTR:when=1..2 env LD_PRELOAD="$SHIM" \
      ARROW_POOL=$mode ARROW_POOL_STATS=s.jsonl ARROW_POOL_LIVE=live ARROW_POOL_LIVE_KEEP=1 "$PROBES/probe_surround" top=64
    assert_equal "$output$stderr" ""
    # A file for each thread: in one, calls that are made at the same time are cut in two.
    assert_equal "$(cat trace.* | grep -c 'fallocate.*EINTR.*INJECTED') $(cat trace.* | grep -c 'F_SETLK,.*EINTR.*INJECTED')" "2 2"
    cat trace.* | grep -q 'F_SETLK,.* = 0$'
    assert_equal "$(dumps live)" 1
    rm -r live trace.*
  done
}

@test "no /proc: what it would tell is null" {
  need_hardware "the emulator needs /proc"
  unshare -m true 2>/dev/null || skip "no mount namespace can be made here"
  for mode in jemalloc system; do
    run -0 --separate-stderr unshare -m bash -c 'umount -l /proc && exec env "$@"' - LD_PRELOAD="$SHIM" \
      ARROW_POOL=$mode ARROW_POOL_DECAY=20ms ARROW_POOL_STATS=$mode.json ARROW_POOL_LIVE=live "$PROBES/probe_surround"
    assert_equal "$output$stderr" ""
    run -0 json $mode.json 'pool("libc")["num_allocations"] >= 12, d["process"]["rss_bytes"], d["process"]["peak_rss_bytes"]'
    assert_output "(True, None, None)"
  done
}

# on OPTIONS COMMAND...: with a file system of its own at ./disk, mounted so, in a mount namespace.
on() {
  unshare -m true 2>/dev/null || skip "no mount namespace can be made here"
  mkdir -p disk
  unshare -m bash -c 'mount -t tmpfs -o "$1" arrowpool disk && exec "${@:2}"' - "$@"
}

@test "a file system that is read-only: one line about each file" {
  export -f on
  for file in "STATS=disk/s.json cannot write $PWD/disk/s.json" "LIVE=disk/live no live file $PWD/disk/live/arrowpool-[0-9-]+.live"; do
    setting=ARROW_POOL_${file%% *}
    for mode in jemalloc system; do
      run -0 --separate-stderr on ro env LD_PRELOAD="$SHIM" ARROW_POOL=$mode "$setting" "$PROBES/probe_surround"
      assert_regex "$stderr" "^arrowpool: ${file#* }: (Read-only file system|No such file or directory)$"
      assert_equal "$output" ""
    done
  done
}

@test "a file system of 4 KiB that is full: one line about the dump, and nothing left of it" {
  for mode in jemalloc system; do
    run -0 --separate-stderr on size=4k bash -c 'head -c 4096 /dev/zero >disk/fill; env "$@" && ls disk >left' - \
      LD_PRELOAD="$SHIM" ARROW_POOL=$mode ARROW_POOL_STATS=disk/s.json "$PROBES/probe_surround"
    assert_equal "$stderr" "arrowpool: cannot write $PWD/disk/s.json: No space left on device"
    assert_equal "$output" ""
    assert_equal "$(cat left)" fill
  done
}

@test "/dev/full for stderr and for the dump changes nothing" {
  for mode in jemalloc system; do
    for destination in stderr /dev/full; do
      run -0 bash -c '"$@" 2>/dev/full' - env LD_PRELOAD="$SHIM" ARROW_POOL=$mode ARROW_POOL_STATS=$destination \
        "$PROBES/probe_surround"
      assert_output ""
    done
  done
}

# streams CLOSED WAY NAME=VALUE...: with those descriptors closed, the files that get their numbers stay the
# program's own.
streams() {
  local closed=$1 way=$2 fd redirections=() status=0
  shift 2
  rm -f own?
  for fd in $closed; do redirections+=("$fd>&-"); done
  eval "env LD_PRELOAD='$SHIM' $* '$PROBES/probe_surround' top=1024 fill='$PWD/own' $way" "${redirections[*]}" \
    >out 2>err 3>&- || status=$?
  [ "$way" = abort ] && wanted=134 || wanted=0
  assert_equal "$closed $way $* $status" "$closed $way $* $wanted"
  for fd in $closed; do
    assert_equal "$closed $way $* $fd: $(cat "own$fd")" "$closed $way $* $fd: own"
  done
}

@test "closed streams: nothing is written to the files that get their numbers" {
  ulimit -c 0
  ways=(return _exit abort)
  [ -z "${ARROWPOOL_EMULATED-}" ] || ways=(return _exit) # of an abort the emulator itself tells descriptor 2
  for closed in 0 1 2 "0 1" "0 2" "1 2" "0 1 2"; do
    for mode in jemalloc system; do
      for way in "${ways[@]}"; do
        [ "$way" = return ] || [ "$closed" = "0 1 2" ] || continue
        streams "$closed" "$way" ARROW_POOL=$mode ARROW_POOL_STATS=stderr
        streams "$closed" "$way" ARROW_POOL=$mode ARROW_POOL_STATS=/nonexistent/s.json ARROW_POOL_LIVE=/proc/none
        streams "$closed" "$way" ARROW_POOL=$mode ARROW_POOL_STATS="$PWD/$mode.json" ARROW_POOL_LIVE="$PWD/live"
        run -0 json $mode.json 'pool("libc")["num_allocations"] >= 12'
        assert_output True
      done
    done
  done
}

@test "stderr that was closed or redirected meanwhile gets no statistics; that of the start does" {
  run -0 --separate-stderr shim ARROW_POOL_STATS=stderr "$PROBES/probe_surround" top=1024
  assert_equal "$output" ""
  [[ $stderr == "arrowpool "*"libc"* ]]
  for code in 'os.close(2)' 'os.dup2(os.open("own", os.O_RDWR | os.O_CREAT, 0o600), 2)'; do
    run -0 --separate-stderr shim ARROW_POOL_STATS=stderr "$TESTED_PYTHON" -I -c "
import ctypes, os
ctypes.CDLL(None).posix_memalign(ctypes.byref(ctypes.c_void_p()), 64, 1000)
$code"
    assert_equal "$output$stderr" ""
  done
  assert [ ! -s own ]
}

# trusted PROGRAM: it runs with rights that its caller lacks, so our variables mean nothing to it.
trusted() {
  mkdir -m 777 "$PUBLIC/out"
  run -0 setpriv --reuid=$((1000000 + BASHPID)) --regid=65534 --clear-groups env LD_PRELOAD="$SHIM" ARROW_POOL=nonsense \
    ARROW_POOL_STATS="$PUBLIC/out/s.json" ARROW_POOL_LIVE="$PUBLIC/out" ARROW_POOL_NONE=1 "$@"
  refute_output --partial nonsense
  refute_output --partial ARROW_POOL
  assert_equal "$(dumps "$PUBLIC/out")" 0
}

# need_suid: or no program with rights of its own can be made in $PUBLIC.
need_suid() {
  need_root
  need_hardware "a copy of a program would not be"
  [ "$(findmnt -no OPTIONS -T "$PUBLIC" | grep -c nosuid)" = 0 ] || skip "/tmp is mounted nosuid"
}

@test "a setuid program of root's is left alone" {
  need_suid
  install -m 4755 "$PROBES/probe_surround" "$PUBLIC"
  trusted "$PUBLIC/probe_surround"
}

@test "a program with capabilities is left alone" {
  need_suid
  command -v setcap >/dev/null || skip "setcap is not installed"
  install -m 755 "$PROBES/probe_surround" "$PUBLIC"
  setcap cap_net_raw+ep "$PUBLIC/probe_surround" || skip "capabilities cannot be set here"
  trusted "$PUBLIC/probe_surround"
}

@test "a setuid program that the shim is linked into ignores the environment, and is served" {
  need_suid
  command -v gcc >/dev/null || skip "gcc is not installed"
  install -m 755 "$SHIM" "$PUBLIC"
  gcc -fno-builtin -D_GNU_SOURCE -o "$PUBLIC/linked" "$BATS_TEST_DIRNAME/probe_surround.c" -Wl,--no-as-needed \
    "$PUBLIC/$(basename "$SHIM")" -Wl,-rpath,"$PUBLIC" -pthread
  run -0 env ARROW_POOL_STATS="$PUBLIC/s.json" "$PUBLIC/linked"
  run -0 json "$PUBLIC/s.json" 'pool("libc")["num_allocations"]' # so it is linked
  assert_output 12
  chmod 4755 "$PUBLIC/linked"
  trusted "$PUBLIC/linked"
}

@test "a profiler that stands in for mmap does not count the range as used" {
  for preload in "$SHIM:$PROBES/libprobe_profiler.so" "$PROBES/libprobe_profiler.so:$SHIM"; do
    run -0 env LD_PRELOAD="$preload" ARROW_POOL=jemalloc ARROW_POOL_STATS="$BATS_TEST_TMPDIR/dump.json" "$PROBES/probe_own_none"
    assert_line "0 GiB by mmap"
    run -0 json "$BATS_TEST_TMPDIR/dump.json" 'pool("libc")["backend"], pool("libc")["num_fallbacks"]'
    assert_output "('jemalloc', 0)"
  done
}
