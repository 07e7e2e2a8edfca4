# Shared by the scripts: where things are, and how they speak. Sourced, never run.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
ROOT=$PWD
BUILD=${ARROWPOOL_BUILD:-$ROOT/build}
VENV=$ROOT/.venv
NEWER_MESON=$ROOT/.venv-meson # where scripts/setup found the release's too old
PATH=$NEWER_MESON/bin:$PATH
export ROOT BUILD VENV

step() { printf '\n== %s\n' "$*" >&2; }

# Say what is missing, and stop.
missing() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# Run as root, directly or by sudo.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo -- "$@"
  else
    missing "'$*' needs root: run this script as root, or install sudo"
  fi
}

# Run quietly; show the output only if the command fails.
quietly() {
  local log
  log=$(mktemp)
  if "$@" >"$log" 2>&1; then
    rm -f "$log"
  else
    cat "$log" >&2
    rm -f "$log"
    return 1
  fi
}

# shellcheck source=scripts/lib/packages.sh
source scripts/lib/packages.sh
