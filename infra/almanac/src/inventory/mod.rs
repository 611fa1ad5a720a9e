//! What there is on this machine: the host itself, packages, file systems, interfaces, services.
//!
//! Invariant: only what stays is looked at (sizes of disks, not their use), so that looking twice
//! finds the same; a part that cannot be read is an error of its own, never an empty list, and one
//! that this user sees only in part says so.

mod filesystems;
mod host;
mod interfaces;
mod packages;
mod services;
mod types;

use domain::Attributes;
use serde_json::Value;

pub use host::hostname;
pub use types::schema;

/// Something on this machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// What it is like.
    pub attributes: Attributes,
    /// What tells it from others of its type.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// Where it was read.
    pub reference: String,
}

/// What could be seen of one type.
#[derive(Debug, Default)]
pub struct Seen {
    /// What there is at least.
    pub found: Vec<Found>,
    /// What kept the rest from being seen; none if this is everything.
    pub hidden: Option<String>,
}

/// Everything of one type.
pub struct Section {
    /// The name of the resource type.
    pub kind: &'static str,
    /// What there is, or why that cannot be told.
    pub seen: Result<Seen, String>,
}

impl From<Vec<Found>> for Seen {
    /// Everything.
    fn from(found: Vec<Found>) -> Self {
        Self {
            found,
            hidden: None,
        }
    }
}

impl Seen {
    /// Notes what could not be seen; the first reason is the one that is told.
    fn hide(&mut self, reason: impl FnOnce() -> String) {
        self.hidden.get_or_insert_with(reason);
    }
}

/// Looks at this machine; takes seconds and blocks.
pub fn survey() -> Vec<Section> {
    let section = |kind, seen| Section { kind, seen };
    vec![
        section("host", Ok(vec![host::read()].into())),
        section("package", packages::read().map(Seen::from)),
        section("filesystem", filesystems::read()),
        section("interface", interfaces::read().map(Seen::from)),
        section("service", services::read()),
    ]
}

/// Attributes without those that have no value.
fn attributes<const N: usize>(pairs: [(&str, Value); N]) -> Attributes {
    let told = |(_, value): &(&str, Value)| !value.is_null() && value.as_str() != Some("");
    let pairs = pairs.into_iter().filter(told);
    pairs
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// What a program prints; an error says which program and why.
fn printed(program: &str, args: &[&str]) -> Result<String, String> {
    let output = std::process::Command::new(program)
        .args(args)
        .env("LC_ALL", "C.UTF-8")
        .stdin(std::process::Stdio::null())
        .output()
        .map_err(|reason| format!("{program}: {reason}"))?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        let told = told.lines().next().unwrap_or_default().trim().to_owned();
        return Err(format!("{program}: {told} ({})", output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
