//! What the documents name is there.
//!
//! Invariant: whoever follows a path or a link of README, CONTRIBUTING or a decision arrives.

use std::path::Path;

use super::{Fault, Source, layout};

/// What is only there once something was built.
const BUILT: &str = "target";

pub fn check(source: &Source, root: &Path) -> Vec<Fault> {
    if !is_followed(source) {
        return Vec::new();
    }
    let folder = root.join(&source.path);
    let folder = folder.parent().unwrap_or(root);
    let mut faults = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        let paths = quoted(line).filter(|path| !root.join(path).exists());
        let links = linked(line).filter(|link| !folder.join(link).exists());
        faults.extend(paths.chain(links).map(|gone| {
            let place = format!("{}:{}", source.path, index + 1);
            Fault::new(place, format!("names {gone}, which is not there"))
        }));
    }
    faults
}

fn is_followed(source: &Source) -> bool {
    let decision = source.path.starts_with("infra/decisions/") && source.kind() == "md";
    decision || ["README.md", "CONTRIBUTING.md"].contains(&source.path.as_str())
}

/// The words between backticks that are paths from the root: they begin in a room of the house.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    let words = line.split('`').skip(1).step_by(2);
    let paths = words.filter_map(|word| word.split("::").next());
    paths.filter(|path| {
        let room = path.split('/').next().unwrap_or_default();
        let plain = !path.contains([' ', '*', '<', '{']);
        plain && path.contains('/') && room != BUILT && layout::ROOT.contains(&room)
    })
}

/// Where links lead that stay in this checkout, without the place within the document.
fn linked(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.split("](").skip(1);
    let targets = targets.filter_map(|rest| rest.split([')', '#']).next());
    targets.filter(|target| !target.is_empty() && !target.contains("://"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn gone(path: &str, text: &str) -> Vec<String> {
        let root = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(root.path().join("infra/decisions")).expect("made");
        fs::write(root.path().join("infra/decisions/0001-a.md"), "").expect("written");
        let source = Source {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let faults = check(&source, root.path());
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn planted_paths_are_found() {
        let text = "| a | `infra/decisions` |\n| b | `infra/decision`, `infra/a.rs::b` |\n";
        let told = |path: &str| {
            ["infra/decision", "infra/a.rs"]
                .map(|gone| format!("{path}:2: names {gone}, which is not there"))
        };
        for path in ["README.md", "CONTRIBUTING.md", "infra/decisions/0002-b.md"] {
            assert_eq!(gone(path, text), told(path));
        }
        assert_eq!(gone("CHANGELOG.md", text), Vec::<String>::new());
    }

    #[test]
    fn planted_links_are_found() {
        let text = "[1](infra/decisions/0001-a.md#b) [2](infra/decisions/0002-b.md)";
        let told = "README.md:1: names infra/decisions/0002-b.md, which is not there";
        assert_eq!(gone("README.md", text), [told]);
        assert_eq!(gone("infra/decisions/0003-c.md", "[1](0001-a.md)").len(), 0);
    }

    #[test]
    fn other_words_are_no_paths() {
        let text = "`infra`, `api/v1`, `target/debug/almanac`, `schemas/golden/*.json`, \
                    `cargo xtask dev`, [a](https://example.org/a), [b](#b)";
        assert_eq!(gone("README.md", text), Vec::<String>::new());
    }
}
