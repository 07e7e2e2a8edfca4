# Unpacks Debian packages of another processor or release into a folder: apt works by a configuration of its own there,
# and the host's architectures and lists are not touched. Sourced after common.sh.
# shellcheck shell=bash

# apt_options FOLDER ARCHITECTURE: prints them, one a line.
apt_options() {
  printf -- '-o\n%s\n' "Dir::Etc::sourcelist=$1/sources.list" Dir::Etc::sourceparts=/dev/null "Dir::State::lists=$1/lists" \
    "Dir::State::status=$1/status" "Dir::Cache=$1/cache" "APT::Architecture=$2" "APT::Architectures=$2" APT::Sandbox::User=root
}

# note_archives PACKAGE FILE: which archives the package brings, with its version and its source, for who asks what was
# linked.
note_archives() {
  local about
  # shellcheck disable=SC2016 # the dollar signs are dpkg's
  about=$(dpkg-deb --show --showformat '${Package} ${Version} ${source:Package} ${source:Version}' "$1")
  dpkg-deb --fsys-tarfile "$1" | tar -t | { grep '\.a$' || :; } | sed "s|^\.||; s|\$| $about|" >>"$2"
}

# unpack_packages FOLDER ARCHITECTURE LIST [RELEASE]: of the host's release if none is named.
# shellcheck disable=SC2016
unpack_packages() {
  local sysroot=$1 architecture=$2 list=$ROOT/$3 stamp=$1/packages.sha256 keys=/usr/share/keyrings/debian-archive-keyring.gpg
  local release=${4:-'$(RELEASE)'} apt options package link target # the dollar sign is apt's
  sha256sum --check --status "$stamp" 2>/dev/null && return
  step "$architecture packages, in $(basename "$sysroot")"
  rm -rf "${sysroot:?}"/{archives.txt,bin,etc,lib,lib64,sbin,usr,var}
  apt=$(mktemp -d)
  mkdir -p "$apt"/{lists,cache/archives}/partial "$apt/packages" "$sysroot"
  touch "$apt/status"
  apt-get indextargets --format "deb [signed-by=$keys] \$(REPO_URI) $release \$(COMPONENT)" \
    'Created-By: Packages' 'Origin: Debian' 'Component: main' ${4:+'Label: Debian'} | sort -u >"$apt/sources.list"
  mapfile -t options < <(apt_options "$apt" "$architecture")
  quietly apt-get "${options[@]}" update || missing "apt-get update failed for $architecture (no network?)"
  (cd "$apt/packages" && grep -v '^#' "$list" | quietly xargs apt-get "${options[@]}" download) ||
    missing "$architecture packages could not be downloaded"
  for package in "$apt"/packages/*.deb; do
    dpkg -x "$package" "$sysroot"
    note_archives "$package" "$sysroot/archives.txt"
  done
  # Links from the root would lead to the host's files.
  find "$sysroot" -type l -lname '/*' | while read -r link; do
    target=$(readlink "$link")
    ln -sfr "$sysroot$target" "$link"
  done
  rm -rf "$apt"
  (cd "$ROOT" && sha256sum "$3") >"$stamp"
}
