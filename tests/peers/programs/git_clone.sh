# shellcheck shell=bash
# this project cloned by file://, checked (fsck), packed anew and its log and files read

version() {
  need git
  [ -e "$SOURCE/.git" ] || {
    echo "$SOURCE is not a git repository"
    exit 1
  }
  git --version
}

run() {
  export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
  git clone --quiet "file://$SOURCE" copy
  cd copy || return
  git fsck --full --strict --no-progress
  git repack -a -d -f -q
  git fsck --full --no-progress
  git rev-parse HEAD
  git log --stat | md5sum
  git ls-files | xargs cat | md5sum
}
