//! What a tenant is called in addresses and when signing in.
//!
//! Invariant: a [`Slug`] that exists is a label of lower-case letters, digits and hyphens, so it
//! means the same in a path, a host name and a log line.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The slug of the tenant that each installation begins with.
const MAIN: &str = "main";
/// As long as a label of a host name may be (RFC 1035 §2.3.4).
const LENGTH_MAX: usize = 63;

/// A short name that never changes: 1 to 63 lower-case letters, digits and inner hyphens.
#[derive(Clone, Debug, Eq, Hash, PartialEq, JsonSchema, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, min_length = 1, max_length = 63, examples("acme"))]
pub struct Slug(#[schemars(length(min = 1, max = 63))] String);

/// The text is no slug.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a slug has 1 to 63 lower-case letters, digits and hyphens, and no hyphen at its ends")]
pub struct InvalidSlug;

impl Slug {
    /// Checks `text`.
    pub fn try_new(text: &str) -> Result<Self, InvalidSlug> {
        let plain = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let ends = text.starts_with('-') || text.ends_with('-');
        let fits = (1..=LENGTH_MAX).contains(&text.len());
        if fits && !ends && text.bytes().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidSlug)
        }
    }

    /// That of the tenant that each installation begins with, and the only one that was ever
    /// created without saying its slug.
    pub fn main() -> Self {
        Self(MAIN.to_owned())
    }

    /// Whether it is that one.
    pub fn is_main(&self) -> bool {
        self.0 == MAIN
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Slug {
    type Error = InvalidSlug;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::try_new(&text)
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_labels() {
        for good in ["a", "acme", "acme-2", "7", &"x".repeat(63)] {
            assert_eq!(Slug::try_new(good).map(String::from), Ok(good.to_owned()));
        }
        for wrong in [
            "",
            "-a",
            "a-",
            "Acme",
            "a b",
            "a.b",
            "ä",
            "a_b",
            "a/b",
            &"x".repeat(64),
        ] {
            assert_eq!(Slug::try_new(wrong), Err(InvalidSlug), "{wrong:?}");
        }
        assert!(Slug::main().is_main());
    }
}
