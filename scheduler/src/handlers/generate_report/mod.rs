//! `generate-report`: what analysts' queries answer, as a page and as comma-separated values.
//!
//! The SQL sees what `analyst_<slug>` sees of the views of schema `analytics`, but nothing of
//! users: who may create tasks need not be an administrator.
//!
//! Invariant: whatever a query answers, it is text in the page and runs nothing; all queries of a
//! report are of one position. Time and rows are bounded.

mod page;
#[cfg(test)]
mod tests;

use std::time::Duration;

use async_trait::async_trait;
use files::{Files, FilesError, Writing};
use futures::StreamExt as _;
use projections::{Extract, Extracts, People};
use runtime::Clock;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    AttemptContext, Handler, Outcome, csv::write_row, extracted, read, stored, table::cells,
    unless_stopped,
};
use page::Page;

/// How long one query may take.
const LIMIT: Duration = Duration::from_mins(1);
/// How many rows a query may have unless less is asked for.
const ROWS_MAX: u64 = 100_000;
/// How many queries a report may have.
const QUERIES_MAX: usize = 20;

/// The handler.
pub struct GenerateReport {
    clock: Clock,
    extracts: Option<Extracts>,
    files: Option<Files>,
}

/// What it is given.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    queries: Vec<Asked>,
    /// How many rows each query may have.
    #[serde(default = "rows_max")]
    rows_max: u64,
    title: String,
}

/// A query of a report.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// One query over the views of analysts.
    sql: String,
    title: String,
}

fn rows_max() -> u64 {
    10_000
}

impl GenerateReport {
    pub fn new(clock: Clock, extracts: Option<Extracts>, files: Option<Files>) -> Self {
        Self {
            clock,
            extracts,
            files,
        }
    }

    async fn report(&self, payload: Payload, context: &AttemptContext) -> Result<Value, Outcome> {
        check(&payload)?;
        let extracts = extracted::place(self.extracts.as_ref())?;
        let files = stored::place(self.files.as_ref())?;
        let limit = extracted::limit(context, LIMIT);
        let begun = extracts.begin(context.tenant, People::Left, limit).await;
        let mut extract = begun.map_err(extracted::failed)?;
        let position = extract.position().0;
        let page = files.begin().map_err(stored::failed)?;
        let mut page = Page::begin(page, &payload.title).map_err(broken)?;
        let (mut kept, mut counts) = (Vec::new(), Vec::new());
        for (at, asked) in payload.queries.iter().enumerate() {
            let mut sheet = files.begin().map_err(stored::failed)?;
            let rows_max = payload.rows_max;
            let rows = section(&mut extract, asked, rows_max, &mut page, &mut sheet);
            counts.push(json!({"title": asked.title, "rows": rows.await?}));
            let of = payload.queries.len() as u64;
            context.report.progress(at as u64 + 1, Some(of), "queries");
            let name = match payload.queries.len() {
                1 => "report.csv".to_owned(),
                _ => format!("report-{}.csv", at + 1),
            };
            kept.push((name, sheet));
        }
        extract.end().await;
        let page = page.end(position, self.clock.now()).map_err(broken)?;
        kept.insert(0, ("report.html".to_owned(), page));
        let mut told = Vec::new();
        for (name, writing) in kept {
            let name = name
                .parse()
                .map_err(|reason| Outcome::fail("invalid_payload", reason))?;
            told.push(stored::told(&stored::keep(writing, context, name).await?));
        }
        Ok(json!({"files": told, "position": position, "queries": counts}))
    }
}

fn check(payload: &Payload) -> Result<(), Outcome> {
    let invalid = |why: String| Err(Outcome::fail("invalid_payload", why));
    if payload.queries.is_empty() || payload.queries.len() > QUERIES_MAX {
        return invalid(format!("a report has 1 to {QUERIES_MAX} queries"));
    }
    if payload.rows_max == 0 || payload.rows_max > ROWS_MAX {
        return invalid(format!("rows_max is 1 to {ROWS_MAX}"));
    }
    Ok(())
}

/// Writes what `asked` answers into the page and the sheet; how many rows.
async fn section(
    extract: &mut Extract,
    asked: &Asked,
    rows_max: u64,
    page: &mut Page<Writing>,
    sheet: &mut Writing,
) -> Result<u64, Outcome> {
    let of_query = |outcome: Outcome| match outcome {
        Outcome::Fail(mut error) => {
            error.message = format!("{}: {}", asked.title, error.message);
            Outcome::Fail(error)
        }
        other => other,
    };
    let failed = |reason| of_query(extracted::failed(reason));
    let question = extract.ask(&asked.sql).await.map_err(failed)?;
    let names: Vec<_> = question
        .columns()
        .iter()
        .map(|it| it.name.clone())
        .collect();
    page.section(&asked.title, &names).map_err(broken)?;
    write_row(sheet, names.iter().map(String::as_str)).map_err(broken)?;
    let mut rows = 0;
    let mut found = std::pin::pin!(extract.rows(&question, rows_max));
    while let Some(row) = found.next().await {
        let row = row.map_err(failed)?;
        let fields: Map<String, Value> =
            serde_json::from_str(&row).map_err(|reason| Outcome::fail("query_refused", reason))?;
        let cells = cells(&fields, &names);
        page.row(&cells).map_err(broken)?;
        write_row(sheet, cells.iter().map(String::as_str)).map_err(broken)?;
        rows += 1;
    }
    page.end_section(rows).map_err(broken)?;
    Ok(rows)
}

#[async_trait]
impl Handler for GenerateReport {
    fn is_able(&self) -> bool {
        self.extracts.is_some()
    }

    async fn run(&self, payload: Value, context: &AttemptContext) -> Outcome {
        let reported = async { self.report(read(payload)?, context).await };
        unless_stopped(context, reported).await
    }
}

fn broken(reason: std::io::Error) -> Outcome {
    stored::failed(FilesError::from(reason))
}
