//! What an API key may be used for.
//!
//! Invariant: a scope that exists is spelled in one way, so that equal scopes are equal texts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The longest name of a collection, in characters.
const COLLECTION_MAX: usize = 50;
/// What stands for every collection.
const EVERY: &str = "*";

/// To look or to change: `tasks:read`, `tasks:write`, and `*:read` for all there is to see.
///
/// Which collections there are, whoever serves them knows.
#[derive(
    Clone, Debug, Eq, Ord, PartialEq, PartialOrd, JsonSchema, Serialize, Deserialize, ToSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^([a-z-]+:(read|write)|\\*:read)$")]
pub struct Scope(#[schemars(length(min = 1, max = 56))] String);

/// What is done with a collection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// It is looked at.
    Read,
    /// It is changed; to look at it is another scope.
    Write,
}

/// The text is no scope.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a scope is a collection, a colon, and read or write, as in tasks:read; or *:read")]
pub struct InvalidScope;

impl Access {
    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

impl Scope {
    /// The scope that lets `access` to `collection`.
    pub fn try_new(collection: &str, access: Access) -> Result<Self, InvalidScope> {
        Self::try_from(format!("{collection}:{}", access.name()))
    }

    /// Whether it lets `access` to `collection`.
    pub fn allows(&self, collection: &str, access: Access) -> bool {
        let (named, word) = self.0.split_once(':').unwrap_or_default();
        word == access.name() && (named == collection || named == EVERY)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Scope {
    type Error = InvalidScope;

    fn try_from(text: String) -> Result<Self, InvalidScope> {
        let (collection, word) = text.split_once(':').ok_or(InvalidScope)?;
        let letters = |c: char| c.is_ascii_lowercase() || c == '-';
        let is_word = (1..=COLLECTION_MAX).contains(&collection.len());
        let named = is_word && collection.chars().all(letters);
        match word {
            "read" if named || collection == EVERY => Ok(Self(text)),
            "write" if named => Ok(Self(text)),
            _ => Err(InvalidScope),
        }
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.0
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> Result<Scope, InvalidScope> {
        Scope::try_from(text.to_owned())
    }

    #[test]
    fn a_scope_is_spelled_in_one_way() {
        for right in ["tasks:read", "resource-types:write", "*:read"] {
            assert_eq!(scope(right).expect(right).as_str(), right);
        }
        for wrong in [
            "",
            ":",
            "tasks",
            "tasks:",
            ":read",
            "*:write",
            "Tasks:read",
            "tasks:Read",
            "tasks:*",
            "tasks :read",
            "tasks:read:write",
            "tasks/x:read",
        ] {
            assert_eq!(scope(wrong), Err(InvalidScope), "{wrong}");
        }
        assert_eq!(
            scope(&format!("{}:read", "x".repeat(51))),
            Err(InvalidScope)
        );
    }

    #[test]
    fn it_lets_to_what_it_names_and_to_nothing_else() {
        let tasks = scope("tasks:write").expect("a scope");
        assert!(tasks.allows("tasks", Access::Write));
        assert!(!tasks.allows("tasks", Access::Read));
        assert!(!tasks.allows("jobs", Access::Write));
        let all = scope("*:read").expect("a scope");
        assert!(all.allows("tasks", Access::Read) && !all.allows("tasks", Access::Write));
    }
}
