//! What may be restored: entries of another log, at the places that they had there.
//!
//! Invariant: nothing is taken whose contents give another digest than the one it bears, nothing
//! leaves a gap, and nothing goes where the rights of the owner end.

use schemas::Position;

use crate::{AppendError, Entry, Unreadable, chain::leaf, log, subject};

/// The place after which these may be stored.
pub(crate) fn check(entries: &[Entry]) -> Result<Position, AppendError> {
    let refused = |words: String| Err(AppendError::Refused(words));
    let Some(first) = entries.first().map(Entry::position) else {
        return refused("nothing to restore".to_owned());
    };
    if entries.len() > log::BATCH_MAX || first == Position(0) {
        return refused(format!(
            "1 to {} entries from position 1 on",
            log::BATCH_MAX
        ));
    }
    for (entry, expected) in entries.iter().zip(first.0..) {
        let position = entry.position();
        if position.0 != expected {
            return refused(format!("position {position} where {expected} must come"));
        }
        match entry {
            Entry::Commit(commit) => {
                log::check_size(commit.payload.len())?;
                if leaf(entry) != commit.meta.hash {
                    return refused(format!(
                        "position {position} has another digest than it bears"
                    ));
                }
            }
            Entry::Unreadable(Unreadable {
                subject, payload, ..
            }) => {
                log::check_size(payload.len())?;
                if !subject::may_be_an_aggregate(subject) {
                    let words = format!("position {position}: nobody may write to {subject:?}");
                    return refused(words);
                }
            }
        }
    }
    Ok(Position(first.0 - 1))
}
