//! Bodies that cannot be taken.
//!
//! Invariant: each names the field to which the refusal must point.

use super::Case;

/// What a row says: a name, a body, and the pointer of the refusal.
type Row = (&'static str, &'static str, &'static str);

/// Texts for a task that are no JSON, or hold what cannot be stored.
const TEXTS: [Row; 16] = [
    ("nothing", "", ""),
    ("no JSON", "hello", ""),
    ("breaks off", r#"{"kind":"echo""#, ""),
    ("goes on", r#"{"kind":"echo"}{}"#, ""),
    ("a trailing comma", r#"{"kind":"echo",}"#, ""),
    ("single quotes", "{'kind':'echo'}", ""),
    ("another document", r#"["echo"]"#, ""),
    ("null", "null", ""),
    (
        "NUL as escape",
        r#"{"kind":"echo","payload":{"x":"a\u0000b"}}"#,
        "/payload/x",
    ),
    (
        "NUL in a key",
        r#"{"kind":"echo","payload":{"a\u0000":1}}"#,
        "/payload",
    ),
    (
        "NUL as byte",
        "{\"kind\":\"echo\",\"payload\":\"a\0b\"}",
        "/payload",
    ),
    (
        "a high surrogate",
        r#"{"kind":"echo","payload":"\ud800"}"#,
        "/payload",
    ),
    (
        "a low surrogate",
        r#"{"kind":"echo","payload":["\udc00"]}"#,
        "/payload/0",
    ),
    (
        "surrogates swapped",
        r#"{"kind":"echo","payload":"\udc00\ud800"}"#,
        "/payload",
    ),
    (
        "a number beyond all",
        r#"{"kind":"echo","payload":1e400}"#,
        "/payload",
    ),
    (
        "a key twice",
        r#"{"kind":"echo","payload":{"a":1,"a":2}}"#,
        "/payload/a",
    ),
];

/// Tasks with one wrong field.
const TASKS: [Row; 12] = [
    (
        "an unknown field",
        r#"{"kind":"echo","colour":1}"#,
        "/colour",
    ),
    (
        "a state as input",
        r#"{"kind":"echo","status":"succeeded"}"#,
        "/status",
    ),
    ("a missing field", "{}", ""),
    ("a number as kind", r#"{"kind":5}"#, "/kind"),
    ("an empty kind", r#"{"kind":""}"#, "/kind"),
    (
        "no attempts",
        r#"{"kind":"echo","max_attempts":0}"#,
        "/max_attempts",
    ),
    (
        "a negative number",
        r#"{"kind":"echo","max_attempts":-1}"#,
        "/max_attempts",
    ),
    (
        "half an attempt",
        r#"{"kind":"echo","max_attempts":1.5}"#,
        "/max_attempts",
    ),
    (
        "101 attempts",
        r#"{"kind":"echo","max_attempts":101}"#,
        "/max_attempts",
    ),
    (
        "two days",
        r#"{"kind":"echo","timeout_ms":172800000}"#,
        "/timeout_ms",
    ),
    (
        "an unknown priority",
        r#"{"kind":"echo","priority":"urgent"}"#,
        "/priority",
    ),
    (
        "no instant",
        r#"{"kind":"echo","not_before":"tomorrow"}"#,
        "/not_before",
    ),
];

/// Resources with one wrong field.
const RESOURCES: [Row; 7] = [
    ("an empty name", r#"{"type":"t","name":" "}"#, "/name"),
    (
        "a hidden direction",
        r#"{"type":"t","name":"a\u202eb"}"#,
        "/name",
    ),
    ("a line break", r#"{"type":"t","name":"a\nb"}"#, "/name"),
    (
        "a version as input",
        r#"{"type":"t","name":"n","version":9}"#,
        "/version",
    ),
    (
        "a tenant as input",
        r#"{"type":"t","name":"n","tenant_id":1}"#,
        "/tenant_id",
    ),
    (
        "a list as attributes",
        r#"{"type":"t","name":"n","attributes":[]}"#,
        "/attributes",
    ),
    (
        "a number as label",
        r#"{"type":"t","name":"n","labels":{"a":1}}"#,
        "/labels/a",
    ),
];

/// Schedules of a job.
const SCHEDULES: [Row; 5] = [
    (
        "no cron",
        r#"{"type":"cron","expression":"every day"}"#,
        "/schedule/expression",
    ),
    (
        "30 February",
        r#"{"type":"cron","expression":"0 0 30 2 *"}"#,
        "/schedule/expression",
    ),
    (
        "no such zone",
        r#"{"type":"cron","expression":"@daily","timezone":"Mars/Base"}"#,
        "/schedule/timezone",
    ),
    (
        "too often",
        r#"{"type":"interval","every_ms":1}"#,
        "/schedule/every_ms",
    ),
    (
        "an unknown schedule",
        r#"{"type":"sometimes"}"#,
        "/schedule/type",
    ),
];

pub fn cases() -> Vec<Case> {
    let to = |path: &'static str| {
        move |(name, text, pointer): Row| Case::post(name, path, text).field(pointer)
    };
    let job = |(name, schedule, pointer): Row| {
        let text = format!(r#"{{"name":"j","schedule":{schedule},"task":{{"kind":"echo"}}}}"#);
        Case::post(name, "/jobs", text).field(pointer)
    };
    let mut cases: Vec<Case> = TEXTS.into_iter().map(to("/tasks")).collect();
    cases.extend(TASKS.into_iter().map(to("/tasks")));
    cases.extend(RESOURCES.into_iter().map(to("/resources")));
    cases.extend(SCHEDULES.into_iter().map(job));
    cases.extend(others());
    cases
}

fn others() -> Vec<Case> {
    let deep = |name, levels| {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        let text = format!(r#"{{"kind":"echo","payload":{open}1{close}}}"#);
        Case::post(name, "/tasks", text).says("32 levels")
    };
    let long = format!(r#"{{"kind":"{}"}}"#, "k".repeat(101));
    let schema = r#"{"name":"t","schema":{"type":"thing"}}"#;
    let many = r#"{"schedule":{"type":"interval","every_ms":1000},"count":101}"#;
    vec![
        deep("33 levels", 32),
        deep("100 levels", 100),
        deep("100,000 levels", 100_000),
        Case::post("a kind without end", "/tasks", long).field("/kind"),
        Case::post("no schema", "/resource-types", schema).field("/schema/type"),
        Case::post("101 previews", "/jobs/preview", many).field("/count"),
        Case::post("no UTF-8", "/tasks", b"{\"kind\":\"\xff\"}").says("UTF-8"),
        Case::post(
            "a byte order mark",
            "/tasks",
            b"\xef\xbb\xbf{\"kind\":\"echo\"}",
        ),
    ]
}
