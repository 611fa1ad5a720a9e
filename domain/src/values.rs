//! Small values that several aggregates share.
//!
//! Invariant: a [`Name`] that exists is fit to be shown, stored and searched: no control
//! characters, no text that changes direction behind the reader's back, nothing that Postgres
//! refuses.

use std::{borrow::Cow, collections::BTreeMap};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a resource is like, by attribute; any JSON.
pub type Attributes = serde_json::Map<String, serde_json::Value>;

/// Short words to select by.
pub type Labels = BTreeMap<String, String>;

/// What people call a thing: 1 to 200 characters on one line.
#[derive(
    Clone, Debug, Eq, Hash, PartialEq, PartialOrd, JsonSchema, Serialize, Deserialize, ToSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, min_length = 1, max_length = 200)]
pub struct Name(#[schemars(length(min = 1, max = 200))] String);

/// Why a text cannot be a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidName {
    /// Nothing but white space.
    #[error("a name must not be empty")]
    Empty,
    /// A control or direction character.
    #[error("a name must not contain control or text-direction characters")]
    Invisible,
    /// More than 200 characters.
    #[error("a name has at most 200 characters")]
    TooLong,
}

impl Name {
    /// Checks `text`; surrounding white space is not part of a name.
    pub fn try_new(text: &str) -> Result<Self, InvalidName> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidName::Empty);
        }
        if text.chars().count() > 200 {
            return Err(InvalidName::TooLong);
        }
        if text.chars().any(is_invisible) {
            return Err(InvalidName::Invisible);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::try_new(&text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Personal text, encrypted with its person's key before it came here; base64url without padding.
///
/// The encryption is deterministic under one key, so equal texts of one person are equal here too.
#[derive(Clone, Debug, Default, Eq, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(pub Cow<'static, str>);

/// Where an imported thing came from.
#[derive(Clone, Debug, Eq, PartialEq, JsonSchema, Serialize, Deserialize, ToSchema)]
pub struct Origin {
    /// The importer: `crontab`, `inventory`.
    #[schema(max_length = 100)]
    pub source: String,
    /// What it read there, such as `/etc/crontab:12`.
    #[schema(max_length = 1000)]
    pub reference: String,
}

impl Origin {
    /// What must be recorded of the `wanted` origin of a thing, if anything; refused with the
    /// recorded source if that is another. Within one source things move, such as lines of a file.
    pub(crate) fn change(
        recorded: Option<&Self>,
        wanted: Option<Self>,
    ) -> Result<Option<Self>, String> {
        match (recorded, &wanted) {
            (Some(recorded), Some(wanted)) if recorded.source != wanted.source => {
                Err(recorded.source.clone())
            }
            _ => Ok(wanted.filter(|wanted| recorded != Some(wanted))),
        }
    }
}

/// Control characters and the marks that reorder text (Unicode TR36, bidirectional spoofing).
pub(crate) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_checked() {
        assert_eq!(
            Name::try_new("  nightly backup ").map(String::from),
            Ok("nightly backup".into())
        );
        assert_eq!(Name::try_new(" \t "), Err(InvalidName::Empty));
        assert_eq!(Name::try_new("a\0b"), Err(InvalidName::Invisible));
        assert_eq!(
            Name::try_new("abc\u{202E}cod.exe"),
            Err(InvalidName::Invisible)
        );
        assert_eq!(Name::try_new(&"x".repeat(201)), Err(InvalidName::TooLong));
    }
}
