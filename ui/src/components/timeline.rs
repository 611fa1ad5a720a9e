//! The history of one thing: its events, as the log has them.
//!
//! Invariant: the newest first and without a gap; the number of events is that of all there are, or
//! says that there are more. Each event can be unfolded to the data that was written.

use std::rc::Rc;

use schemas::api::EventView;
use web_sys::Element;
use yew::prelude::*;

use super::{
    Button, Empty, Glyph, Json, Panel, Stamp,
    history::{Book, History, read_on},
    view_of,
};
use crate::{
    api::Collection,
    hooks::{use_live_fetch, use_session},
    text::{count, event_title, event_tone, grouped, short_id},
};

/// How many events are shown at first, and how many more on demand.
const SHOWN: usize = 100;
/// How many events are read at first, and how many more on demand.
const READ: usize = 5_000;

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
    let shown = use_state_eq(|| SHOWN);
    let most = use_state_eq(|| READ);
    let of = (props.collection, props.id.clone());
    let book = use_memo(of.clone(), |_| Book::default());
    let question = (of.clone(), (*book).clone(), *most);
    let history = use_live_fetch(question, read_on, move |event| {
        event.kind == of.0.kind() && event.id.to_string() == of.1.as_str()
    });
    let user = use_session().user().map(|user| format!("user:{}", user.id));
    let aside = history.value.as_deref().map(|history| {
        html! { <span class="faint">{ number(history) }</span> }
    });
    let earlier = {
        let shown = shown.clone();
        move |_| shown.set(*shown + SHOWN)
    };
    let later = move |_| most.set(*most + READ);
    html! {
        <Panel title="Timeline" class="timeline-panel" aside={aside.unwrap_or_default()}>
            { view_of(&history, |history| html! {
                <>
                    if history.events.is_empty() {
                        <Empty
                            glyph={Glyph::Activity}
                            title="No events"
                            hint="Nothing is recorded of this yet."
                        />
                    }
                    if history.has_more {
                        <Button label="Read later events" onclick={later} />
                    }
                    <ol class="timeline" reversed=true>
                        for event in history.events.iter().rev().take(*shown) {
                            <Entry
                                key={event.id.clone()}
                                event={event.clone()}
                                you={user.as_deref() == Some(event.actorid.as_str())}
                            />
                        }
                    </ol>
                    if history.events.len() > *shown {
                        <Button label="Show earlier events" onclick={earlier} />
                    }
                </>
            }) }
        </Panel>
    }
}

/// `3 events`, `5,000+ events`.
fn number(history: &History) -> String {
    let read = history.events.len() as u64;
    if history.has_more {
        format!("{}+ events", grouped(read))
    } else {
        count(read, "event", "events")
    }
}

#[derive(PartialEq, Properties)]
struct EntryProps {
    event: Rc<EventView>,
    you: bool,
}

#[component]
fn Entry(props: &EntryProps) -> Html {
    let event = &props.event;
    let open = use_state_eq(|| false);
    let ontoggle = {
        let open = open.setter();
        move |event: Event| {
            let details = event.target_dyn_into::<Element>();
            open.set(details.is_some_and(|details| details.has_attribute("open")));
        }
    };
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
            <details {ontoggle}>
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
                // Laid out only for whoever looks: a history can be long.
                if *open {
                    { unfolded(event) }
                }
            </details>
        </li>
    }
}

fn unfolded(event: &EventView) -> Html {
    html! {
        <>
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
        </>
    }
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
