//! The words of the commits that were told last.
//!
//! Invariant: however large commits are and however slow some subscriber is, no more than
//! [`BYTES_MAX`] of them are kept for all together; who comes too late for one reads it anew.

use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
};

/// How much is kept. Commits of a usual size fill the backlog long before.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// What is kept, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Recent {
    bytes: usize,
    texts: VecDeque<Arc<str>>,
}

impl Recent {
    /// Keeps `text` for a while.
    pub(super) fn keep(&mut self, text: Arc<str>) -> Weak<str> {
        let kept = Arc::downgrade(&text);
        self.bytes += text.len();
        self.texts.push_back(text);
        while self.bytes > BYTES_MAX
            && let Some(oldest) = self.texts.pop_front()
        {
            self.bytes -= oldest.len();
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_make_room() {
        let mut recent = Recent::default();
        let megabyte: Arc<str> = "x".repeat(1024 * 1024).into();
        let kept: Vec<_> = (0..20)
            .map(|_| recent.keep(Arc::from(&*megabyte)))
            .collect();
        let there: Vec<_> = kept.iter().map(|text| text.strong_count() == 1).collect();
        assert_eq!(there, [[false; 4].as_slice(), &[true; 16]].concat());
    }
}
