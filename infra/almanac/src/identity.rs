//! Ids of what is imported or demonstrated.
//!
//! Invariant: the same thing from the same source has the same id on every run, so that importing
//! again updates instead of adding.

use commands::DEFAULT_TENANT;
use uuid::Uuid;

/// The id of what `source` knows as `key`: `UUIDv5` of the default tenant and `<source>/<key>`.
pub fn stable_id(source: &str, key: &str) -> Uuid {
    Uuid::new_v5(&DEFAULT_TENANT.uuid(), format!("{source}/{key}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_thing_has_the_same_id() {
        assert_eq!(stable_id("demo", "a"), stable_id("demo", "a"));
        assert_ne!(stable_id("demo", "a"), stable_id("demo", "b"));
        assert_ne!(stable_id("demo", "a"), stable_id("other", "a"));
    }
}
