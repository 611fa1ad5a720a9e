//! Hearing the live stream.
//!
//! Invariant: a component stops hearing when it leaves the page, and always hears with its latest
//! closure, never with one that remembers old values.

use std::rc::Rc;

use yew::prelude::*;

use crate::live::{Feed, News, Status};

type Heard = Rc<dyn Fn(&News)>;

/// Calls `react` with all news while the component is shown.
#[hook]
pub fn use_live(react: impl Fn(&News) + 'static) {
    let feed = use_context::<Feed>().expect("the application provides the live stream");
    let latest = use_mut_ref(|| None::<Heard>);
    *latest.borrow_mut() = Some(Rc::new(react));
    use_effect_with(feed, move |feed| {
        let subscription = feed.subscribe(move |news| {
            let react = latest.borrow().clone();
            if let Some(react) = react {
                react(news);
            }
        });
        move || drop(subscription)
    });
}

/// How the live stream is.
#[hook]
pub fn use_live_status() -> Status {
    let feed = use_context::<Feed>().expect("the application provides the live stream");
    let status = use_state_eq(|| feed.status());
    {
        let status = status.clone();
        use_live(move |news| {
            if let News::Status(now) = news {
                status.set(*now);
            }
        });
    }
    *status
}
