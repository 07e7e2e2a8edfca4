# Shared by the scripts: where things are, and how they speak. Sourced, never run.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
ROOT=$PWD
BUILD=${ARROWPOOL_BUILD:-$ROOT/build}
VENV=$ROOT/.venv
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

# install_packages LIST
install_packages() {
  local list=$1 wanted=() name
  while read -r name; do
    dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || wanted+=("$name")
  done < <(grep -v '^#' "$list")
  [ ${#wanted[@]} = 0 ] && return
  step "Debian packages: ${wanted[*]}"
  command -v apt-get >/dev/null || missing "no apt-get here: install the packages of $list by hand"
  quietly as_root apt-get update || missing "apt-get update failed (no network?)"
  quietly as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${wanted[@]}" ||
    missing "these packages could not be installed: ${wanted[*]}"
}
