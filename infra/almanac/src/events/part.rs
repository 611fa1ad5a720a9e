//! A file of lines, read again entry by entry.
//!
//! Invariant: what is given is what the lines say; whether it is right is not decided here, and
//! what cannot be read is told with its line.

use std::io::BufRead;

use event_log::Position;

use super::line::Read;

/// The lines of one position.
pub struct Group {
    /// The number of the first line, from 1.
    pub line: u64,
    pub lines: Vec<Read>,
    pub position: Position,
}

/// What is wrong with a line.
#[derive(Debug)]
pub struct Broken {
    /// Its number, from 1.
    pub line: u64,
    pub reason: String,
}

/// The groups of a file, in its order.
pub struct Groups<R> {
    line: u64,
    next: Option<Group>,
    reader: R,
}

impl<R: BufRead> Groups<R> {
    pub const fn of(reader: R) -> Self {
        Self {
            line: 0,
            next: None,
            reader,
        }
    }

    fn read(&mut self) -> Result<Option<Group>, Broken> {
        let mut text = String::new();
        self.line += 1;
        let line = self.line;
        let broken = |reason: String| Broken { line, reason };
        let read = self.reader.read_line(&mut text);
        if read.map_err(|reason| broken(reason.to_string()))? == 0 {
            return Ok(None);
        }
        let Some(text) = text.strip_suffix('\n') else {
            return Err(broken("breaks off".to_owned()));
        };
        let read = Read::parse(text).map_err(broken)?;
        let position = read.position().map_err(broken)?;
        let lines = vec![read];
        Ok(Some(Group {
            line,
            lines,
            position,
        }))
    }
}

impl<R: BufRead> Iterator for Groups<R> {
    type Item = Result<Group, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.read() {
                Err(broken) => return Some(Err(broken)),
                Ok(None) => return self.next.take().map(Ok),
                Ok(Some(mut found)) => match &mut self.next {
                    Some(group) if group.position == found.position => {
                        group.lines.append(&mut found.lines);
                    }
                    _ => {
                        if let Some(group) = self.next.replace(found) {
                            return Some(Ok(group));
                        }
                    }
                },
            }
        }
    }
}
