# bash completion for arrowpool. Commands, options and their values are read from the program's own --help, so
# they are those of the version that is installed. Works without the bash-completion package.

# The words after an option's "=", one a line; "<file>" where any path will do.
_arrowpool_values() {
  "$1" "$2" --help 2>/dev/null | awk -v wanted="$3" '
    /^ +-/ { sub(/\[=/, "=", $1); sub(/\]$/, "", $1); here = index($1, wanted "=") == 1; sort = substr($1, length(wanted) + 2); sub(/^ +[^ ]+/, "") }
    here { text = text " " $0; kind = sort }
    END {
      sub(/.* VALUE: /, "", text)
      gsub(/\([^)]*\)/, "", text)
      count = kind ~ /^(VALUE|FORMAT|FIELD)$/ ? split(text, words, / *(, |;| or |$) */) : 0
      if (kind ~ /^(DIR|FILE)$/) print "<file>"
      for (i = 1; i <= count; i++) {
        gsub(/^ +/, "", words[i])
        if (words[i] ~ /^[A-Za-z0-9_-]+$/) print words[i]
        else if (words[i] ~ /^a (path|directory)/) print "<file>"
      }
    }'
}

_arrowpool_options() {
  "$1" "$2" --help 2>/dev/null | sed -nE 's/^  (--[a-z-]+)\[?(=?).*/\1\2/p; s/^  (-[a-z]) .*/\1/p'
  echo --help
}

# Commands, or the names that a command takes.
_arrowpool_names() { "$@" --help 2>/dev/null | sed -nE 's/^  ([a-z]+) .*/\1/p'; }

# Fill COMPREPLY with the candidates that begin with the word; files and directories where they say "<file>".
_arrowpool_offer() {
  local word=$1 candidate
  shift
  for candidate; do
    if [ "$candidate" = "<file>" ]; then
      compopt -o filenames 2>/dev/null
      mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word")
    elif [[ $candidate == "$word"* ]]; then
      COMPREPLY+=("$candidate")
    fi
  done
}

_arrowpool() {
  local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} option='' i candidates
  COMPREPLY=()
  if [ "$COMP_CWORD" = 1 ]; then
    mapfile -t candidates < <(_arrowpool_names "$program"; printf '%s\n' --help --version)
    _arrowpool_offer "$word" "${candidates[@]}"
    return
  fi
  # run: what follows the options is another command's.
  if [ "${COMP_WORDS[1]}" = run ]; then
    for ((i = 2; i < COMP_CWORD; i++)); do
      case ${COMP_WORDS[i]} in
      --) i=$((i + 1)) ;;
      --*) [ "${COMP_WORDS[i + 1]}" != = ] || i=$((i + 2)); continue ;;
      esac
      break
    done
    if [ "$i" -lt "$COMP_CWORD" ]; then
      compopt -o default 2>/dev/null
      return
    elif [ "$i" = "$COMP_CWORD" ] && [[ $word != -* ]]; then
      mapfile -t COMPREPLY < <(compgen -c -- "$word" | sort -u)
      return
    fi
  fi
  # "=" is a word of its own unless the user took it out of COMP_WORDBREAKS.
  if [ "$word" = = ]; then
    option=${COMP_WORDS[COMP_CWORD - 1]} word=
  elif [ "${COMP_WORDS[COMP_CWORD - 1]}" = = ]; then
    option=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  if [ -n "$option" ]; then
    mapfile -t candidates < <(_arrowpool_values "$program" "${COMP_WORDS[1]}" "$option")
    _arrowpool_offer "$word" "${candidates[@]}"
  elif [[ $word == -* ]]; then
    mapfile -t candidates < <(_arrowpool_options "$program" "${COMP_WORDS[1]}")
    _arrowpool_offer "$word" "${candidates[@]}"
    [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace 2>/dev/null
  elif [ "${COMP_WORDS[1]}" = path ]; then
    mapfile -t candidates < <(_arrowpool_names "$program" path)
    _arrowpool_offer "$word" "${candidates[@]}"
  else
    compopt -o default 2>/dev/null
  fi
}

complete -F _arrowpool arrowpool
