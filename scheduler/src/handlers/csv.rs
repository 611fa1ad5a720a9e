//! Rows as comma-separated values (RFC 4180), a line for each.
//!
//! Invariant: what is written reads back as the same cells, whatever they hold.

use std::io::{self, Write};

use serde_json::Value;

/// Writes a row.
pub fn write_row<'a>(
    to: &mut impl Write,
    cells: impl IntoIterator<Item = &'a str>,
) -> io::Result<()> {
    let mut line = String::new();
    for (at, cell) in cells.into_iter().enumerate() {
        if at > 0 {
            line.push(',');
        }
        push(&mut line, cell);
    }
    // A row of one empty cell would be no row.
    if line.is_empty() {
        line.push_str("\"\"");
    }
    line.push_str("\r\n");
    to.write_all(line.as_bytes())
}

fn push(line: &mut String, cell: &str) {
    if cell.contains([',', '"', '\r', '\n']) {
        line.push('"');
        line.push_str(&cell.replace('"', "\"\""));
        line.push('"');
    } else {
        line.push_str(cell);
    }
}

/// A value as a cell: text as it is, nothing for null, anything else as JSON.
pub fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_that_need_it_are_quoted() {
        let mut line = Vec::new();
        write_row(&mut line, ["a", "b,c", "d\"e", "", "f\ng"]).expect("written");
        assert_eq!(line, b"a,\"b,c\",\"d\"\"e\",,\"f\ng\"\r\n");
        line.clear();
        write_row(&mut line, [""]).expect("written");
        assert_eq!(line, b"\"\"\r\n");
        let cells = [Value::Null, "x".into(), 1.5.into(), serde_json::json!([1])];
        let cells: Vec<_> = cells.iter().map(cell).collect();
        assert_eq!(cells, ["", "x", "1.5", "[1]"]);
    }
}
