#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2153,SC2154 # other shells expand these; tests are functions; bats or the helper sets these
# Memory that is short: what was freed and kept for the next buffer is the kernel's to take, and gets nobody killed.
load helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  need_hardware "the memory would be the emulator's"
}

teardown() {
  touch over
}

# A process that has 300 MiB idle, in buffers of so many KiB, and another one that needs 300 MiB, in a group of 400. The
# decay time is not over before the end.
short() {
  local kib=$1 count=$2
  shift 2
  rm -f idle over
  in_cgroup 400 bash -c '
    env "LD_PRELOAD=$SHIM" ARROW_POOL=jemalloc ARROW_POOL_DECAY=10m "${@:3}" "$PROBES/probe_idle" hold "$1" "$2" idle over &
    until [ -e idle ]; do sleep 0.05; done
    sleep 1
    "$PROBES/probe_idle" need 300
    echo "need: $?"
    touch over
    wait $!
    echo "hold: $?"' - "$kib" "$count" "$@"
}

@test "in a memory cgroup idle memory gets neither its owner nor its neighbour killed" {
  for buffers in "1024 300" "300 1000" "8192 37" "65536 5"; do # packed, in slots, in slots with huge pages
    for thp in auto never; do
      # shellcheck disable=SC2086 # two words
      short $buffers ARROW_POOL_THP=$thp
      assert_equal "$buffers $thp: ${output//$'\n'/, }" "$buffers $thp: need: 0, hold: 0"
    done
  done
}

@test "that test would see it: with a decay time that has no limit the owner is killed" {
  short 8192 37 ARROW_POOL_DECAY=never
  assert_line "need: 0"
  assert_line "hold: 137"
}

# resident PID: in KiB.
resident() {
  sed -n 's/^VmRSS:\s*\([0-9]*\) kB/\1/p' "/proc/$1/status"
}

# put_waited FILE MICROSECONDS: how long tasks waited for memory.
put_waited() {
  printf 'some avg10=0.00 avg60=0.00 avg300=0.00 total=%s\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n' "$2" >"$1"
}

@test "idle memory goes when the kernel says that tasks wait for it" {
  need_root
  unshare -m true 2>/dev/null || skip "no mount namespace can be made here"
  [ -e /proc/pressure/memory ] || skip "the kernel keeps no figures of pressure"
  local group
  group=$(findmnt -nt cgroup2 -o TARGET | head -n 1)$(sed -n 's/^0:://p' /proc/self/cgroup)
  put_waited waited 0
  env "LD_PRELOAD=$SHIM" ARROW_POOL=jemalloc ARROW_POOL_DECAY=10m \
    unshare -m bash -c '
      for file in "$1/memory.pressure" /proc/pressure/memory; do
        [ ! -e "$file" ] || mount --bind waited "$file" || exit
      done
      LD_PRELOAD=$SHIM exec "$PROBES/probe_idle" hold 1024 200 idle over' - "$group" &
  until [ -e idle ]; do sleep 0.05; done
  sleep 2
  assert [ "$(resident $!)" -gt 150000 ] # nobody waits: it stays
  for ((i = 1; i < 30; i++)); do
    put_waited waited $((i * 1000000))
    sleep 0.5
    [ "$(resident $!)" -gt 50000 ] || break
  done
  assert [ "$(resident $!)" -le 50000 ]
  touch over
  wait $!
}
