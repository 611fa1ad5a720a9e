//! Short messages about what was just done.
//!
//! Invariant: a message is also read out to whoever cannot see it, and goes away by itself.

use std::rc::Rc;

use yew::prelude::*;

use crate::{api::ApiError, text::Tone};

/// How many messages are shown at once.
const SHOWN_MAX: usize = 4;

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub struct Toast {
    /// Tells it from others.
    pub id: u32,
    /// Good or bad news.
    pub tone: Tone,
    /// What happened.
    pub title: String,
    /// More about it.
    pub detail: String,
}

/// The messages that are shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shown {
    next: u32,
    /// The oldest first.
    pub toasts: Vec<Toast>,
}

/// Changes to the messages shown.
pub enum Change {
    /// Show one more.
    Show(Tone, String, String),
    /// Take one away.
    Dismiss(u32),
}

/// Where messages are shown.
#[derive(Clone, PartialEq)]
pub struct Toasts(pub UseReducerDispatcher<Shown>);

impl Reducible for Shown {
    type Action = Change;

    fn reduce(self: Rc<Self>, change: Change) -> Rc<Self> {
        let mut shown = (*self).clone();
        match change {
            Change::Show(tone, title, detail) => {
                shown.toasts.push(Toast {
                    id: shown.next,
                    tone,
                    title,
                    detail,
                });
                shown.next += 1;
                let surplus = shown.toasts.len().saturating_sub(SHOWN_MAX);
                shown.toasts.drain(..surplus);
            }
            Change::Dismiss(id) => shown.toasts.retain(|toast| toast.id != id),
        }
        Rc::new(shown)
    }
}

impl Toasts {
    /// Something worked.
    pub fn done(&self, title: &str) {
        self.0
            .dispatch(Change::Show(Tone::Good, title.to_owned(), String::new()));
    }

    /// Something did not work.
    pub fn failed(&self, error: &ApiError) {
        self.0
            .dispatch(Change::Show(Tone::Bad, error.title(), error.detail()));
    }

    /// The browser would not do it.
    pub fn refused(&self, title: &str) {
        self.0
            .dispatch(Change::Show(Tone::Bad, title.to_owned(), String::new()));
    }

    /// Takes a message away.
    pub fn dismiss(&self, id: u32) {
        self.0.dispatch(Change::Dismiss(id));
    }
}

/// Where messages are shown.
#[hook]
pub fn use_toasts() -> Toasts {
    use_context::<Toasts>().expect("the application provides the messages")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_give_way_and_any_can_be_dismissed() {
        let mut shown = Rc::new(Shown::default());
        for number in 0..6 {
            let show = Change::Show(Tone::Good, number.to_string(), String::new());
            shown = shown.reduce(show);
        }
        let shown = shown.reduce(Change::Dismiss(4));
        let ids: Vec<_> = shown.toasts.iter().map(|toast| toast.id).collect();
        assert_eq!(ids, [2, 3, 5]);
    }
}
