//! Archives have the same names wherever they are made, looked for or told of.

use std::collections::BTreeSet;

use yaml_serde::Value;

const RELEASE: &str = include_str!("../../.github/workflows/release.yml");

/// What is built for a release.
fn built() -> BTreeSet<String> {
    let workflow: Value = yaml_serde::from_str(RELEASE).unwrap();
    let matrix = &workflow["jobs"]["archive"]["strategy"]["matrix"]["include"];
    let targets = matrix.as_sequence().unwrap().iter().map(|row| row["target"].as_str().unwrap());
    targets.map(str::to_owned).collect()
}

#[test]
fn the_action_downloads_what_is_built() {
    let script = include_str!("../../packaging/action/install.sh");
    let triples = script.lines().filter_map(|line| line.split_once(") echo "));
    let triples: BTreeSet<_> =
        triples.map(|(_, it)| it.trim_end_matches(" ;;").to_owned()).collect();
    assert_eq!(triples, built());
}

#[test]
fn the_documentation_names_what_is_built() {
    let page = include_str!("../../docs/installation.md");
    for target in built() {
        assert!(page.contains(&format!("`{target}`")), "docs/installation.md lacks {target}");
    }
}

/// With what `cargo binstall` puts in.
#[test]
fn binstall_finds_what_packaging_archive_makes() {
    let manifest = include_str!("../../Cargo.toml");
    let value = |key: &str| {
        let line = manifest.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
        line.map(|it| it.trim_matches('"').to_owned()).collect::<Vec<_>>()
    };
    let urls = value("pkg-url");
    let (repo, version) = (&value("repository")[0], env!("CARGO_PKG_VERSION"));
    for (url, target, ending) in
        [(&urls[0], "aarch64-apple-darwin", "tar.gz"), (&urls[1], "x86_64-pc-windows-msvc", "zip")]
    {
        let url = url.replace("{ repo }", repo).replace("{ version }", version);
        let url = url.replace("{ target }", target);
        let archive = format!("auditor-{version}-{target}.{ending}");
        assert_eq!(url, format!("{repo}/releases/download/v{version}/{archive}"));
    }
    assert_eq!(value("bin-dir"), ["auditor-{ version }-{ target }/{ bin }{ binary-ext }"]);
    assert_eq!(value("pkg-fmt"), ["tgz", "zip"]);
}
