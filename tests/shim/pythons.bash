# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # the files that load this use the names
# The interpreters that are installed: beside python3.N in the PATH those of pyenv, and those that ARROWPOOL_PYTHONS
# names.

# pythons N: prints the interpreters of 3.N; those of 13 have a GIL, and those of 13t have none.
pythons() {
  local candidate
  for candidate in "$(command -v "python3.$1")" /usr/bin/python3."$1" "$HOME"/.pyenv/versions/3."${1%t}".*/bin/python3."$1" ${ARROWPOOL_PYTHONS-} "$PYTHON"; do
    "$candidate" -c 'import ctypes, sys; version = str(sys.version_info[1]) + "t" * ("free-threading" in sys.version)
sys.exit(sys.version_info[0] != 3 or version != sys.argv[1])' "$1" 2>/dev/null &&
      readlink -f "$candidate"
  done | sort -u
}

# each N FUNCTION: calls it with each interpreter of 3.N; skips the test if there is none.
each() {
  local python
  mapfile -t found < <(pythons "$1")
  [ "${#found[@]}" -gt 0 ] || skip "no Python 3.$1"
  for python in "${found[@]}"; do
    echo "$python"
    "$2" "$python"
  done
}
