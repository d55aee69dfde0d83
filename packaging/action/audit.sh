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

gates() {
  case $(trim "$INPUT_FAIL_ON") in
    # A variable that is not set would switch the gate off.
    '') fail "the input fail-on is empty; write none to report alone" ;;
    none) ;;
    *) options --fail-on "$INPUT_FAIL_ON" ;;
  esac
}

cd -- "$INPUT_WORKING_DIRECTORY" || fail "there is no working-directory $INPUT_WORKING_DIRECTORY"
options --scrape "$INPUT_SCRAPE"
options --probe "$INPUT_PROBE"
option --target "$INPUT_TARGET"
option --recording "$INPUT_RECORDING"
option --start "$INPUT_START"
option --for "$INPUT_FOR"
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
while IFS= read -r word; do
  word=$(trim "$word")
  [ -z "$word" ] || args+=("$word")
done <<<"$INPUT_ARGS"
# As the runner calls bash: the first command that fails is the end of the load.
if [ -n "$(trim "$INPUT_COMMAND")" ]; then
  args+=(-- bash --noprofile --norc -eo pipefail -c "$INPUT_COMMAND")
fi
exec auditor ${args[@]+"${args[@]}"}
