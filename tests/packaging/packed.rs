//! What is packed into archives and wheels is what the program prints. It lies in the repository, for a
//! binary of another machine could not be asked.
//!
//! `UPDATE_EXPECTED=1 cargo test --test packaging packed` writes it anew.

use std::fs;
use std::path::Path;

use crate::ROOT;
use crate::support::{auditor, empty_directory};

/// Each file, below `packaging/wheel/data/share`, and the call that prints it.
const FILES: [(&str, &[&str]); 4] = [
    ("man/man1/auditor.1", &["man"]),
    ("bash-completion/completions/auditor", &["completions", "bash"]),
    ("zsh/site-functions/_auditor", &["completions", "zsh"]),
    ("fish/vendor_completions.d/auditor.fish", &["completions", "fish"]),
];

#[test]
fn what_is_packed_is_what_the_program_prints() {
    let updating = std::env::var_os("UPDATE_EXPECTED").is_some_and(|value| value == "1");
    for (name, args) in FILES {
        let path = Path::new(ROOT).join("packaging/wheel/data/share").join(name);
        let printed = auditor(empty_directory().path(), args).stdout;
        if updating {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &printed).unwrap();
        }
        let packed = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            packed == printed,
            "{name} is not what `auditor {}` prints: UPDATE_EXPECTED=1 cargo test --test packaging packed",
            args.join(" ")
        );
    }
}
