//! Rows in and rows out.
//!
//! Invariant: what comes in is cut at every place, so that no row depends on how its bytes came.

use domain::{
    Actor, CommandId, TaskId,
    task::{Task, TaskCommand, TaskCreated, TaskSpec},
};
use proptest::prelude::*;
use runtime::Clock;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::handlers::testing::{attempt, code, commands};

const SALES: &str = "city,amount,note\r\nBerlin,10,\r\n\"Köln, West\",2.5,\"a \"\"b\"\"\r\nc\"\r\n\
                     Berlin,7,x\r\nKöln,,\r\n";

async fn run(payload: Value) -> Outcome {
    let handler = ProcessData::new(commands(), None);
    handler.run(payload, &attempt()).await
}

async fn done(payload: Value) -> Value {
    match run(payload).await {
        Outcome::Done(output) => output,
        other => panic!("{other:?}"),
    }
}

fn csv(content: &str) -> Value {
    json!({"text": {"content": content, "format": "csv"}})
}

fn message(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Fail(error) | Outcome::Retry(error) => &error.message,
        Outcome::Done(output) => panic!("done: {output}"),
    }
}

#[tokio::test]
async fn rows_are_filtered_and_selected() {
    let output = done(json!({
        "input": csv(SALES),
        "filter": [{"field": "amount", "op": "gt", "value": 2}],
        "select": ["amount", "city"],
        "output": {"format": "json"},
    }));
    let expected = json!({
        "rows": [
            {"amount": "10", "city": "Berlin"},
            {"amount": "2.5", "city": "Köln, West"},
            {"amount": "7", "city": "Berlin"},
        ],
        "rows_in": 4, "rows_out": 3,
    });
    assert_eq!(output.await, expected);
    let same = done(json!({"input": csv(SALES)})).await;
    assert_eq!(same["text"], SALES);
}

#[tokio::test]
async fn each_condition_holds_where_it_should() {
    let rows = json!([{"n": 1, "t": "one"}, {"n": 2, "t": "two", "l": ["x"]}, {"t": "none"}]);
    for (condition, expected) in [
        (
            json!({"field": "n", "op": "eq", "value": 1.0}),
            json!(["one"]),
        ),
        (
            json!({"field": "n", "op": "ne", "value": 1}),
            json!(["two", "none"]),
        ),
        (
            json!({"field": "n", "op": "le", "value": 2}),
            json!(["one", "two"]),
        ),
        (
            json!({"field": "n", "op": "in", "value": [2, 3]}),
            json!(["two"]),
        ),
        (json!({"field": "n", "op": "absent"}), json!(["none"])),
        (json!({"field": "l", "op": "present"}), json!(["two"])),
        (
            json!({"field": "l", "op": "contains", "value": "x"}),
            json!(["two"]),
        ),
        (
            json!({"field": "t", "op": "contains", "value": "o"}),
            json!(["one", "two", "none"]),
        ),
        (
            json!({"field": "t", "op": "ge", "value": "one"}),
            json!(["one", "two"]),
        ),
        (
            json!({"field": "/l/0", "op": "eq", "value": "x"}),
            json!(["two"]),
        ),
    ] {
        let payload = json!({
            "input": {"rows": rows}, "filter": [condition], "select": ["t"],
        });
        let output = done(payload).await;
        let found = output["rows"].as_array().expect("rows").iter();
        let found: Vec<_> = found.map(|row| row["t"].clone()).collect();
        assert_eq!(json!(found), expected, "{condition}");
    }
}

#[tokio::test]
async fn groups_come_to_what_their_rows_do() {
    let output = done(json!({
        "input": csv("k,n\nb,1\na,2\nb,\na,9007199254740993\nb,3\n"),
        "aggregate": {"by": ["k"], "measures": [
            {"op": "count"}, {"op": "count", "field": "n", "as": "known"},
            {"op": "sum", "field": "n"}, {"op": "min", "field": "n"},
            {"op": "max", "field": "n"}, {"op": "avg", "field": "n"},
        ]},
        "output": {"format": "csv"},
    }));
    let expected = "k,count,known,sum_n,min_n,max_n,avg_n\r\n\
        a,2,2,9007199254740995,2,9007199254740993,4503599627370498.0\r\nb,3,2,4,1,3,2.0\r\n";
    assert_eq!(output.await["text"], expected);
    let none = done(json!({
        "input": {"rows": []}, "aggregate": {"measures": [{"op": "count"}]},
    }));
    assert_eq!(
        none.await,
        json!({"rows": [{"count": 0}], "rows_in": 0, "rows_out": 1})
    );
}

/// What comes in, what is asked, and what is said.
fn wrong() -> Vec<(Value, Value, &'static str)> {
    let sum = json!({"measures": [{"op": "sum", "field": "n"}]});
    vec![
        (
            csv("a,b\n1,2\n3\n"),
            json!({}),
            "line 3: it has 1 cells, and the first line 2",
        ),
        (
            csv("a\n\"1\n2\n"),
            json!({}),
            "line 2: a quoted cell does not end",
        ),
        (
            csv("a\n\"1\"2\n"),
            json!({}),
            "line 2: something follows a quoted cell",
        ),
        (
            csv("a\nb\"\n"),
            json!({}),
            "line 2: a quote is in a cell without quotes",
        ),
        (
            csv("a,a\n"),
            json!({}),
            "line 1: two columns are called \"a\"",
        ),
        (
            csv(""),
            json!({}),
            "line 1: there is no line with the names of the columns",
        ),
        (
            csv("n\n1\n\"x\ny\"\n"),
            json!({"aggregate": sum}),
            "line 3: \"n\" is \"x\\ny\" and no",
        ),
        (
            json!({"rows": [{"n": {}}]}),
            json!({"aggregate": sum}),
            "line 1: \"n\" is {} and no",
        ),
    ]
}

/// The same of JSON.
fn wrong_json() -> Vec<(Value, Value, &'static str)> {
    vec![
        (
            json!({"text": {"format": "ndjson", "content": "{\"a\":1}\n{\"a\":\n"}}),
            json!({}),
            "line 2: an object does not end on its line",
        ),
        (
            json!({"text": {"format": "ndjson", "content": "{\"a\":1}\n[1]\n"}}),
            json!({}),
            "line 2: there is something that is no object",
        ),
        (
            json!({"text": {"format": "json", "content": "[{\"a\":1},\n\n{\"a\":tru}]"}}),
            json!({}),
            "line 3: expected ident",
        ),
        (
            json!({"text": {"format": "json", "content": "[{\"a\":1}\n{}]"}}),
            json!({}),
            "line 2: no comma follows an object",
        ),
        (
            json!({"text": {"format": "json", "content": "[{\"a\":1}"}}),
            json!({}),
            "line 1: the array does not end",
        ),
    ]
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_line() {
    for (input, more, expected) in wrong().into_iter().chain(wrong_json()) {
        let mut payload = json!({"input": input});
        for (name, value) in more.as_object().expect("fields") {
            payload[name] = value.clone();
        }
        let outcome = run(payload).await;
        assert_eq!(code(&outcome), ("invalid_data", false), "{input}");
        assert!(
            message(&outcome).starts_with(expected),
            "{}",
            message(&outcome)
        );
    }
}

#[tokio::test]
async fn what_is_no_question_is_refused() {
    for more in [
        json!({"select": ["a"], "aggregate": {"measures": [{"op": "count"}]}}),
        json!({"aggregate": {"measures": []}}),
        json!({"aggregate": {"measures": [{"op": "sum"}]}}),
        json!({"aggregate": {"measures": [{"op": "count"}, {"op": "count"}]}}),
        json!({"filter": [{"field": "a", "op": "like"}]}),
        json!({"output": {"file": "../a.csv"}}),
        json!({"output": {"format": "csv"}}),
        json!({"input": {"url": "http://example.org"}}),
    ] {
        let mut payload = json!({"input": {"rows": [{"a": 1}]}});
        for (name, value) in more.as_object().expect("fields") {
            payload[name] = value.clone();
        }
        assert_eq!(
            code(&run(payload).await),
            ("invalid_payload", false),
            "{more}"
        );
    }
}

/// A place for files, and tasks whose files are there.
struct Kept {
    commands: Commands,
    files: Files,
    folder: tempfile::TempDir,
}

impl Kept {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = runtime::Files {
            folder: Some(folder.path().to_owned()),
            ..runtime::Files::default()
        };
        let files = Files::open(&config, Clock::system()).expect("opened");
        Self {
            commands: commands(),
            files: files.expect("a place"),
            folder,
        }
    }

    async fn run(&self, payload: Value, context: &AttemptContext) -> Outcome {
        let handler = ProcessData::new(self.commands.clone(), Some(self.files.clone()));
        handler.run(payload, context).await
    }

    /// Makes `output` what came of the task of `context`, as its worker would.
    async fn succeed(&self, context: &AttemptContext, output: Value) {
        let worker = "w".to_owned();
        let created = TaskCreated::new(TaskSpec::new("process-data", Value::Null));
        let attempt = 1;
        for (at, command) in [
            TaskCommand::Create(created),
            TaskCommand::Start {
                attempt,
                worker: worker.clone(),
            },
            TaskCommand::Succeed {
                attempt,
                output,
                worker,
            },
        ]
        .into_iter()
        .enumerate()
        {
            let id = Uuid::from_u128(context.task.uuid().as_u128() * 100 + at as u128);
            let actor = Actor::System("test".to_owned());
            let task = context.task.uuid();
            let ask = commands::Ask::new(actor, context.tenant, task, CommandId::new(id));
            let done = self.commands.execute::<Task>(ask, command).await;
            done.expect("the task agrees");
        }
    }
}

fn context(task: u128) -> AttemptContext {
    AttemptContext {
        task: TaskId::new(Uuid::from_u128(task)),
        ..attempt()
    }
}

#[tokio::test]
async fn what_is_large_becomes_a_file_that_a_later_task_reads() {
    let kept = Kept::new();
    let rows: Vec<_> = (0..3_000)
        .map(|n| json!({"n": n, "text": "x".repeat(10)}))
        .collect();
    let first = context(10);
    let large =
        json!({"input": {"rows": rows}, "output": {"format": "ndjson", "file": "n.ndjson"}});
    let Outcome::Done(output) = kept.run(large, &first).await else {
        panic!("it fits a file");
    };
    assert_eq!(output["file"]["name"], "n.ndjson");
    assert_eq!(output["rows_out"], 3_000);
    kept.succeed(&first, output.clone()).await;

    let read = |task: &AttemptContext, name: &str| {
        json!({
            "input": {"file": {"task": task.task.to_string(), "name": name}},
            "aggregate": {"measures": [{"op": "sum", "field": "n"}]},
        })
    };
    let second = context(11);
    let Outcome::Done(summed) = kept.run(read(&first, "n.ndjson"), &second).await else {
        panic!("it reads the file");
    };
    assert_eq!(summed["text"], "{\"sum_n\":4498500}\n");
    let missing = kept.run(read(&first, "other.csv"), &second).await;
    assert_eq!(code(&missing), ("file_missing", false));
    let mut foreign = context(12);
    foreign.tenant = domain::TenantId::new(Uuid::from_u128(99));
    let foreign = kept.run(read(&first, "n.ndjson"), &foreign).await;
    assert_eq!(code(&foreign), ("file_missing", false));

    // A task whose output claims a file of another, and one that is for administrators.
    let mut claimed = output["file"].clone();
    kept.succeed(&context(13), json!({"file": claimed})).await;
    let stolen = kept.run(read(&context(13), "n.ndjson"), &second).await;
    assert_eq!(code(&stolen), ("file_missing", false));
    claimed["admins_only"] = json!(true);
    kept.succeed(&context(14), json!({"file": claimed})).await;
    let refused = kept.run(read(&context(14), "n.ndjson"), &second).await;
    assert_eq!(code(&refused), ("file_refused", false));
}

#[tokio::test]
async fn a_file_that_was_altered_is_not_believed() {
    let kept = Kept::new();
    let first = context(20);
    let payload = json!({"input": csv("n\n1\n"), "output": {"file": "n.csv"}});
    let Outcome::Done(output) = kept.run(payload, &first).await else {
        panic!("it is a file");
    };
    kept.succeed(&first, output.clone()).await;
    let key = output["file"]["key"].as_str().expect("a key");
    let path = kept.folder.path().join("objects").join(key);
    std::fs::write(path, "n\n2\n").expect("written");
    let read = json!({"input": {"file": {"task": first.task.to_string(), "name": "n.csv"}}});
    let outcome = kept.run(read, &context(21)).await;
    assert_eq!(code(&outcome), ("file_altered", true));
}

#[tokio::test]
async fn without_a_place_what_is_large_is_refused() {
    let rows: Vec<_> = (0..3_000)
        .map(|n| json!({"n": n, "text": "x".repeat(10)}))
        .collect();
    let outcome = run(json!({"input": {"rows": rows}})).await;
    assert_eq!(code(&outcome), ("files_unavailable", false));
}

/// The rows of `content`, given in two parts.
fn cut(mut rows: Rows, content: &[u8], at: usize) -> Result<Vec<Row>, Wrong> {
    let mut found = Vec::new();
    let mut take = |row| {
        found.push(row);
        Ok(())
    };
    rows.feed(&content[..at], &mut take)?;
    rows.feed(&content[at..], &mut take)?;
    rows.end(&mut take)?;
    Ok(found)
}

#[test]
fn rows_are_the_same_wherever_their_bytes_are_cut() {
    let json = "[ {\"a\": \"}\\\"{\", \"b\": [{}]} ,\n{\"ä\": 1}\n] ".as_bytes();
    for (rows, content) in [
        (Rows::Json as fn(JsonRows) -> Rows, json),
        (|_| Rows::Csv(CsvRows::default()), SALES.as_bytes()),
    ] {
        let whole = cut(rows(JsonRows::array()), content, 0).expect("read");
        assert!(whole.len() > 1);
        for at in 0..content.len() {
            let parts = cut(rows(JsonRows::array()), content, at).expect("read");
            assert_eq!(parts, whole, "cut at {at}");
        }
    }
}

proptest! {
    #[test]
    fn whatever_is_written_as_csv_reads_back(
        cells in prop::collection::vec(prop::collection::vec("[a,\"\r\n ä]{0,4}", 2), 0..5),
    ) {
        let mut content = Vec::new();
        for row in [vec!["x".to_owned(), "y".to_owned()]].iter().chain(&cells) {
            let written = crate::handlers::csv::write_row(
                &mut content,
                row.iter().map(String::as_str),
            );
            written.expect("written");
        }
        let rows = cut(Rows::Csv(CsvRows::default()), &content, 0).expect("read");
        let found: Vec<_> = rows.into_iter().map(|row| match row.fields {
            row::Fields::Cells(_, cells) => cells,
            row::Fields::Object(_) => Vec::new(),
        }).collect();
        prop_assert_eq!(found, cells);
    }
}
