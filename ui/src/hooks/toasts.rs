//! Short messages about what was just done.
//!
//! Invariant: a message is also read out to whoever cannot see it. Bad news stay until somebody
//! dismisses them, and give way to nothing.

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
    /// What to quote when asking for help.
    pub request_id: Option<String>,
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
    /// Take all away.
    Clear,
    /// Take one away.
    Dismiss(u32),
    /// Show one more; it is given its id.
    Show(Toast),
}

/// Where messages are shown.
#[derive(Clone, PartialEq)]
pub struct Toasts(pub UseReducerDispatcher<Shown>);

impl Reducible for Shown {
    type Action = Change;

    fn reduce(self: Rc<Self>, change: Change) -> Rc<Self> {
        let mut shown = (*self).clone();
        match change {
            Change::Clear => shown.toasts.clear(),
            Change::Dismiss(id) => shown.toasts.retain(|toast| toast.id != id),
            Change::Show(toast) => {
                shown.toasts.push(Toast {
                    id: shown.next,
                    ..toast
                });
                shown.next += 1;
                let mut surplus = shown.toasts.len().saturating_sub(SHOWN_MAX);
                shown.toasts.retain(|toast| {
                    let gives_way = surplus > 0 && !toast.is_bad();
                    surplus -= usize::from(gives_way);
                    !gives_way
                });
            }
        }
        Rc::new(shown)
    }
}

impl Toast {
    fn new(tone: Tone, title: String) -> Self {
        Self {
            id: 0,
            tone,
            title,
            detail: String::new(),
            request_id: None,
        }
    }

    /// Whether somebody has to see it.
    pub fn is_bad(&self) -> bool {
        self.tone == Tone::Bad
    }
}

impl Toasts {
    /// Something worked.
    pub fn done(&self, title: &str) {
        self.show(Toast::new(Tone::Good, title.to_owned()));
    }

    /// Something did not work.
    pub fn failed(&self, error: &ApiError) {
        self.show(Toast {
            detail: error.detail(),
            request_id: error.request_id().map(str::to_owned),
            ..Toast::new(Tone::Bad, error.title())
        });
    }

    /// The browser would not do it.
    pub fn refused(&self, title: &str) {
        self.show(Toast::new(Tone::Bad, title.to_owned()));
    }

    /// Takes a message away.
    pub fn dismiss(&self, id: u32) {
        self.0.dispatch(Change::Dismiss(id));
    }

    fn show(&self, toast: Toast) {
        self.0.dispatch(Change::Show(toast));
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

    fn after(tones: &[Tone]) -> Rc<Shown> {
        tones.iter().fold(Rc::default(), |shown: Rc<Shown>, tone| {
            shown.reduce(Change::Show(Toast::new(*tone, String::new())))
        })
    }

    fn ids(shown: &Shown) -> Vec<u32> {
        shown.toasts.iter().map(|toast| toast.id).collect()
    }

    #[test]
    fn the_oldest_give_way_and_any_can_be_dismissed() {
        let shown = after(&[Tone::Good; 6]).reduce(Change::Dismiss(4));
        assert_eq!(ids(&shown), [2, 3, 5]);
        assert_eq!(ids(&shown.reduce(Change::Clear)), [0; 0]);
    }

    #[test]
    fn bad_news_do_not_give_way() {
        let mut tones = vec![Tone::Bad];
        tones.extend([Tone::Good; 5]);
        assert_eq!(ids(&after(&tones)), [0, 3, 4, 5]);
        assert_eq!(ids(&after(&[Tone::Bad; 5])), [0, 1, 2, 3, 4]);
    }
}
