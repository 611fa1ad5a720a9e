//! Who listens to the live stream.
//!
//! Invariant: a listener hears nothing any more once its subscription is dropped, even if that
//! happens while news are being told.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use super::{News, Status};

type Listener = Rc<dyn Fn(&News)>;

/// Passes news on; clones share the listeners.
#[derive(Clone, Default)]
pub struct Feed(Rc<Inner>);

#[derive(Default)]
struct Inner {
    listeners: RefCell<Vec<(u64, Listener)>>,
    next: Cell<u64>,
    status: Cell<Status>,
}

/// Ends listening when dropped.
pub struct Subscription {
    feed: Feed,
    id: u64,
}

impl PartialEq for Feed {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Feed {
    /// How the stream is now.
    pub fn status(&self) -> Status {
        self.0.status.get()
    }

    /// Calls `listener` with all news until the subscription is dropped.
    pub fn subscribe(&self, listener: impl Fn(&News) + 'static) -> Subscription {
        let id = self.0.next.get();
        self.0.next.set(id + 1);
        self.0.listeners.borrow_mut().push((id, Rc::new(listener)));
        Subscription {
            feed: self.clone(),
            id,
        }
    }

    /// Tells everybody.
    pub fn tell(&self, news: &News) {
        let told: Vec<u64> = self
            .0
            .listeners
            .borrow()
            .iter()
            .map(|(id, _)| *id)
            .collect();
        for id in told {
            let listener = self
                .0
                .listeners
                .borrow()
                .iter()
                .find(|(of, _)| *of == id)
                .map(|(_, listener)| listener.clone());
            if let Some(listener) = listener {
                listener(news);
            }
        }
    }

    /// Remembers how the stream is and tells everybody if that is new.
    pub fn set_status(&self, status: Status) {
        if self.0.status.replace(status) != status {
            self.tell(&News::Status(status));
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.feed
            .0
            .listeners
            .borrow_mut()
            .retain(|(id, _)| *id != self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_subscription_is_silent() {
        let feed = Feed::default();
        let heard = Rc::new(Cell::new(0));
        let later: Rc<RefCell<Option<Subscription>>> = Rc::default();
        let first = feed.subscribe({
            let (heard, later) = (heard.clone(), later.clone());
            move |_| {
                heard.set(heard.get() + 1);
                later.borrow_mut().take();
            }
        });
        *later.borrow_mut() = Some(feed.subscribe({
            let heard = heard.clone();
            move |_| heard.set(heard.get() + 100)
        }));
        feed.tell(&News::Reload);
        assert_eq!(
            heard.get(),
            1,
            "the second was dropped while news were told"
        );
        drop(first);
        feed.tell(&News::Reload);
        assert_eq!(heard.get(), 1);
    }

    #[test]
    fn an_unchanged_status_is_no_news() {
        let feed = Feed::default();
        let heard = Rc::new(Cell::new(0));
        let _subscription = feed.subscribe({
            let heard = heard.clone();
            move |_| heard.set(heard.get() + 1)
        });
        let status = Status {
            position: 7,
            ..Status::default()
        };
        feed.set_status(status);
        feed.set_status(status);
        assert_eq!((heard.get(), feed.status()), (1, status));
    }
}
