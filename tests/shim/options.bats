#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2258 # bats or the helper sets these; commas are part of the values
# The variables: what the shim says about bad ones, and that the program runs on whatever they hold.
load helper

# the_line NAME=VALUE...: the shim's only line about it; the program's own status and output are unchanged.
the_line() {
  run -3 --separate-stderr shim "$@" sh -c 'echo output; exit 3'
  assert_equal "$output" output
  assert_equal "${#stderr_lines[@]}" 1
  assert_equal "${stderr_lines[0]:0:11}" "arrowpool: "
}

# variables: the names in options.def.
variables() {
  sed -n 's/^OPTION([A-Z_]*, "\([A-Z_]*\)".*/ARROW_POOL\1/p' "$SOURCE/lib/options/options.def"
}

@test "an unknown ARROW_POOL names the variable, the value and the choices, and the program runs" {
  the_line ARROW_POOL=nonsense
  assert_equal "$stderr" "arrowpool: ARROW_POOL=nonsense: choose jemalloc or system; using system"
}

@test "a bad ARROW_POOL means the default, system" {
  dump=$BATS_TEST_TMPDIR/s.json
  run -5 shim ARROW_POOL=nonsense ARROW_POOL_STATS="$dump" "$PROBES/probe_exit"
  run -0 json "$dump" 'pool("libc")["backend"]'
  assert_output system
}

@test "the job's name is in a dump of each format" {
  for format in text json prometheus; do
    run -5 --separate-stderr shim ARROW_POOL_NAME='the "nightly" one' ARROW_POOL_STATS=stderr ARROW_POOL_STATS_FORMAT=$format "$PROBES/probe_exit"
    printf '%s\n' "$stderr" >"$BATS_TEST_TMPDIR/$format"
  done
  cd "$BATS_TEST_TMPDIR" || return
  run -0 grep -F ' (the "nightly" one), pid ' text
  run -0 json json 'd["process"]["name"]'
  assert_output 'the "nightly" one'
  run -0 grep -cF ',name="the \"nightly\" one"' prometheus
}

@test "every variable refuses what it does not know, in one line with its name and value" {
  assert [ "$(variables | wc -l)" -ge 13 ]
  for variable in $(variables); do
    bad=nonsense
    [ "$variable" = ARROW_POOL_STATS ] && bad=%q
    [ "$variable" = ARROW_POOL_LIBRARIES ] && bad=nonsense,
    [ "$variable" = ARROW_POOL_NAME ] && bad=$(printf 'x%.0s' {1..64})
    [[ $variable =~ ^ARROW_POOL_(LIVE|PROFILE)$ ]] && continue # any text is a directory's name
    the_line "$variable=$bad"
    [[ $stderr == "arrowpool: $variable=$bad: choose "*"; using "* ]]
  done
}

@test "values on the edge of what a variable takes are refused" {
  for setting in ARROW_POOL=JEMALLOC ARROW_POOL=jemalloc,system ARROW_POOL_STATS_IDLE=2 ARROW_POOL_STATS=x% \
    ARROW_POOL_STATS_INTERVAL=10 ARROW_POOL_STATS_INTERVAL=-1s ARROW_POOL_STATS_INTERVAL=99999999999999999999s \
    ARROW_POOL_STATS_SIGNAL=KILL ARROW_POOL_STATS_SIGNAL=STOP ARROW_POOL_LIMIT=0 ARROW_POOL_LIMIT=101% \
    ARROW_POOL_LIMIT=9223372036854775808 ARROW_POOL_HOOKS=libc, ARROW_POOL_HOOKS=all,libc ARROW_POOL_DECAY=1.5s; do
    the_line "$setting"
    [[ $stderr == "arrowpool: $setting: choose "* ]]
  done
}

@test "every documented value is accepted" {
  for setting in ARROW_POOL=jemalloc ARROW_POOL=system ARROW_POOL_STATS=off ARROW_POOL_STATS=%p-%h-%e-%t-%% \
    ARROW_POOL_NAME=nightly ARROW_POOL_STATS_FORMAT={text,json,jsonl,prometheus} ARROW_POOL_STATS_INTERVAL={0,500ms,10s,5m} \
    ARROW_POOL_STATS_SIGNAL={USR2,SIGUSR2} ARROW_POOL_STATS_IDLE={0,1} ARROW_POOL_LIVE=/tmp \
    ARROW_POOL_LIMIT={512M,8GiB,70%,1000} ARROW_POOL_DECAY={0,never,1s} ARROW_POOL_THP={auto,always,never} \
    ARROW_POOL_HOOKS={all,libc,arrow_mi,libc\,arrow_vtable} ARROW_POOL_DEBUG={off,warn,trap,abort} \
    ARROW_POOL_LIBRARIES={lance,lance\,arro3.core,/x/\*.so} ARROW_POOL_LOG={quiet,warn,info}; do
    run -0 shim "$setting" sh -c :
    refute_output --partial choose
  done
}

@test "sizes are taken as others write them; what means two things is refused with the reason" {
  for size in 1.5GiB 8Gi 8gb 8g 512kb 512Mi "1.5 GiB" 7b 2T; do
    run -0 shim "ARROW_POOL_LIMIT=$size" sh -c :
    assert_output ""
    run -0 "$CLI" run --limit="$size" --profile=profiles --profile-mean=1.5Mi -- true
    assert_output ""
  done
  while read -r size reason; do
    the_line "ARROW_POOL_LIMIT=$size"
    assert_equal "$stderr" "arrowpool: ARROW_POOL_LIMIT=$size: $reason; choose bytes such as 512M or 8GiB, or a percentage such as 70%; using none"
    run -2 "$CLI" run --limit="$size" -- true
    assert_output "arrowpool: --limit=$size: $reason; choose bytes such as 512M or 8GiB, or a percentage such as 70%"
  done <<'END'
512m m is a thousandth to Kubernetes and 1024 * 1024 to docker
64k k is 1000 to Kubernetes and 1024 to docker
64kB kB is 1000 bytes to some and 1024 to others
8Gb Gb are bits to some and bytes to others
1,5G a comma is a decimal point to some and parts thousands to others
END
}

@test "a name that misses one of ours gets a line with that, from the shim and every command" {
  while read -r wrong right; do
    the_line "$wrong=x"
    assert_equal "$stderr" "arrowpool: $wrong: unknown variable; the nearest is $right"
    run -0 --separate-stderr env "$wrong=x" "$CLI" env
    assert_equal "$stderr" "arrowpool: $wrong: unknown variable; the nearest is $right"
    run -0 env "$wrong=x" "$CLI" doctor true
    assert_line --partial "$wrong: unknown variable; the nearest is $right"
  done <<'END'
ARROWPOOL ARROW_POOL
ARROWPOOL_LIMIT ARROW_POOL_LIMIT
ARROW_POOLL ARROW_POOL
ARROW_POOLS_LIMIT ARROW_POOL_LIMIT
arrow_pool ARROW_POOL
END
}

@test "README and the commands begin with one sentence on what the default is" {
  sentence="Preloaded alone, arrowpool counts Arrow's buffers and leaves them to the program's own allocator (ARROW_POOL=system); ARROW_POOL=jemalloc serves them from its private jemalloc, and \`arrowpool run\` chooses that."
  has_it() { # COMMAND...: among the first lines
    run -0 bash -c '"$@" | head -n 12 | tr "\n" " "' bash "$@"
    assert_output --partial "$sentence"
  }
  has_it cat "$SOURCE/README.md"
  has_it "$CLI" --help
  has_it "$CLI" run --help
  has_it "$CLI" env
  has_it env -u ARROW_POOL "$CLI" doctor true
}

@test "with ARROW_POOL_LOG=info, or run -v, a line says at the first use what is served, and how" {
  run -5 --separate-stderr "$CLI" run -- "$PROBES/probe_exit"
  assert_equal "$stderr" ""
  version=$("$CLI" --version | cut -d' ' -f2)
  for how in "-v" "--verbose" "--log=info"; do
    run -5 --separate-stderr "$CLI" run "$how" -- "$PROBES/probe_exit"
    assert_equal "${#stderr_lines[@]}" 1
    [[ $stderr =~ ^arrowpool:\ "$version"\ is\ in\ use\ in\ probe_exit\ \(process\ [0-9]+\),\ first\ by\ the\ pool\ libc:\ (.*)$ ]]
    assert_equal "${BASH_REMATCH[1]}" "Arrow's pools are served by our jemalloc; libc's aligned functions are served by our jemalloc"
  done
  run -5 --separate-stderr shim ARROW_POOL_LOG=info ARROW_POOL_HOOKS=libc "$PROBES/probe_exit"
  assert_equal "${stderr##*pool libc: }" "Arrow's pools are left alone; libc's aligned functions are counted, and served by the allocator behind us"
  run -5 --separate-stderr "$CLI" run -v --limit=8M -- "$PROBES/probe_exit"
  assert_equal "${stderr##*; }" "together at most 8.0 MiB"
}

@test "a process that uses no pool says nothing of it, and each that is executed does" {
  run -0 --separate-stderr shim ARROW_POOL_LOG=info sh -c :
  assert_equal "$stderr" ""
  # shellcheck disable=SC2016 # for the inner shell
  run -0 --separate-stderr shim ARROW_POOL_LOG=info sh -c '"$1"; "$1" || :' sh "$PROBES/probe_exit"
  assert_equal "${#stderr_lines[@]}" 2
}

@test "the command is not served by a shim of another version" {
  cat >"$BATS_TEST_TMPDIR/other.c" <<'C'
const char *arrowpool_version(void) { return "9.9.9"; }
C
  printf 'ARROWPOOL_1 { global: arrowpool_*; };\n' >"$BATS_TEST_TMPDIR/other.map"
  cc -shared -fPIC -Wl,--version-script="$BATS_TEST_TMPDIR/other.map" -o "$BATS_TEST_TMPDIR/libarrowpool_preload.so" "$BATS_TEST_TMPDIR/other.c"
  own=$("$CLI" --version)
  run -0 env LD_PRELOAD="$BATS_TEST_TMPDIR/libarrowpool_preload.so" "$CLI" --version
  assert_output "$own"
  run env LD_PRELOAD="$BATS_TEST_TMPDIR/libarrowpool_preload.so" "$CLI" doctor true
  assert_output --partial "ok: the shim is ${own#arrowpool }: "
  assert_output --partial "warning: LD_PRELOAD has a shim that is of an unknown version ($BATS_TEST_TMPDIR/libarrowpool_preload.so), this program is ${own#arrowpool }; take it out"
  refute_output --partial 9.9.9
}

@test "an empty variable is as good as none" {
  for variable in $(variables); do
    run -0 shim "$variable=" sh -c :
    assert_output ""
  done
}

@test "a variable of the Python package alone gets no line" {
  run -0 shim ARROW_POOL_HOLDERS=x sh -c :
  assert_output ""
  run -0 env ARROW_POOL_HOLDERS=x "$CLI" run true
  assert_output ""
}

@test "an unknown ARROW_POOL_ name gets a line; the command names the nearest known one" {
  the_line ARROW_POOL_STAT=x
  assert_equal "$stderr" "arrowpool: ARROW_POOL_STAT: unknown variable; the nearest is ARROW_POOL_STATS"
  the_line ARROW_POOL_DOORS=x
  assert_equal "$stderr" "arrowpool: ARROW_POOL_DOORS: unknown variable; arrowpool env names the nearest"
  the_line "ARROW_POOL_$(printf 'X%.0s' {1..300})=1"
  while read -r wrong right; do
    run -0 --separate-stderr env "$wrong=1" "$CLI" env
    assert_equal "$stderr" "arrowpool: $wrong: unknown variable; the nearest is $right"
    run -0 --separate-stderr env "$wrong=1" "$CLI" run true
    assert_equal "${stderr_lines[0]}" "arrowpool: $wrong: unknown variable; the nearest is $right"
  done <<'END'
ARROW_POOL_STAT ARROW_POOL_STATS
ARROW_POOL_STATS_FROMAT ARROW_POOL_STATS_FORMAT
ARROW_POOL_DOORS ARROW_POOL_HOOKS
ARROW_POOL_ ARROW_POOL
ARROW_POOL_DECAY\  ARROW_POOL_DECAY
ARROW_POOL_THp ARROW_POOL_THP
END
}

@test "Arrow's own variables are nobody's business" {
  run -0 shim ARROW_DEFAULT_MEMORY_POOL=system sh -c :
  assert_output ""
}

@test "ARROW_POOL_LOG=quiet silences every one of these lines" {
  run -0 shim ARROW_POOL_LOG=quiet ARROW_POOL=nonsense ARROW_POOL_STATS=%q ARROW_POOL_NONE=1 ARROW_POOL_LIMIT=1G sh -c :
  assert_output ""
}

@test "a program that cleared its environment runs unchanged" {
  run -5 env -i LD_PRELOAD="$SHIM" "$PROBES/probe_exit"
  assert_output ""
}

@test "a setuid program is left alone by the loader" {
  need_root
  need_hardware "a copy of a program would not be"
  copy=$BATS_TEST_TMPDIR/probe_exit
  cp "$PROBES/probe_exit" "$copy"
  chown nobody "$copy"
  chmod 4755 "$copy"
  chmod 755 "$BATS_TEST_TMPDIR"
  [ "$(findmnt -no OPTIONS -T "$copy" 2>/dev/null | grep -c nosuid)" = 0 ] || skip "mounted nosuid"
  mkdir -m 777 "$BATS_TEST_TMPDIR/out"
  run -5 shim ARROW_POOL=nonsense ARROW_POOL_STATS="$BATS_TEST_TMPDIR/out/s.json" "$copy"
  assert_equal "$(dumps "$BATS_TEST_TMPDIR/out")" 0
  refute_output --partial nonsense
}

@test "the README's table lists exactly the variables of options.def with their defaults" {
  run -0 "$PYTHON" -I - "$SOURCE/README.md" "$SOURCE/lib/options/options.def" <<'PYTHON'
import re, sys

readme, table = (open(path).read() for path in sys.argv[1:])
row = re.compile(r'^OPTION\(\w+, "(\w*)", \w+, "(?:[^"\\]|\\.)*",\s*(NULL|"[^"]*"),', re.M)
expected = {"ARROW_POOL" + suffix: "none" if default == "NULL" else default.strip('"')
            for suffix, default in row.findall(table)}
lines = readme.splitlines()
start = next(i for i, line in enumerate(lines)
             if [c.strip() for c in line.strip("| ").split("|")] == ["variable", "values", "default", "meaning"])
found = {}
for line in lines[start + 2:]:
    if not line.startswith("|"):
        break
    cells = [c.strip().replace("`", "") for c in re.split(r"(?<!\\)\|", line)[1:-1]]
    assert len(cells) == 4 and all(cells), line
    assert cells[0] not in found, line
    found[cells[0]] = cells[2]
assert found == expected, (found, expected)
PYTHON
}
