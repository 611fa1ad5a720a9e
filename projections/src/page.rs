//! Orders of lists, and where a list goes on.
//!
//! Invariant: a key names the order it belongs to and the last row before it, so following keys
//! visits every row that existed throughout exactly once; a key of another order is refused.

use std::str::FromStr;

use schemas::{Position, domain::Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The most rows of one page.
const LIMIT_MAX: u32 = 1_000;

/// What a list can be sorted by.
pub trait SortKey: Copy + std::fmt::Debug + Default + Eq + Send + Sync + 'static {
    /// Every key of this list.
    const ALL: &'static [Self];

    /// The name on the wire, such as `created_at`; also the column's.
    fn name(self) -> &'static str;

    /// Whether what it sorts by is an instant rather than a text.
    fn is_instant(self) -> bool {
        self.name().ends_with("_at")
    }
}

/// An order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sort<K> {
    /// By what.
    pub key: K,
    /// Whether the greatest comes first.
    pub descending: bool,
}

/// A page to ask for.
#[derive(Clone, Debug, PartialEq)]
pub struct PageRequest<K> {
    pub(crate) as_of: Option<Position>,
    pub(crate) after: Option<Key>,
    pub(crate) limit: u32,
    pub(crate) sort: Sort<K>,
}

/// Where a list goes on: after the row with this value and id.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// The position that the list is as of; none for one of now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) as_of: Option<Position>,
    pub(crate) id: Uuid,
    /// The order, such as `-created_at`.
    pub(crate) sort: String,
    /// What the row is sorted by: a text, an instant in RFC 3339, or `infinity` for none.
    pub(crate) value: String,
}

/// The key belongs to another order.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the cursor belongs to another list or order")]
pub struct ForeignKey;

/// No list is sorted by that.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("cannot sort by {0:?}")]
pub struct UnknownSort(pub String);

impl<K: SortKey> Default for Sort<K> {
    fn default() -> Self {
        let key = K::default();
        Self {
            key,
            descending: key.is_instant(),
        }
    }
}

impl<K: SortKey> Sort<K> {
    /// The order as a word: `name`, or `-name` for descending.
    pub fn word(self) -> String {
        format!(
            "{}{}",
            if self.descending { "-" } else { "" },
            self.key.name()
        )
    }
}

impl<K: SortKey> FromStr for Sort<K> {
    type Err = UnknownSort;

    fn from_str(word: &str) -> Result<Self, UnknownSort> {
        let (descending, name) = word
            .strip_prefix('-')
            .map_or((false, word), |name| (true, name));
        let key = K::ALL.iter().copied().find(|key| key.name() == name);
        key.map(|key| Self { key, descending })
            .ok_or_else(|| UnknownSort(word.to_owned()))
    }
}

impl<K: SortKey> PageRequest<K> {
    /// The first page; at most 1,000 rows.
    pub fn first(sort: Sort<K>, limit: u32) -> Self {
        Self {
            as_of: None,
            after: None,
            limit: limit.clamp(1, LIMIT_MAX),
            sort,
        }
    }

    /// The same of the list as it was after the commit at `position`.
    #[must_use]
    pub fn as_of(self, position: Position) -> Self {
        Self {
            as_of: Some(position),
            ..self
        }
    }

    /// The position that the list is as of; none for now.
    pub fn moment(&self) -> Option<Position> {
        self.as_of
    }

    /// The page after `after`, of the moment that it is of, or the first.
    pub fn try_new(sort: Sort<K>, limit: u32, after: Option<Key>) -> Result<Self, ForeignKey> {
        match after {
            Some(key) if !key.fits(sort) => Err(ForeignKey),
            after => Ok(Self {
                as_of: after.as_ref().and_then(|key| key.as_of),
                after,
                ..Self::first(sort, limit)
            }),
        }
    }
}

impl Key {
    /// The position that the list is as of that it belongs to; none for one of now.
    pub fn as_of(&self) -> Option<Position> {
        self.as_of
    }

    fn fits<K: SortKey>(&self, sort: Sort<K>) -> bool {
        let readable = || self.value == "infinity" || self.value.parse::<Timestamp>().is_ok();
        self.sort == sort.word() && (!sort.key.is_instant() || readable())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::SortBy;

    #[test]
    fn a_key_of_another_order_is_refused() {
        let newest = Sort::<SortBy>::default();
        assert_eq!(newest.word(), "-created_at");
        assert_eq!("-created_at".parse(), Ok(newest));
        assert!("size".parse::<Sort<SortBy>>().is_err());

        let key = |sort: &str, value: &str| {
            Some(Key {
                as_of: None,
                id: Uuid::nil(),
                sort: sort.into(),
                value: value.into(),
            })
        };
        let ask = |after| PageRequest::try_new(newest, 10, after);
        assert!(ask(key("-created_at", "2027-01-01T00:00:00.000Z")).is_ok());
        assert_eq!(
            ask(key("created_at", "2027-01-01T00:00:00.000Z")),
            Err(ForeignKey)
        );
        assert_eq!(ask(key("-created_at", "yesterday")), Err(ForeignKey));
    }
}
