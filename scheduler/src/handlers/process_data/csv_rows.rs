//! Comma-separated values (RFC 4180), as their bytes come.
//!
//! Invariant: a row is given once all of its bytes are there, however they were cut; whatever is
//! not in the form is an error with its line. No row takes more than [`ROW_MAX`] bytes.

use std::sync::Arc;

use super::row::{Fields, Row, Wrong};

/// How many bytes one row may have.
pub(super) const ROW_MAX: usize = 1 << 20;
/// What some programs write before UTF-8.
const BOM: &str = "\u{FEFF}";

/// Where in a row the next byte is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum At {
    /// Before the first byte of a cell.
    #[default]
    Begin,
    /// In a cell without quotes.
    Plain,
    /// In quotes.
    Quoted,
    /// After a quote that ends a cell, or is the first of two that stand for one.
    Quote,
    /// After a carriage return, which only a line feed follows.
    Return,
}

/// Rows that come.
#[derive(Debug, Default)]
pub(super) struct CsvRows {
    at: At,
    cell: Vec<u8>,
    cells: Vec<String>,
    header: Option<Arc<Vec<String>>>,
    /// The line of the next byte, less one.
    line: u64,
    /// The line on which the row begins, less one.
    row: u64,
    size: usize,
}

type Take<'a> = &'a mut dyn FnMut(Row) -> Result<(), Wrong>;

impl CsvRows {
    /// What the columns are called, once the first line was read.
    pub(super) fn header(&self) -> &[String] {
        self.header.as_deref().map_or(&[], Vec::as_slice)
    }

    pub(super) fn feed(&mut self, bytes: &[u8], take: Take<'_>) -> Result<(), Wrong> {
        for byte in bytes {
            self.byte(*byte, take)?;
        }
        Ok(())
    }

    /// What remains when no more comes.
    pub(super) fn end(&mut self, take: Take<'_>) -> Result<(), Wrong> {
        match self.at {
            At::Quoted => return Err(self.wrong("a quoted cell does not end")),
            At::Begin if self.cells.is_empty() => {}
            _ => self.finish_row(take)?,
        }
        if self.header.is_none() {
            return Err(self.wrong("there is no line with the names of the columns"));
        }
        Ok(())
    }

    fn byte(&mut self, byte: u8, take: Take<'_>) -> Result<(), Wrong> {
        self.size += 1;
        if self.size > ROW_MAX {
            return Err(self.wrong(format!("a row has more than {ROW_MAX} bytes")));
        }
        match (self.at, byte) {
            (At::Return, b'\n') => {
                self.line += 1;
                self.finish_row(take)?;
            }
            (At::Return, _) => return Err(self.wrong("a carriage return is not at the end")),
            (At::Quoted, b'"') => self.at = At::Quote,
            (At::Quoted, byte) => {
                self.line += u64::from(byte == b'\n');
                self.cell.push(byte);
            }
            (At::Quote, b'"') => {
                self.cell.push(b'"');
                self.at = At::Quoted;
            }
            (_, b',') => self.finish_cell()?,
            (_, b'\n') => {
                self.line += 1;
                self.finish_row(take)?;
            }
            (_, b'\r') => self.at = At::Return,
            (At::Quote, _) => return Err(self.wrong("something follows a quoted cell")),
            (At::Begin, b'"') => self.at = At::Quoted,
            (_, b'"') => return Err(self.wrong("a quote is in a cell without quotes")),
            (_, byte) => {
                self.cell.push(byte);
                self.at = At::Plain;
            }
        }
        Ok(())
    }

    fn finish_cell(&mut self) -> Result<(), Wrong> {
        let cell = String::from_utf8(std::mem::take(&mut self.cell));
        let cell = cell.map_err(|_| self.wrong("a cell is no UTF-8"))?;
        self.cells.push(cell);
        self.at = At::Begin;
        Ok(())
    }

    fn finish_row(&mut self, take: Take<'_>) -> Result<(), Wrong> {
        let was_quoted = self.at == At::Quote;
        self.finish_cell()?;
        let (line, cells) = (self.row + 1, std::mem::take(&mut self.cells));
        (self.row, self.size) = (self.line, 0);
        let wrong = |what: String| Err(Wrong::Row { line, what });
        // An empty line is no row, unless a row may be that short.
        let is_empty = cells.len() == 1 && cells[0].is_empty() && !was_quoted;
        let Some(header) = &self.header else {
            if is_empty {
                return wrong("there is no line with the names of the columns".to_owned());
            }
            self.header = Some(Arc::new(header(cells, line)?));
            return Ok(());
        };
        if is_empty && header.len() > 1 {
            return Ok(());
        }
        if cells.len() != header.len() {
            let (has, wants) = (cells.len(), header.len());
            return wrong(format!("it has {has} cells, and the first line {wants}"));
        }
        take(Row {
            fields: Fields::Cells(Arc::clone(header), cells),
            line,
        })
    }

    fn wrong(&self, what: impl Into<String>) -> Wrong {
        Wrong::Row {
            line: self.row + 1,
            what: what.into(),
        }
    }
}

fn header(mut cells: Vec<String>, line: u64) -> Result<Vec<String>, Wrong> {
    if let Some(plain) = cells[0].strip_prefix(BOM) {
        cells[0] = String::from(plain);
    }
    let mut sorted: Vec<_> = cells.iter().collect();
    sorted.sort();
    match sorted.windows(2).find(|two| two[0] == two[1]) {
        Some(two) => Err(Wrong::Row {
            line,
            what: format!("two columns are called {:?}", two[0]),
        }),
        None => Ok(cells),
    }
}
