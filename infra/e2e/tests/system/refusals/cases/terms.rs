//! Headers that say how to take a request, and bodies too large to take.
//!
//! Invariant: the bodies here would be taken if they came on other terms.

use super::{super::Ground, Case, PARAMETER};

const TASK: &str = r#"{"kind":"echo"}"#;

/// Content types, encodings and sizes.
pub fn media() -> Vec<Case> {
    let unsupported = |name, kind: Option<&str>| {
        let mut case = Case::post(name, "/tasks", TASK).refused(415, "UNSUPPORTED_MEDIA_TYPE");
        case.headers.clear();
        case.headers
            .extend(kind.map(|kind| ("content-type", kind.to_owned())));
        case
    };
    let compressed = Case::post("compressed", "/tasks", TASK).header("content-encoding", "gzip");
    let large = format!(
        r#"{{"kind":"echo","payload":"{}"}}"#,
        "x".repeat(300 * 1024)
    );
    let large = |name, path| {
        let case = Case::post(name, path, large.clone());
        case.refused(413, "BODY_TOO_LARGE")
    };
    vec![
        unsupported("no type", None),
        unsupported("a form", Some("application/x-www-form-urlencoded")),
        unsupported("text", Some("text/plain")),
        compressed.refused(415, "UNSUPPORTED_MEDIA_TYPE"),
        large("300 KiB", "/tasks"),
        large("300 KiB to sign in", "/auth/login"),
    ]
}

/// Preconditions, keys and consistency tokens.
pub fn terms(ground: &Ground) -> Vec<Case> {
    let patch = |name, tag: &str| {
        let mut case = Case::new(name, "PATCH", ground.resource.clone()).header("if-match", tag);
        case.headers
            .push(("content-type", "application/json".to_owned()));
        case.body = Some(br#"{"name":"t"}"#.to_vec());
        case
    };
    let key = |name, key: &str| {
        let case = Case::post(name, "/tasks", TASK).header("idempotency-key", key);
        case.refused(400, PARAMETER)
    };
    let token = |name, value: &str| {
        let case = Case::new(name, "GET", "/stats").header("consistency-token", value);
        case.refused(400, PARAMETER)
    };
    let mut json_patch = patch("another sort of patch", "\"2\"").answers("accept-patch");
    "application/json-patch+json".clone_into(&mut json_patch.headers[1].1);
    let other = r#"{"type":"ground","name":"new"}"#;
    let reused = Case::post("a key used for something else", "/resources", other);
    let retry = format!("{}/retry", ground.task);
    vec![
        patch("an old version", "\"1\"").refused(412, "VERSION_MISMATCH"),
        patch("a version to come", "\"99\"").refused(412, "VERSION_MISMATCH"),
        patch("a bare version", "2").refused(400, PARAMETER),
        patch("a weak version", "W/\"2\"").refused(400, PARAMETER),
        json_patch.refused(415, "UNSUPPORTED_MEDIA_TYPE"),
        key("an empty key", "\"\""),
        key("a key without end", &"k".repeat(256)),
        reused
            .header("idempotency-key", "used")
            .refused(422, "IDEMPOTENCY_KEY_REUSED"),
        token("no token of ours", "MTIz"),
        token("no token at all", "!"),
        Case::post("a task that has not ended", &retry, "{}").refused(409, "INVALID_STATE"),
    ]
}
