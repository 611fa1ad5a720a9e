//! Where an imported thing came from.
//!
//! Invariant: shown only for what was imported; what people made here has no origin.

use schemas::domain::Origin;
use yew::prelude::*;

/// An origin.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// Where from.
    pub origin: Option<Origin>,
}

/// Importer and place.
#[component]
pub fn OriginFact(props: &Props) -> Html {
    match &props.origin {
        None => html! { <span class="faint">{ "Made here" }</span> },
        Some(origin) => html! {
            <span class="origin">
                <span class="tag">{ &origin.source }</span>
                { " " }
                <code>{ &origin.reference }</code>
            </span>
        },
    }
}
