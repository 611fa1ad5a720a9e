//! Words that belong to one room, and words that belong nowhere.
//!
//! Invariant: subjects are spelled under `infra/event-log` only; no file knows the machine it was
//! written on.

use std::{env, path::Path};

use super::{Fault, Source};

/// How a spelled subject begins. Split, so that this file does not break its own rule.
const SUBJECTS: [&str; 2] = [concat!('"', "events", '.'), concat!('"', "work", '.')];
const SUBJECT_ROOM: &str = "infra/event-log/";

pub fn check(source: &Source, root: &Path) -> Vec<Fault> {
    let homes = [
        Some(root.display().to_string()),
        env::var("CARGO_HOME").ok(),
    ];
    let mut faults = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        let place = || format!("{}:{}", source.path, index + 1);
        let subject = SUBJECTS.iter().any(|subject| line.contains(subject));
        if subject && source.is_rust() && !source.path.starts_with(SUBJECT_ROOM) {
            faults.push(Fault::new(
                place(),
                "spells a subject, which only event-log may",
            ));
        }
        if homes
            .iter()
            .flatten()
            .any(|home| home.len() > 4 && line.contains(home.as_str()))
        {
            faults.push(Fault::new(place(), "names a path of this machine"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(path: &str, text: &str) -> usize {
        let source = Source {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        check(&source, Path::new("/builds/almanac")).len()
    }

    #[test]
    fn planted_words_are_found() {
        let subject = format!("let s = {}acme.task\";", SUBJECTS[0]);
        assert_eq!(faults("gateway/src/a.rs", &subject), 1);
        assert_eq!(faults("infra/event-log/src/subject.rs", &subject), 0);
        assert_eq!(faults("README.md", "see /builds/almanac/README.md"), 1);
        assert_eq!(faults("README.md", "see infra/decisions"), 0);
    }
}
