#!/usr/bin/env bats
# shellcheck disable=SC2013,SC2154 # lists of words; bats or the helper sets these
# The manual pages: well formed, and complete.
load ../shim/helper

# page N: the text of arrowpool(N), without overstrikes.
page() { mandoc -T ascii "$SOURCE/man/arrowpool.$1" | sed 's/.\x08//g'; }

setup() {
  command -v mandoc >/dev/null || skip "mandoc is not installed"
  cd "$BATS_TEST_TMPDIR" || return
}

@test "mandoc finds nothing to warn about" {
  run -0 mandoc -T lint -W warning "$SOURCE"/man/arrowpool.1 "$SOURCE"/man/arrowpool.3
}

@test "man finds nothing to warn about" {
  command -v groff >/dev/null && command -v man >/dev/null || skip "man-db and groff are not installed"
  for n in 1 3; do
    run -0 --separate-stderr man --warnings -E UTF-8 -l "$SOURCE/man/arrowpool.$n"
    assert_equal "$stderr" ""
  done
}

@test "every command has a section, and every option of it is there" {
  page 1 >text
  for command in $("$CLI" --help | sed -nE 's/^  ([a-z]+) .*/\1/p'); do
    sed -n "/^${command^^}\$/,/^[A-Z]/p" text >section
    assert [ -s section ]
    for option in $("$CLI" "$command" --help | sed -nE 's/^  (--?[a-z-]+).*/\1/p'); do
      grep -qE -- "^ +$option([=, ]|\\[=|\$)" section || fail "$command $option"
    done
  done
}

@test "every variable is there with its default" {
  page 1 >text
  "$CLI" env | awk 'seen && $2 != "none" && NF { print $1, $2 } $1 == "VARIABLE" { seen = 1 }' >defaults
  while read -r variable default; do
    sed -n "/, $variable\$/,/^ *\$/p" text | tr -s '\n ' ' ' >entry
    grep -qE "[Dd]efault: ([a-z ]*, otherwise |jemalloc for run, otherwise )?$default\." entry || fail "$variable $default: $(cat entry)"
  done <defaults
  assert [ "$(wc -l <defaults)" -ge 9 ]
}

@test "every option of run has the help and the values of the option table" {
  page 1 | sed -n '/^RUN/,/^[A-Z]/p' | tr -s '\n ' ' ' >text
  count=0
  while read -r line; do
    if [[ $line == VALUE:* ]]; then
      line=${line#VALUE: }
      line="Values: $(sed -E 's/; without =VALUE: /; without a value /; s/; default: .*//' <<<"$line")"
    else
      line=${line^}
    fi
    grep -qF -- " $line" text || fail "$line"
    count=$((count + 1))
  done < <("$CLI" run --help | grep '^      ')
  assert [ $count -ge 36 ]
}

@test "every function of the header is there" {
  page 3 >text
  for function in $(grep -oE '\barrowpool_[a-z_]+\(' "$SOURCE/lib/include/arrowpool.h" | sort -u); do
    grep -qF "$function" text || fail "$function"
  done
}
