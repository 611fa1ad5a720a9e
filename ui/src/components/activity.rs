//! What happens right now: the latest commits, and how many there were each second.
//!
//! Invariant: it shows what the live stream says and asks for nothing, so it is never behind it; a
//! number of events always says of how much time it speaks.

use std::{collections::VecDeque, rc::Rc};

use schemas::{api::LiveEvent, domain::Timestamp};
use yew::prelude::*;
use yew_router::Routable;

use super::{Anchor, Empty, Glyph, Moment, Panel};
use crate::{
    browser,
    hooks::{use_live, use_now},
    live::News,
    rate::{Rate, SECONDS, outline},
    route::Route,
    text::{count, event_title, event_tone, short_id},
};

/// How many commits are listed.
const LISTED: usize = 9;
const WIDTH: f64 = 240.0;
const HEIGHT: f64 = 36.0;

#[derive(Default, PartialEq)]
struct Latest(VecDeque<Rc<LiveEvent>>);

impl Reducible for Latest {
    type Action = Rc<LiveEvent>;

    fn reduce(self: Rc<Self>, event: Rc<LiveEvent>) -> Rc<Self> {
        let mut commits = self.0.clone();
        commits.push_front(event);
        commits.truncate(LISTED);
        Rc::new(Self(commits))
    }
}

/// The latest commits.
#[component]
pub fn Activity() -> Html {
    let latest = use_reducer(Latest::default);
    let rate = use_mut_ref(|| Rate::new(browser::now_ms()));
    let now = use_now();
    {
        let (latest, rate) = (latest.dispatcher(), rate.clone());
        use_live(move |news| match news {
            News::Commit(commit) => {
                for event in &commit.events {
                    let mut rate = rate.borrow_mut();
                    rate.add(event.time.unix_ms(), browser::now_ms(), 1);
                }
                latest.dispatch(commit.clone());
            }
            News::Reload => rate.borrow_mut().restart(browser::now_ms()),
            News::Status(_) => {}
        });
    }
    rate.borrow_mut().advance(now);
    let total = rate.borrow().total().into();
    let stretch = match rate.borrow().seconds() {
        SECONDS => "minute".to_owned(),
        seconds => format!("{seconds} s"),
    };
    let path = outline(rate.borrow().counts(), WIDTH, HEIGHT);
    let aside = html! {
        <span class="faint">
            { format!("{} in the last {stretch}", count(total, "event", "events")) }
        </span>
    };
    html! {
        <Panel title="Happening now" class="activity" {aside}>
            <svg
                class="spark"
                viewBox={format!("0 -1 {WIDTH} {}", HEIGHT + 2.0)}
                preserveAspectRatio="none"
                aria-hidden="true"
            >
                <path d={path} />
            </svg>
            if latest.0.is_empty() {
                <Empty
                    glyph={Glyph::Activity}
                    title="Quiet so far"
                    hint="Every change shows up here the moment it is made."
                />
            } else {
                <ol class="ticker">
                    for commit in &latest.0 {
                        { line(commit) }
                    }
                </ol>
            }
        </Panel>
    }
}

fn line(commit: &LiveEvent) -> Html {
    let name = commit.events.last().map_or("", |event| event.name.as_str());
    let at = commit
        .events
        .last()
        .map_or(Timestamp::default(), |event| event.time);
    let id = commit.id.to_string();
    let label = format!("{} {}", commit.kind.replace('_', " "), short_id(&id));
    html! {
        <li key={commit.position}>
            <span class="dot" data-tone={event_tone(name).name()} aria-hidden="true" />
            <span class="ticker-what">{ event_title(name) }</span>
            if let Some(route) = route_of(&commit.kind, &id) {
                <Anchor to={route} class="ticker-where">{ label }</Anchor>
            } else {
                <span class="ticker-where">{ label }</span>
            }
            <Moment {at} />
        </li>
    }
}

/// Where an aggregate is shown, if it has a page.
fn route_of(kind: &str, id: &str) -> Option<Route> {
    let section = match kind {
        "job" => "jobs",
        "resource" => "resources",
        "task" => "tasks",
        _ => return None,
    };
    Route::recognize(&format!("/{section}/{id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aggregates_with_a_page_lead_there() {
        let id = "0199a7c2-0000-7000-8000-00000000beef";
        let job = Route::Job {
            id: id.parse().expect("an id"),
        };
        assert_eq!(route_of("job", id), Some(job));
        assert_eq!(route_of("user", id), None);
    }
}
