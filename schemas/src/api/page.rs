//! Lists, a page at a time.
//!
//! Invariant: following `next` from the first page on visits every object that existed throughout
//! exactly once, however much changes meanwhile.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct Page<T> {
    /// The objects, in the order asked for.
    pub items: Vec<T>,
    /// Where to go on.
    pub page: PageInfo,
}

/// Where a list goes on.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct PageInfo {
    /// Pass as `cursor` to get the next page; null on the last.
    pub next: Option<String>,
    /// Whether there is a next page.
    pub has_more: bool,
}
