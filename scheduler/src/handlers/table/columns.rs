//! Rows by columns, as Parquet.
//!
//! Invariant: the same rows give the same bytes; a column has the type that the view has, and what
//! Parquet has no type for is text, as JSON writes it.

use std::{fmt::Write as _, io, io::Write, sync::Arc};

use chrono::DateTime;
use parquet::{
    basic::Compression,
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::parser::parse_message_type,
};
use projections::ExtractColumn;
use serde_json::{Map, Value};

use crate::handlers::csv::cell;

/// How many rows are kept together.
const GROUP: usize = 20_000;
/// How many bytes of rows, whatever their number.
const GROUP_BYTES: usize = 16 << 20;

/// A file of columns that is being written.
pub struct Columns<W: Write + Send> {
    bytes: usize,
    cells: Vec<(String, Cells)>,
    rows: usize,
    writer: SerializedFileWriter<W>,
}

/// The cells of a column, and for each row whether it has one.
struct Cells {
    levels: Vec<i16>,
    values: Values,
}

enum Values {
    Bool(Vec<bool>),
    Double(Vec<f64>),
    Instant(Vec<i64>),
    Int(Vec<i64>),
    Text(Vec<ByteArray>),
}

impl Values {
    /// None yet, of the type that Postgres calls so; and how Parquet calls it.
    fn of(kind: &str) -> (Self, &'static str, &'static str) {
        match kind {
            "BOOL" => (Self::Bool(Vec::new()), "boolean", ""),
            "FLOAT4" | "FLOAT8" => (Self::Double(Vec::new()), "double", ""),
            "INT2" | "INT4" | "INT8" => (Self::Int(Vec::new()), "int64", ""),
            "JSON" | "JSONB" => (Self::Text(Vec::new()), "binary", " (JSON)"),
            "TIMESTAMPTZ" => {
                let kind = " (TIMESTAMP(MICROS,true))";
                (Self::Instant(Vec::new()), "int64", kind)
            }
            _ => (Self::Text(Vec::new()), "binary", " (STRING)"),
        }
    }

    /// Takes in a value; whether it is one.
    fn push(&mut self, value: &Value, is_json: bool) -> io::Result<bool> {
        let other = || io::Error::other(format!("{value} is not of the type of its column"));
        if value.is_null() {
            return Ok(false);
        }
        match self {
            Self::Bool(values) => values.push(value.as_bool().ok_or_else(other)?),
            Self::Double(values) => {
                // JSON has no number for what is none.
                let Some(value) = value.as_f64() else {
                    return Ok(false);
                };
                values.push(value);
            }
            Self::Instant(values) => {
                let text = value.as_str().ok_or_else(other)?;
                // `infinity` is no instant.
                let Ok(at) = DateTime::parse_from_rfc3339(text) else {
                    return Ok(false);
                };
                values.push(at.timestamp_micros());
            }
            Self::Int(values) => values.push(value.as_i64().ok_or_else(other)?),
            Self::Text(values) => {
                let text = if is_json {
                    value.to_string()
                } else {
                    cell(value)
                };
                values.push(text.into_bytes().into());
            }
        }
        Ok(true)
    }
}

impl<W: Write + Send> Columns<W> {
    pub fn begin(columns: &[ExtractColumn], to: W) -> io::Result<Self> {
        let mut message = "message row {\n".to_owned();
        let mut found = Vec::with_capacity(columns.len());
        for column in columns {
            let (values, kind, meaning) = Values::of(&column.kind);
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if !column.name.chars().all(plain) {
                let told = format!("Parquet has no column {:?}", column.name);
                return Err(io::Error::other(told));
            }
            let _ = writeln!(message, "  optional {kind} {}{meaning};", column.name);
            let cells = Cells {
                levels: Vec::new(),
                values,
            };
            found.push((column.name.clone(), cells));
        }
        message.push('}');
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("almanac ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let schema = Arc::new(parse_message_type(&message).map_err(broken)?);
        let writer = SerializedFileWriter::new(to, schema, Arc::new(properties));
        Ok(Self {
            bytes: 0,
            cells: found,
            rows: 0,
            writer: writer.map_err(broken)?,
        })
    }

    pub fn push(&mut self, row: &str) -> io::Result<()> {
        let fields: Map<String, Value> = serde_json::from_str(row)?;
        for (name, cells) in &mut self.cells {
            let value = fields.get(name).unwrap_or(&Value::Null);
            let is_json = matches!(value, Value::Object(_) | Value::Array(_));
            let is_there = cells.values.push(value, is_json)?;
            cells.levels.push(i16::from(is_there));
        }
        self.rows += 1;
        self.bytes += row.len();
        if self.rows >= GROUP || self.bytes >= GROUP_BYTES {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        let mut group = self.writer.next_row_group().map_err(broken)?;
        for (_, cells) in &mut self.cells {
            cells.write(&mut group).map_err(broken)?;
        }
        group.close().map_err(broken)?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }

    pub fn finish(mut self) -> io::Result<W> {
        if self.rows > 0 {
            self.write()?;
        }
        self.writer.into_inner().map_err(broken)
    }
}

impl Cells {
    /// Writes them as the next column, after which there are none.
    fn write<W: Write + Send>(
        &mut self,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), ParquetError> {
        let levels = std::mem::take(&mut self.levels);
        match &mut self.values {
            Values::Bool(values) => column::<BoolType, W>(group, values, &levels),
            Values::Double(values) => column::<DoubleType, W>(group, values, &levels),
            Values::Instant(values) | Values::Int(values) => {
                column::<Int64Type, W>(group, values, &levels)
            }
            Values::Text(values) => column::<ByteArrayType, W>(group, values, &levels),
        }
    }
}

fn column<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &mut Vec<T::T>,
    levels: &[i16],
) -> Result<(), ParquetError> {
    let none = || ParquetError::General("more columns are written than there are".to_owned());
    let mut column = group.next_column()?.ok_or_else(none)?;
    column
        .typed::<T>()
        .write_batch(values, Some(levels), None)?;
    values.clear();
    column.close()
}

/// What the file itself says is wrong is told as it is.
fn broken(reason: ParquetError) -> io::Error {
    match reason {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(told) => *told,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}
