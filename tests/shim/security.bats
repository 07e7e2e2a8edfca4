#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2154
# Whatever others put under the names of our files, or into the names that become part of them, nothing but a dump is
# written, nothing of anybody's is changed, and nobody is waited for.
load helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  mkdir out
  echo precious >victim
}

teardown() {
  exec 8>&- 9<&- # what begin_swaps started ends
  [ ! -v SHARED ] || rm -rf "$SHARED"
}

OTHER=(setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all)

# A directory as /tmp is, with what another user needs to run a program under the shim.
make_shared() {
  need_root
  need_hardware "another user's copies would not be"
  SHARED=$(mktemp -d)
  chmod 1777 "$SHARED"
  mkdir "$SHARED/bin"
  cp -L "$SHIM" "$PROBES/probe_exit" "$PROBES/probe_dumps" "$SHARED/bin"
  chmod -R go+rX "$SHARED/bin"
  "${OTHER[@]}" "$SHARED/bin/probe_exit" idle || [ $? = 5 ] || skip "another user cannot run programs here"
  echo precious >"$SHARED/victim"
}

# dumping [NAME=VALUE]...: a probe that writes one dump, at its end.
dumping() {
  run -0 --separate-stderr timeout 60 env LD_PRELOAD="$SHIM" ARROW_POOL=jemalloc "$@" "$PROBES/probe_dumps" 0
}

# planting COMMAND PATH [NAME=VALUE]...: the same, with the dump at PATH; COMMAND is run before by the same process,
# whose number is $$.
planting() {
  local command=$1 path=$2
  shift 2
  run -0 --separate-stderr timeout 60 env STATS="$path" "$@" bash -c "$command"'
    exec env LD_PRELOAD="$SHIM" ARROW_POOL=jemalloc ARROW_POOL_STATS="$STATS" "$PROBES/probe_dumps" 0'
}

assert_dump() {
  run -0 stat -c '%F %a %u' "$1"
  assert_output "regular file 600 $(id -u)"
  run -0 json "$1" 'pool("libc")["num_allocations"]'
  assert_output 1
}

assert_untouched() {
  assert_equal "$(stat -c '%F %a %h' "$1") $(cat "$1")" "regular file $2 precious"
}

# assert_warning REASON: that, in one line, is all that was said.
assert_warning() {
  assert_equal "${#stderr_lines[@]}" 1
  [[ $stderr == "arrowpool: cannot write "*": $1" ]] || fail "$stderr"
}

@test "what another user planted under a dump's name or its temporary name is replaced or refused" {
  make_shared
  cd "$SHARED"
  export SHARED other="${OTHER[*]}"
  for name in s.json 's.json.$$.tmp'; do
    for plant in "ln -s $SHARED/victim" "ln -s $SHARED/missing"; do
      planting "\$other $plant $name" "$SHARED/s.json"
      assert_equal "$stderr" ""
      assert_dump s.json
      rm s.json
    done
    planting "ln victim $name" "$SHARED/s.json" # which the kernel may not let others do
    assert_equal "$stderr" ""
    assert_dump s.json
    rm s.json
    assert_untouched victim "644 1"
    assert [ ! -e missing ]
  done
  planting '$other mkfifo s.json.$$.tmp' "$SHARED/s.json"
  assert_dump s.json
  rm s.json
  planting '$other mkfifo s.json; exec 7<>s.json' "$SHARED/s.json"
  assert_warning "Permission denied"
  assert [ -p s.json ]
  rm s.json
  planting '$other mkdir s.json' "$SHARED/s.json"
  assert_warning "Is a directory"
  rmdir s.json
  planting '$other mkdir s.json.$$.tmp' "$SHARED/s.json"
  assert_warning "File exists"
  rmdir s.json.*.tmp
  assert_equal "$(ls)" $'bin\nvictim'
}

@test "a user who cannot replace what root planted in a shared directory has one warning, and leaves nothing" {
  make_shared
  cd "$SHARED"
  export SHARED other="${OTHER[*]}"
  for plant in 'ln -s "$SHARED/victim" s.json' 'cp victim s.json' 'ln -s "$SHARED/victim" s.json.$$.tmp' 'mkdir s.json.$$.tmp'; do
    run -0 --separate-stderr timeout 60 bash -c "$plant"'; exec $other env LD_PRELOAD="$SHARED/bin/${SHIM##*/}" \
      ARROW_POOL_STATS="$SHARED/s.json" bin/probe_dumps 0'
    [ "$(sysctl -n fs.protected_symlinks 2>/dev/null)" = 1 ] || [[ $plant != *" s.json" ]] || assert_warning "Operation not permitted"
    [[ $plant != *.tmp ]] || assert_warning "File exists"
    assert_equal "${#stderr_lines[@]}" 1
    assert_untouched victim "644 1"
    rm -rf s.json*
    assert_equal "$(ls)" $'bin\nvictim'
  done
}

@test "a time series is appended to a file of one's own with one name, and to no other" {
  dumping ARROW_POOL_STATS="$PWD/out/s.jsonl"
  dumping ARROW_POOL_STATS="$PWD/out/s.jsonl"
  assert_equal "$stderr" ""
  assert_equal "$(wc -l <out/s.jsonl) $(stat -c %a out/s.jsonl)" "2 600"
  ln -s ../victim out/link.jsonl
  dumping ARROW_POOL_STATS="$PWD/out/link.jsonl"
  assert_warning "Too many levels of symbolic links"
  ln victim out/second.jsonl
  dumping ARROW_POOL_STATS="$PWD/out/second.jsonl"
  assert_warning "Operation not permitted"
  assert_untouched victim "644 2"
  mkfifo out/pipe.jsonl
  dumping ARROW_POOL_STATS="$PWD/out/pipe.jsonl"
  assert_warning "No such device or address"
}

@test "a time series of another user's is left alone" {
  need_root
  cp victim out/s.jsonl
  chown 65534 out/s.jsonl
  dumping ARROW_POOL_STATS="$PWD/out/s.jsonl"
  assert_warning "Operation not permitted"
  assert_untouched out/s.jsonl "644 1"
}

# begin_swaps NAME OTHER...: from now on what has the name is exchanged for each of the others, until end_swaps.
begin_swaps() {
  mkfifo to from
  "$PYTHON" -I "$BATS_TEST_DIRNAME/swap.py" "$@" <to >from 3>&- &
  exec 8>to 9<from
  read -r <&9
}

end_swaps() {
  exec 8>&-
  read -r swaps <&9
  wait $!
  exec 9<&-
  rm to from
  assert [ "$swaps" -gt 100 ]
}

@test "a name that is exchanged for links, pipes and files all the time while 2000 dumps are written leads nowhere else" {
  for path in s.json s.jsonl; do
    ln -s ../victim out/link
    ln victim out/second
    mkfifo out/pipe
    ln -s pipe out/pipe_link
    echo plain >out/plain
    touch out/$path
    begin_swaps out/$path out/link out/second out/pipe out/plain out/pipe_link
    run -0 timeout 120 env LD_PRELOAD="$SHIM" ARROW_POOL_STATS="$PWD/out/$path" ARROW_POOL_STATS_SIGNAL=USR2 ARROW_POOL_LOG=quiet \
      "$PROBES/probe_dumps" 2000 8>&- 9<&-
    end_swaps
    assert_untouched victim "644 $(stat -c %h victim)"
    assert_equal "$(find out -name '*.tmp')" ""
    rm -r out victim
    mkdir out
    echo precious >victim
  done
}

@test "a dump stays in one directory, also where the directory is exchanged for another all the time" {
  mkdir theirs mine
  ln -s mine dir
  ln -s theirs other
  begin_swaps dir other
  # What lies under the temporary name, which is known beforehand, is not ours.
  for ((i = 0; i < 2; i++)); do
    run -0 timeout 60 bash -c 'echo evil >mine/s.json.$$.tmp
      exec env LD_PRELOAD="$SHIM" ARROW_POOL_STATS="$PWD/dir/s.json" ARROW_POOL_STATS_SIGNAL=USR2 "$PROBES/probe_dumps" 250' 8>&- 9<&-
    assert_equal "$output" "" # one half of a dump's work in another directory would be a warning
    run -1 grep -ls evil theirs/s.json mine/s.json
    rm -f theirs/s.json mine/*
    assert_equal "$(ls theirs)" ""
  done
  end_swaps
}

@test "a link to the program's own stderr is written through, where that is a file too" {
  ln -s /proc/self/fd/2 out/err
  echo before >log
  run -0 bash -c 'LD_PRELOAD=$SHIM ARROW_POOL_STATS=$PWD/out/err ARROW_POOL_STATS_FORMAT=json exec "$PROBES/probe_dumps" 0 2>>log'
  assert [ -L out/err ]
  assert_equal "$(head -n 1 log)" before
  tail -n 1 log >last.json
  run -0 json last.json 'pool("libc")["num_allocations"]'
  assert_output 1
}

@test "no statistics are written over a disk" {
  need_root
  truncate -s 64K image
  disk=$(losetup --find --show image 2>/dev/null) || skip "no loop device can be had here"
  dumping ARROW_POOL_STATS="$disk"
  losetup --detach "$disk"
  assert_warning "Operation not permitted"
  run -0 cmp -n 65536 image /dev/zero
}

@test "a pipe whose reader does not read, and a lock that somebody keeps, are not waited for for ever" {
  mkfifo out/pipe
  exec 9<>out/pipe
  dd if=/dev/zero of=out/pipe bs=4096 count=64 oflag=nonblock status=none 2>/dev/null || true
  dumping ARROW_POOL_STATS="$PWD/out/pipe"
  assert_warning "Resource temporarily unavailable"
  exec 9>&-
  touch out/s.jsonl
  mkfifo held
  python3 -I -c 'import fcntl, signal
file = open("out/s.jsonl", "r+b")
fcntl.lockf(file, fcntl.LOCK_EX)
open("held", "w").close()
signal.pause()' 3>&- &
  holder=$!
  cat held
  dumping ARROW_POOL_STATS="$PWD/out/s.jsonl"
  assert_warning "Resource temporarily unavailable"
  kill $holder
  assert [ ! -s out/s.jsonl ]
}

@test "files are for their owner only, whatever the umask" {
  for mask in 0 077 0777; do
    run -0 bash -c "umask $mask; LD_PRELOAD=$SHIM ARROW_POOL_LIVE=$PWD/out ARROW_POOL_LIVE_KEEP=1 ARROW_POOL_STATS=$PWD/out/%p.json exec '$PROBES/probe_dumps' 0"
    run -0 bash -c "umask $mask; LD_PRELOAD=$SHIM ARROW_POOL_STATS=$PWD/out/%p.jsonl exec '$PROBES/probe_dumps' 0"
  done
  run -0 bash -c 'stat -c %a out/* | sort | uniq -c'
  assert_output "      9 600"
}

# named PROGRAM PATTERN: its dump.
named() {
  run -0 --separate-stderr env STATS="$2" bash -c \
    'export LD_PRELOAD=$SHIM ARROW_POOL_STATS=$STATS; exec -a "$1" "$PROBES/probe_dumps" 0' - "$1"
}

@test "a program's name stays one component of the path" {
  mkdir out/a
  for name in .. . ../../x /x/.. $'\e[31m\n'; do
    named "$name" "$PWD/out/a/%e/s.json" # directories that are not there
    assert_warning "No such file or directory"
  done
  for name in .. . ../../x /x/.. $'\e[31m\n'; do
    named "$name" "$PWD/out/a/%e"
    assert_equal "$stderr" ""
  done
  run -0 find out -mindepth 1 -printf '%P\n'
  assert_equal "$(sort <<<"$output" | paste -sd ' ')" "a a/_ a/_. a/_[31m_ a/x"
}

@test "a host's name stays one component of the path" {
  need_root
  unshare --uts true 2>/dev/null || skip "no UTS namespace can be made here"
  for host in .. /etc $'a\nb'; do
    run -0 --separate-stderr unshare --uts "$PYTHON" -I -c '
import os, socket, sys
socket.sethostname(sys.argv[1])
os.execve(sys.argv[2], sys.argv[2:4], os.environ | {"LD_PRELOAD": os.environ["SHIM"], "ARROW_POOL_STATS": os.getcwd() + "/out/%h"})' \
      "$host" "$PROBES/probe_dumps" 0
    assert_equal "$stderr" ""
  done
  run -0 find out -mindepth 1 -printf '%P\n'
  assert_equal "$(sort <<<"$output" | paste -sd ' ')" "_. _etc a_b"
}

@test "nothing is written under a path or a name that was cut off" {
  # $PWD/././.../stats.json, of a given length.
  of_length() {
    local path=$PWD rest
    rest=$(($1 - ${#path} - 11))
    ((rest % 2 == 0)) || path=${path/\//\/\/}
    printf '%s' "$path"
    printf '/.%.0s' $(seq $((rest / 2)))
    printf '/stats.json'
  }
  path=$(of_length 4095)
  assert_equal "${#path}" 4095
  dumping ARROW_POOL_STATS="$path"
  assert_equal "$stderr" ""
  assert_dump stats.json
  rm stats.json
  for length in 4096 4097 4101 4105; do # cut off these would end in stats.jso and so on, down to s
    dumping ARROW_POOL_STATS="$(of_length $length)"
    assert_equal "${#stderr_lines[@]}" 1
    assert_equal "$(ls -- stat* s 2>/dev/null)" ""
  done
  dumping ARROW_POOL_STATS="$PWD/out/$(printf 'x%.0s' {1..255})"
  assert_equal "$stderr" ""
  dumping ARROW_POOL_STATS="$PWD/out/$(printf 'y%.0s' {1..256})"
  assert_equal "${#stderr_lines[@]}" 1
  assert_equal "$(ls out)" "$(printf 'x%.0s' {1..255})"
}

@test "processes with the same pattern replace each other's dumps, and mix no lines" {
  for ((i = 0; i < 20; i++)); do
    for ending in json jsonl; do
      env LD_PRELOAD="$SHIM" ARROW_POOL_STATS="$PWD/out/s.$ending" ARROW_POOL_STATS_SIGNAL=USR2 "$PROBES/probe_dumps" 9 3>&- 2>>err &
    done
  done
  wait
  assert_equal "$(cat err)" ""
  assert_dump out/s.json
  run -0 "$PYTHON" -I -c 'import json; print(len([json.loads(line) for line in open("out/s.jsonl")]))'
  assert_output 200
  assert_equal "$(ls out)" $'s.json\ns.jsonl'
}

# live_name: of the process that runs this, and has its number and start time after an exec.
LIVE_NAME='arrowpool-$$-$(cut -d" " -f22 /proc/$$/stat)'

@test "what others planted under a live file's name is neither followed nor changed" {
  need_hardware "qemu-user tells another start time than the kernel"
  live() {
    run -0 --separate-stderr bash -c "$1"'; exec env LD_PRELOAD="$SHIM" ARROW_POOL_LIVE="$PWD/out" ARROW_POOL_LIVE_KEEP=1 "$PROBES/probe_dumps" 0'
    assert_equal "$stderr" ""
  }
  live ':'
  mv out/*-0.live foreign # of another process: it is marked as ended
  cp foreign before
  live "ln -s ../victim out/$LIVE_NAME-0.live; ln foreign out/$LIVE_NAME-1.live; mkfifo out/$LIVE_NAME-2.live
    cp victim out/$LIVE_NAME-3.live; mkdir out/$LIVE_NAME-4.live"
  assert_untouched victim "644 1"
  run -0 cmp foreign before
  assert_equal "$(cat out/*-3.live)" precious
  run -0 stat -c '%F %a' out/*-5.live
  assert_output "regular file 600"
  run -0 "$CLI" show out/*-5.live
}

@test "warnings are one line without control characters, whatever a value holds" {
  dumping ARROW_POOL_STATS=$'/nonexistent/\e[31m\nsecond line' ARROW_POOL_THP=$'\a\nno'
  assert_equal "${#stderr_lines[@]}" 2
  [[ $stderr != *[$'\e\a']* ]] || fail "$stderr"
}

@test "a set-user-ID program under /etc/ld.so.preload obeys no variable" {
  make_shared
  unshare --mount true 2>/dev/null || skip "no mount namespace can be made here"
  mkdir "$SHARED/out"
  chmod 777 "$SHARED/out"
  cp -a /etc "$SHARED/etc"
  echo "$SHARED/bin/${SHIM##*/}" >"$SHARED/etc/ld.so.preload"
  started() {
    run -0 --separate-stderr unshare --mount bash -c 'mount --bind "$0/etc" /etc && exec "${@:2}" env ARROW_POOL_STATS="$0/out/s.json" \
      ARROW_POOL_LIVE="$0/out" ARROW_POOL_LIVE_KEEP=1 ARROW_POOL_LOG=info ARROW_POOL_TPH=1 "$0/bin/probe_dumps" 0' "$SHARED" - "${OTHER[@]}"
  }
  started
  assert_equal "$(dumps "$SHARED/out")" 2 # an ordinary one does
  rm "$SHARED"/out/*
  chmod u+s "$SHARED/bin/probe_dumps"
  [ "$("${OTHER[@]}" find "$SHARED/bin/probe_dumps" -perm -4000 | wc -l)" = 1 ] || skip "no set-user-ID program can be made here"
  ! findmnt --noheadings --output OPTIONS --target "$SHARED" | grep -qw nosuid || skip "$SHARED ignores set-user-ID"
  started
  refute [ -e "$SHARED/out/s.json" ]
  assert_equal "$(dumps "$SHARED/out")" 0
}
