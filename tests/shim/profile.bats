#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2153,SC2154 # other shells and Python expand these; each test is a subshell; bats or the helper sets these
# Profiles of a process that ends in each way, forks, becomes another program, is killed: that the file is there, and
# right; and that no mishap to the file or within a sample harms the process.
load helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  ulimit -c 0
  PROFILES=$BATS_TEST_TMPDIR/profiles
}

teardown() {
  exec 8>&- 9<&-
  umount "$BATS_TEST_TMPDIR/small" 2>/dev/null || true
}

# guard MODE: the setting with which the libc hook serves in system mode too, where it only counts otherwise.
guard() {
  [ "$1" = jemalloc ] && echo off || echo warn
}

# profile MODE [NAME=VALUE]... COMMAND...: with a profile that has each buffer of 8 MiB.
profile() {
  shim ARROW_POOL="$1" ARROW_POOL_DEBUG="$(guard "$1")" ARROW_POOL_PROFILE="$PROFILES" ARROW_POOL_PROFILE_MEAN=64K "${@:2}"
}

# begin MODE [NAME=VALUE]... COMMAND...: in the background, until it says what is in `said` then; a line on descriptor 8
# ends it, for which there is `end`.
begin() {
  rm -rf in out "$PROFILES"
  mkfifo in out
  env LD_PRELOAD="$SHIM" ARROW_POOL="$1" ARROW_POOL_DEBUG="$(guard "$1")" ARROW_POOL_PROFILE="$PROFILES" \
    ARROW_POOL_PROFILE_MEAN=64K "${@:2}" <in >out 2>err 3>&- &
  started=$!
  exec 8>in 9<out
  read -r -t "$(patience 60)" said <&9
}

end() {
  echo >&8
  wait "$started"
  exec 8>&- 9<&-
}

# who EXPRESSION FILE...: of what `arrowpool who` says of live buffers; p is the first process, and held the number of
# buffers of 8 MiB.
who() {
  "$CLI" who --at-least=0 --format=json "${@:2}" >who.json
  "$PYTHON" -I -c '
import json, sys
d = json.load(open("who.json"))
p = d["processes"][0]
held = round(d["sum"]["bytes"] / (8 << 20), 1)
assert all(one["damaged_entries"] == 0 for one in d["processes"]), d["processes"]
print(eval(sys.argv[1]))' "$1"
}

@test "the file comes with the first sample, for its owner only, and goes at an orderly end" {
  umask 0
  for mode in jemalloc system; do
    run -0 profile $mode "$PROBES/probe_profile" hold 0 return
    assert [ ! -e "$PROFILES" ]
    for way in return thread quick_exit; do
      run -0 profile $mode "$PROBES/probe_profile" hold 3 $way
      assert_equal "$output" ""
      assert_equal "$(dumps "$PROFILES")" 0
      run -0 profile $mode ARROW_POOL_PROFILE_KEEP=1 "$PROBES/probe_profile" hold 3 $way
      assert_equal "$(stat -c %a "$PROFILES" "$PROFILES"/*.profile | tr '\n' ' ')" "700 600 "
      run -0 who '[held, p["state"], p["program"]]' "$PROFILES"/arrowpool-*-0.profile
      assert_output "[3.0, 'ended', 'probe_profile']"
      rm -r "$PROFILES"
    done
  done
}

@test "it says the same of its process as a live file, also of a long name" {
  need_hardware "the emulator looks for a program by its own name"
  ln -s "$PROBES/probe_profile" a_name_of_more_than_fifteen_letters
  for mode in jemalloc system; do
    run -137 profile $mode ARROW_POOL_LIVE="$PWD/live" ./a_name_of_more_than_fifteen_letters hold 3 kill
    run -0 who '[p["program"], p["host"], p["pid"]]' "$PROFILES"/*.profile
    told=$output
    assert_regex "$told" "^\['a_name_of_more_than_fifteen_letters', '$(uname -n)', [0-9]+]$"
    "$CLI" show --format=json live/*.live >live.json
    run -0 json live.json '[d["process"][name] for name in ("program", "host", "pid")]'
    assert_output "$told"
    rm -r "$PROFILES" live
  done
}

@test "other ends leave it, and it tells which" {
  for mode in jemalloc system; do
    for case in _exit:0:ended abort:134:gone kill:137:gone; do
      IFS=: read -r way status state <<<"$case"
      run -"$status" profile $mode "$PROBES/probe_profile" hold 3 "$way"
      run -0 who '[held, p["state"]]' "$PROFILES"/*.profile
      assert_output "[3.0, '$state']"
      rm -r "$PROFILES"
    done
  done
}

@test "a forked child has a profile of its own, and leaves its parent's as it is" {
  need_hardware "qemu-user tells another start time than the kernel"
  for mode in jemalloc system; do
    for way in fork fork-threads; do
      begin $mode "$PROBES/probe_profile" $way
      child=${said% ready}
      run -0 who '[held, p["parent"]]' "$PROFILES"/arrowpool-"$started"-*
      assert_output "[3.0, None]"
      run -0 who '[held, p["parent"]]' "$PROFILES"/arrowpool-"$child"-*
      assert_output "[2.0, $started]"
      end
      assert_equal "$(dumps "$PROFILES")" 1 # the child's, which ended by _exit
    done
  done
}

@test "children for which no handler runs show nowhere in the profile; those that share its memory do" {
  need_hardware "the emulator keeps memory in children"
  for mode in jemalloc system; do
    for way in clone clone-exit clone-fork clone-threads _Fork; do
      begin $mode "$PROBES/probe_raw_child" $way
      run -0 who '[round(d["sum"]["bytes"] / (1 << 20)), p["pid"]]' "$PROFILES"/arrowpool-"$started"-*
      assert_equal "$mode $way $output" "$mode $way [10, $started]"
      end
    done
    begin $mode "$PROBES/probe_raw_child" vm
    run -0 who '[held, p["pid"]]' "$PROFILES"
    assert_output "[5.0, $started]"
    end
  done
}

@test "the child of a vfork makes no file, before which the parent has none" {
  for mode in jemalloc system; do
    begin $mode "$PROBES/probe_profile" vfork
    run -0 who '[held, p["pid"], len(d["processes"])]' "$PROFILES"
    assert_output "[3.0, $started, 1]"
    end
  done
}

@test "what a program held before an exec is in a file that says so" {
  for mode in jemalloc system; do
    run -0 profile $mode ARROW_POOL_PROFILE_KEEP=1 "$PROBES/probe_profile" exec "$PROBES/probe_profile" hold 2 return
    run -0 who '[held, p["state"]]' "$PROFILES"/*-0.profile
    assert_output "[3.0, 'replaced']"
    run -0 who '[held, p["state"]]' "$PROFILES"/*-1.profile
    assert_output "[2.0, 'ended']"
    rm -r "$PROFILES"
  done
}

@test "a daemon that closed everything and went elsewhere has its profile" {
  for mode in jemalloc system; do
    begin $mode "$PROBES/probe_profile" daemon
    run -0 who '[held, p["state"]]' "$PROFILES"/arrowpool-"${said% ready}"-*
    assert_output "[3.0, 'running']"
    end
  done
}

@test "a profile that is cut off, emptied, overwritten or deleted never harms the process" {
  need_hardware "qemu-user tells another start time than the kernel"
  for mode in jemalloc system; do
    for mishap in 'truncate -s 0 $F' 'truncate -s 70000 $F' 'truncate -s 0 $F; truncate -s 6M $F' 'rm $F' \
      'head -c 6000000 /dev/zero >$F' 'chmod 0 $F' 'dd if=/dev/urandom of=$F conv=notrunc bs=64k seek=1 count=80 status=none'; do
      begin $mode ARROW_POOL_LIVE="$PWD/live" "$PROBES/probe_profile" after "F=\$(echo $PROFILES/*.profile); $mishap"
      assert_equal "$mishap: $said" "$mishap: ready"
      end
      run -0 cat err
      assert_output ""
    done
  done
}

@test "SIGBUS of a live file that is cut off is handled beside a profile" {
  need_hardware "qemu-user tells another start time than the kernel"
  for mode in jemalloc system; do
    begin $mode ARROW_POOL_LIVE="$PWD/live" "$PROBES/probe_profile" after "truncate -s 0 $PWD/live/*.live"
    assert_equal "$said" ready
    run -0 who 'held >= 3' "$PROFILES"
    assert_output True
    end
    rm -r live
  done
}

@test "a directory that cannot be used is one warning" {
  touch file
  for mode in jemalloc system; do
    PROFILES=$PWD/file run -0 --separate-stderr profile $mode "$PROBES/probe_profile" hold 3 return
    [[ $stderr =~ ^"arrowpool: no profile $PWD/file/arrowpool-"[0-9-]+".profile: Not a directory"$ ]]
    PROFILES=$PWD/no/such run -0 --separate-stderr profile $mode "$PROBES/probe_profile" hold 3 return
    [[ $stderr =~ ^"arrowpool: no profile $PWD/no/such/arrowpool-"[0-9-]+".profile: No such file or directory"$ ]]
  done
}

@test "a limit on the size of files is one warning, and no signal" {
  for mode in jemalloc system; do
    run -0 --separate-stderr profile $mode bash -c 'ulimit -f 16; exec "$@"' - "$PROBES/probe_profile" hold 3 return
    [[ $stderr =~ ^"arrowpool: no profile $PROFILES/arrowpool-"[0-9-]+".profile: File too large"$ ]]
    assert_equal "$(dumps "$PROFILES")" 0
  done
}

@test "a disk that is full never harms the process" {
  need_root
  mkdir small
  mount -t tmpfs -o size=640k arrowpool small 2>/dev/null || skip "nothing can be mounted here"
  PROFILES=$PWD/small/profiles
  for mode in jemalloc system; do
    begin $mode ARROW_POOL_PROFILE_MEAN=1K "$PROBES/probe_profile" after 'head -c 1M /dev/zero >small/fill 2>/dev/null; :'
    assert_equal "$said" ready
    run -0 who 'p["lost_records"] > 0 or p["lost_stacks"] > 0 or p["samples"] > 0' "$PROFILES"
    assert_output True
    rm small/fill
    end
    head -c 640k /dev/zero >small/fill 2>/dev/null || true
    run -0 --separate-stderr profile $mode "$PROBES/probe_profile" hold 3 return
    [[ $stderr =~ ^"arrowpool: no profile $PROFILES/arrowpool-"[0-9-]+".profile: No space left on device"$ ]]
    rm small/fill
  done
}

@test "handlers of signals fork wherever they come, and both sides go on" {
  for mode in jemalloc system; do
    run -0 --separate-stderr profile $mode timeout "$(patience 60)" env ARROW_POOL_DECAY=never ARROW_POOL_PROFILE_MEAN=512 "$PROBES/probe_profile" handler
    assert_equal "$stderr" ""
    run -0 who 'len(d["processes"]) > 0' "$PROFILES"
    assert_output True
    rm -r "$PROFILES"
  done
}

@test "an alternate signal stack of 8 KiB, and threads with the smallest stacks" {
  for mode in jemalloc system; do
    for what in "altstack 8192" small-stacks cancel; do
      # shellcheck disable=SC2086 # the words are the probe's arguments
      run -0 --separate-stderr profile $mode timeout "$(patience 60)" env \
        ARROW_POOL_PROFILE_MEAN=1K ARROW_POOL_PROFILE_KEEP=1 "$PROBES/probe_profile" $what
      assert_equal "$stderr" ""
      run -0 who 'p["samples"] > 100' "$PROFILES"
      assert_output True
      rm -r "$PROFILES"
    done
  done
}

# kill_at_random TIMES: each file of a killed process is read, and none of its entries is damaged.
kill_at_random() {
  local i
  for ((i = 1; i <= $1; i++)); do
    mode=$([ $((i % 2)) = 0 ] && echo jemalloc || echo system)
    env LD_PRELOAD="$SHIM" ARROW_POOL="$mode" ARROW_POOL_DEBUG="$(guard "$mode")" ARROW_POOL_PROFILE="$PROFILES" \
      ARROW_POOL_PROFILE_MEAN=1K "$PROBES/probe_profile" churn 3>&- &
    until compgen -G "$PROFILES/arrowpool-$!-*.profile" >/dev/null; do sleep 0.01; done
    sleep "0.$(printf %03d $((RANDOM % 200)))"
    kill -KILL $!
    wait $! 2>/dev/null || true
    if [ "$(stat -c %s "$PROFILES"/*)" -gt 0 ]; then
      who 'p["state"]' "$PROFILES" || { cp "$PROFILES"/* "$BATS_RUN_TMPDIR"; return 1; }
    fi
    rm -r "$PROFILES"
  done
}

@test "processes that are killed at any moment leave entries that are whole" {
  kill_at_random 20
}

@test "processes that are killed at any moment leave entries that are whole, 200 of them" {
  need_long
  kill_at_random 200
}

@test "frames by each word, and all of them" {
  for mode in jemalloc system; do
    for words in python native tasks python,native native,tasks python,native,tasks all; do
      run -0 --separate-stderr profile $mode ARROW_POOL_PROFILE_FRAMES=$words ARROW_POOL_PROFILE_KEEP=1 \
        "$PROBES/probe_profile" hold 3 return
      assert_equal "$stderr" ""
      run -0 who '[held, p["python"]]' "$PROFILES"
      [[ $words == all || $words == *python* ]] && python=absent || python=off
      assert_output "[3.0, '$python']"
      rm -r "$PROFILES"
    done
  done
}

@test "a value that makes no sense is one line, and the default is in force" {
  for setting in MEAN=0 MEAN=-1 MEAN=none FRAMES=line FRAMES=python,line KEEP=2; do
    run -0 --separate-stderr shim ARROW_POOL=jemalloc ARROW_POOL_PROFILE="$PROFILES" ARROW_POOL_PROFILE_$setting "$PROBES/probe_profile" hold 3 _exit
    [[ $stderr == "arrowpool: ARROW_POOL_PROFILE_$setting: "* ]]
    [ "${#stderr_lines[@]}" = 1 ]
    run -0 who '[held, p["mean_bytes"]]' "$PROFILES"
    assert_output "[3.0, 524288]"
    rm -r "$PROFILES"
  done
}

@test "arrowpool run sets it: with a directory, and a mean" {
  run -0 "$CLI" run --profile="$PROFILES" --profile-mean=64K --profile-keep=1 -- "$PROBES/probe_profile" hold 3 return
  run -0 who '[held, p["mean_bytes"]]' "$PROFILES"
  assert_output "[3.0, 65536]"
  run -2 "$CLI" run --profile="$PROFILES" --profile-mean=0 -- "$PROBES/probe_profile" hold 3 return
  assert_output --partial "profile-mean"
}

@test "a program that allows itself only what malloc needs, else to be killed, goes on, and leaves its profile" {
  need_hardware "the system calls would be the emulator's"
  for mode in jemalloc system; do
    for way in prctl syscall; do
      run profile $mode ARROW_POOL_PROFILE_MEAN=4K "$PROBES/probe_strict" $way
      [ "$status" -ne 77 ] || skip "no filter can be set here"
      assert_equal "$mode:$way:$status:$output" "$mode:$way:0:"
      assert [ ! -e "$PROFILES" ]
      run -0 --separate-stderr profile $mode ARROW_POOL_PROFILE_MEAN=4K "$PROBES/probe_strict" $way before
      assert_equal "$output$stderr" ""
      run -0 who '[held, p["state"], p["samples"] > 0]' "$PROFILES"
      assert_output "[0.0, 'ended', True]" # and nothing is removed
      rm -r "$PROFILES"
    done
  done
}

@test "a setuid program keeps no profile" {
  need_root
  cp "$PROBES/probe_profile" setuid
  chmod 4755 setuid
  chmod 755 . .. ../..
  run -0 setpriv --reuid=65534 --regid=65534 --clear-groups env LD_PRELOAD="$SHIM" ARROW_POOL_PROFILE=/tmp/no-such-profile \
    ./setuid hold 3 _exit
  assert [ ! -e /tmp/no-such-profile ]
}
