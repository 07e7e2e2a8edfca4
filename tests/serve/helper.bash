# shellcheck shell=bash disable=SC2034,SC2154 # the files that load this use the names; bats or the helpers set these
# For the tests of `arrowpool serve`, on top of the shim's and the command's helpers: a server, its page, and the
# programs of Prometheus, which scripts/setup has unpacked.
PATH=$PATH:$SOURCE/.prometheus/usr/bin
export PATH

SERVE=$CLI_ASAN # the command that serves; slower than the ordinary one, and sees what that one does not

# begin: in a folder of the test's own, with one for live files.
begin() {
  cd "$BATS_TEST_TMPDIR" || return
  LIVE=$PWD/live
  mkdir live
}

# What files do that need no more.
setup() { begin; }
teardown() { end_serve; }

# run_serve [OPTION]...: in the background. It holds nothing by which probes would not see the end of their stdin.
run_serve() {
  rm -f serve.err
  (
    for input in "${to[@]}" "${from[@]}"; do exec {input}>&-; done
    exec "$SERVE" serve --refresh="${REFRESH:-100ms}" "$@" 2>serve.err 3>&-
  ) &
  serve_pid=$!
  eventually test -s serve.err
}

# start_serve [OPTION]...: it listens at $URL.
start_serve() {
  run_serve --live="$LIVE" --listen="${LISTEN:-0}" "$@"
  URL=$(sed -n 's,^arrowpool: serve: \(http://.*\)/metrics$,\1,p' serve.err)
  assert [ -n "$URL" ]
}

# stop_serve [SIGNAL]: it ends with status 0, and has said nothing besides.
stop_serve() {
  local status=0
  kill -"${1:-TERM}" "$serve_pid"
  wait "$serve_pid" || status=$?
  unset serve_pid
  assert_equal "$status" 0
  assert_equal "$(wc -l <serve.err)" "${SAID:-1}"
}

end_serve() {
  [ ! -v serve_pid ] || { kill -KILL "$serve_pid" && wait "$serve_pid"; } || true
  end_probes
}

# page: what is answered; checked for families and series that are there twice.
page() { timeout 60 "$PYTHON" -I "$SOURCE/tests/serve/page.py" "$URL/metrics"; }

# page_has LINE...: all of these.
page_has() {
  local line
  page >page.prom || return
  for line; do
    grep -qxF -- "$line" page.prom || return
  done
}

# page_says EXPRESSION: of the page's samples, where value("NAME", label="text") is the sum of those with these labels
# and count(...) their number; prints the result.
page_says() { page | "$PYTHON" -I "$SOURCE/tests/serve/page.py" - "$1"; }

page_is() { [ "$(page_says "$1")" = "$2" ]; }

need_program() {
  command -v "$1" >/dev/null || skip "$1 is not there (scripts/setup unpacks the Debian package $2 in .prometheus)"
}
