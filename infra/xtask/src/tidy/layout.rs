//! The rooms of the house and the names in it.
//!
//! Invariant: the root shows what there is; nothing gathers under a name that says nothing.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use super::{Fault, Source};

/// What may lie in the root.
pub const ROOT: [&str; 20] = [
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "clippy.toml",
    "commands",
    "deny.toml",
    "domain",
    "gateway",
    "infra",
    "projections",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "scheduler",
    "schemas",
    "target",
    "ui",
];
const INFRA: [&str; 13] = [
    "almanac",
    "analytics",
    "bench",
    "clients",
    "dbt",
    "decisions",
    "deploy",
    "e2e",
    "event-log",
    "files",
    "local",
    "runtime",
    "xtask",
];
const EMPTY_NAMES: [&str; 7] = [
    "common", "helper", "helpers", "manager", "misc", "util", "utils",
];

/// What lies in the root and under `infra`; dotfiles are configuration.
pub fn check(root: &Path) -> Result<Vec<Fault>> {
    let mut faults = unexpected(root, "", &ROOT)?;
    faults.extend(unexpected(&root.join("infra"), "infra/", &INFRA)?);
    Ok(faults)
}

/// A module is named for what it is about.
pub fn check_name(source: &Source) -> Option<Fault> {
    let says_nothing = |part: &str| {
        let stem = part.split('.').next().unwrap_or_default();
        EMPTY_NAMES
            .iter()
            .any(|empty| stem.rsplit(['_', '-']).next() == Some(empty))
    };
    let named = source
        .is_rust()
        .then(|| source.path.split('/').find(|part| says_nothing(part)));
    Some(Fault::new(
        &source.path,
        format!("{} says nothing about its content", named??),
    ))
}

fn unexpected(dir: &Path, prefix: &str, known: &[&str]) -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') && !known.contains(&name.as_str()) {
            faults.push(Fault::new(
                format!("{prefix}{name}"),
                "has no place in the layout",
            ));
        }
    }
    Ok(faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planted_folder_is_found() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(dir.path().join("infra/attic")).expect("made");
        fs::create_dir(dir.path().join("lib")).expect("made");
        fs::create_dir(dir.path().join(".almanac")).expect("made");
        let places: Vec<String> = check(dir.path())
            .expect("read")
            .into_iter()
            .map(|fault| fault.place)
            .collect();
        assert_eq!(places, ["lib", "infra/attic"]);
    }

    #[test]
    fn names_that_say_nothing_are_found() {
        let faulty = |path: &str| {
            check_name(&Source {
                path: path.to_owned(),
                text: String::new(),
            })
            .is_some()
        };
        assert!(faulty("gateway/src/utils.rs"));
        assert!(faulty("gateway/src/helpers/mod.rs"));
        assert!(faulty("gateway/src/task_manager.rs"));
        assert!(!faulty("gateway/src/commons.rs"));
        assert!(!faulty("ui/src/components/table.rs"));
    }
}
