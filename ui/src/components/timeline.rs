//! The history of one thing: its events, as the log has them.
//!
//! Invariant: in the order of the log, and complete from the first event to the last shown; each
//! event can be unfolded to the data that was written.

use schemas::api::{EventView, Page, PageInfo};
use yew::prelude::*;

use super::{Button, Empty, Glyph, Json, Panel, Stamp, view_of};
use crate::{
    api::{ApiError, Client, Collection},
    hooks::{use_live_fetch, use_session},
    text::{count, event_title, event_tone, grouped, short_id},
};

/// Whose history.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// What it is.
    pub collection: Collection,
    /// Which one.
    pub id: AttrValue,
}

/// The events of one thing, as they happen.
#[component]
pub fn Timeline(props: &Props) -> Html {
    let pieces = use_state_eq(|| 1_u32);
    let of = (props.collection, props.id.clone());
    let question = (of.0, of.1.clone(), *pieces);
    let events = use_live_fetch(question, history, move |event| {
        event.kind == of.0.kind() && event.id.to_string() == of.1.as_str()
    });
    let user = use_session().user().map(|user| format!("user:{}", user.id));
    let shown = events
        .value
        .as_ref()
        .map_or(0, |page| page.items.len() as u64);
    let aside = html! { <span class="faint">{ count(shown, "event", "events") }</span> };
    let more = move |_| pieces.set(*pieces + 1);
    html! {
        <Panel title="Timeline" class="timeline-panel" {aside}>
            { view_of(&events, |page| html! {
                <>
                    if page.items.is_empty() {
                        <Empty
                            glyph={Glyph::Activity}
                            title="No events"
                            hint="Nothing is recorded of this yet."
                        />
                    }
                    <ol class="timeline">
                        for event in &page.items {
                            <Entry
                                key={event.id.clone()}
                                event={event.clone()}
                                you={user.as_deref() == Some(event.actorid.as_str())}
                            />
                        }
                    </ol>
                    if page.page.has_more {
                        <Button label="Show later events" onclick={more} />
                    }
                </>
            }) }
        </Panel>
    }
}

#[derive(PartialEq, Properties)]
struct EntryProps {
    event: EventView,
    you: bool,
}

#[component]
fn Entry(props: &EntryProps) -> Html {
    let event = &props.event;
    let position = event
        .sequence
        .parse()
        .map_or_else(|_| event.sequence.clone(), grouped);
    html! {
        <li
            class="entry"
            data-tone={event_tone(&event.name).name()}
            data-event={event.name.clone()}
        >
            <span class="entry-mark" aria-hidden="true" />
            <details>
                <summary>
                    <span class="entry-title">{ event_title(&event.name) }</span>
                    <span class="entry-actor" title={event.actorid.clone()}>
                        { actor(&event.actorid, props.you) }
                    </span>
                    <span class="entry-position number" title="Position in the log">
                        { format!("#{position}") }
                    </span>
                    <Stamp at={event.time} />
                </summary>
                <dl class="entry-facts">
                    <div><dt>{ "Type" }</dt><dd><code>{ &event.name }</code></dd></div>
                    <div><dt>{ "Version" }</dt><dd>{ event.streamrevision }</dd></div>
                    <div><dt>{ "Actor" }</dt><dd><code>{ &event.actorid }</code></dd></div>
                    <div>
                        <dt>{ "Command" }</dt>
                        <dd><code>{ event.commandid.to_string() }</code></dd>
                    </div>
                    <div>
                        <dt>{ "Correlation" }</dt>
                        <dd><code>{ event.correlationid.to_string() }</code></dd>
                    </div>
                    if let Some(cause) = event.causationid {
                        <div><dt>{ "Cause" }</dt><dd><code>{ cause.to_string() }</code></dd></div>
                    }
                </dl>
                <Json value={event.data.clone()} what="event data" />
            </details>
        </li>
    }
}

/// The first `pieces` pieces of the history, as one.
async fn history(
    client: Client,
    (collection, id, pieces): (Collection, AttrValue, u32),
) -> Result<Page<EventView>, ApiError> {
    let mut all = Page {
        items: Vec::new(),
        page: PageInfo {
            next: None,
            has_more: true,
        },
    };
    for _ in 0..pieces {
        let piece = client
            .events(collection, &id, all.page.next.as_deref())
            .await?;
        all.items.extend(piece.items);
        all.page = piece.page;
        if !all.page.has_more {
            break;
        }
    }
    Ok(all)
}

/// `You`, `scheduler`, `user 0000beef`.
fn actor(id: &str, you: bool) -> String {
    match id.split_once(':') {
        _ if you => "You".to_owned(),
        Some(("system", part)) => part.to_owned(),
        Some((kind, id)) => format!("{kind} {}", short_id(id)),
        None => id.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actors_are_named_shortly() {
        assert_eq!(actor("system:scheduler", false), "scheduler");
        assert_eq!(
            actor("user:0199a7c2-0000-7000-8000-00000000beef", true),
            "You"
        );
        assert_eq!(
            actor("user:0199a7c2-0000-7000-8000-00000000beef", false),
            "user 0000beef"
        );
        assert_eq!(actor("scheduler", false), "scheduler");
    }
}
