//! Choices that narrow a list, each with how many it would show.
//!
//! Invariant: each choice is a link to the list so narrowed; the chosen one says so to everybody.

use yew::prelude::*;

use super::Anchor;
use crate::{
    route::Route,
    text::{Tone, grouped},
};

/// One choice.
#[derive(Clone, Debug, PartialEq)]
pub struct Chip {
    /// Its words.
    pub label: AttrValue,
    /// How many it would show.
    pub count: Option<u64>,
    /// The filter that it stands for.
    pub query: AttrValue,
    /// Its colour, if it has one.
    pub tone: Option<Tone>,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// The choices.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// What they narrow down, read out to those who cannot see it.
    pub label: AttrValue,
    /// The list's place.
    pub to: Route,
    /// In order.
    pub chips: Vec<Chip>,
}

/// A row of choices.
#[component]
pub fn Chips(props: &Props) -> Html {
    html! {
        <nav class="chips" aria-label={props.label.clone()}>
            for chip in &props.chips {
                <Anchor class="chip" to={props.to} query={chip.query.clone()} current={chip.chosen}>
                    if let Some(tone) = chip.tone {
                        <span class="dot" data-tone={tone.name()} aria-hidden="true" />
                    }
                    { &chip.label }
                    if let Some(count) = chip.count {
                        <span class="chip-count">{ grouped(count) }</span>
                    }
                </Anchor>
            }
        </nav>
    }
}
