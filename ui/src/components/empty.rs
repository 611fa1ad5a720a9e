//! What a list shows when there is nothing to show.
//!
//! Invariant: it says why that is so and what one could do.

use yew::prelude::*;

use super::{Glyph, Icon};

/// An empty place.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// Its drawing.
    #[prop_or(Glyph::Document)]
    pub glyph: Glyph,
    /// What is not there.
    pub title: AttrValue,
    /// Why, and what to do.
    pub hint: AttrValue,
    /// Something to do at once.
    #[prop_or_default]
    pub children: Html,
}

/// An empty place.
#[component]
pub fn Empty(props: &Props) -> Html {
    html! {
        <div class="empty">
            <span class="empty-mark"><Icon glyph={props.glyph} /></span>
            <p class="empty-title">{ &props.title }</p>
            <p class="empty-hint">{ &props.hint }</p>
            { props.children.clone() }
        </div>
    }
}
