#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2153,SC2154 # other shells and Python expand these; names of the helper; bats or the helper sets these
# `arrowpool doctor` on commands, and what `arrowpool run` says of programs that cannot be preloaded. Where the
# doctor promises something, the program is run to see whether it holds.
load ../shim/helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  echo 'int main(void) { return 7; }' >seven.c
}

doctor() {
  "$CLI" doctor "$@"
}

# unloadable FILE REASON STATUS: the doctor says why it cannot be preloaded, and run says so in one line and
# starts it all the same.
unloadable() {
  run -1 --separate-stderr doctor "$1"
  assert_line --partial "problem: $1 cannot be preloaded: $2"
  refute_line --partial "note: asked"
  assert_equal "$stderr" ""
  run -"$3" --separate-stderr "$CLI" run -- "$1"
  assert_equal "${stderr_lines[0]}" "arrowpool: run: $1 cannot be preloaded: $2"
  assert_equal "$output" ""
}

@test "an ordinary program will be served, and run says nothing" {
  gcc -o seven seven.c
  run -0 --separate-stderr doctor ./seven
  assert_line --regexp "^ok: \./seven: $CODE, /lib(64)?/ld-linux-${MACHINE/x86_64/x86-64}\.so\.[12]\$"
  assert_line "ok: the shim is $("$PROBES/probe_api"): $SHIM"
  assert_line --regexp '^ok: an address range of [0-9.]+ [GT]iB can be reserved and used$'
  refute_line --regexp '^(warning|problem)'
  assert_equal "$stderr" ""
  run -7 --separate-stderr "$CLI" run -- ./seven
  assert_equal "$stderr" ""
}

@test "the command is not run, and what is asked instead is said" {
  printf '#!/bin/sh\ntouch started\n' >script
  chmod +x script
  loader=$(doctor ls | sed -n 's/^ok: .*code, //p')
  run doctor ./script
  assert_line "note: asked $loader --list, for at most 5 s"
  run doctor sh -c 'touch started'
  assert_line "note: asked $loader --list, for at most 5 s"
  run doctor "$PYTHON" -E -c 'open("started", "w")'
  assert_line "note: asked $loader --list and $PYTHON -E -B -c, for at most 5 s each"
  assert [ ! -e started ]
}

@test "static programs" {
  gcc -static -o static seven.c
  gcc -static-pie -o static-pie seven.c
  unloadable ./static "it is linked statically, so no loader runs that could preload anything" 7
  unloadable ./static-pie "it is linked statically, so no loader runs that could preload anything" 7
}

@test "programs of musl, for which run leaves LD_PRELOAD alone" {
  command -v musl-gcc >/dev/null || skip "musl-gcc (Debian: musl-tools) is not installed"
  musl-gcc -o musl seven.c
  unloadable ./musl "its loader is ld-musl-$MACHINE.so.1, which is not glibc's but musl's" 7
  run -127 shim ./musl # so it has to
}

@test "programs of a loader that nobody knows" {
  [ "$MACHINE" = aarch64 ] && number=183 || number=62
  "$PYTHON" -I "$SOURCE/tests/cli/elf.py" other 64 "$number" /no/such/ld-other.so.1
  unloadable ./other "its loader is ld-other.so.1, which is not glibc's" 127
}

@test "programs of other processors, which no shell is given to read" {
  [ "$MACHINE" = aarch64 ] && name=x86-64 number=62 || name=aarch64 number=183
  "$PYTHON" -I "$SOURCE/tests/cli/elf.py" other 64 "$number" "/lib/ld-linux-$name.so.1"
  "$PYTHON" -I "$SOURCE/tests/cli/elf.py" x86 32 3 /lib/ld-linux.so.2
  "$PYTHON" -I "$SOURCE/tests/cli/elf.py" riscv 64 243
  run -1 doctor ./other
  assert_line "problem: ./other cannot be preloaded: it is 64-bit $name code, and the shim is not; run one built for this processor"
  run -1 doctor ./x86
  assert_line --partial "./x86 cannot be preloaded: it is 32-bit x86 code, and the shim is not"
  run -1 doctor ./riscv
  assert_line --partial "./riscv cannot be preloaded: it is 64-bit RISC-V code, and the shim is not"
  refute_line --partial "note: asked"
  run --separate-stderr "$CLI" run -- ./riscv
  assert_equal "${stderr_lines[0]}" "arrowpool: run: ./riscv cannot be preloaded: it is 64-bit RISC-V code, and the shim is not"
  assert_equal "${stderr_lines[1]}" "arrowpool: ./riscv: Exec format error"
  assert_equal "$status" 126
}

@test "set-user-ID programs, where that changes the user" {
  need_root
  "$PYTHON" -I -c 'import os, sys; sys.exit(os.statvfs(".").f_flag & os.ST_NOSUID)' || skip "mounted nosuid"
  gcc -o mine seven.c
  cp mine other
  chown root mine
  chown nobody other
  chmod 4755 mine other
  unloadable ./other "it is set-user-ID, and the loader ignores LD_PRELOAD in such programs" 7
  run -0 doctor ./mine # root gains nothing by root's
}

@test "programs with file capabilities, for users who are not root" {
  need_root
  command -v setcap >/dev/null || skip "setcap (Debian: libcap2-bin) is not installed"
  gcc -o able seven.c
  setcap cap_net_raw+ep able 2>/dev/null || skip "this file system has no file capabilities"
  chmod a+rx . # the folders above it stay shut: it is reached from within
  setpriv --reuid=nobody --clear-groups test -x "$CLI" || skip "not to be reached by another user: $CLI"
  run -1 setpriv --reuid=nobody --clear-groups "$CLI" doctor ./able
  assert_line --partial "cannot be preloaded: it has file capabilities"
  run -0 doctor ./able
}

@test "scripts are followed to what runs them" {
  gcc -static -o static seven.c
  printf '#!%s/static\n' "$PWD" >one
  printf '#!%s/one -x\n' "$PWD" >two
  printf '#!/usr/bin/env -S A=1 python3 -u\n' >three
  printf 'exit 7\n' >four
  ln -s three link
  chmod +x one two three four
  mkdir bin
  ln -s "$(realpath "$PYTHON")" bin/python3
  unloadable "$PWD/static" "it is linked statically, so no loader runs that could preload anything" 7
  run -1 doctor ./two
  assert_line "ok: through ./two, $PWD/one, $PWD/static: $CODE, no loader"
  run -7 --separate-stderr "$CLI" run -- ./two
  assert_equal "${#stderr_lines[@]}" 1
  PATH=$PWD/bin:$PATH run doctor ./link
  assert_line --partial "ok: through ./link, /usr/bin/env, $PWD/bin/python3 -> $(realpath "$PYTHON"): "
  assert_line --partial "ok: it is Python 3."
  run -0 doctor ./four
  assert_line --partial "ok: through ./four, /bin/sh"
  assert_line --partial "note: it is a shell: what it starts inherits the shim"
}

@test "env that drops LD_PRELOAD is a problem" {
  run -0 doctor env A=1 ls
  run -1 doctor env -i A=1 ls
  assert_line --partial "problem: env empties the environment on the way, and LD_PRELOAD is lost"
  run -1 doctor env -u LD_PRELOAD ls
}

@test "mistakes in the environment" {
  ARROW_POOL=nonsense ARROW_POOL_STAT=x ARROW_DEFAULT_MEMORY_POOL=best ARROW_POOL_LIVE=/no/such/place run -0 doctor ls
  assert_line "warning: ARROW_POOL=nonsense: choose jemalloc or system; using system; see arrowpool env"
  assert_line --partial "warning: ARROW_POOL_STAT: unknown variable; the nearest is ARROW_POOL_STATS"
  assert_line "warning: ARROW_DEFAULT_MEMORY_POOL=best: Arrow knows no such pool and takes its own default; choose system, jemalloc or mimalloc"
  assert_line --partial "warning: ARROW_POOL_LIVE=/no/such/place: /no/such: No such file or directory"
  ARROW_DEBUG_MEMORY_POOL=abort MALLOC_CONF=abort:true GLIBC_TUNABLES=glibc.malloc.hugetlb=1 run -0 doctor ls
  assert_line --partial "warning: ARROW_DEBUG_MEMORY_POOL=abort: Arrow's debug pools stay its own"
  assert_line --partial "note: MALLOC_CONF is set"
  assert_line --partial "note: GLIBC_TUNABLES is set"
  ARROW_POOL=jemalloc run -0 doctor ls
  assert_line --partial "ok: ARROW_POOL=jemalloc"
}

@test "a profile: its directory, and whether it will have lines and tasks" {
  "$PYTHON" -I -c 'import pyarrow' 2>/dev/null || skip "no pyarrow in $PYTHON"
  version=$("$PYTHON" -I -c 'import platform; print(platform.python_version())')
  run -0 doctor "$PYTHON" etl.py
  assert_line "note: no profile will be kept: nothing says who holds the memory; ARROW_POOL_PROFILE=DIRECTORY keeps one"
  assert_line "note: a profile would name lines of Python: frames of $version can be read"
  assert_line --regexp '^note: a profile would say for whom the threads of libarrow [0-9.]+ work$'
  ARROW_POOL_PROFILE=$PWD run -0 doctor "$PYTHON" etl.py
  assert_line "ok: a profile will name lines of Python: frames of $version can be read"
  assert_line --regexp '^ok: a profile will say for whom the threads of libarrow [0-9.]+ work$'
  refute_line --partial "no profile"
  ARROW_POOL_PROFILE=$PWD ARROW_POOL_PROFILE_FRAMES=native run -0 doctor "$PYTHON" etl.py
  assert_line "note: ARROW_POOL_PROFILE_FRAMES leaves out python: a profile names no lines"
  assert_line "note: ARROW_POOL_PROFILE_FRAMES leaves out tasks: a profile does not say for whom Arrow's threads work"
  ARROW_POOL_PROFILE=/no/such/place run -0 doctor ls
  assert_line "warning: ARROW_POOL_PROFILE=/no/such/place: /no/such: No such file or directory; make it, or name another"
  ARROW_POOL_PROFILE=off run -0 doctor ls
  assert_line --partial "note: no profile will be kept"
}

@test "the order of LD_PRELOAD" {
  for name in libasan.so.8 libjemalloc.so.2 other.so; do gcc -shared -fPIC -o $name -xc /dev/null; done
  LD_PRELOAD=$PWD/libjemalloc.so.2:$SHIM run -0 doctor ls
  assert_line --partial "warning: LD_PRELOAD has the allocator $PWD/libjemalloc.so.2 before the shim"
  LD_PRELOAD=$SHIM:$PWD/libjemalloc.so.2 run -0 doctor ls
  assert_line "note: LD_PRELOAD has the allocator $PWD/libjemalloc.so.2 behind the shim"
  LD_PRELOAD=$PWD/libasan.so.8 run -0 doctor ls
  assert_line --partial "warning: LD_PRELOAD has the sanitizer $PWD/libasan.so.8"
  LD_PRELOAD=$PWD/libasan.so.8:$SHIM run -0 doctor ls
  assert_line --partial "note: LD_PRELOAD has the sanitizer $PWD/libasan.so.8 before the shim"
  LD_PRELOAD=/no/such.so:$PWD/other.so run -0 doctor ls
  assert_line --partial "warning: LD_PRELOAD names /no/such.so, which cannot be read"
  assert_line "note: LD_PRELOAD has $PWD/other.so behind the shim"
}

@test "a program built with AddressSanitizer, which refuses to run behind the shim" {
  gcc -fsanitize=address -o sanitized seven.c
  run -0 doctor ./sanitized
  assert_line --partial "warning: it is linked to the sanitizer "
  run -1 "$CLI" run -- ./sanitized # so it does
  asan=$(gcc -print-file-name=libasan.so)
  LD_PRELOAD=$(realpath "$asan"):$SHIM ASAN_OPTIONS=detect_leaks=0 run -7 ./sanitized # as advised
}

@test "a program that frees past the shim, in each way, and what stands behind that" {
  for probe in "own:defines its own free" "own_libc:or a library of its calls __libc_"; do
    run -1 doctor "$PROBES/probe_${probe%%:*}"
    assert_line --partial "problem: it ${probe#*:}"
    assert_line --partial "what libc's aligned functions hand out stays its allocator's, and is only counted; ARROW_POOL_HOOKS=arrow_mi,arrow_vtable"
    run -1 --separate-stderr doctor --format=json "$PROBES/probe_${probe%%:*}"
    run -0 "$PYTHON" -I -c 'import json, sys; print([f["topic"] for f in json.load(sys.stdin)["findings"] if f["level"] == "problem"])' <<<"$output"
    assert_output "['program']"
    for settings in ARROW_POOL=system ARROW_POOL_HOOKS=arrow_mi,arrow_vtable; do
      run -0 env "$settings" "$CLI" doctor "$PROBES/probe_${probe%%:*}"
      refute_line --regexp '^problem'
    done
  done
  run -0 doctor "$PROBES/probe_own_none"
  refute_line --regexp '^problem'
}

@test "a glibc that is too old, and a library that is missing" {
  gcc -o seven seven.c -Wl,-rpath,"$PWD/old"
  mkdir old
  needed=$(readelf -VW "$BUILD/shim/libarrowpool_preload.so" | grep -o 'Name: GLIBC_2\.[0-9]*' | sort -V | tail -n 1)
  needed=${needed##*.}
  # make_libc NEWEST TEXT: one that defines versions up to that, and says that of itself.
  make_libc() {
    printf 'GLIBC_2.2.5 {};\nGLIBC_2.%s { global: old; } GLIBC_2.2.5;\n' "$1" >old.map
    printf 'const char *old(void) { return "%s"; }' "$2" | gcc -shared -fPIC -nostdlib -Wl,--version-script=old.map \
      -Wl,-soname,libc.so.6 -o old/libc.so.6 -xc -
  }
  # 2.31 brought no function and defines no version.
  make_libc 7 "GNU C Library (Debian GLIBC 2.8-13+deb11u13) stable release version 2.8."
  run -1 doctor ./seven
  assert_line --partial "problem: its glibc is 2.8: the shim needs 2.$needed: $PWD/old/libc.so.6"
  make_libc $((needed - 1)) "no name"
  run -1 doctor ./seven
  assert_line --partial "problem: its glibc is 2.$((needed - 1)): the shim needs 2.$needed: $PWD/old/libc.so.6"
  make_libc "$needed" "development release version 2.9"
  run doctor ./seven
  refute_output --partial "its glibc"
  gcc -shared -fPIC -nostdlib -Wl,-soname,libgone.so -o libgone.so -xc /dev/null
  gcc -o needy seven.c -Wl,--no-as-needed ./libgone.so
  rm libgone.so
  run -0 doctor ./needy
  assert_line --partial "warning: the library libgone.so is not found here"
}

@test "dlmopen, whose namespaces are out of reach" {
  printf '#include <dlfcn.h>\nint main(void) { return !dlmopen(LM_ID_NEWLM, "libm.so.6", RTLD_NOW); }\n' >apart.c
  gcc -D_GNU_SOURCE -o apart apart.c
  run -0 doctor ./apart
  assert_line --partial "note: it calls dlmopen"
  run -0 doctor ls
  refute_line --partial dlmopen
}

@test "the memory limit of the control group" {
  need_root
  group=/sys/fs/cgroup/arrowpool-test-$$ file=memory.max
  [ -d /sys/fs/cgroup/memory ] && group=/sys/fs/cgroup/memory/arrowpool-test-$$ file=memory.limit_in_bytes
  mkdir "$group" 2>/dev/null || skip "no control groups can be made here"
  if [ ! -w "$group/$file" ]; then
    rmdir "$group"
    skip "the memory controller is not to be had here"
  fi
  echo 512M >"$group/$file"
  run bash -c 'echo $$ >"$0/cgroup.procs"; "$CLI" doctor ls' "$group"
  rmdir "$group"
  assert_success
  assert_line "note: the control group may use 512.0 MiB: freed pages count until ARROW_POOL_DECAY is over"
}

@test "limits that leave too little room" {
  run -0 bash -c 'ulimit -v 400000; "$CLI" doctor ls'
  assert_line --partial "note: ulimit -v is 390.6 MiB"
  assert_line --regexp '^warning: the address range has only [0-9.]+ MiB'
  run -1 bash -c 'ulimit -v 200000; "$CLI" doctor ls'
  assert_line --partial "problem: no address range can be reserved"
  run -0 bash -c 'ulimit -d 100000; "$CLI" doctor ls'
  assert_line --partial "note: ulimit -d is 97.7 MiB"
}

@test "json says the same, and keeps to its schema" {
  gcc -static -o $'odd\nname\xff' seven.c
  "$CLI" doctor --format=json ls >good.json
  "$CLI" doctor --format=json $'./odd\nname\xff' >bad.json || [ $? = 1 ]
  "$CLI" doctor --format=json ./missing >missing.json || [ $? = 1 ]
  "$CLI" doctor ls >good.txt
  run -0 "$PYTHON" -I - "$SOURCE/docs/use/doctor.schema.json" good.txt ./*.json <<'PYTHON'
import json, os, sys
import jsonschema

schema = json.load(open(sys.argv[1]))
validator = jsonschema.validators.validator_for(schema)
validator.check_schema(schema)
reports = {path: json.load(open(path)) for path in sys.argv[3:]}
for report in reports.values():
    validator(schema).validate(report)
served = {path: report["served"] for path, report in reports.items()}
assert served == {"./good.json": True, "./bad.json": False, "./missing.json": False}, served
good = reports["./good.json"]
lines = [f"{f['level']}: {f['text']}" + (f"; {f['advice']}" if f["advice"] else "") for f in good["findings"]]
assert len(good["ran"]) == 1 and reports["./bad.json"]["ran"] == reports["./missing.json"]["ran"] == [], reports
command, listed = good["ran"][0].rsplit(" ", 1)
assert os.path.basename(listed) == "ls", listed
lines.append(f"note: asked {command}, for at most 5 s")
assert lines == open(sys.argv[2]).read().splitlines(), lines

# A schema that refuses nothing would pass as well.
good["findings"][0]["level"] = "bad"
assert not validator(schema).is_valid(good)
print(len(reports))
PYTHON
  assert_output 3
}

@test "an option behind the command is the command's own, which is said" {
  run -0 doctor ls --format=json
  assert_line "note: --format=json stands behind the command, and is its own: the doctor's options stand before it"
  run -0 doctor ls -- --format=json
  refute_line --partial "behind the command"
}

@test "a place where nothing can be written is a warning, as run would refuse it" {
  for setting in STATS=missing/x.json LIVE=a/b/c PROFILE=a/b/c STATS=x.csv; do
    run -0 env "ARROW_POOL_$setting" "$CLI" doctor ls
    assert_line --partial "warning: ARROW_POOL_$setting: "
    run -2 env "ARROW_POOL_$setting" "$CLI" run -- ls
  done
  ARROW_POOL_LIVE=$PWD/new run -0 doctor ls
  refute_line --partial "ARROW_POOL_LIVE"
  assert [ ! -e new ]
}

@test "wrong usage is status 2, one line, and a report that cannot be written a failure" {
  for arguments in "" "--format=xml ls" "--nonsense ls" "1 2" "--format"; do
    # shellcheck disable=SC2086 # several words
    run -2 --separate-stderr "$CLI" doctor $arguments
    assert_equal "$output" ""
    assert_equal "${#stderr_lines[@]}" 1
    [[ $stderr == "arrowpool: doctor: "* ]]
  done
  run -1 bash -c '"$CLI" doctor ls >/dev/full'
  run -1 bash -c '"$CLI" doctor --format=json ls >/dev/full'
  run -0 "$CLI" doctor --help
  assert_output --partial "usage: arrowpool doctor [OPTION]... COMMAND [ARGUMENT]...|PID"
}
