# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_auditor_global_optspecs
    string join \n record= log= start= start-timeout= blame= blame-after= time-limit= settle= fail-on-critical fail-on= abort-on-breach samples= interval= failure-threshold= cooldown= state= baseline= baseline-window= report= no-report no-github q/quiet profile= var= preset= scrape= scrape-json= probe= target= recording= every= for= job= at= timeout= http-config= header= probe-every= pid= pool-threads= output-format= v/verbose config= init list-presets h/help V/version
end

function __fish_auditor_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_auditor_global_optspecs) -- $cmd 2>/dev/null
    or argparse -s (__fish_auditor_global_optspecs) -- $cmd VALUE 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_auditor_using_subcommand
    set -l cmd (__fish_auditor_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c auditor -n "__fish_auditor_needs_command" -l record -d 'Keep what was seen in this file' -r -F
complete -c auditor -n "__fish_auditor_needs_command" -l log -d 'The file behind the name of a log; may be repeated' -r
complete -c auditor -n "__fish_auditor_needs_command" -l start -d 'Start the service by this shell command' -r
complete -c auditor -n "__fish_auditor_needs_command" -l start-timeout -d 'How long the service of --start may take until it answers' -r
complete -c auditor -n "__fish_auditor_needs_command" -l blame -d 'Name the line that holds the loop' -r -f -a "auto\t''
off\t''
require\t''
node\t''"
complete -c auditor -n "__fish_auditor_needs_command" -l blame-after -d 'After how long without an answer stacks are read' -r
complete -c auditor -n "__fish_auditor_needs_command" -l time-limit -d 'How long COMMAND may take' -r
complete -c auditor -n "__fish_auditor_needs_command" -l settle -d 'How long to wait for the server\'s samples of the end of the load' -r
complete -c auditor -n "__fish_auditor_needs_command" -l fail-on -d 'degraded, critical, collapse or failure-mode' -r -f -a "degraded\t''
critical\t''
collapse\t''
failure-mode\t''"
complete -c auditor -n "__fish_auditor_needs_command" -l samples -d 'Carry out the audit so many times' -r
complete -c auditor -n "__fish_auditor_needs_command" -l interval -d 'From the start of one audit of --samples to the start of the next' -r
complete -c auditor -n "__fish_auditor_needs_command" -l failure-threshold -d 'Fail once so many audits in a row have failed [default: 1]' -r
complete -c auditor -n "__fish_auditor_needs_command" -l cooldown -d 'For how many further audits everything fails then [default: 0]' -r
complete -c auditor -n "__fish_auditor_needs_command" -l state -d 'Keep failures in a row and the cooldown in this file, from run to run' -r -F
complete -c auditor -n "__fish_auditor_needs_command" -l baseline -d 'Report of an earlier audit to compare with' -r -F
complete -c auditor -n "__fish_auditor_needs_command" -l baseline-window -d 'Compare with the same queries so long before' -r
complete -c auditor -n "__fish_auditor_needs_command" -l report -d 'Write a report, such as html=report.html' -r
complete -c auditor -n "__fish_auditor_needs_command" -l profile -d 'Profile of the configuration' -r
complete -c auditor -n "__fish_auditor_needs_command" -l var -d 'Set a variable of the queries; may be repeated' -r
complete -c auditor -n "__fish_auditor_needs_command" -l preset -d 'Preset below metrics.yaml, or in place of one' -r -f -a "probe\t''
python-signals\t''
fastapi-instrumentator\t''
starlette-exporter\t''
aiohttp\t''
transparent-fastapi\t''
fastapi-runtime-details\t''
loopguard\t''
python-otel\t''
django\t''
celery\t''
node-prom-client\t''
node-otel\t''
rust-tokio\t''
go\t''
dotnet-otel\t''
prometheus-net\t''
jvm-micrometer\t''
vertx\t''
json-workers\t''"
complete -c auditor -n "__fish_auditor_needs_command" -l scrape -d 'Page of metrics to scrape; may be repeated' -r
complete -c auditor -n "__fish_auditor_needs_command" -l scrape-json -d 'JSON document whose numbers to scrape; may be repeated' -r
complete -c auditor -n "__fish_auditor_needs_command" -l probe -d 'URL of any async service to ask; may be repeated' -r
complete -c auditor -n "__fish_auditor_needs_command" -l target -d 'Prometheus-compatible server to ask' -r
complete -c auditor -n "__fish_auditor_needs_command" -l recording -d 'Read samples from this file or directory' -r -F
complete -c auditor -n "__fish_auditor_needs_command" -l every -d 'Interval between scrapes, and between the samples of --probe' -r
complete -c auditor -n "__fish_auditor_needs_command" -l for -d 'How long to look on without a command [default: 30s]' -r
complete -c auditor -n "__fish_auditor_needs_command" -l job -d 'Label `job` of what is scraped, as the queries may select it [default: auditor]' -r
complete -c auditor -n "__fish_auditor_needs_command" -l at -d 'Evaluate at this instant' -r
complete -c auditor -n "__fish_auditor_needs_command" -l timeout -d 'Bound of the whole audit' -r
complete -c auditor -n "__fish_auditor_needs_command" -l http-config -d 'How to reach the source, in place of `http` of the configuration' -r -F
complete -c auditor -n "__fish_auditor_needs_command" -l header -d 'Send this header with every request; may be repeated' -r
complete -c auditor -n "__fish_auditor_needs_command" -l probe-every -d 'Interval between the requests of --probe' -r
complete -c auditor -n "__fish_auditor_needs_command" -l pid -d 'The process behind --probe; may be repeated' -r
complete -c auditor -n "__fish_auditor_needs_command" -l pool-threads -d 'How many threads the service\'s pool may have' -r
complete -c auditor -n "__fish_auditor_needs_command" -l output-format -d 'What to print: text or json' -r -f -a "text\t''
json\t''"
complete -c auditor -n "__fish_auditor_needs_command" -l config -d 'Configuration file [default: metrics.yaml]' -r -F
complete -c auditor -n "__fish_auditor_needs_command" -l fail-on-critical -d 'Exit 1 if the status is CRITICAL or worse'
complete -c auditor -n "__fish_auditor_needs_command" -l abort-on-breach -d 'End the command once a breach is proven'
complete -c auditor -n "__fish_auditor_needs_command" -l no-report -d 'Write no audit_results.json'
complete -c auditor -n "__fish_auditor_needs_command" -l no-github -d 'Tell GitHub nothing of the audit'
complete -c auditor -n "__fish_auditor_needs_command" -s q -l quiet -d 'Print the verdict alone'
complete -c auditor -n "__fish_auditor_needs_command" -s v -l verbose -d 'Tell on standard error what is done'
complete -c auditor -n "__fish_auditor_needs_command" -l init -d 'Write a commented metrics.yaml here, and stop'
complete -c auditor -n "__fish_auditor_needs_command" -l list-presets -d 'List the presets, and stop'
complete -c auditor -n "__fish_auditor_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c auditor -n "__fish_auditor_needs_command" -s V -l version -d 'Print version'
complete -c auditor -n "__fish_auditor_needs_command" -f -a "query" -d 'Evaluate one PromQL expression'
complete -c auditor -n "__fish_auditor_needs_command" -f -a "doctor" -d 'Explain what each query of an audit finds, or why nothing'
complete -c auditor -n "__fish_auditor_needs_command" -f -a "suite" -d 'Audit many scenarios, with one answer'
complete -c auditor -n "__fish_auditor_needs_command" -f -a "serve" -d 'Audit services again and again, and answer over HTTP'
complete -c auditor -n "__fish_auditor_needs_command" -f -a "schema" -d 'Print the JSON Schema of metrics.yaml, a report, suite or summary'
complete -c auditor -n "__fish_auditor_needs_command" -f -a "explain" -d 'Say what a word of the report means, and what to do'
complete -c auditor -n "__fish_auditor_needs_command" -f -a "completions" -d 'Print completions for a shell'
complete -c auditor -n "__fish_auditor_needs_command" -f -a "man" -d 'Print the manual page, as roff'
complete -c auditor -n "__fish_auditor_using_subcommand query" -l scrape -d 'Page of metrics to scrape; may be repeated' -r
complete -c auditor -n "__fish_auditor_using_subcommand query" -l scrape-json -d 'JSON document whose numbers to scrape; may be repeated' -r
complete -c auditor -n "__fish_auditor_using_subcommand query" -l probe -d 'URL of any async service to ask; may be repeated' -r
complete -c auditor -n "__fish_auditor_using_subcommand query" -l target -d 'Prometheus-compatible server to ask' -r
complete -c auditor -n "__fish_auditor_using_subcommand query" -l recording -d 'Read samples from this file or directory' -r -F
complete -c auditor -n "__fish_auditor_using_subcommand query" -l every -d 'Interval between scrapes, and between the samples of --probe' -r
complete -c auditor -n "__fish_auditor_using_subcommand query" -l for -d 'How long to look on without a command [default: 30s]' -r
complete -c auditor -n "__fish_auditor_using_subcommand query" -l job -d 'Label `job` of what is scraped, as the queries may select it [default: auditor]' -r
complete -c auditor -n "__fish_auditor_using_subcommand query" -l at -d 'Evaluate at this instant' -r
complete -c auditor -n "__fish_auditor_using_subcommand query" -l timeout -d 'Bound of the whole audit' -r
complete -c auditor -n "__fish_auditor_using_subcommand query" -l http-config -d 'How to reach the source, in place of `http` of the configuration' -r -F
complete -c auditor -n "__fish_auditor_using_subcommand query" -l header -d 'Send this header with every request; may be repeated' -r
complete -c auditor -n "__fish_auditor_using_subcommand query" -l probe-every -d 'Interval between the requests of --probe' -r
complete -c auditor -n "__fish_auditor_using_subcommand query" -l pid -d 'The process behind --probe; may be repeated' -r
complete -c auditor -n "__fish_auditor_using_subcommand query" -l pool-threads -d 'How many threads the service\'s pool may have' -r
complete -c auditor -n "__fish_auditor_using_subcommand query" -l output-format -d 'What to print: text or json' -r -f -a "text\t''
json\t''"
complete -c auditor -n "__fish_auditor_using_subcommand query" -l config -d 'Configuration file [default: metrics.yaml]' -r -F
complete -c auditor -n "__fish_auditor_using_subcommand query" -s v -l verbose -d 'Tell on standard error what is done'
complete -c auditor -n "__fish_auditor_using_subcommand query" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l record -d 'Keep what was seen in this file' -r -F
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l log -d 'The file behind the name of a log; may be repeated' -r
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l start -d 'Start the service by this shell command' -r
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l start-timeout -d 'How long the service of --start may take until it answers' -r
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l blame -d 'Name the line that holds the loop' -r -f -a "auto\t''
off\t''
require\t''
node\t''"
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l blame-after -d 'After how long without an answer stacks are read' -r
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l time-limit -d 'How long COMMAND may take' -r
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l settle -d 'How long to wait for the server\'s samples of the end of the load' -r
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l fail-on -d 'degraded, critical, collapse or failure-mode' -r -f -a "degraded\t''
critical\t''
collapse\t''
failure-mode\t''"
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l samples -d 'Carry out the audit so many times' -r
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l interval -d 'From the start of one audit of --samples to the start of the next' -r
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l failure-threshold -d 'Fail once so many audits in a row have failed [default: 1]' -r
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l cooldown -d 'For how many further audits everything fails then [default: 0]' -r
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l state -d 'Keep failures in a row and the cooldown in this file, from run to run' -r -F
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l baseline -d 'Report of an earlier audit to compare with' -r -F
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l baseline-window -d 'Compare with the same queries so long before' -r
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l report -d 'Write a report, such as html=report.html' -r
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l profile -d 'Profile of the configuration' -r
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l var -d 'Set a variable of the queries; may be repeated' -r
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l preset -d 'Preset below metrics.yaml, or in place of one' -r -f -a "probe\t''
python-signals\t''
fastapi-instrumentator\t''
starlette-exporter\t''
aiohttp\t''
transparent-fastapi\t''
fastapi-runtime-details\t''
loopguard\t''
python-otel\t''
django\t''
celery\t''
node-prom-client\t''
node-otel\t''
rust-tokio\t''
go\t''
dotnet-otel\t''
prometheus-net\t''
jvm-micrometer\t''
vertx\t''
json-workers\t''"
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l scrape -d 'Page of metrics to scrape; may be repeated' -r
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l scrape-json -d 'JSON document whose numbers to scrape; may be repeated' -r
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l probe -d 'URL of any async service to ask; may be repeated' -r
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l target -d 'Prometheus-compatible server to ask' -r
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l recording -d 'Read samples from this file or directory' -r -F
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l every -d 'Interval between scrapes, and between the samples of --probe' -r
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l for -d 'How long to look on without a command [default: 30s]' -r
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l job -d 'Label `job` of what is scraped, as the queries may select it [default: auditor]' -r
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l at -d 'Evaluate at this instant' -r
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l timeout -d 'Bound of the whole audit' -r
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l http-config -d 'How to reach the source, in place of `http` of the configuration' -r -F
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l header -d 'Send this header with every request; may be repeated' -r
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l probe-every -d 'Interval between the requests of --probe' -r
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l pid -d 'The process behind --probe; may be repeated' -r
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l pool-threads -d 'How many threads the service\'s pool may have' -r
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l output-format -d 'What to print: text or json' -r -f -a "text\t''
json\t''"
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l config -d 'Configuration file [default: metrics.yaml]' -r -F
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l fail-on-critical -d 'Exit 1 if the status is CRITICAL or worse'
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l abort-on-breach -d 'End the command once a breach is proven'
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l no-report -d 'Write no audit_results.json'
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -l no-github -d 'Tell GitHub nothing of the audit'
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -s q -l quiet -d 'Print the verdict alone'
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -s v -l verbose -d 'Tell on standard error what is done'
complete -c auditor -n "__fish_auditor_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c auditor -n "__fish_auditor_using_subcommand suite" -l manifest -d 'Judge what a run has left, by this table' -r -F
complete -c auditor -n "__fish_auditor_using_subcommand suite" -l profile -d 'Profile of the scenarios\' configurations' -r
complete -c auditor -n "__fish_auditor_using_subcommand suite" -l only -d 'Only scenarios whose id is so, such as \'api-*\'' -r
complete -c auditor -n "__fish_auditor_using_subcommand suite" -l jobs -d 'How many scenarios are read at once [default: one for each CPU]' -r
complete -c auditor -n "__fish_auditor_using_subcommand suite" -l run-id -d 'Name of this run in the summary [default: when it began]' -r
complete -c auditor -n "__fish_auditor_using_subcommand suite" -l run-dir -d 'Keep each scenario\'s report in this directory' -r -F
complete -c auditor -n "__fish_auditor_using_subcommand suite" -l output-format -d 'What to print: text or json' -r -f -a "text\t''
json\t''"
complete -c auditor -n "__fish_auditor_using_subcommand suite" -l report -d 'Write the summary, such as junit=suite.xml' -r
complete -c auditor -n "__fish_auditor_using_subcommand suite" -l no-baseline -d 'Compare nothing, though scenarios name a baseline'
complete -c auditor -n "__fish_auditor_using_subcommand suite" -l no-report -d 'Write no suite_results.json'
complete -c auditor -n "__fish_auditor_using_subcommand suite" -l no-github -d 'Tell GitHub nothing of the suite'
complete -c auditor -n "__fish_auditor_using_subcommand suite" -s q -l quiet -d 'Print the verdict alone'
complete -c auditor -n "__fish_auditor_using_subcommand suite" -s v -l verbose -d 'Tell on standard error what is done'
complete -c auditor -n "__fish_auditor_using_subcommand suite" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c auditor -n "__fish_auditor_using_subcommand serve" -l config -d 'Configuration of a service; may be repeated' -r
complete -c auditor -n "__fish_auditor_using_subcommand serve" -l services -d 'File that lists services, each with options of an audit' -r -F
complete -c auditor -n "__fish_auditor_using_subcommand serve" -l profile -d 'Profile of the configurations that name none themselves' -r
complete -c auditor -n "__fish_auditor_using_subcommand serve" -l every -d 'From the start of a round of audits to the start of the next' -r
complete -c auditor -n "__fish_auditor_using_subcommand serve" -l listen -d 'Address to answer at' -r
complete -c auditor -n "__fish_auditor_using_subcommand serve" -l history -d 'Keep the reports in this directory, one JSON file each' -r -F
complete -c auditor -n "__fish_auditor_using_subcommand serve" -l retention -d 'How long reports are kept' -r
complete -c auditor -n "__fish_auditor_using_subcommand serve" -l token-file -d 'Answer only those who send the token in this file' -r -F
complete -c auditor -n "__fish_auditor_using_subcommand serve" -l no-metrics-json -d 'Turn GET /metrics.json off'
complete -c auditor -n "__fish_auditor_using_subcommand serve" -s q -l quiet -d 'Tell no warnings of audits'
complete -c auditor -n "__fish_auditor_using_subcommand serve" -s v -l verbose -d 'Tell on standard error what is done'
complete -c auditor -n "__fish_auditor_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c auditor -n "__fish_auditor_using_subcommand schema" -s h -l help -d 'Print help'
complete -c auditor -n "__fish_auditor_using_subcommand explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c auditor -n "__fish_auditor_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c auditor -n "__fish_auditor_using_subcommand man" -s h -l help -d 'Print help'
