# Minimal Debians of other releases, made by debootstrap and entered by chroot. They are kept outside of the tree, for all
# clones: in ARROWPOOL_ROOTS (default: ~/.cache/arrowpool/roots). Sourced after common.sh; whoever calls this is root.
# shellcheck shell=bash
ROOTS=${ARROWPOOL_ROOTS:-${XDG_CACHE_HOME:-$HOME/.cache}/arrowpool/roots}

# debian_mirror: where this machine has Debian's packages from.
debian_mirror() {
  local mirror
  # shellcheck disable=SC2016 # the dollar signs are apt's
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Component: main' | grep -v security | head -n 1)
  echo "${mirror:-http://deb.debian.org/debian/}"
}

# root_sources ROOT SUITE: what apt has in there. Debian 11's bats is too old for our tests, and the next one's will do: it
# is a script.
root_sources() {
  local etc=$1/etc/apt suite=$2 mirror
  mirror=$(debian_mirror)
  {
    echo "deb $mirror $suite main"
    [ "$suite" = sid ] || printf 'deb %s %s main\n' "$mirror" "$suite-updates" "${mirror%/debian*}/debian-security" "$suite-security"
    [ "$suite" != bullseye ] || echo "deb $mirror bookworm main"
  } >"$etc/sources.list"
  [ "$suite" != bullseye ] || cat >"$etc/preferences.d/bats" <<'END'
Package: *
Pin: release n=bookworm
Pin-Priority: -1

Package: bats bats-assert bats-support bats-file
Pin: release n=bookworm
Pin-Priority: 990
END
}

# root_network ROOT: it reaches the network as this machine does.
root_network() {
  cp /etc/resolv.conf /etc/hosts "$1/etc"
  [ ! -f /etc/pip.conf ] || cp /etc/pip.conf "$1/etc"
  { apt-config dump | grep -E '^Acquire::(Check|http|https|ftp|Retries)' || :; } >"$1/etc/apt/apt.conf.d/00host"
  if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
    cp /usr/local/share/ca-certificates/*.crt "$1/usr/local/share/ca-certificates"
    quietly chroot "$1" update-ca-certificates
  fi
}

# make_root SUITE
make_root() {
  local root=$ROOTS/$1
  if [ ! -f "$root/complete" ]; then
    step "Debian $1, in $root"
    rm -rf "$root"
    mkdir -p "$ROOTS"
    quietly debootstrap --variant=minbase --include=ca-certificates "$1" "$root" "$(debian_mirror)" ||
      missing "debootstrap could not make a Debian $1"
    root_sources "$root" "$1"
    touch "$root/complete"
  fi
  root_network "$root"
}

# in_root SUITE COMMAND...: run it in there, as root. What it mounts and starts ends with it.
in_root() {
  local root=$ROOTS/$1 name environment=(HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
  shift
  for name in CI http_proxy https_proxy no_proxy PIP_{INDEX_URL,PROXY,CERT,DEFAULT_TIMEOUT} "${!ARROWPOOL_@}" MESON_TESTTHREADS; do
    [ "$name" = ARROWPOOL_ROOTS ] || [ -z "${!name-}" ] || environment+=("$name=${!name}")
  done
  # shellcheck disable=SC2016 # the inner shell's
  unshare --mount --pid --fork --kill-child sh -c 'cd "$0" && mount --rbind /dev dev && mount --rbind /sys sys &&
    mount -t proc proc proc && chroot . env -i "$@"; exit $?' "$root" "${environment[@]}" "$@"
}
