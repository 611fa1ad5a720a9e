//! What files are called, and where they are.
//!
//! Invariant: a key is made of plain parts, so that it is the same in a path, in a URL and in what
//! is signed, and none of them leads out of its place. That of a task's file begins with its tenant
//! and is made of what was checked, never of what somebody wrote into an output.

use std::str::FromStr;

use domain::{TaskId, TenantId};
use serde::{Deserialize, Serialize};

/// The longest name of a file.
const NAME_MAX: usize = 100;
/// The longest key.
const KEY_MAX: usize = 500;
/// How many hexadecimal digits a SHA-256 has.
const SHA256_DIGITS: usize = 64;

/// What a file is called: ASCII letters, digits, `.`, `_` and `-`, not beginning with a dot.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// Where a file is.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Key(String);

/// What the output of a task says of a file: `{"file": …}`, or several as `{"files": [ … ]}`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct FileRef {
    /// Whether only administrators may have it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub admins_only: bool,
    /// How many bytes it has.
    pub bytes: u64,
    /// Where it is.
    pub key: Key,
    /// What it is called.
    pub name: Name,
    /// Their SHA-256, in hexadecimal digits.
    pub sha256: String,
}

/// A text that is no name of a file.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0:?} is no name of a file: up to 100 of A-Z a-z 0-9 . _ - not beginning with a dot")]
pub struct InvalidName(pub String);

/// A text that is no key.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0:?} is no key of a file")]
pub struct InvalidKey(pub String);

impl Name {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What its content is, by its ending.
    pub fn content_type(&self) -> &'static str {
        match self.0.rsplit_once('.').map(|(_, ending)| ending) {
            Some("csv") => "text/csv; charset=utf-8",
            Some("html") => "text/html; charset=utf-8",
            Some("json") => "application/json",
            Some("ndjson") => "application/x-ndjson",
            Some("parquet") => "application/vnd.apache.parquet",
            Some("txt") => "text/plain; charset=utf-8",
            _ => "application/octet-stream",
        }
    }
}

impl Key {
    /// Where the file `name` of `task` with this content is.
    pub fn of_task(
        tenant: TenantId,
        task: TaskId,
        sha256: &str,
        name: &Name,
    ) -> Result<Self, InvalidKey> {
        let key = format!("{tenant}/{task}/{sha256}/{}", name.0);
        let digits = |c: char| matches!(c, '0'..='9' | 'a'..='f');
        if sha256.len() != SHA256_DIGITS || !sha256.chars().all(digits) {
            return Err(InvalidKey(key));
        }
        key.parse()
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FileRef {
    /// Where the file is, if it is one of `task`: whatever the reference says itself.
    pub fn key_of(&self, tenant: TenantId, task: TaskId) -> Result<Key, InvalidKey> {
        Key::of_task(tenant, task, &self.sha256, &self.name)
    }
}

/// The file called `name` among those that the output of a task tells of.
pub fn named(output: &serde_json::Value, name: &str) -> Option<FileRef> {
    let one = output.get("file");
    let several = output.get("files").and_then(|files| files.as_array());
    let told = one.into_iter().chain(several.into_iter().flatten());
    let read = told.filter_map(|told| FileRef::deserialize(told).ok());
    read.into_iter().find(|file| file.name.as_str() == name)
}

fn is_plain(part: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    !part.is_empty() && !part.starts_with('.') && part.chars().all(fits)
}

impl FromStr for Name {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        if is_plain(text) && text.len() <= NAME_MAX {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidName(text.chars().take(2 * NAME_MAX).collect()))
        }
    }
}

impl FromStr for Key {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        if text.len() <= KEY_MAX && text.split('/').all(is_plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidKey(text.chars().take(KEY_MAX).collect()))
        }
    }
}

impl TryFrom<String> for Name {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl TryFrom<String> for Key {
    type Error = InvalidKey;

    fn try_from(text: String) -> Result<Self, InvalidKey> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.0
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use uuid::Uuid;

    const TENANT: TenantId = TenantId::new(Uuid::from_u128(1));
    const TASK: TaskId = TaskId::new(Uuid::from_u128(2));

    #[test]
    fn no_name_and_no_key_leads_out_of_its_place() {
        for name in ["report.html", "a", "A-1_2.tar.gz"] {
            assert_eq!(name.parse::<Name>().expect("a name").as_str(), name);
        }
        for name in ["", ".", "..", ".a", "a/b", "a b", "ä", "a\"b", "a\n", "%2e"] {
            assert!(name.parse::<Name>().is_err(), "{name:?}");
            assert!(format!("a/{name}/b").parse::<Key>().is_err() || name == "a/b");
        }
        assert!("x".repeat(NAME_MAX + 1).parse::<Name>().is_err());
        for key in ["", "/", "/a", "a/", "a//b", "../a", "a/../b", "a/.b"] {
            assert!(key.parse::<Key>().is_err(), "{key:?}");
        }
    }

    #[test]
    fn what_an_output_says_of_a_key_is_not_believed() {
        let sha256 = "0a".repeat(32);
        let file = json!({
            "name": "a.csv", "bytes": 3, "sha256": sha256,
            "key": format!("{}/x/{sha256}/a.csv", Uuid::from_u128(9)),
        });
        for output in [json!({"file": file}), json!({"files": [1, file]})] {
            let found = named(&output, "a.csv").expect("named");
            let key = found.key_of(TENANT, TASK).expect("a key");
            assert_eq!(key.as_str(), format!("{TENANT}/{TASK}/{sha256}/a.csv"));
            assert!(named(&output, "b.csv").is_none());
        }
        for sha256 in ["", "..", "0A", &"0A".repeat(32), &"0a".repeat(33)] {
            let name = "a.csv".parse().expect("a name");
            assert!(Key::of_task(TENANT, TASK, sha256, &name).is_err());
        }
        assert!(named(&json!(["a.csv"]), "a.csv").is_none());
    }
}
