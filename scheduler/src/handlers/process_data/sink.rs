//! Where rows go.
//!
//! Invariant: what is small is held and told in the output; the first byte too many moves all of
//! it into a file, and so does a name for one.

use std::io::{self, Write};

use files::{Files, FilesError, Name, Writing};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Format,
    row::{Fields, Row, Wrong},
};
use crate::handlers::{
    AttemptContext, Outcome,
    csv::{cell, write_row},
    stored,
};

/// How many bytes are told in the output; as JSON they may take six times as many.
const TOLD_MAX: usize = 32 * 1024;

/// What the payload says of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Wanted {
    /// The name of the file, if it must be one.
    file: Option<Name>,
    /// As what came in if absent.
    format: Option<Format>,
}

/// How rows are written.
pub(super) struct Shape {
    /// The fields, in their order; none if each row has its own.
    columns: Option<Vec<String>>,
    file: Option<Name>,
    format: Format,
}

/// Rows that are being written.
pub(super) struct Sink {
    files: Option<Files>,
    held: Vec<u8>,
    rows: u64,
    shape: Shape,
    spilled: Option<Writing>,
}

impl Shape {
    pub(super) fn of(wanted: &Wanted, input: Format, columns: Option<Vec<String>>) -> Self {
        Self {
            columns,
            file: wanted.file.clone(),
            format: wanted.format.unwrap_or(input),
        }
    }

    fn name(&self) -> Result<Name, Outcome> {
        let ending = match self.format {
            Format::Csv => "csv",
            Format::Json => "json",
            Format::Ndjson => "ndjson",
        };
        let name = self
            .file
            .clone()
            .map_or_else(|| format!("data.{ending}").parse(), Ok);
        name.map_err(|reason| Outcome::fail("invalid_payload", reason))
    }
}

impl Sink {
    pub(super) fn new(shape: Shape, files: Option<Files>) -> Self {
        Self {
            files,
            held: Vec::new(),
            rows: 0,
            shape,
            spilled: None,
        }
    }

    pub(super) const fn rows(&self) -> u64 {
        self.rows
    }

    /// What the columns are called, if no row ever says it.
    pub(super) fn names(&mut self, names: &[String]) {
        self.shape.columns.get_or_insert_with(|| names.to_vec());
    }

    pub(super) fn push(&mut self, row: &Row) -> Result<(), Wrong> {
        if self.shape.format == Format::Csv && self.shape.columns.is_none() {
            match &row.fields {
                Fields::Cells(names, _) => self.names(names),
                Fields::Object(_) => {
                    let why = "rows of JSON become CSV by select, which says the columns";
                    return Err(Wrong::Output(Outcome::fail("invalid_payload", why)));
                }
            }
        }
        let encoded = self.encode(row);
        let encoded = encoded.map_err(|reason| Wrong::Output(broken(reason)))?;
        self.rows += 1;
        self.write(&encoded)
    }

    /// The bytes of a row, after those of the rows before.
    fn encode(&self, row: &Row) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let is_first = self.rows == 0;
        if self.shape.format == Format::Csv {
            let columns = self.shape.columns.as_deref().unwrap_or_default();
            if is_first {
                write_row(&mut bytes, columns.iter().map(String::as_str))?;
            }
            let cells: Vec<_> = columns.iter().map(|name| cell(&row.value(name))).collect();
            write_row(&mut bytes, cells.iter().map(String::as_str))?;
            return Ok(bytes);
        }
        if self.shape.format == Format::Json {
            bytes.extend_from_slice(if is_first { b"[\n" } else { b",\n" });
        }
        serde_json::to_writer(&mut bytes, &self.object(row))?;
        if self.shape.format == Format::Ndjson {
            bytes.push(b'\n');
        }
        Ok(bytes)
    }

    fn object(&self, row: &Row) -> Map<String, Value> {
        match (&self.shape.columns, &row.fields) {
            (Some(columns), _) => {
                let fields = columns.iter().map(|name| (name.clone(), row.value(name)));
                fields.collect()
            }
            (None, Fields::Object(fields)) => fields.clone(),
            (None, Fields::Cells(names, _)) => {
                let fields = names.iter().map(|name| (name.clone(), row.value(name)));
                fields.collect()
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Wrong> {
        if let Some(writing) = &mut self.spilled {
            let written = writing.write_all(bytes);
            return written.map_err(|reason| Wrong::Output(broken(reason)));
        }
        self.held.extend_from_slice(bytes);
        if self.held.len() > TOLD_MAX {
            self.spill().map_err(Wrong::Output)?;
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<(), Outcome> {
        let files = stored::place(self.files.as_ref())?;
        let mut writing = files.begin().map_err(stored::failed)?;
        let held = std::mem::take(&mut self.held);
        writing.write_all(&held).map_err(broken)?;
        self.spilled = Some(writing);
        Ok(())
    }

    /// What the output says of the rows.
    pub(super) async fn finish(mut self, context: &AttemptContext) -> Result<Value, Outcome> {
        let columns = self.shape.columns.as_deref().unwrap_or_default();
        let mut last = Vec::new();
        match (self.shape.format, self.rows) {
            (Format::Csv, 0) if !columns.is_empty() => {
                write_row(&mut last, columns.iter().map(String::as_str)).map_err(broken)?;
            }
            (Format::Json, 0) => last.extend_from_slice(b"[]\n"),
            (Format::Json, _) => last.extend_from_slice(b"\n]\n"),
            _ => {}
        }
        self.write(&last)?;
        if self.shape.file.is_some() && self.spilled.is_none() {
            self.spill()?;
        }
        if let Some(writing) = self.spilled.take() {
            let file = stored::keep(writing, context, self.shape.name()?).await?;
            return Ok(json!({"file": stored::told(&file)}));
        }
        if self.shape.format == Format::Json {
            let rows: Value = serde_json::from_slice(&self.held).unwrap_or_default();
            return Ok(json!({"rows": rows}));
        }
        Ok(json!({"text": String::from_utf8_lossy(&self.held)}))
    }
}

fn broken(reason: io::Error) -> Outcome {
    stored::failed(FilesError::from(reason))
}
