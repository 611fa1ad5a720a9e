//! What a checkpoint says: how far the log went, and the root of the tree over it.
//!
//! The text is that of a transparency log (C2SP `tlog-checkpoint`): a line for the log, one for the
//! size, one for the root in base64, then a line of our own that names the checkpoint before:
//! `previous <size> <root>`. The log's name holds its incarnation, so a checkpoint of one log says
//! nothing of another.
//!
//! Invariant: text and value are one to one.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{AggregateKind, TenantId};
use schemas::{Hash, StreamId};

use crate::Frontier;

/// What the name of every log begins with.
const ORIGIN: &str = "almanac/";

/// What a checkpoint says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Checkpoint {
    /// Which log; also the name of the key that signs.
    pub origin: String,
    /// Size and root of the checkpoint before; none before the first.
    pub previous: Option<(u64, Hash)>,
    /// The root of the tree.
    pub root: Hash,
    /// How many entries it covers: those from position 1 to this one.
    pub size: u64,
}

/// The text is no checkpoint.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("is no checkpoint of a log")]
pub struct NoCheckpoint;

/// What the log of `incarnation` is called.
pub fn origin(incarnation: &str) -> String {
    format!("{ORIGIN}{incarnation}")
}

/// Whose history the checkpoints are.
pub const fn checkpoints() -> StreamId {
    StreamId {
        tenant: TenantId::MAIN,
        kind: AggregateKind::LogCheckpoint,
        id: TenantId::MAIN.uuid(),
    }
}

impl Checkpoint {
    /// What is to be said of the log called `origin` as far as `tree` goes.
    pub fn of(origin: String, tree: &Frontier, previous: Option<(u64, Hash)>) -> Self {
        Self {
            origin,
            previous,
            root: tree.root(),
            size: tree.size(),
        }
    }
}

impl std::fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let base64 = |hash: Hash| STANDARD.encode(hash.0);
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, base64(self.root))?;
        match self.previous {
            Some((size, root)) => writeln!(f, "previous {size} {}", base64(root)),
            None => Ok(()),
        }
    }
}

impl std::str::FromStr for Checkpoint {
    type Err = NoCheckpoint;

    fn from_str(text: &str) -> Result<Self, NoCheckpoint> {
        let mut lines = text.strip_suffix('\n').ok_or(NoCheckpoint)?.split('\n');
        let mut line = || lines.next().ok_or(NoCheckpoint);
        let (origin, size, root) = (line()?.to_owned(), number(line()?)?, hash(line()?)?);
        let previous = lines.next().map(|line| {
            let words = line.strip_prefix("previous ");
            let words = words.and_then(|words| words.split_once(' '));
            let (size, root) = words.ok_or(NoCheckpoint)?;
            Ok((number(size)?, hash(root)?))
        });
        let checkpoint = Self {
            origin,
            previous: previous.transpose()?,
            root,
            size,
        };
        // What is spelled in another way, or says more, is not ours.
        let same = checkpoint.to_string() == text;
        same.then_some(checkpoint).ok_or(NoCheckpoint)
    }
}

fn number(text: &str) -> Result<u64, NoCheckpoint> {
    text.parse().map_err(|_| NoCheckpoint)
}

fn hash(text: &str) -> Result<Hash, NoCheckpoint> {
    let bytes = STANDARD.decode(text).map_err(|_| NoCheckpoint)?;
    bytes.try_into().map(Hash).map_err(|_| NoCheckpoint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_value_are_one_to_one() {
        for previous in [None, Some((3, Hash([9; 32])))] {
            let checkpoint = Checkpoint {
                origin: origin("7"),
                previous,
                root: Hash([7; 32]),
                size: 5,
            };
            let text = checkpoint.to_string();
            assert!(text.starts_with("almanac/7\n5\nBwcH"), "{text}");
            assert_eq!(text.parse(), Ok(checkpoint));
            for wrong in [text.replace('5', "05"), text.clone() + "more\n"] {
                assert_eq!(wrong.parse::<Checkpoint>(), Err(NoCheckpoint), "{wrong}");
            }
        }
    }
}
