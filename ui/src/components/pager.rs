//! From page to page of a list.
//!
//! Invariant: pages are addresses; going back is the browser's, going to the start is always
//! offered.

use schemas::api::PageInfo;
use yew::prelude::*;

use super::{Anchor, Glyph, Icon};
use crate::route::Route;

/// Where a list is.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// The list's place.
    pub to: Route,
    /// Where it goes on.
    pub page: PageInfo,
    /// The filter of the first page.
    pub first: AttrValue,
    /// The filter of the next page.
    pub next: AttrValue,
    /// Whether this is the first page.
    pub is_first: bool,
    /// How many objects this page has, in words.
    pub shown: AttrValue,
}

/// The foot of a list.
#[component]
pub fn Pager(props: &Props) -> Html {
    html! {
        <nav class="pager" aria-label="Pages">
            <span class="pager-shown">{ &props.shown }</span>
            if !props.is_first {
                <Anchor class="button" to={props.to} query={props.first.clone()}>
                    { "First page" }
                </Anchor>
            }
            if props.page.has_more {
                <Anchor class="button" to={props.to} query={props.next.clone()}>
                    { "Next page" }
                    <Icon glyph={Glyph::Arrow} />
                </Anchor>
            }
        </nav>
    }
}
