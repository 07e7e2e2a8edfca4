# shellcheck shell=bash disable=SC2034 # the files that load this use the names
# For the engines' tests, on top of the shim tests' helper: the Python that has the engines.
FLEET=${ARROWPOOL_FLEET:-$SOURCE/.venv-fleet/bin/python}
export FLEET PYTHONDONTWRITEBYTECODE=1

# engine_lacks NAME: as its engine_NAME.py says.
engine_lacks() {
  "$FLEET" -c 'import importlib, sys
sys.path.insert(0, sys.argv[1])
print(importlib.import_module("engine_" + sys.argv[2]).missing() or "")' "$SOURCE/tests/fleet" "$1"
}

# need_engine NAME
need_engine() {
  [ -x "$FLEET" ] || skip "no .venv-fleet: scripts/setup fleet makes it"
  local lacking
  lacking=$(engine_lacks "$1")
  [ -z "$lacking" ] || skip "$lacking in .venv-fleet; the large engines: ARROWPOOL_LONG=1 scripts/setup fleet"
}
