//! How a part of the log is cut into files.
//!
//! Invariant: cuts are at fixed positions, so a longer log adds files and changes the last one at
//! most.

use event_log::Position;

use super::bounds::Span;

/// How many positions a file stands for, unless another number is asked for.
pub const PER_FILE: u64 = 100_000;

/// The part of the log that one file stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cut {
    /// The first position.
    pub first: Position,
    /// The last position.
    pub last: Position,
    /// Whether a longer log would not change it.
    pub is_full: bool,
}

/// The files of `span`, each of up to `per_file` positions.
pub fn cuts(span: Span, per_file: u64) -> impl Iterator<Item = Cut> {
    let Span { after, until } = span;
    let files = (after.0 / per_file)..until.0.div_ceil(per_file);
    files.map(move |file| {
        let end = (file + 1) * per_file;
        Cut {
            first: Position((file * per_file).max(after.0) + 1),
            last: Position(end.min(until.0)),
            is_full: end <= until.0,
        }
    })
}

impl Cut {
    /// What the file is called.
    pub fn name(&self, extension: &str) -> String {
        format!("{:012}.{extension}", self.first.0)
    }

    /// What is to be read for it.
    pub const fn span(&self) -> Span {
        Span {
            after: Position(self.first.0 - 1),
            until: self.last,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(after: u64, until: u64) -> Vec<(u64, u64, bool)> {
        let (after, until) = (Position(after), Position(until));
        let cuts = cuts(Span { after, until }, 10);
        cuts.map(|cut| (cut.first.0, cut.last.0, cut.is_full))
            .collect()
    }

    #[test]
    fn a_longer_log_adds_files_and_changes_the_last() {
        assert_eq!(of(0, 0), []);
        assert_eq!(of(0, 9), [(1, 9, false)]);
        assert_eq!(of(0, 10), [(1, 10, true)]);
        assert_eq!(of(0, 25), [(1, 10, true), (11, 20, true), (21, 25, false)]);
        assert_eq!(of(13, 25), [(14, 20, true), (21, 25, false)]);
        assert_eq!(of(20, 20), []);
        for until in 1..60 {
            let (shorter, longer) = (of(0, until), of(0, until + 1));
            let kept = shorter.iter().filter(|cut| cut.2).count();
            assert_eq!(shorter[..kept], longer[..kept]);
        }
    }
}
