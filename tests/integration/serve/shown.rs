//! What docs/watching.md shows is what the watcher does.

use std::path::Path;

use auditor::config::SuiteFile;

use super::{Watched, staging};
use crate::support::{auditor, empty_directory};

const PAGE: &str = include_str!("../../../docs/watching.md");

/// The code blocks in that language.
fn blocks(language: &str) -> Vec<&'static str> {
    let blocks = PAGE.split("\n```").skip(1).step_by(2);
    blocks.filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n')).collect()
}

/// The words of the only command that begins so.
fn command(begin: &str) -> Vec<&'static str> {
    let mut lines = blocks("sh").into_iter().flat_map(str::lines);
    let line = lines.find(|line| line.starts_with(begin)).expect("a command that begins so");
    line.split(' ').collect()
}

#[test]
fn the_command_shown_watches_the_services_that_it_names() {
    let (staging, directory) = (staging(), empty_directory());
    staging.configure(directory.path(), "api.yaml");
    staging.configure(directory.path(), "checkout.yaml");
    let words = command("auditor serve ");
    let (options, history) = words[2..].split_at(words.len() - 4);
    assert_eq!(history, ["--history", "history"]);
    let watched = Watched::start(directory.path(), options);
    assert_eq!(watched.json("/check")["alert_count"], 0);
    let metrics = watched.get("/metrics").body;
    for service in ["api", "checkout"] {
        let line = format!("auditor_service_audited{{service=\"{service}\"}} 1\n");
        assert!(metrics.contains(&line), "{metrics}");
    }
    // Every metric and every route that the page names is there.
    let named = PAGE.split(['`', '{', ',', ' ']).filter(|it| it.starts_with("auditor_"));
    let named = named.map(|it| it.trim_end_matches(['.', ')', ';']));
    for name in named.filter(|it| it.chars().all(|c| c.is_ascii_lowercase() || c == '_')) {
        assert!(metrics.contains(&format!("# TYPE {name} ")), "{name}: {metrics}");
    }
    let routes = PAGE.lines().filter_map(|line| line.strip_prefix("| `/")?.split('`').next());
    for route in routes {
        let path = format!("/{}", route.replace("SERVICE", "api"));
        assert_eq!(watched.get(&path).status, 200, "{path}");
    }
}

#[test]
fn the_list_of_services_shown_is_valid() {
    let lists = blocks("yaml").into_iter().filter(|block| block.contains("scenarios:"));
    let lists: Vec<_> = lists.collect();
    assert_eq!(lists.len(), 1);
    let list = SuiteFile::parse(Path::new("services.yaml"), lists[0]).unwrap();
    let names: Vec<_> = list.scenarios.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(names, ["api", "checkout"]);
}

/// The raw numbers of one watcher, as the source of another audit.
#[test]
fn a_watcher_is_audited_by_its_own_numbers() {
    let (staging, directory) = (staging(), empty_directory());
    staging.configure(directory.path(), "api.yaml");
    let watched = Watched::start(directory.path(), &["--config", "api.yaml", "--every", "1s"]);
    watched.json("/check");
    let configs: Vec<_> =
        blocks("yaml").into_iter().filter(|block| block.starts_with("preset:")).collect();
    std::fs::write(directory.path().join("watcher.yaml"), configs[0]).unwrap();
    let url = format!("http://{}/metrics.json", watched.address());
    let words = command("auditor --scrape-json ");
    let args: Vec<_> = words[1..]
        .iter()
        .map(|word| match *word {
            "http://127.0.0.1:9464/metrics.json" => url.as_str(),
            "12m" => "31s",
            other => other,
        })
        .collect();
    let run = auditor(directory.path(), &args);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
}
