//! Where a file is in the repository around it: forges annotate files by that path.

use std::path::{Component, Path};

/// The path of a file from the root of the git repository that it is in, with `/` between its parts;
/// `None` where there is no such file, or no repository around it.
pub(super) fn path_in(file: &Path) -> Option<String> {
    let file = file.canonicalize().ok()?;
    let root = file.ancestors().skip(1).find(|directory| directory.join(".git").exists())?;
    let parts = file.strip_prefix(root).ok()?.components().map(|part| match part {
        Component::Normal(name) => name.to_str(),
        _ => None,
    });
    Some(parts.collect::<Option<Vec<_>>>()?.join("/"))
}

/// The root of the git repository around the working directory.
pub(super) fn root() -> Option<String> {
    let here = std::env::current_dir().ok()?.canonicalize().ok()?;
    let root = here.ancestors().find(|directory| directory.join(".git").exists())?;
    root.to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn paths_begin_at_the_root_of_the_repository() {
        let directory = tempfile::tempdir().unwrap();
        let nested = directory.path().join("services/a");
        fs::create_dir_all(&nested).unwrap();
        fs::create_dir(directory.path().join(".git")).unwrap();
        let file = nested.join("metrics.yaml");
        assert_eq!(path_in(&file), None);
        fs::write(&file, "").unwrap();
        assert_eq!(path_in(&file).as_deref(), Some("services/a/metrics.yaml"));
        fs::remove_dir(directory.path().join(".git")).unwrap();
        assert_eq!(path_in(&file), None);
    }
}
