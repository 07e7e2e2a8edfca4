#!/usr/bin/env bats
# The files for other places that test us: GitHub's workflow and GitLab's pipeline.
bats_require_minimum_version 1.5.0
load /usr/lib/bats/bats-support/load
load /usr/lib/bats/bats-assert/load

setup() {
  cd "${ARROWPOOL_SOURCE:-$BATS_TEST_DIRNAME/../..}" || return 1
  GITHUB=.github/workflows/test.yml GITLAB=.gitlab-ci.yml
  PYTHON=${ARROWPOOL_PYTHON:-$PWD/.venv/bin/python}
  "$PYTHON" -c 'import yaml' 2>/dev/null || skip "no PyYAML in $PYTHON"
}

ci() { "$PYTHON" -B tests/style/ci.py "$@"; }

@test "the files for GitHub and GitLab call scripts that are there, the same, with words these know" {
  run -0 ci "$GITHUB" "$GITLAB"
  assert_output ""
}

@test "a script, a release and a job that are not there are found" {
  sed 's,scripts/demo,scripts/demonstration,' "$GITHUB" >"$BATS_TEST_TMPDIR/script.yml"
  run -0 ci "$BATS_TEST_TMPDIR/script.yml" "$GITLAB"
  assert_line --partial "./scripts/demonstration: there is no such script"
  assert_line "only one of the two calls ./scripts/demo ./scripts/demonstration"
  sed 's/bullseye, trixie/buster, trixie/' "$GITLAB" >"$BATS_TEST_TMPDIR/release.yml"
  run -0 ci "$GITHUB" "$BATS_TEST_TMPDIR/release.yml"
  assert_output --partial "./scripts/test --root buster: ./scripts/test --root says: test: nonsense: unknown release"
}

@test "the files for GitHub and GitLab have the form that their schemas ask for" {
  checker=$(dirname "$PYTHON")/check-jsonschema
  [ -x "$checker" ] || skip "check-jsonschema is not installed"
  run -0 "$checker" --builtin-schema vendor.github-workflows "$GITHUB"
  run -0 "$checker" --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci "$GITLAB"
  sed 's/timeout-minutes/timeout-hours/' "$GITHUB" >"$BATS_TEST_TMPDIR/wrong.yml"
  run -1 "$checker" --builtin-schema vendor.github-workflows "$BATS_TEST_TMPDIR/wrong.yml"
}
