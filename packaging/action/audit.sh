#!/usr/bin/env bash
# Calls auditor by the inputs of the action, and exits as it does.
set -euo pipefail

fail() {
  local message=${1//%/%25}
  message=${message//$'\r'/%0D}
  echo "::error title=auditor::${message//$'\n'/%0A}"
  exit 2
}

args=()

# An option with one value, which may begin with a dash.
option() { # NAME VALUE
  [ -z "$2" ] || args+=("$1=$2")
}

# The same option for each line.
options() { # NAME LINES
  local line
  while IFS= read -r line; do
    line=$(trim "$line")
    option "$1" "$line"
  done <<<"$2"
}

trim() {
  local text=$1
  text=${text#"${text%%[![:space:]]*}"}
  printf '%s' "${text%"${text##*[![:space:]]}"}"
}

# The words of the input args.
further() {
  local word
  while IFS= read -r word; do
    word=$(trim "$word")
    [ -z "$word" ] || args+=("$word")
  done <<<"$INPUT_ARGS"
}

gates() {
  case $(trim "$INPUT_FAIL_ON") in
    # A variable that is not set would switch the gate off.
    '') fail "the input fail-on is empty; write none to report alone" ;;
    none) ;;
    *) options --fail-on "$INPUT_FAIL_ON" ;;
  esac
}

cd -- "$INPUT_WORKING_DIRECTORY" || fail "there is no working-directory $INPUT_WORKING_DIRECTORY"
# What its scenarios say themselves would be lost here.
not_of_a_suite() {
  local name value
  for name in scrape scrape-json probe target recording start command time-limit for config preset vars samples interval \
    failure-threshold cooldown state baseline record; do
    value=INPUT_${name//-/_}
    value=${value^^}
    [ -z "$(trim "${!value}")" ] || fail "the input $name is none of a suite; give it to the scenarios"
  done
  [ "$(trim "$INPUT_FAIL_ON")" = critical ] ||
    fail "the input fail-on is none of a suite; give it to the scenarios"
}

if [ -n "$INPUT_SUITE" ]; then
  not_of_a_suite
  args+=(suite)
  option --manifest "$INPUT_MANIFEST"
  option --profile "$INPUT_PROFILE"
  options --report "$INPUT_REPORTS"
  further
  exec auditor "${args[@]}" -- "$INPUT_SUITE"
fi
[ -z "$INPUT_MANIFEST" ] || fail "the input manifest is for a suite, and there is none"

options --scrape "$INPUT_SCRAPE"
options --scrape-json "$INPUT_SCRAPE_JSON"
options --probe "$INPUT_PROBE"
option --target "$INPUT_TARGET"
option --recording "$INPUT_RECORDING"
option --start "$INPUT_START"
option --for "$INPUT_FOR"
option --time-limit "$INPUT_TIME_LIMIT"
case $(trim "$INPUT_ABORT_ON_BREACH") in
  true) args+=(--abort-on-breach) ;;
  false | '') ;;
  *) fail "the input abort-on-breach is true or false" ;;
esac
option --config "$INPUT_CONFIG"
option --preset "$INPUT_PRESET"
option --profile "$INPUT_PROFILE"
options --var "$INPUT_VARS"
gates
option --samples "$INPUT_SAMPLES"
option --interval "$INPUT_INTERVAL"
option --failure-threshold "$INPUT_FAILURE_THRESHOLD"
option --cooldown "$INPUT_COOLDOWN"
option --state "$INPUT_STATE"
option --baseline "$INPUT_BASELINE"
option --record "$INPUT_RECORD"
options --report "$INPUT_REPORTS"
further
# As the runner calls bash: the first command that fails is the end of the load.
if [ -n "$(trim "$INPUT_COMMAND")" ]; then
  args+=(-- bash --noprofile --norc -eo pipefail -c "$INPUT_COMMAND")
fi
exec auditor ${args[@]+"${args[@]}"}
