//! A row, and what is wrong with one.
//!
//! Invariant: a field that is missing, empty or null is nothing; a cell of CSV is a number where it
//! is written as one and asked for as one.

use serde_json::{Map, Number, Value};

use crate::handlers::Outcome;

/// A row and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// By name; of CSV, in the order of the columns.
    pub fields: Fields,
    /// The line on which it begins, from 1.
    pub line: u64,
}

/// The fields of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fields {
    /// Names that all rows share, and cells.
    Cells(std::sync::Arc<Vec<String>>, Vec<String>),
    Object(Map<String, Value>),
}

/// What is wrong with a row.
#[derive(Debug, PartialEq)]
pub(super) enum Wrong {
    /// There is no place for what comes of it, or not now.
    Output(Outcome),
    /// It cannot be read, or does not fit what is asked of it.
    Row { line: u64, what: String },
}

impl Row {
    /// The value of `field`; a name that begins with `/` is a JSON pointer (RFC 6901).
    pub(super) fn value(&self, field: &str) -> Value {
        match &self.fields {
            Fields::Cells(names, cells) => {
                let at = names.iter().position(|name| name == field);
                let cell = at.and_then(|at| cells.get(at));
                let cell = cell.filter(|cell| !cell.is_empty());
                cell.map_or(Value::Null, |cell| Value::String(cell.clone()))
            }
            Fields::Object(fields) => {
                let found = match field.strip_prefix('/') {
                    Some(pointer) => pointed(fields, pointer),
                    None => fields.get(field),
                };
                found.cloned().unwrap_or_default()
            }
        }
    }

    /// The number that `field` holds; none if it holds nothing.
    pub(super) fn number(&self, field: &str) -> Result<Option<Number>, Wrong> {
        let found = match self.value(field) {
            Value::Null => return Ok(None),
            Value::Number(number) => Some(number),
            Value::String(text) => number(&text),
            _ => None,
        };
        let what = || format!("{field:?} is {} and no number", self.value(field));
        found.map(Some).ok_or_else(|| self.wrong(what()))
    }

    pub(super) fn wrong(&self, what: impl Into<String>) -> Wrong {
        Wrong::Row {
            line: self.line,
            what: what.into(),
        }
    }
}

fn pointed<'a>(fields: &'a Map<String, Value>, pointer: &str) -> Option<&'a Value> {
    let (first, rest) = match pointer.split_once('/') {
        Some((first, rest)) => (first, format!("/{rest}")),
        None => (pointer, String::new()),
    };
    let first = first.replace("~1", "/").replace("~0", "~");
    fields.get(&first)?.pointer(&rest)
}

/// The number that `text` is.
pub(super) fn number(text: &str) -> Option<Number> {
    let text = text.trim();
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.into());
    }
    // What JSON has no number for is a text: `inf`, `NaN`.
    text.parse().ok().and_then(Number::from_f64)
}

impl From<Wrong> for Outcome {
    fn from(wrong: Wrong) -> Self {
        match wrong {
            Wrong::Output(outcome) => outcome,
            Wrong::Row { line, what } => {
                Self::fail("invalid_data", format_args!("line {line}: {what}"))
            }
        }
    }
}
