#!/usr/bin/env bats
# shellcheck disable=SC2094 # `dockerfile packages` only reads its file
# The example Dockerfile, with no Docker needed: see dockerfile.py.
load ../shim/helper

setup() {
  FILE=$SOURCE/docs/use/examples/Dockerfile
  cd "$BATS_TEST_TMPDIR" || return
}

dockerfile() { "$PYTHON" -B "$BATS_TEST_DIRNAME/dockerfile.py" "$@"; }

@test "what the Dockerfile copies is there" {
  run -0 dockerfile copies "$FILE" "$SOURCE"
  sed 's,COPY scripts/lib/demo.py,COPY scripts/no-demo.py,' "$FILE" >wrong
  run -1 dockerfile copies wrong "$SOURCE"
}

@test "the packages that the Dockerfile installs are Debian's" {
  grep -q '^VERSION_ID="12"' /etc/os-release || skip "this is not Debian 12"
  apt-cache show gcc >/dev/null 2>&1 || skip "apt has no lists of packages: apt-get update"
  dockerfile packages "$FILE" >packages
  assert [ "$(wc -l <packages)" -ge 10 ]
  run -0 bash -c 'cut -d " " -f 2 packages | xargs apt-get install --simulate --no-install-recommends'
}

@test "the packages of the document and of the Dockerfile are the same" {
  run -0 diff <(dockerfile packages "$FILE" | sed -n 's/^0 //p' | sort) \
    <(sed -n '/^    apt-get install gcc/,/[^\\]$/p' "$SOURCE/docs/use/install.md" | sed 's/apt-get install//; s/\\//' | tr -s ' ' '\n' | sed '/^$/d' | sort)
}

@test "the Dockerfile builds, and its demo runs, in a Debian 12 that has nothing else" {
  need_long
  need_root
  command -v debootstrap >/dev/null || skip "debootstrap is not installed"
  unshare -m true 2>/dev/null || skip "no right to make a mount namespace"
  run -0 debootstrap --variant=minbase bookworm base
  mkdir stages
  run -0 timeout 900 "$PYTHON" -B "$BATS_TEST_DIRNAME/dockerfile.py" run "$FILE" "$SOURCE" base stages
  assert_output --partial "arrow.mimalloc"
  assert_output --regexp "bytes that were not copied: [1-9]"
}
