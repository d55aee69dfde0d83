//! Where the application's files are.

use std::env;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Where a service, and auditor, run: what tells the files of the application from others, and
/// makes paths short.
#[derive(Debug, Clone, Default)]
pub(crate) struct Roots {
    /// The working directory of the service, as the service sees it.
    service: Option<PathBuf>,
    /// The repositories of both, or the directories themselves where there is none.
    repositories: Vec<PathBuf>,
    /// Where the files of the service are seen from here, if it has other mounts.
    mounts: Option<PathBuf>,
}

impl Roots {
    /// Of a service. What cannot be read is left out: paths are then whole.
    pub(crate) fn of(pid: u32) -> Self {
        let own = |file: &str| fs::read_link(format!("/proc/{pid}/{file}")).ok();
        let are_mounts_other = match (own("ns/mnt"), fs::read_link("/proc/self/ns/mnt").ok()) {
            (Some(its), Some(ours)) => its != ours,
            _ => false,
        };
        let is_root_other = own("root").is_some_and(|root| root != Path::new("/"));
        let mounts =
            (are_mounts_other || is_root_other).then(|| PathBuf::from(format!("/proc/{pid}/root")));
        Self::new(own("cwd"), env::current_dir().ok(), mounts)
    }

    /// Of a service that works in one directory, and of auditor, which works in another.
    pub(super) fn new(
        service: Option<PathBuf>,
        ours: Option<PathBuf>,
        mounts: Option<PathBuf>,
    ) -> Self {
        let around = |directory: &PathBuf, mounts: Option<&PathBuf>| {
            let has_git = |parent: &&Path| seen_from_here(&parent.join(".git"), mounts).exists();
            let repository = directory.ancestors().find(has_git).unwrap_or(directory);
            // All files are below it, so that it would tell nothing.
            (repository != Path::new("/")).then(|| repository.to_owned())
        };
        let ours = ours.as_ref().and_then(|directory| around(directory, None));
        let its = service.as_ref().and_then(|directory| around(directory, mounts.as_ref()));
        let mut repositories: Vec<PathBuf> = its.into_iter().chain(ours).collect();
        // The outer one first, which is the one that a pipeline knows the file by.
        repositories.sort_by_key(|path| path.components().count());
        Self { service, repositories, mounts }
    }

    /// A path as the runtime has it, from the root of the service and without `.` and `..`.
    pub(super) fn absolute(&self, file: &str) -> String {
        let is_path = !file.is_empty() && !file.starts_with('<') && !file.contains("node:");
        let path = match &self.service {
            Some(directory) if is_path && file.starts_with("./") => directory.join(file),
            // A frozen program has relative paths of files that are nowhere.
            Some(directory) if is_path && !file.starts_with('/') => {
                let path = directory.join(file);
                if !seen_from_here(&path, self.mounts.as_ref()).exists() {
                    return file.to_owned();
                }
                path
            }
            _ if file.contains("/.") => PathBuf::from(file),
            _ => return file.to_owned(),
        };
        let mut plain = PathBuf::new();
        for part in path.components() {
            match part {
                Component::CurDir => {}
                Component::ParentDir => {
                    plain.pop();
                }
                _ => plain.push(part),
            }
        }
        plain.to_string_lossy().into_owned()
    }

    /// Whether a file is in the repository of the service, or in that of auditor.
    pub(super) fn is_in_repository(&self, path: &str) -> bool {
        // What is relative is part of a frozen program.
        !path.starts_with('/')
            || self.repositories.iter().any(|root| Path::new(path).starts_with(root))
    }

    /// The path as it is shown.
    pub(super) fn shown(&self, path: &str) -> String {
        let short =
            self.repositories.iter().find_map(|root| Path::new(path).strip_prefix(root).ok());
        short.map_or_else(|| path.to_owned(), |short| short.to_string_lossy().into_owned())
    }

    /// Where to read a file of the service.
    pub(in crate::outside) fn readable(&self, path: &str) -> PathBuf {
        seen_from_here(Path::new(path), self.mounts.as_ref())
    }
}

/// A path of the service, seen from here.
fn seen_from_here(path: &Path, mounts: Option<&PathBuf>) -> PathBuf {
    match mounts {
        Some(mounts) => mounts.join(path.strip_prefix("/").unwrap_or(path)),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_shown_from_the_repository_that_is_around() {
        let directory = tempfile::tempdir().unwrap();
        let repository = directory.path().canonicalize().unwrap();
        fs::create_dir_all(repository.join(".git")).unwrap();
        fs::create_dir_all(repository.join("services/a")).unwrap();
        fs::write(repository.join("services/a/main.py"), "").unwrap();
        let service = repository.join("services/a");
        let roots = Roots::new(Some(service.clone()), Some("/elsewhere".into()), None);
        let file = service.join("db.py").to_string_lossy().into_owned();
        assert_eq!(roots.shown(&file), "services/a/db.py");
        assert!(roots.is_in_repository(&file));
        assert_eq!(roots.shown("/elsewhere/x.py"), "x.py");
        assert_eq!(roots.shown("/opt/y.py"), "/opt/y.py");
        assert!(!roots.is_in_repository("/opt/y.py"));
        let main = service.join("main.py").to_string_lossy().into_owned();
        assert_eq!(roots.absolute("main.py"), main);
        assert_eq!(roots.absolute("./main.py"), main);
        assert_eq!(roots.absolute("/a/./b/../c.py"), "/a/c.py");
        assert_eq!(roots.absolute("frozen/db.py"), "frozen/db.py");
        assert_eq!(roots.absolute("<string>"), "<string>");
    }

    #[test]
    fn files_behind_other_mounts_are_read_through_them() {
        let directory = tempfile::tempdir().unwrap();
        let inside = directory.path().join("srv/app");
        fs::create_dir_all(&inside).unwrap();
        fs::create_dir_all(directory.path().join("srv/.git")).unwrap();
        let roots = Roots::new(Some("/srv/app".into()), None, Some(directory.path().to_owned()));
        assert_eq!(roots.readable("/srv/app/x.py"), inside.join("x.py"));
        assert_eq!(roots.shown("/srv/app/x.py"), "app/x.py");
        assert_eq!(Roots::new(Some("/".into()), None, None).shown("/a.py"), "/a.py");
    }
}
