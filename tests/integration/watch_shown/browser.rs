//! The page in a browser: nothing on its console, nothing loaded, nothing wider than a phone.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use super::Staging;
use crate::html::{OVERFLOW, nameless};
use crate::support::browser::Browser;
use crate::support::empty_directory;

#[test]
fn a_browser_shows_it_whole_and_silently() {
    let Some(mut browser) = Browser::start("the page of a watcher in a browser") else { return };
    let mut staging = Staging::new();
    // Names that have no place to break.
    let long = "x".repeat(300);
    staging.services[3].name = Box::leak(long.clone().into_boxed_str());
    staging.alerts[0].service = long.clone();
    staging.alerts[1].title = long;
    let directory = empty_directory();
    let path = directory.path().join("page.html");
    fs::write(&path, staging.page()).unwrap();
    let url = format!("file://{}", path.display());
    let mut backgrounds = BTreeSet::new();
    for (scheme, width) in [("light", 1200), ("dark", 1200), ("light", 360), ("dark", 360)] {
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
