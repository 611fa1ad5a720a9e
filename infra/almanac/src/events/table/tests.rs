//! What is read back is what the lines say.

use event_log::{Entry, Position};
use parquet::record::{Field, Row};
use schemas::api::EventView;
use serde_json::Value;

use super::*;
use crate::events::{filter::tests::commit_at, line::views};

fn text(row: &Row, column: usize) -> String {
    match row.get_column_iter().nth(column).map(|(_, field)| field) {
        Some(Field::Str(text)) => text.clone(),
        Some(Field::Bytes(bytes)) => bytes.as_utf8().expect("text").to_owned(),
        Some(Field::Null) => String::new(),
        other => panic!("column {column} is {other:?}"),
    }
}

fn number(row: &Row, column: usize) -> i64 {
    match row.get_column_iter().nth(column).map(|(_, field)| field) {
        Some(Field::Long(number) | Field::TimestampMicros(number)) => *number,
        Some(Field::Int(number)) => i64::from(*number),
        other => panic!("column {column} is {other:?}"),
    }
}

/// A row as its line has it.
fn same(row: &Row, view: &EventView, hash: &str) {
    assert_eq!(number(row, 0).to_string(), view.sequence);
    assert_eq!(format!("{}.{}", number(row, 0), number(row, 1)), view.id);
    assert_eq!(format!("/tenants/{}", text(row, 2)), view.source);
    assert_eq!(format!("{}/{}", text(row, 3), text(row, 4)), view.subject);
    assert_eq!(number(row, 5) as u64, view.streamrevision);
    assert_eq!(format!("{}.v{}", text(row, 6), number(row, 7)), view.name);
    assert_eq!(number(row, 8), view.time.unix_ms() * 1_000);
    assert_eq!(text(row, 9), view.actorid);
    assert_eq!(text(row, 10), view.commandid.to_string());
    assert_eq!(text(row, 11), view.correlationid.to_string());
    let causation = view.causationid.map(|id| id.to_string());
    assert_eq!(text(row, 12), causation.unwrap_or_default());
    let data: Value = serde_json::from_str(&text(row, 13)).expect("JSON");
    assert_eq!(data, view.data);
    assert_eq!(text(row, 14), hash);
}

#[test]
fn rows_say_what_lines_say() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.parquet");
    let file = fs::File::create(&path).expect("a file");
    let filter = Filter::default();
    let mut table = Table::begin(Output::new(Some(file))).expect("begun");
    let mut expected = Vec::new();
    for at in 1..=GROUP as i64 {
        let mut commit = commit_at(at * 1_000).stored_at(Position(at as u64));
        commit.meta.causation = (at % 3 == 0).then(|| uuid::Uuid::from_u128(9));
        table.push(&commit, &filter).expect("taken");
        let hash = commit.meta.hash.to_string();
        let views = views(&Entry::Commit(commit), &filter);
        expected.extend(views.into_iter().map(|view| (view, hash.clone())));
    }
    // Dropped only when all of it is in the file.
    drop(table.finish().expect("finished"));
    let reader = SerializedFileReader::new(fs::File::open(&path).expect("there")).expect("read");
    assert_eq!(reader.metadata().num_row_groups(), 2);
    assert_eq!(rows(&path).expect("counted"), expected.len() as u64);
    let found = reader.get_row_iter(None).expect("rows");
    let mut count = 0;
    for (row, (view, hash)) in found.zip(&expected) {
        same(&row.expect("a row"), view, hash);
        count += 1;
    }
    assert_eq!(count, expected.len());
}
