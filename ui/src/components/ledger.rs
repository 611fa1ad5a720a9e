//! What became of a job's latest slots.
//!
//! Invariant: each slot that was owed stands here once, the latest first, with the task that it
//! became or the reason why it became none.

use schemas::{
    api::{Page, SlotStatus, SlotView},
    domain::JobId,
};
use yew::prelude::*;

use super::{Anchor, Badge, Empty, Glyph, Panel, Stamp, view_of};
use crate::{
    api::{ApiError, Client},
    browser,
    hooks::use_live_fetch,
    route::Route,
    text::{Tone, duration, reason_label, slot_label},
};

/// How many slots are shown.
const SHOWN: usize = 20;
/// How far back is looked for them, in milliseconds, until there are enough: a minute, an hour, a
/// day, a month, a year.
const WINDOWS_MS: [i64; 5] = [
    60_000,
    3_600_000,
    86_400_000,
    31 * 86_400_000,
    366 * 86_400_000,
];

/// Which job.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// Its identity.
    pub id: JobId,
}

/// The latest slots.
#[component]
pub fn Ledger(props: &Props) -> Html {
    let slots = use_live_fetch(props.id, latest, |event| {
        event.kind == "task" || event.kind == "job"
    });
    html! {
        <Panel title="Latest slots" class="flush">
            { view_of(&slots, |slots| html! {
                if slots.is_empty() {
                    <Empty
                        glyph={Glyph::Clock}
                        title="No slots yet"
                        hint="Every slot that is due appears here, whatever becomes of it."
                    />
                } else {
                    { rows(slots) }
                }
            }) }
        </Panel>
    }
}

/// The latest slots, the latest first.
async fn latest(client: Client, id: JobId) -> Result<Vec<SlotView>, ApiError> {
    let now = browser::now_ms();
    let mut found = Vec::new();
    for window in WINDOWS_MS {
        let Page { items, page } = client.job_slots(id, now - window).await?;
        // The earliest come first: of more than a page the latest are not among them.
        if page.has_more && !found.is_empty() {
            break;
        }
        found = items;
        if found.len() >= SHOWN {
            break;
        }
    }
    Ok(found.into_iter().rev().take(SHOWN).collect())
}

fn rows(slots: &[SlotView]) -> Html {
    html! {
        <div class="table-frame">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">{ "Outcome" }</th>
                        <th scope="col">{ "Slot" }</th>
                        <th scope="col">{ "Details" }</th>
                    </tr>
                </thead>
                <tbody>
                    for slot in slots {
                        <tr key={slot.slot.unix_ms()} data-slot={slot.slot.to_string()}>
                            <td class="cell-badge">{ outcome(slot.status) }</td>
                            <td data-label="Slot"><Stamp at={slot.slot} /></td>
                            <td data-label="Details">{ more(slot) }</td>
                        </tr>
                    }
                </tbody>
            </table>
        </div>
    }
}

fn outcome(status: SlotStatus) -> Html {
    let (tone, glyph) = match status {
        SlotStatus::Fired => (Tone::Good, Glyph::Check),
        SlotStatus::Open => (Tone::Wait, Glyph::Wait),
        SlotStatus::Skipped => (Tone::Calm, Glyph::Stop),
    };
    let label = slot_label(status);
    html! { <Badge {label} status={label.to_lowercase()} {tone} {glyph} /> }
}

fn more(slot: &SlotView) -> Html {
    if let Some(reason) = slot.reason {
        return html! { { reason_label(reason) } };
    }
    let late = slot.lateness_ms.map(|ms| ms.max(0).unsigned_abs());
    let late = late.map(|ms| format!("{} late", duration(ms)));
    match (slot.task_id, late) {
        (Some(id), Some(late)) => {
            html! { <Anchor to={Route::Task { id }}>{ late }</Anchor> }
        }
        _ => html! { <span class="faint">{ "–" }</span> },
    }
}
