#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2034 # other shells and Python expand these; bash's completion reads these
# Completion in bash and zsh. What is offered has to be what --help says.
load ../shim/helper
load helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  PATH=$(dirname "$CLI"):$PATH
  mkdir folder
  touch folder/file data.json
}

teardown() { end_terminal; }

# complete_bash WORD...: what bash offers for the last word, sorted, in one line.
complete_bash() {
  bash --norc --noprofile -c '
    source "$SOURCE/completion/arrowpool.bash"
    [ "$(complete -p arrowpool)" = "complete -F _arrowpool arrowpool" ] || exit
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _arrowpool
    printf "%s\n" "${COMPREPLY[@]}"' bash "$@" | sort | paste -sd ' '
}

@test "bash completes commands" {
  assert_equal "$(complete_bash arrowpool sh)" show
  assert_equal "$(complete_bash arrowpool --v)" --version
  assert_equal "$(complete_bash arrowpool '' | tr ' ' '\n' | grep -v ^--)" \
    "$(arrowpool --help | sed -nE 's/^  ([a-z]+) .*/\1/p' | sort)"
}

@test "bash completes what path can be asked for" {
  assert_equal "$(complete_bash arrowpool path sh)" shim
  assert_equal "$(complete_bash arrowpool path '')" "$(arrowpool path | awk '{ print $1 }' | sort | paste -sd ' ')"
}

@test "bash completes the options of every command" {
  assert_equal "$(complete_bash arrowpool top --s)" --sort=
  assert_equal "$(complete_bash arrowpool top --o)" --once
  assert_equal "$(complete_bash arrowpool run -- | tr ' ' '\n' | grep -v -- --help)" \
    "$(sed -n 's/^OPTION([A-Z_]*, "_*\([A-Z_]*\)".*/\1/p' "$SOURCE/lib/options/options.def" |
      tr A-Z_ a-z- | sed 's/^$/pool/; s/.*/--&=/' | sort)"
}

@test "bash completes the values of every choice of the option table" {
  count=0
  while read -r suffix kind words; do
    option=$(tr A-Z_ a-z- <<<"${suffix#_}")
    [ "$kind" = CHOICE ] || words=$words,all
    assert_equal "$(complete_bash arrowpool run "--${option:-pool}" = '')" "$(tr , '\n' <<<"$words" | sort | paste -sd ' ')"
    count=$((count + 1))
  done < <(sed -nE 's/^OPTION\([A-Z_]*, "([A-Z_]*)", (CHOICE|LIST), "([^"]*)".*/"\1" \2 \3/p' "$SOURCE/lib/options/options.def" | tr -d '"' |
    sed -E 's/^ /_ /')
  assert [ $count -ge 5 ]
  assert_equal "$(complete_bash arrowpool run --pool = j)" jemalloc
  assert_equal "$(complete_bash arrowpool show --format =)" "json prometheus text"
  assert_equal "$(complete_bash arrowpool report --format =)" "json jsonl prometheus text"
  assert_equal "$(complete_bash arrowpool top --sort = p)" "peak pid program"
  assert_equal "$(complete_bash arrowpool top --filter = '')" ""
  assert_equal "$(complete_bash arrowpool who --what = '')" "live peak total"
  assert_equal "$(complete_bash arrowpool who --by = '')" "function line native pool thread"
  assert_equal "$(complete_bash arrowpool who --format = '')" "folded html json pprof speedscope text"
}

@test "bash completes paths, and the command that is to be run" {
  assert_equal "$(complete_bash arrowpool run --live = fol)" folder
  assert_equal "$(complete_bash arrowpool show --live = fol)" folder
  assert_equal "$(complete_bash arrowpool who --minus = da)" data.json
  assert_equal "$(complete_bash arrowpool run --stats = d)" data.json
  [[ " $(complete_bash arrowpool run --pool = system -- gre) " == *" grep "* ]]
  [[ " $(complete_bash arrowpool run gre) " == *" grep "* ]]
  assert_equal "$(complete_bash arrowpool run grep --po)" ""
}

@test "bash completes as it is typed" {
  terminal 100 10 "PATH='$PATH'; source '$SOURCE/completion/arrowpool.bash'; clear"
  screen_lacks source
  type_keys 'arrowpool to' Tab '--so' Tab 'pro' Tab
  screen_has '^prompt\$ arrowpool top --sort=program $|^prompt\$ arrowpool top --sort=program$'
  type_keys C-u 'arrowpool run --pool=sy' Tab 'gre' C-e
  screen_has 'arrowpool run --pool=system gre'
  type_keys C-u 'arrowpool show dat' Tab
  screen_has 'arrowpool show data.json'
}

@test "zsh completes as it is typed" {
  command -v zsh >/dev/null || skip "zsh is not installed"
  terminal 100 20 "PATH='$PATH' PS1='zsh%% ' exec zsh -f"
  screen_has 'zsh%'
  type_keys "fpath=('$SOURCE/completion' \$fpath); autoload -U compinit; compinit -u -D; clear" Enter
  screen_lacks compinit
  type_keys 'arrowpool to' Tab '--so' Tab 'prog' Tab
  screen_has '^zsh% arrowpool top --sort=program'
  type_keys C-u 'arrowpool run --pool=sy' Tab
  screen_has '^zsh% arrowpool run --pool=system'
  type_keys C-u 'arrowpool run --live=fol' Tab
  screen_has '^zsh% arrowpool run --live=folder/'
  type_keys C-u 'arrowpool run --hooks=arrow_m' Tab 'tmu' Tab
  screen_has '^zsh% arrowpool run --hooks=arrow_mi tmux'
  type_keys C-u 'arrowpool path ale' Tab
  screen_has '^zsh% arrowpool path alerts'
  type_keys C-u 'arrowpool show --format=pr' Tab 'dat' Tab
  screen_has '^zsh% arrowpool show --format=prometheus data.json'
}
