//! `process-data`: filters, selects and aggregates rows of CSV or JSON.
//!
//! Rows come from the payload itself or from a file that an earlier task of the same tenant made;
//! what comes of them is in the output when it is small, and a file otherwise.
//!
//! Invariant: it holds one row at a time, and with an aggregate one line for each group, however
//! much comes in; a row that cannot be read or does not fit the question ends it with the number of
//! its line, and nothing of what was made before is kept.

mod aggregate;
mod condition;
mod csv_rows;
mod json_rows;
mod row;
mod sink;
mod source;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use commands::Commands;
use files::Files;
use futures::StreamExt as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{AttemptContext, Handler, Outcome, read, unless_stopped};
use aggregate::{Aggregate, Groups};
use condition::Condition;
use csv_rows::CsvRows;
use json_rows::JsonRows;
use row::{Row, Wrong};
use sink::{Shape, Sink};
use source::{Input, Source};

/// The handler.
pub struct ProcessData {
    commands: Commands,
    files: Option<Files>,
}

/// What it is given.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    /// Instead of rows, what they come to.
    #[serde(default)]
    aggregate: Option<Aggregate>,
    /// Which rows are wanted: all of these hold.
    #[serde(default)]
    filter: Vec<Condition>,
    input: Input,
    #[serde(default)]
    output: sink::Wanted,
    /// Which fields are wanted, in this order; all if absent.
    #[serde(default)]
    select: Option<Vec<String>>,
}

/// How rows are written down.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Format {
    /// Comma-separated values with a line of names (RFC 4180).
    Csv,
    /// An array of objects.
    Json,
    /// An object on each line.
    Ndjson,
}

/// Rows as their bytes come.
enum Rows {
    Csv(CsvRows),
    Json(JsonRows),
}

/// What is done with each row.
struct Work {
    filter: Vec<Condition>,
    groups: Option<Groups>,
    rows_in: u64,
    sink: Sink,
}

impl ProcessData {
    /// One that reads tasks by `commands` and makes files in `files`.
    pub fn new(commands: Commands, files: Option<Files>) -> Self {
        Self { commands, files }
    }

    async fn process(&self, payload: Payload, context: &AttemptContext) -> Result<Value, Outcome> {
        let Payload {
            aggregate,
            filter,
            input,
            output,
            select,
        } = payload;
        if aggregate.is_some() && select.is_some() {
            let why = "select has no meaning beside aggregate, which names its fields itself";
            return Err(Outcome::fail("invalid_payload", why));
        }
        let mut source = Source::open(input, &self.commands, self.files.as_ref(), context).await?;
        let mut rows = match source.format {
            Format::Csv => Rows::Csv(CsvRows::default()),
            Format::Json => Rows::Json(JsonRows::array()),
            Format::Ndjson => Rows::Json(JsonRows::lines()),
        };
        let columns = aggregate.as_ref().map_or(select, |it| Some(it.columns()));
        let shape = Shape::of(&output, source.format, columns);
        let mut work = Work {
            filter,
            groups: aggregate.map(Groups::try_new).transpose()?,
            rows_in: 0,
            sink: Sink::new(shape, self.files.clone()),
        };
        let mut read = 0;
        while let Some(part) = source.parts.next().await {
            let part = part.map_err(super::stored::failed)?;
            rows.feed(&part, &mut |row| work.take(&row))?;
            read += part.len() as u64;
            context.report.progress(read, source.bytes, "bytes");
            tokio::task::yield_now().await;
        }
        rows.end(&mut |row| work.take(&row))?;
        if let Rows::Csv(rows) = &rows {
            work.sink.names(rows.header());
        }
        work.finish(context).await
    }
}

#[async_trait]
impl Handler for ProcessData {
    async fn run(&self, payload: Value, context: &AttemptContext) -> Outcome {
        let processed = async {
            let payload = read(payload)?;
            self.process(payload, context).await
        };
        unless_stopped(context, processed).await
    }
}

impl Rows {
    fn feed(
        &mut self,
        bytes: &[u8],
        take: &mut dyn FnMut(Row) -> Result<(), Wrong>,
    ) -> Result<(), Wrong> {
        match self {
            Self::Csv(rows) => rows.feed(bytes, take),
            Self::Json(rows) => rows.feed(bytes, take),
        }
    }

    fn end(&mut self, take: &mut dyn FnMut(Row) -> Result<(), Wrong>) -> Result<(), Wrong> {
        match self {
            Self::Csv(rows) => rows.end(take),
            Self::Json(rows) => rows.end(take),
        }
    }
}

impl Work {
    fn take(&mut self, row: &Row) -> Result<(), Wrong> {
        self.rows_in += 1;
        for condition in &self.filter {
            if !condition.holds(row)? {
                return Ok(());
            }
        }
        match &mut self.groups {
            Some(groups) => groups.take(row),
            None => self.sink.push(row),
        }
    }

    async fn finish(mut self, context: &AttemptContext) -> Result<Value, Outcome> {
        for row in self.groups.take().into_iter().flat_map(Groups::finish) {
            self.sink.push(&row)?;
        }
        let rows_out = self.sink.rows();
        let mut output = self.sink.finish(context).await?;
        output["rows_in"] = json!(self.rows_in);
        output["rows_out"] = json!(rows_out);
        Ok(output)
    }
}
