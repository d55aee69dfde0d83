//! Words of others stay words: in labels, names, files, the command, whatever they are made of.

use std::fs;

use serde_json::Value;

use super::page;
use super::recording::{CALM, CONFIG, START, directory, recording};

/// Ends a tag, an attribute, a style, a comment, a line of a CI log; and turns the line around.
const HOSTILE: &str = "</title></style><script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;]]>-->%0A::error::\u{202e}gnp.exe";

fn hostile_recording() -> String {
    let escaped = HOSTILE.replace('\\', "\\\\").replace('"', "\\\"");
    let calm = recording(|_| Some(CALM)).replace("shop:8000", &escaped);
    let command = format!(
        "auditor_command_duration_seconds{{command=\"{escaped}\",status=\"{escaped}\"}} 60 {}\n",
        START + 60
    );
    command + &calm
}

#[test]
fn hostile_words_are_words() {
    let config = CONFIG.replace(
        "  errors: {",
        "  errors: {description: \"<script>alert(2)</script>\", severity: warning, ",
    );
    let directory = directory(&config, &hostile_recording());
    let name = "<script>run & \u{202e}'.om";
    fs::rename(directory.path().join("run.om"), directory.path().join(name)).unwrap();
    let (run, page) = page(directory.path(), &["--recording", name, "--fail-on-critical"]);
    assert_ne!(run.code, 2, "{}", run.stderr);
    for words in ["&lt;script&gt;alert(1)&lt;/script&gt;", "]]&gt;--&gt;", "::error::"] {
        assert!(page.contains(words), "{words} is shown as it is: {page}");
    }
    for mark in ["<script", "<img", "<b>", "onerror=alert(1)>", "\u{202e}", "href=\"java"] {
        assert!(!page.contains(mark), "{mark}");
    }
    // Nothing of it began or ended an element.
    assert_eq!(page.matches("</title>").count(), 1 + page.matches("<title id=").count());
    assert_eq!(page.matches("</style>").count(), 1);
    assert_eq!(page.matches('<').count(), page.matches('>').count());
    assert!(page.len() < 300_000);
}

/// Files, functions and lines of source, as a service may name them.
#[test]
fn hostile_culprits_are_words() {
    let scenario =
        fs::read_to_string("tests/scenarios/recording-with-hostile-culprits.yaml").unwrap();
    let scenario: Value = yaml_serde::from_str(&scenario).unwrap();
    let recording = scenario["files"]["recording.om"].as_str().unwrap();
    let recording =
        recording.replace("app\\n::error::/db.py", "app</code><script>\\n::error::/db.py");
    let directory = directory(scenario["config"].as_str().unwrap(), &recording);
    let (run, page) = page(directory.path(), &["--recording", "run.om", "--fail-on-critical"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(page.contains("app&lt;/code&gt;&lt;script&gt; ::error::/db.py:42"), "{page}");
    assert!(!page.contains("<script") && !page.contains('\u{202e}'));
    assert!(page.lines().all(|line| !line.starts_with("::")), "{page}");
}

/// A page has a bound, however much there is to tell.
#[test]
fn many_targets_and_long_names_leave_the_page_small() {
    let long = "x".repeat(3000);
    let calm = recording(|_| Some(CALM));
    let mut lines: Vec<_> =
        calm.lines().filter(|line| *line != "# EOF").map(str::to_owned).collect();
    let of_one = lines.clone();
    for target in 0..120 {
        let instance = format!("{target}-{long}:8000");
        lines.extend(of_one.iter().map(|line| line.replace("shop:8000", &instance)));
    }
    lines.sort_by_key(|line| line.split('{').next().map(str::to_owned));
    let text = lines.join("\n") + "\n# EOF\n";
    let directory = directory(CONFIG, &text);
    let (run, page) = page(directory.path(), &["--recording", "run.om"]);
    assert!(page.len() < 300_000, "{} bytes; {}", page.len(), run.stdout);
    assert!(page.contains("101 more targets"), "{}", run.stderr);
}
