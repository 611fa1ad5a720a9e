//! The time, as components show it.
//!
//! Invariant: all relative times of the page change at the same moment, once a second, so that no
//! two of them disagree.

use yew::prelude::*;

/// The current time in milliseconds since the epoch, advancing by the second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Now(pub i64);

/// The current time; the component is rendered again every second.
#[hook]
pub fn use_now() -> i64 {
    use_context::<Now>()
        .expect("the application provides the time")
        .0
}
