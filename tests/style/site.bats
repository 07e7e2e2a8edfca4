#!/usr/bin/env bats
# The pages of docs/ as a site, and links in all pages: none leads nowhere.
bats_require_minimum_version 1.5.0

setup() {
  cd "${ARROWPOOL_SOURCE:-$BATS_TEST_DIRNAME/../..}" || return 1
}

# links_of FILE: targets of the links to files of ours, without the place in a page.
links_of() { grep -oE '\]\([^)# ]*[./][^)# ]*' "$1" | sed 's/^](//' | grep -v '^[a-z]*:' || :; }

@test "the site is built without a warning" {
  local mkdocs=.venv/bin/mkdocs
  [ -x "$mkdocs" ] || mkdocs=$(command -v mkdocs) || skip "mkdocs is not installed (mkdocs-material)"
  NO_MKDOCS_2_WARNING=1 "$mkdocs" build --strict --quiet --site-dir "$BATS_TEST_TMPDIR/site"
  [ -s "$BATS_TEST_TMPDIR/site/index.html" ]
  [ -s "$BATS_TEST_TMPDIR/site/use/leaks/index.html" ]
}

@test "links lead to files that are there, in pages outside of docs too" {
  local page link count=0
  while read -r page; do
    while read -r link; do
      [ -e "$(dirname "$page")/$link" ] || { echo "$page: $link"; return 1; }
      count=$((count + 1))
    done < <(links_of "$page")
  done < <(git ls-files '*.md' | grep -v '^subprojects/')
  [ "$count" -gt 20 ]
}

@test "each page of docs is in the site's index and in its own" {
  local page
  while read -r page; do
    grep -qF "${page#docs/}" mkdocs.yml || { echo "$page: not in mkdocs.yml"; return 1; }
    grep -qF "(${page#docs/})" docs/README.md || { echo "$page: not in docs/README.md"; return 1; }
  done < <(git ls-files 'docs/*.md' | grep -v '^docs/README.md')
}

@test "pages are named by links, not by their files" {
  local page
  while read -r page; do
    run -1 grep -nE "\`docs/[a-z/]+\.md\`" "$page"
  done < <(git ls-files README.md 'docs/*.md')
}

# What that page shows is compared with what its programs print (tests/peers/leaks.bats).
@test "outputs that the README shows are those of the page on leaks" {
  python3 -I - README.md docs/use/leaks.md <<'PYTHON'
import re, sys
readme, page = (open(name).read() for name in sys.argv[1:])
blocks = re.findall(r"^```\n(.*?)^```", readme, re.S | re.M)
assert len(blocks) >= 2, blocks
for block in blocks:
    assert block in page, block
PYTHON
}
