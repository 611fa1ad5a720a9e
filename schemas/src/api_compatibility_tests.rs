//! Documents that grew, and documents that broke somebody.
//!
//! Invariant: each sort of break is planted once.

use serde_json::{Value, json};

use super::breaking_api_changes;

fn old() -> Value {
    let schema = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    let content = |name: &str| json!({"application/json": {"schema": schema(name)}});
    json!({
        "paths": {"/tasks": {
            "get": {
                "parameters": [{"in": "query", "name": "limit", "required": false}],
                "responses": {
                    "200": {"content": content("Task")},
                    "404": {"content": content("Task")},
                },
            },
            "post": {
                "requestBody": {"required": false, "content": content("Create")},
                "responses": {"201": {"content": content("Task")}},
            },
        }},
        "components": {"schemas": {
            "Create": {
                "type": "object", "required": ["kind"],
                "properties": {"kind": {"type": "string"}, "size": {"type": "integer"}},
            },
            "Task": {
                "type": "object", "required": ["id"],
                "properties": {
                    "id": {"type": "string"},
                    "parts": {"type": "array", "items": schema("Task")},
                },
            },
        }},
    })
}

#[track_caller]
fn check(pointer: &str, change: impl FnOnce(&mut Value), breaks: &[&str]) {
    let mut new = old();
    change(new.pointer_mut(pointer).expect("there"));
    let found = breaking_api_changes(&old(), &new);
    assert_eq!(found.len(), breaks.len(), "{found:?}");
    for (found, words) in found.iter().zip(breaks) {
        assert!(found.contains(words), "{found} instead of {words}");
    }
}

fn without(name: &'static str) -> impl FnOnce(&mut Value) {
    move |of| {
        of.as_object_mut().expect("an object").remove(name);
    }
}

#[test]
fn growing_is_no_break() {
    check("/paths", |paths| paths["/jobs"] = json!({"get": {}}), &[]);
    check("/paths/~1tasks/get/responses", without("404"), &[]);
    check(
        "/paths/~1tasks/post/requestBody",
        |body| body["description"] = json!("x"),
        &[],
    );
    let parameters = "/paths/~1tasks/get/parameters";
    let more = json!({"in": "query", "name": "q", "required": false});
    check(
        parameters,
        |all| all.as_array_mut().expect("a list").push(more),
        &[],
    );
    let schemas = "/components/schemas";
    check(schemas, |all| all["Create"]["required"] = json!([]), &[]);
    check(
        schemas,
        |all| all["Create"]["properties"]["new"] = json!({}),
        &[],
    );
    check(
        schemas,
        |all| all["Task"]["properties"]["new"] = json!({}),
        &[],
    );
    check(
        schemas,
        |all| all["Task"]["required"] = json!(["id", "parts"]),
        &[],
    );
}

#[test]
fn what_is_gone_is_a_break() {
    check(
        "/paths",
        without("/tasks"),
        &["GET /tasks: removed", "POST /tasks: removed"],
    );
    check("/paths/~1tasks", without("get"), &["GET /tasks: removed"]);
    check(
        "/paths/~1tasks/get/responses",
        without("200"),
        &["GET /tasks 200: removed"],
    );
    check(
        "/paths/~1tasks/get",
        without("parameters"),
        &["query parameter limit removed"],
    );
    let task = "/components/schemas/Task/properties";
    check(
        task,
        without("parts"),
        &["GET /tasks 200/parts", "404/parts", "POST /tasks 201/parts"],
    );
    let create = "/components/schemas/Create/properties";
    check(create, without("size"), &["POST /tasks body/size: removed"]);
    let content = "/paths/~1tasks/post/responses/201/content";
    check(
        content,
        without("application/json"),
        &["application/json removed"],
    );
}

#[test]
fn asking_for_more_and_telling_less_is_a_break() {
    let create = "/components/schemas/Create";
    let both = json!(["kind", "size"]);
    check(
        create,
        |of| of["required"] = both,
        &["body/size: became required"],
    );
    let number = json!({"type": "integer"});
    check(
        create,
        |of| of["properties"]["kind"] = number,
        &["the type"],
    );
    let task = "/components/schemas/Task";
    check(task, |of| of["required"] = json!([]), &["may be absent"; 3]);
    check(
        "/paths/~1tasks/post",
        |of| of["requestBody"]["required"] = json!(true),
        &["a body"],
    );
    let limit = "/paths/~1tasks/get/parameters/0";
    check(
        limit,
        |of| of["required"] = json!(true),
        &["limit became required"],
    );
}
