//! The page in a browser: nothing on its console, nothing loaded, nothing wider than a phone, and a
//! name for all that is read aloud.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use super::page;
use super::recording::directory;
use crate::support::browser::Browser;

/// What leaves the window at its right, for whoever has to find it.
pub(crate) const OVERFLOW: &str = "(() => { const width = document.documentElement.clientWidth; \
    return JSON.stringify([document.documentElement.scrollWidth - width, \
    [...document.querySelectorAll('body *')].filter(it => it.getBoundingClientRect().right > \
    width + 1).map(it => it.outerHTML.slice(0, 80))]) })()";

#[test]
fn a_browser_shows_it_whole_and_silently() {
    let Some(mut browser) = Browser::start("the page in a browser") else { return };
    let example = fs::read_to_string("examples/blocked.om").unwrap();
    // A name that has no place to break.
    let example = example.replace("localhost:8000", &format!("{}:8000", "x".repeat(400)));
    let directory = directory("preset: probe\n", &example);
    page(directory.path(), &["--recording", "run.om", "--fail-on-critical"]);
    let url = format!("file://{}", directory.path().join("report.html").display());
    let mut backgrounds = BTreeSet::new();
    for (scheme, width) in [("light", 1100), ("dark", 1100), ("light", 360), ("dark", 360)] {
        browser.look(scheme, width);
        browser.open(&url);
        let overflow: Value = serde_json::from_str(&browser.evaluate(OVERFLOW)).unwrap();
        assert_eq!(overflow, json!([0, []]), "{scheme} {width}");
        backgrounds.insert(browser.evaluate("getComputedStyle(document.body).backgroundColor"));
    }
    assert_eq!(backgrounds.len(), 2, "{backgrounds:?}");
    let nameless = nameless(&browser.accessibility());
    assert!(nameless.is_empty(), "{nameless:?}");
    assert_eq!(browser.told(), Vec::<String>::new());
    assert!(browser.requested().iter().all(|it| *it == url), "{:?}", browser.requested());
}

/// What a reader of the screen comes to and has no name for; there have to be some that have.
pub(crate) fn nameless(tree: &[Value]) -> Vec<String> {
    const NAMED: [&str; 6] =
        ["RootWebArea", "heading", "image", "table", "columnheader", "rowheader"];
    let of = |node: &Value, key: &str| node[key]["value"].as_str().unwrap_or_default().to_owned();
    let seen = tree.iter().filter(|node| node["ignored"] != true);
    let named = seen.filter(|node| NAMED.contains(&of(node, "role").as_str()));
    let (nameless, named): (Vec<_>, Vec<_>) = named.partition(|node| of(node, "name").is_empty());
    let roles: BTreeSet<_> = named.iter().map(|node| of(node, "role")).collect();
    assert_eq!(roles.len(), NAMED.len(), "{roles:?}");
    nameless.iter().map(ToString::to_string).collect()
}
