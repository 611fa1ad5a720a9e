//! Instants and lengths of time, as they pass.
//!
//! Invariant: where a relative time stands alone, the exact one is one hover away; where an exact
//! one stands, so does its zone; machines read UTC.

use schemas::domain::Timestamp;
use yew::prelude::*;

use crate::{
    browser,
    hooks::use_now,
    text::{duration, relative},
};

/// An instant.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// The instant.
    pub at: Timestamp,
}

/// A stretch of time.
#[derive(PartialEq, Properties)]
pub struct ElapsedProps {
    /// When it began.
    pub from: Timestamp,
    /// When it ended; it lasts if none.
    pub to: Option<Timestamp>,
}

/// How long ago, or how long until.
#[component]
pub fn Moment(props: &Props) -> Html {
    let at_ms = props.at.unix_ms();
    let civil = browser::civil(at_ms);
    let now = use_now();
    html! {
        <time
            class="moment"
            datetime={props.at.to_string()}
            title={format!("{} {}", civil.stamp(), civil.zone())}
        >
            { relative(at_ms, now) }
        </time>
    }
}

/// What the reader's clock showed, in which zone, and how long ago that is.
#[component]
pub fn Stamp(props: &Props) -> Html {
    let at_ms = props.at.unix_ms();
    let civil = browser::civil(at_ms);
    let now = use_now();
    html! {
        <time class="stamp" datetime={props.at.to_string()}>
            <span class="number">
                { civil.stamp() }{ " " }<span class="stamp-zone">{ civil.zone() }</span>
            </span>
            <span class="stamp-distance">{ relative(at_ms, now) }</span>
        </time>
    }
}

/// How long something took, or has been going on.
#[component]
pub fn Elapsed(props: &ElapsedProps) -> Html {
    let now = use_now();
    let to_ms = props.to.map_or(now, Timestamp::unix_ms);
    let ms = (to_ms - props.from.unix_ms()).max(0).unsigned_abs();
    // While it lasts only whole seconds tick: milliseconds would be noise.
    let shown = if props.to.is_none() {
        ms / 1_000 * 1_000
    } else {
        ms
    };
    html! { <span class="number">{ duration(shown) }</span> }
}
