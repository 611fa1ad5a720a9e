//! Entries as the bytes of a file.
//!
//! Invariant: what is counted and digested is what is written, and it depends on the entries and
//! the filter alone.

use std::{
    fs,
    io::{self, BufWriter, Write},
};

use anyhow::Result;
use aws_lc_rs::digest::{Context, SHA256};
use clap::ValueEnum;
use event_log::{Entry, Hash};
use serde::{Deserialize, Serialize};

use super::{
    filter::Filter,
    line::{Read, lines},
    table::Table,
};

/// How files are written.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A line of JSON for each event: CloudEvents 1.0, and all it takes to import them.
    Ndjson,
    /// A row for each event, for analysts; cannot be imported.
    Parquet,
}

/// Where bytes go: into a file, or nowhere, if only their digest is wanted.
pub struct Output {
    bytes: u64,
    digest: Context,
    file: Option<BufWriter<fs::File>>,
}

/// What is in a file so far.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    pub commits: u64,
    pub events: u64,
    pub unreadable: u64,
}

/// A file that is being written.
pub struct Encoder {
    counts: Counts,
    file: Kind,
}

enum Kind {
    Ndjson(Output),
    Parquet(Box<Table>),
}

/// What a file that is finished has.
pub struct Finished {
    pub bytes: u64,
    pub counts: Counts,
    pub sha256: Hash,
}

impl Format {
    /// How the names of its files end.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Parquet => "parquet",
        }
    }
}

impl Output {
    pub fn new(file: Option<fs::File>) -> Self {
        Self {
            bytes: 0,
            digest: Context::new(&SHA256),
            file: file.map(BufWriter::new),
        }
    }

    /// Lets the disk have all of it.
    fn finish(self, counts: Counts) -> Result<Finished> {
        if let Some(file) = self.file {
            file.into_inner()
                .map_err(io::IntoInnerError::into_error)?
                .sync_all()?;
        }
        let mut sha256 = Hash::ZERO;
        sha256.0.copy_from_slice(self.digest.finish().as_ref());
        Ok(Finished {
            bytes: self.bytes,
            counts,
            sha256,
        })
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(file) = &mut self.file {
            file.write_all(bytes)?;
        }
        self.digest.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Encoder {
    pub fn begin(format: Format, output: Output) -> Result<Self> {
        let file = match format {
            Format::Ndjson => Kind::Ndjson(output),
            Format::Parquet => Kind::Parquet(Box::new(Table::begin(output)?)),
        };
        let counts = Counts::default();
        Ok(Self { counts, file })
    }

    /// Takes in an entry, as far as it is wanted.
    pub fn push(&mut self, entry: &Entry, filter: &Filter) -> Result<()> {
        let lines = lines(entry, filter);
        if let Some(first) = lines.first() {
            self.counts.add(first, lines.len());
        }
        match (&mut self.file, entry) {
            (Kind::Ndjson(output), _) => {
                lines.iter().try_for_each(|line| line.write(output))?;
            }
            (Kind::Parquet(table), Entry::Commit(commit)) => table.push(commit, filter)?,
            // It is no event, so it has no row.
            (Kind::Parquet(_), Entry::Unreadable(_)) => {}
        }
        Ok(())
    }

    pub fn finish(self) -> Result<Finished> {
        let output = match self.file {
            Kind::Ndjson(output) => output,
            Kind::Parquet(table) => table.finish()?,
        };
        output.finish(self.counts)
    }
}

impl Counts {
    /// Counts the lines of an entry.
    pub fn add(&mut self, first: &Read, lines: usize) {
        match first {
            Read::Event(_) => {
                self.commits += 1;
                self.events += lines as u64;
            }
            Read::Message(_) => self.unreadable += 1,
        }
    }
}
