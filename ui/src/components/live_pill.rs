//! How fresh the page is: live and up to which position, or not and for how long.
//!
//! Invariant: always in sight; it never says live unless the stream is open.

use yew::prelude::*;

use crate::{
    hooks::{use_live_status, use_now},
    live::State,
    text::{grouped, relative},
};

/// How fresh the page is.
#[component]
pub fn LivePill() -> Html {
    let status = use_live_status();
    let now = use_now();
    let (name, label, explanation) = match status.state {
        State::Connecting if status.known => (
            "reconnecting",
            "Reconnecting",
            "The connection broke. What is shown may be old; it is brought up to date on return.",
        ),
        State::Connecting => (
            "reconnecting",
            "Connecting",
            "The live stream is being opened.",
        ),
        State::Live => ("live", "Live", "Changes are shown as they happen."),
        State::Paused => (
            "paused",
            "Paused",
            "Nobody looked, so the live stream was let go.",
        ),
    };
    html! {
        <div class="live" data-live={name} title={explanation}>
            <span class="live-dot" aria-hidden="true" />
            <span class="live-label" role="status">{ label }</span>
            if status.known && status.state != State::Live {
                // Outside of what is read out: it changes every second.
                <span class="live-position number">{ relative(status.heard_ms, now) }</span>
            } else if status.known {
                <span class="live-position">
                    <span class="live-words">{ "up to " }</span>
                    <span class="number">{ format!("#{}", grouped(status.position)) }</span>
                </span>
            }
        </div>
    }
}
