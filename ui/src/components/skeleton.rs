//! What stands in for content that is still on its way.
//!
//! Invariant: it has roughly the shape of what comes, so nothing jumps when that arrives.

use yew::prelude::*;

/// A place to fill.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// How many lines to keep free.
    #[prop_or(4)]
    pub lines: usize,
}

/// Grey lines.
#[component]
pub fn Skeleton(props: &Props) -> Html {
    html! {
        <div class="skeleton" role="status" aria-label="Loading">
            for line in 0..props.lines {
                <span key={line} class="skeleton-line" />
            }
        </div>
    }
}
