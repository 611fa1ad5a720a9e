//! Headers of requests and answers that the extractors read and the answers bear.
//!
//! Invariant: what is said here of an operation is true of every operation of its sort.

use serde_json::{Map, Value, json};

type Told = Vec<(&'static str, &'static str)>;

/// Adds them to what the document says of an operation.
pub(super) fn add(operation: &mut Value, reads: bool, writes: bool, conditional: bool) {
    let parameters = sent(reads, writes, conditional);
    let answers = answered(reads, writes);
    let text = json!({"type": "string"});
    let listed = operation
        .as_object_mut()
        .map(|operation| operation.entry("parameters").or_insert(json!([])));
    if let Some(Value::Array(listed)) = listed {
        listed.extend(parameters.iter().map(|(name, description)| {
            json!({"name": name, "in": "header", "required": false,
                "description": description, "schema": text})
        }));
    }
    for response in operation["responses"]
        .as_object_mut()
        .into_iter()
        .flat_map(Map::values_mut)
    {
        for (name, description) in &answers {
            response["headers"][name] = json!({"description": description, "schema": text});
        }
    }
}

fn sent(reads: bool, writes: bool, conditional: bool) -> Told {
    let mut parameters = Told::new();
    if reads {
        parameters.extend([
            (
                "Consistency-Token",
                "Of a write that the answer must reflect",
            ),
            (
                "Prefer",
                "`wait=n`: seconds to wait for the token's position, up to 10",
            ),
        ]);
    }
    if reads && conditional {
        parameters.push((
            "If-None-Match",
            "An `ETag` that the client has: 304 if it is current",
        ));
    }
    if writes {
        parameters.push((
            "Idempotency-Key",
            "The same for every retry of this request",
        ));
    }
    if writes && conditional {
        parameters.extend([
            ("If-Match", "The `ETag` that the object must have"),
            ("If-None-Match", "`*`: there must be no such object yet"),
        ]);
    }
    parameters
}

fn answered(reads: bool, writes: bool) -> Told {
    let mut answers = vec![("Request-Id", "To quote to whoever helps")];
    if reads || writes {
        answers.push(("Consistency-Token", "The position that the answer reflects"));
    }
    if reads {
        answers.push(("Consistency-Position", "The same, as a number"));
        answers.push((
            "Consistency-Age-Ms",
            "How old the answer may be: whatever was acknowledged longer ago is in it. Not there \
             while that is not known",
        ));
        answers.push((
            "Consistency",
            "`stale` if commits of what is shown could not be applied",
        ));
    }
    if writes {
        answers.push(("ETag", "The object's version"));
        answers.push((
            "Idempotent-Replayed",
            "`true` if an earlier try had succeeded",
        ));
    }
    answers
}
