//! Reading the history of one thing.
//!
//! Invariant: the log only grows, so what was read in full is never read again; what was read is
//! without a gap from the first event on.

use std::{cell::RefCell, rc::Rc};

use schemas::api::{EventView, Page};
use yew::AttrValue;

use crate::api::{ApiError, Client, Collection};

/// What was read in full; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Book(Rc<RefCell<Read>>);

/// The events of one thing, the oldest first.
#[derive(Debug, PartialEq)]
pub struct History {
    /// In the order of the log.
    pub events: Vec<Rc<EventView>>,
    /// Whether there are later ones.
    pub has_more: bool,
}

/// Full pieces of the history, and where the next begins.
#[derive(Clone, Debug, Default)]
struct Read {
    events: Vec<Rc<EventView>>,
    cursor: Option<String>,
}

impl PartialEq for Book {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Book {
    fn keep(&self, read: &Read) {
        // Another reading may have come further meanwhile.
        if read.events.len() > self.0.borrow().events.len() {
            *self.0.borrow_mut() = read.clone();
        }
    }
}

impl Read {
    /// Takes up a piece; the whole history, if it was the last one.
    fn take(&mut self, piece: Page<EventView>) -> Option<History> {
        let events = piece.items.into_iter().map(Rc::new);
        if let Some(cursor) = piece.page.next.filter(|_| piece.page.has_more) {
            self.events.extend(events);
            self.cursor = Some(cursor);
            return None;
        }
        // The last piece still grows: it is not kept.
        Some(History {
            events: self.events.iter().cloned().chain(events).collect(),
            has_more: false,
        })
    }
}

/// Reads on from where the book ends, up to about `most` events.
pub async fn read_on(
    client: Client,
    ((collection, id), book, most): ((Collection, AttrValue), Book, usize),
) -> Result<History, ApiError> {
    let mut read = book.0.borrow().clone();
    while read.events.len() < most {
        let piece = client
            .events(collection, &id, read.cursor.as_deref())
            .await?;
        if let Some(history) = read.take(piece) {
            return Ok(history);
        }
        book.keep(&read);
    }
    Ok(History {
        events: read.events,
        has_more: true,
    })
}

#[cfg(test)]
mod tests {
    use schemas::api::PageInfo;
    use serde_json::json;

    use super::*;

    fn piece(sequences: &[u32], next: Option<&str>) -> Page<EventView> {
        let event = |sequence: &u32| {
            let id = "0199a7c2-0000-7000-8000-00000000beef";
            let event = json!({
                "specversion": "1.0", "id": format!("{sequence}.0"), "source": "/tenants/t",
                "subject": "task/t", "type": "task.created.v1", "time": "2027-01-01T00:00:00Z",
                "datacontenttype": "application/json", "data": {},
                "sequence": sequence.to_string(), "streamrevision": sequence,
                "actorid": "system:x", "commandid": id, "correlationid": id,
            });
            serde_json::from_value(event).expect("an event")
        };
        Page {
            items: sequences.iter().map(event).collect(),
            page: PageInfo {
                next: next.map(str::to_owned),
                has_more: next.is_some(),
            },
        }
    }

    fn ids(events: &[Rc<EventView>]) -> Vec<&str> {
        events.iter().map(|event| event.id.as_str()).collect()
    }

    #[test]
    fn full_pieces_are_kept_and_the_last_is_read_anew() {
        let book = Book::default();
        let mut read = Read::default();
        assert_eq!(read.take(piece(&[1, 2], Some("after 2"))), None);
        book.keep(&read);
        let history = read.take(piece(&[3], None)).expect("the end is reached");
        assert_eq!(ids(&history.events), ["1.0", "2.0", "3.0"]);

        let mut later = book.0.borrow().clone();
        assert_eq!(later.cursor.as_deref(), Some("after 2"));
        let history = later
            .take(piece(&[3, 4], None))
            .expect("the end is reached");
        assert_eq!(ids(&history.events), ["1.0", "2.0", "3.0", "4.0"]);
        // A reading that came less far takes nothing back.
        book.keep(&Read::default());
        assert_eq!(ids(&book.0.borrow().events), ["1.0", "2.0"]);
    }
}
