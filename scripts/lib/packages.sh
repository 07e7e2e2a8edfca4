# Debian packages by lists of names, where releases differ in them. Sourced by common.sh, never run.
# shellcheck shell=bash
#
# A line of a list is one package. Several words on a line are its names in different releases, of which the first that
# there is counts. A word may be a pattern, as libmimalloc[0-9]*, which stands for the newest of its names, and may have
# the major version of another package in braces, as libclang-rt-{clang}-dev. A line that ends in "-" is left out where a
# release has none of its names; the tests say what they miss then.

# Versions by name: what is installed, and what apt could install of the names that were asked for.
declare -A packages_installed packages_available

packages_read_installed() {
  local status name version
  packages_installed=()
  while read -r status name version; do
    [ "$status" != installed ] || packages_installed[$name]=$version
  done < <(dpkg-query -W -f '${db:Status-Status} ${Package} ${Version}\n' 2>/dev/null)
}

# packages_read_available WORD...
packages_read_available() {
  local word name version names=()
  for word in "$@"; do
    case $word in
    -) ;;
    *[*?[]*) mapfile -t -O ${#names[@]} names < <(apt-cache pkgnames "${word%%[*?[]*}") ;;
    *) names+=("$word") ;;
    esac
  done
  [ ${#names[@]} != 0 ] || return 0
  while read -r name version; do
    packages_available[$name]=$version
  done < <(apt-cache policy "${names[@]}" |
    awk '/^[^ ]/ { name = $1; sub(/(:[a-z0-9]+)?:$/, "", name) } $1 == "Candidate:" && $2 != "(none)" { print name, $2 }')
}

# packages_with_versions LINE: a line of a list, with numbers for what stands in braces.
packages_with_versions() {
  local line=$1 version
  while [[ $line =~ \{([^}]*)\} ]]; do
    version=${packages_installed[${BASH_REMATCH[1]}]-${packages_available[${BASH_REMATCH[1]}]-}}
    version=${version#*:}
    line=${line/"${BASH_REMATCH[0]}"/${version%%[!0-9]*}}
  done
  echo "$line"
}

# package_choose installed|available WORD...: the name that counts, if there is any.
package_choose() {
  local -n versions=packages_$1
  local word name found
  shift
  for word in "$@"; do
    case $word in
    *[*?[]*)
      # shellcheck disable=SC2053 # the word is a pattern
      found=$(for name in "${!versions[@]}"; do [[ $name != $word ]] || echo "$name"; done | sort -V | tail -n 1)
      ;;
    *) found=${versions[$word]+$word} ;;
    esac
    [ -z "$found" ] || { echo "$found" && return; }
  done
  return 1
}

# packages_wanted LIST...: the lines of which nothing is installed.
packages_wanted() {
  local line words
  packages_read_installed
  while read -r line; do
    read -r -a words <<<"$(packages_with_versions "$line")"
    package_choose installed "${words[@]}" >/dev/null || echo "$line"
  done < <(cat "$@" | sed '/^#/d')
}

# packages_names LINE...: what to install for these lines here. Without a name for each it fails, and says for which.
packages_names() {
  local line words all=() unknown=()
  packages_read_installed
  mapfile -t words < <(grep -o '{[^}]*}' <<<"$*" | tr -d '{}' | sort -u)
  packages_read_available "${words[@]}"
  for line in "$@"; do
    read -r -a words <<<"$(packages_with_versions "$line")"
    all+=("${words[@]}")
  done
  packages_read_available "${all[@]}"
  for line in "$@"; do
    read -r -a words <<<"$(packages_with_versions "$line")"
    package_choose available "${words[@]}" || [ "${words[-1]}" = - ] || unknown+=("$line")
  done
  [ ${#unknown[@]} = 0 ] || { printf 'no package here is called %s\n' "${unknown[@]}" >&2 && return 1; }
}

# install_packages LIST...
install_packages() {
  local wanted names
  mapfile -t wanted < <(packages_wanted "$@")
  [ ${#wanted[@]} != 0 ] || return 0
  command -v apt-get >/dev/null || missing "no apt-get here: install the packages of $* by hand"
  # Where only such are wanted as may be missing, apt knows already that they are.
  if printf '%s\n' "${wanted[@]}" | grep -qv -- ' -$'; then
    step "Debian packages"
    quietly as_root apt-get update || missing "apt-get update failed (no network?)"
  fi
  names=$(packages_names "${wanted[@]}" | tr '\n' ' ') || missing "the packages of $* cannot be had here"
  [ -n "$names" ] || return 0
  echo "$names" >&2
  # shellcheck disable=SC2086 # names have no blanks
  quietly as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $names ||
    missing "these packages could not be installed: $names"
}
