//! Objects of JSON, as their bytes come: the elements of an array, or one on each line.
//!
//! Invariant: an object is given once all of its bytes are there, however they were cut; whatever
//! is between objects and does not belong there is an error with its line. No object takes more
//! than [`ROW_MAX`] bytes.

use serde_json::Value;

use super::{
    csv_rows::ROW_MAX,
    row::{Fields, Row, Wrong},
};

/// What comes next outside of objects.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Next {
    /// A comma, or the end of the array.
    Comma,
    /// Nothing but white space.
    End,
    /// An object, or the end if the array is empty.
    First,
    /// An object on a line.
    Line,
    /// An object.
    Object,
    /// The bracket that opens the array.
    Open,
}

/// Objects that come.
#[derive(Debug)]
pub(super) struct JsonRows {
    /// How many brackets are open in the object; none between objects.
    depth: usize,
    escaped: bool,
    in_text: bool,
    /// The line of the next byte, from 1.
    line: u64,
    next: Next,
    object: Vec<u8>,
    /// The line on which the object begins.
    row: u64,
}

type Take<'a> = &'a mut dyn FnMut(Row) -> Result<(), Wrong>;

impl JsonRows {
    /// The elements of an array.
    pub(super) const fn array() -> Self {
        Self::before(Next::Open)
    }

    /// One object on each line.
    pub(super) const fn lines() -> Self {
        Self::before(Next::Line)
    }

    const fn before(next: Next) -> Self {
        Self {
            depth: 0,
            escaped: false,
            in_text: false,
            line: 1,
            next,
            object: Vec::new(),
            row: 1,
        }
    }

    pub(super) fn feed(&mut self, bytes: &[u8], take: Take<'_>) -> Result<(), Wrong> {
        for byte in bytes {
            if self.depth > 0 {
                self.within(*byte, take)?;
            } else {
                self.between(*byte)?;
            }
            self.line += u64::from(*byte == b'\n');
        }
        Ok(())
    }

    /// Whether what has come may end here.
    pub(super) fn end(&mut self, _: Take<'_>) -> Result<(), Wrong> {
        if self.depth > 0 {
            let line = self.row;
            let what = "an object does not end".to_owned();
            return Err(Wrong::Row { line, what });
        }
        match self.next {
            Next::End | Next::Line => Ok(()),
            _ => Err(self.wrong("the array does not end")),
        }
    }

    fn between(&mut self, byte: u8) -> Result<(), Wrong> {
        self.next = match (self.next, byte) {
            (next, b' ' | b'\t' | b'\r' | b'\n') => next,
            (Next::Open, b'[') => Next::First,
            (Next::First | Next::Comma, b']') => Next::End,
            (Next::Comma, b',') => Next::Object,
            (Next::First | Next::Line | Next::Object, b'{') => {
                (self.depth, self.row) = (1, self.line);
                self.object.push(byte);
                self.next
            }
            (Next::Open, _) => return Err(self.wrong("JSON rows are an array of objects")),
            (Next::End, _) => return Err(self.wrong("something follows the array")),
            (Next::Comma, _) => return Err(self.wrong("no comma follows an object")),
            (Next::First | Next::Line | Next::Object, _) => {
                return Err(self.wrong("there is something that is no object"));
            }
        };
        Ok(())
    }

    fn within(&mut self, byte: u8, take: Take<'_>) -> Result<(), Wrong> {
        self.object.push(byte);
        if self.object.len() > ROW_MAX {
            return Err(self.wrong(format!("an object has more than {ROW_MAX} bytes")));
        }
        if self.in_text {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_text = false,
                _ => {}
            }
            return Ok(());
        }
        match byte {
            b'"' => self.in_text = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth -= 1,
            b'\n' if self.next == Next::Line => {
                return Err(self.wrong("an object does not end on its line"));
            }
            _ => {}
        }
        if self.depth == 0 {
            self.finish(take)?;
        }
        Ok(())
    }

    fn finish(&mut self, take: Take<'_>) -> Result<(), Wrong> {
        let (line, object) = (self.row, std::mem::take(&mut self.object));
        if self.next != Next::Line {
            self.next = Next::Comma;
        }
        match serde_json::from_slice(&object) {
            Ok(Value::Object(fields)) => take(Row {
                fields: Fields::Object(fields),
                line,
            }),
            Ok(_) => Err(self.wrong("there is something that is no object")),
            Err(reason) => {
                // Its lines count from the object's first.
                let line = line + reason.line().saturating_sub(1) as u64;
                let what = reason.to_string();
                let what = what
                    .split(" at line ")
                    .next()
                    .unwrap_or_default()
                    .to_owned();
                Err(Wrong::Row { line, what })
            }
        }
    }

    fn wrong(&self, what: impl Into<String>) -> Wrong {
        Wrong::Row {
            line: self.line,
            what: what.into(),
        }
    }
}
