//! Golden examples are what was written once, so they never change.
//!
//! Invariant: each has a line in `golden.digests`, as `sha256sum` writes it; a line is added with
//! its example, and neither is ever changed or removed.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{SHA256, digest};

const LIST: &str = "golden.digests";

fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// What `sha256sum` prints of these bytes.
fn sum(bytes: &[u8]) -> String {
    let digest = digest(&SHA256, bytes);
    digest.as_ref().iter().fold(String::new(), |mut hex, byte| {
        let _infallible = write!(hex, "{byte:02x}");
        hex
    })
}

/// The digest of each example that is there, by its name.
fn found() -> BTreeMap<String, String> {
    let entries = fs::read_dir(place("golden")).expect("the folder is committed");
    let files = entries.map(|entry| {
        let entry = entry.expect("readable");
        let name = format!("golden/{}", entry.file_name().to_string_lossy());
        (name, sum(&fs::read(entry.path()).expect("read")))
    });
    files.collect()
}

/// The digest of each example that there ever was, by its name.
fn listed(list: &str) -> BTreeMap<String, String> {
    let lines = list.lines().map(|line| {
        let (sum, name) = line.split_once("  ").expect("a digest and a name");
        (name.to_owned(), sum.to_owned())
    });
    let listed: BTreeMap<_, _> = lines.collect();
    assert_eq!(listed.len(), list.lines().count(), "a name twice in {LIST}");
    listed
}

/// What is wrong with the examples that are there, given those that there must be.
fn faults(found: &BTreeMap<String, String>, listed: &BTreeMap<String, String>) -> Vec<String> {
    let kept = listed
        .iter()
        .filter_map(|(name, sum)| match found.get(name) {
            None => Some(format!("{name} is missing: what was written stays written")),
            Some(now) if now != sum => Some(format!("{name} was edited: add a version instead")),
            Some(_) => None,
        });
    let new = found.iter().filter(|(name, _)| !listed.contains_key(*name));
    let new = new.map(|(name, sum)| format!("{LIST} lacks the line: {sum}  {name}"));
    kept.chain(new).collect()
}

#[test]
fn golden_examples_are_as_they_were_committed() {
    let list = fs::read_to_string(place(LIST)).expect("committed");
    let faults = faults(&found(), &listed(&list));
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn what_is_edited_missing_or_new_is_named() {
    let of = |all: &[(&str, &str)]| {
        let pairs = all
            .iter()
            .map(|(name, sum)| ((*name).to_owned(), (*sum).to_owned()));
        pairs.collect::<BTreeMap<_, _>>()
    };
    let before = of(&[("a", "1"), ("b", "2")]);
    let now = of(&[("b", "3"), ("c", "4")]);
    let told = faults(&now, &before);
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].starts_with("a is missing") && told[1].starts_with("b was edited"));
    assert!(told[2].ends_with("4  c"), "{told:?}");
    assert!(faults(&before, &before).is_empty());
}
