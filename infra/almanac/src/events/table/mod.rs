//! Events as the rows of a Parquet file.
//!
//! `data` is the event's own text, byte by byte as it was written. Times are what the log knows,
//! milliseconds, in the unit that readers agree on.
//!
//! Invariant: a row for each event, in their order; the same events give the same bytes, since rows
//! are grouped by their number alone.

use std::{fs, path::Path, sync::Arc};

use anyhow::Result;
use event_log::Commit;
use parquet::{
    basic::Compression,
    data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type},
    file::{
        properties::WriterProperties,
        reader::{FileReader as _, SerializedFileReader},
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::parser::parse_message_type,
};
use schemas::catalogue::decode_records;

use super::{UNDECODABLE, encode::Output, filter::Filter};

/// How many rows are kept together.
const GROUP: usize = 20_000;

/// The columns, in the order in which they are written.
const COLUMNS: &str = "message event {
    required int64 position;
    required int32 index;
    required binary tenant (STRING);
    required binary kind (STRING);
    required binary id (STRING);
    required int64 version;
    required binary type (STRING);
    required int32 v;
    required int64 time (TIMESTAMP(MICROS,true));
    required binary actor (STRING);
    required binary command (STRING);
    required binary correlation (STRING);
    optional binary causation (STRING);
    required binary data (JSON);
    required binary hash (STRING);
}";

/// A file that is being written.
pub struct Table {
    rows: Rows,
    writer: SerializedFileWriter<Output>,
}

/// Rows by columns, until there are enough to be written.
#[derive(Default)]
struct Rows {
    position: Vec<i64>,
    index: Vec<i32>,
    tenant: Vec<ByteArray>,
    kind: Vec<ByteArray>,
    id: Vec<ByteArray>,
    version: Vec<i64>,
    name: Vec<ByteArray>,
    v: Vec<i32>,
    time: Vec<i64>,
    actor: Vec<ByteArray>,
    command: Vec<ByteArray>,
    correlation: Vec<ByteArray>,
    /// Those that are there, and for each row whether it has one.
    causation: (Vec<ByteArray>, Vec<i16>),
    data: Vec<ByteArray>,
    hash: Vec<ByteArray>,
}

impl Table {
    pub fn begin(output: Output) -> Result<Self> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("almanac ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let columns = Arc::new(parse_message_type(COLUMNS)?);
        let writer = SerializedFileWriter::new(output, columns, Arc::new(properties))?;
        let rows = Rows::default();
        Ok(Self { rows, writer })
    }

    /// Adds the events of `commit` that are wanted.
    pub fn push(&mut self, commit: &Commit, filter: &Filter) -> Result<()> {
        let wanted = |name: &str| filter.admits_type(name);
        if !filter.admits_commit(commit) {
            return Ok(());
        }
        let records = decode_records(&commit.payload).unwrap_or_default();
        for (record, index) in records.iter().zip(0..) {
            if wanted(&format!("{}.v{}", record.name, record.v)) {
                let v = i32::from(record.v);
                self.rows
                    .push(commit, index, &record.name, v, record.data.get());
            }
        }
        if records.is_empty() && wanted(UNDECODABLE) {
            self.rows.push(commit, 0, UNDECODABLE, 0, "{}");
        }
        if self.rows.position.len() >= GROUP {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<()> {
        let rows = std::mem::take(&mut self.rows);
        let mut group = self.writer.next_row_group()?;
        rows.write(&mut group)?;
        group.close()?;
        Ok(())
    }

    pub fn finish(mut self) -> Result<Output> {
        if !self.rows.position.is_empty() {
            self.write()?;
        }
        Ok(self.writer.into_inner()?)
    }
}

impl Rows {
    fn push(&mut self, commit: &Commit, index: i32, name: &str, v: i32, data: &str) {
        let text = |text: String| ByteArray::from(text.into_bytes());
        let (meta, stream) = (&commit.meta, commit.stream);
        self.position.push(commit.position.0 as i64);
        self.index.push(index);
        self.tenant.push(text(stream.tenant.to_string()));
        self.kind.push(stream.kind.name().into());
        self.id.push(text(stream.id.to_string()));
        self.version.push(meta.version.0 as i64);
        self.name.push(name.into());
        self.v.push(v);
        self.time.push(meta.time.unix_ms() * 1_000);
        self.actor.push(text(meta.actor.to_string()));
        self.command.push(text(meta.command.to_string()));
        self.correlation.push(text(meta.correlation.to_string()));
        let (values, levels) = &mut self.causation;
        levels.push(i16::from(meta.causation.is_some()));
        values.extend(meta.causation.map(|id| text(id.to_string())));
        self.data.push(data.into());
        self.hash.push(text(meta.hash.to_string()));
    }

    fn write(self, group: &mut SerializedRowGroupWriter<'_, Output>) -> Result<()> {
        column::<Int64Type>(group, &self.position, None)?;
        column::<Int32Type>(group, &self.index, None)?;
        column::<ByteArrayType>(group, &self.tenant, None)?;
        column::<ByteArrayType>(group, &self.kind, None)?;
        column::<ByteArrayType>(group, &self.id, None)?;
        column::<Int64Type>(group, &self.version, None)?;
        column::<ByteArrayType>(group, &self.name, None)?;
        column::<Int32Type>(group, &self.v, None)?;
        column::<Int64Type>(group, &self.time, None)?;
        column::<ByteArrayType>(group, &self.actor, None)?;
        column::<ByteArrayType>(group, &self.command, None)?;
        column::<ByteArrayType>(group, &self.correlation, None)?;
        let (values, levels) = &self.causation;
        column::<ByteArrayType>(group, values, Some(levels))?;
        column::<ByteArrayType>(group, &self.data, None)?;
        column::<ByteArrayType>(group, &self.hash, None)
    }
}

/// How many rows a file has.
pub fn rows(path: &Path) -> Result<u64> {
    let file = SerializedFileReader::new(fs::File::open(path)?)?;
    Ok(file.metadata().file_metadata().num_rows() as u64)
}

/// Writes the next column.
fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Output>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<()> {
    let Some(mut column) = group.next_column()? else {
        anyhow::bail!("more columns are written than there are");
    };
    column.typed::<T>().write_batch(values, levels, None)?;
    column.close()?;
    Ok(())
}

#[cfg(test)]
mod tests;
