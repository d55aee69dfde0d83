//! Completions, as the shells make use of them.

use crate::support::{auditor, empty_directory};
use crate::{has, run};

/// What a command line is completed to, whose last word is begun.
struct Case {
    words: &'static [&'static str],
    offers: &'static [&'static str],
}

const CASES: [Case; 6] = [
    Case { words: &["auditor", "docto"], offers: &["doctor"] },
    Case { words: &["auditor", "--fail-on"], offers: &["--fail-on", "--fail-on-critical"] },
    Case {
        words: &["auditor", "--preset", "fastapi"],
        offers: &["fastapi-instrumentator", "fastapi-runtime-details"],
    },
    Case { words: &["auditor", "--fail-on", "collap"], offers: &["collapse"] },
    Case { words: &["auditor", "query", "--rec"], offers: &["--recording"] },
    Case { words: &["auditor", "completions", "po"], offers: &["powershell"] },
];

fn script(shell: &str) -> String {
    let run = auditor(empty_directory().path(), &["completions", shell]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{shell}");
    run.stdout
}

fn assert_offered(shell: &str, case: &Case, offered: &str) {
    let mut offered: Vec<_> = offered.split_whitespace().collect();
    offered.sort_unstable();
    assert_eq!(offered, case.offers, "{shell}: {:?}", case.words);
}

#[test]
fn bash_completes_tasks_options_and_presets() {
    const COMPLETE: &str = r#"
        eval "$1"; shift
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"
        _auditor auditor "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}""#;
    if !has("completions of bash", "bash") {
        return;
    }
    for case in &CASES {
        let script = script("bash");
        let given = ["-c", COMPLETE, "bash", &script].into_iter().chain(case.words.iter().copied());
        let run = run("bash", given);
        assert_offered("bash", case, &run.stdout);
    }
}

#[test]
fn fish_completes_tasks_options_and_presets() {
    if !has("completions of fish", "fish") {
        return;
    }
    // Its script completes no operand.
    for case in CASES.iter().filter(|case| case.words[1] != "completions") {
        let ask = format!("{}\ncomplete -C '{}'", script("fish"), case.words.join(" "));
        let run = run("fish", ["--no-config", "-c", &ask]);
        // Behind a tab stands what an option is for.
        let names = run.stdout.lines().filter_map(|line| line.split('\t').next());
        assert_offered("fish", case, &names.collect::<Vec<_>>().join(" "));
    }
}

/// In a terminal of its own, where the first tab completes as far as there is no choice.
#[test]
fn zsh_completes_tasks_options_and_presets() {
    const COMPLETE: &str = r##"
        zmodload zsh/zpty
        zpty shell 'zsh -f -i'
        zpty -w shell "PS1= ; fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -d $1/dump"
        zpty -w shell 'zstyle ":completion:*" list-separator "#"; echo re''ady'
        zpty -r -m shell line '*ready*'
        zpty -w -n shell "$2"$'\t'$'\t'
        sleep 0.5
        while zpty -r -t shell line; do print -rn -- $line; done"##;
    if !has("completions of zsh", "zsh") {
        return;
    }
    let directory = empty_directory();
    std::fs::write(directory.path().join("_auditor"), script("zsh")).unwrap();
    let place = directory.path().to_str().unwrap();
    for case in &CASES {
        let run = run("zsh", ["-fc", COMPLETE, "zsh", place, &case.words.join(" ")]);
        for offer in case.offers {
            assert!(run.stdout.contains(offer), "{offer}: {:?}", run.stdout);
        }
    }
}

#[test]
fn an_unknown_shell_is_refused_with_those_that_there_are() {
    let run = auditor(empty_directory().path(), &["completions", "tcsh"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("bash, elvish, fish, powershell, zsh"), "{}", run.stderr);
}
