//! The same rows in each format, read again by somebody else's reader.
//!
//! Invariant: nothing here trusts what was written.

use bytes::Bytes;
use parquet::file::reader::{FileReader as _, SerializedFileReader};

use super::*;

fn columns() -> Vec<ExtractColumn> {
    let of = |(name, kind): (&str, &str)| ExtractColumn {
        kind: kind.to_owned(),
        name: name.to_owned(),
    };
    let all = [
        ("id", "UUID"),
        ("n", "INT8"),
        ("is_it", "BOOL"),
        ("at", "TIMESTAMPTZ"),
        ("data", "JSONB"),
    ];
    all.map(of).into()
}

const ROWS: [&str; 2] = [
    concat!(
        r#"{"id":"a,b","n":9007199254740993,"is_it":true,"#,
        r#""at":"2027-01-01T00:00:00.25+00:00","data":{"x":[1]}}"#
    ),
    r#"{"id":"c","n":null,"is_it":null,"at":null,"data":null}"#,
];

fn written(format: TableFormat, rows: &[&str]) -> Vec<u8> {
    let mut table = Table::begin(format, &columns(), Vec::new()).expect("begun");
    for row in rows {
        table.push(row).expect("taken in");
    }
    table.finish().expect("written")
}

#[test]
fn lines_and_cells_say_what_the_rows_say() {
    let lines = String::from_utf8(written(TableFormat::Ndjson, &ROWS)).expect("text");
    assert_eq!(lines, format!("{}\n{}\n", ROWS[0], ROWS[1]));
    let cells = String::from_utf8(written(TableFormat::Csv, &ROWS)).expect("text");
    let expected = "id,n,is_it,at,data\r\n\"a,b\",9007199254740993,true,\
                    2027-01-01T00:00:00.25+00:00,\"{\"\"x\"\":[1]}\"\r\nc,,,,\r\n";
    assert_eq!(cells, expected);
    assert_eq!(written(TableFormat::Csv, &[]), b"id,n,is_it,at,data\r\n");
}

#[test]
fn columns_are_read_back_with_their_types() {
    let bytes = written(TableFormat::Parquet, &ROWS);
    assert_eq!(
        bytes,
        written(TableFormat::Parquet, &ROWS),
        "the same bytes"
    );
    let reader = SerializedFileReader::new(Bytes::from(bytes)).expect("a file");
    let rows = reader.get_row_iter(None).expect("rows");
    let rows: Vec<_> = rows.map(|row| row.expect("a row")).collect();
    let shown = |row: &parquet::record::Row| -> Vec<String> {
        row.get_column_iter()
            .map(|(_, field)| field.to_string())
            .collect()
    };
    assert_eq!(rows.len(), 2);
    let first = shown(&rows[0]);
    assert_eq!(first[..3], ["\"a,b\"", "9007199254740993", "true"]);
    assert!(first[3].starts_with("2027-01-01 00:00:00"), "{first:?}");
    assert_eq!(first[4], "\"{\"x\":[1]}\"");
    assert_eq!(shown(&rows[1]), ["\"c\"", "null", "null", "null", "null"]);
}

#[test]
fn a_value_of_another_type_is_an_error() {
    let mut table = Table::begin(TableFormat::Parquet, &columns(), Vec::new()).expect("begun");
    assert!(table.push(r#"{"n":"x"}"#).is_err());
}
