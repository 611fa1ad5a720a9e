//! When a schedule is due next, as the server computes it.
//!
//! Invariant: a slot that has passed is replaced by asking again, so what is shown lies ahead.

use schemas::{api::Preview, domain::schedule::Schedule};
use yew::prelude::*;

use super::{Empty, Glyph, Moment, Stamp, view_of};
use crate::{
    hooks::{Fetched, use_live_fetch, use_now},
    text::oddity_label,
};

/// How many slots the list shows.
const SLOTS: u32 = 5;
const ASK_AGAIN_MS: i64 = 5_000;

/// A schedule.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// When it is due.
    pub schedule: Schedule,
}

/// The next slot, in a word.
#[component]
pub fn NextSlot(props: &Props) -> Html {
    let preview = use_preview(props.schedule.clone(), 1);
    let slot = preview
        .value
        .as_ref()
        .map(|preview| preview.slots.first().map(|slot| slot.at));
    match slot {
        None => html! { <span class="faint">{ "…" }</span> },
        Some(None) => html! { <span class="faint">{ "None ahead" }</span> },
        Some(Some(at)) => html! { <Moment {at} /> },
    }
}

/// The next slots, each with its instant.
#[component]
pub fn NextSlots(props: &Props) -> Html {
    let preview = use_preview(props.schedule.clone(), SLOTS);
    view_of(&preview, |preview| {
        if preview.slots.is_empty() {
            return html! {
                <Empty
                    glyph={Glyph::Clock}
                    title="No slots ahead"
                    hint="The schedule has ended. Change it to make the job due again."
                />
            };
        }
        html! {
            <ol class="slots">
                for slot in &preview.slots {
                    <li key={slot.at.unix_ms()}>
                        <Stamp at={slot.at} />
                        if let Some(oddity) = slot.oddity {
                            <span class="faint">{ " " }{ oddity_label(oddity) }</span>
                        }
                    </li>
                }
            </ol>
        }
    })
}

#[hook]
fn use_preview(schedule: Schedule, count: u32) -> Fetched<Preview> {
    let preview = use_live_fetch(
        (schedule, count),
        |client, (schedule, count)| async move { client.preview(&schedule, count).await },
        |_| false,
    );
    let now = use_now();
    let next = preview
        .value
        .as_ref()
        .and_then(|preview| preview.slots.first())
        .map(|slot| slot.at);
    // Asked again every few seconds: the server's clock may be behind the reader's.
    let passed = next
        .filter(|next| next.unix_ms() < now)
        .map(|_| now / ASK_AGAIN_MS);
    let reload = preview.reload.clone();
    use_effect_with((passed, next), move |(passed, _)| {
        if passed.is_some() {
            reload.emit(());
        }
    });
    preview
}
