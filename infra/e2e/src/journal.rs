//! The journal of a load: what was asked, and what came of it.
//!
//! Invariant: a line is on disk before its writer goes on, so the journal knows of everything that
//! the system may have done, whichever process ends when.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead, BufReader, Write},
    path::Path,
    sync::mpsc,
    thread,
};

use tokio::sync::oneshot;

/// What a client knows of one of its requests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The system said that it is done.
    Acknowledged,
    /// The system said no: nothing may be left of it.
    Refused,
    /// No answer, or one that leaves it open.
    Unknown,
}

/// A line, and who waits for it.
type Order = (String, oneshot::Sender<io::Result<()>>);

/// Writes a journal; one file for all clients of a load.
#[derive(Clone, Debug)]
pub struct Journal {
    orders: mpsc::Sender<Order>,
}

impl Journal {
    /// Begins a new file.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = File::create(path)?;
        let (orders, queue) = mpsc::channel();
        thread::spawn(move || write(file, &queue));
        Ok(Self { orders })
    }

    /// To be awaited before the request named `name` is sent.
    pub async fn invoked(&self, name: &str) -> io::Result<()> {
        self.line(format!("? {name}\n")).await
    }

    /// To be awaited after its answer, or the lack of one.
    pub async fn returned(&self, name: &str, outcome: Outcome) -> io::Result<()> {
        let mark = match outcome {
            Outcome::Acknowledged => '+',
            Outcome::Refused => '-',
            Outcome::Unknown => '?',
        };
        self.line(format!("{mark} {name}\n")).await
    }

    async fn line(&self, line: String) -> io::Result<()> {
        let gone = || io::Error::other("the journal's writer is gone");
        let (done, written) = oneshot::channel();
        self.orders.send((line, done)).map_err(|_| gone())?;
        written.await.map_err(|_| gone())?
    }
}

/// What a journal says of each request. Once acknowledged, a request stays so, whatever its
/// repetitions met; otherwise the last word holds.
pub fn read_journal(path: &Path) -> io::Result<BTreeMap<String, Outcome>> {
    let mut requests = BTreeMap::new();
    for line in BufReader::new(File::open(path)?).lines() {
        let line = line?;
        let (outcome, name) = match line.split_once(' ') {
            Some(("+", name)) => (Outcome::Acknowledged, name),
            Some(("-", name)) => (Outcome::Refused, name),
            Some(("?", name)) => (Outcome::Unknown, name),
            _ => {
                return Err(io::Error::other(format!(
                    "not a line of a journal: {line:?}"
                )));
            }
        };
        let known = requests.entry(name.to_owned()).or_insert(outcome);
        if *known != Outcome::Acknowledged {
            *known = outcome;
        }
    }
    Ok(requests)
}

/// Lines that wait together reach the disk together.
fn write(mut file: File, queue: &mpsc::Receiver<Order>) {
    while let Ok(first) = queue.recv() {
        let waiting: Vec<Order> = std::iter::once(first).chain(queue.try_iter()).collect();
        let text: String = waiting.iter().map(|(line, _)| line.as_str()).collect();
        let written = file
            .write_all(text.as_bytes())
            .and_then(|()| file.sync_data());
        for (_, done) in waiting {
            let result = match &written {
                Ok(()) => Ok(()),
                Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
            };
            // Who no longer waits needs no answer.
            let _ = done.send(result);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_word_holds_unless_it_was_a_yes() {
        let path = std::env::temp_dir().join(format!("almanac-journal-{}", std::process::id()));
        let journal = Journal::create(&path).expect("created");
        for name in ["open", "yes", "no", "late"] {
            journal.invoked(name).await.expect("written");
        }
        for (name, outcome) in [
            ("yes", Outcome::Acknowledged),
            ("yes", Outcome::Unknown),
            ("no", Outcome::Refused),
            ("late", Outcome::Unknown),
            ("late", Outcome::Acknowledged),
        ] {
            journal.returned(name, outcome).await.expect("written");
        }
        let read = read_journal(&path).expect("readable");
        std::fs::remove_file(&path).expect("removed");
        assert_eq!(read.len(), 4);
        assert_eq!(read["open"], Outcome::Unknown);
        assert_eq!(read["yes"], Outcome::Acknowledged);
        assert_eq!(read["no"], Outcome::Refused);
        assert_eq!(read["late"], Outcome::Acknowledged);
    }
}
