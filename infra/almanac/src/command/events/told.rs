//! Events on standard output: a row each on a terminal, else a line of JSON each.
//!
//! Invariant: whoever stops reading ends the telling, and that is no failure.

use std::io::{self, BufWriter, ErrorKind, IsTerminal as _, Stdout, Write as _, stdout};

use schemas::api::EventView;

/// Standard output, as far as somebody reads it.
pub(super) struct Told {
    is_terminal: bool,
    out: BufWriter<Stdout>,
}

/// Whether anybody still reads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Heard {
    Yes,
    No,
}

impl Told {
    pub(super) fn begin() -> Self {
        let out = stdout();
        Self {
            is_terminal: out.is_terminal(),
            out: BufWriter::new(out),
        }
    }

    /// Tells of these events, and lets them be seen.
    pub(super) fn tell(&mut self, events: &[EventView]) -> io::Result<Heard> {
        let told = events.iter().try_for_each(|event| self.one(event));
        match told.and_then(|()| self.out.flush()) {
            Ok(()) => Ok(Heard::Yes),
            Err(failure) if failure.kind() == ErrorKind::BrokenPipe => Ok(Heard::No),
            Err(failure) => Err(failure),
        }
    }

    fn one(&mut self, event: &EventView) -> io::Result<()> {
        if self.is_terminal {
            return writeln!(self.out, "{}", row(event));
        }
        serde_json::to_writer(&mut self.out, event)?;
        self.out.write_all(b"\n")
    }
}

/// Position, time, type, aggregate with its version, actor.
fn row(event: &EventView) -> String {
    format!(
        "{:>9}  {}  {:<28}  {:<52}  {}",
        event.id,
        event.time,
        event.name,
        format!("{} @{}", event.subject, event.streamrevision),
        event.actorid
    )
}
