//! What is heard against the document of what is told.
//!
//! Invariant: every message that any test hears live goes through [`fits`], so the document lists
//! it and its payload is as it says.

use std::{collections::HashMap, sync::LazyLock};

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::world::on_world;

type Validators = HashMap<(String, String), Vec<Validator>>;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&gateway::asyncapi()).expect("JSON"));
/// By channel and name: a name may stand for several messages.
static MESSAGES: LazyLock<Validators> = LazyLock::new(|| {
    let mut found = Validators::new();
    let channels = DOCUMENT["channels"].as_object().expect("channels");
    for (channel, told) in channels {
        for message in told["messages"].as_object().expect("messages").values() {
            let name = message["name"].as_str().expect("a name").to_owned();
            let (payload, components) = (&message["payload"]["$ref"], &DOCUMENT["components"]);
            let schema = json!({"$ref": payload, "components": components});
            let validator = jsonschema::validator_for(&schema).expect("a schema");
            let key = (channel.clone(), name);
            found.entry(key).or_default().push(validator);
        }
    }
    found
});

/// Holds that `channel` may tell this message.
pub fn fits(channel: &str, name: &str, payload: &Value) {
    let listed = MESSAGES.get(&(channel.to_owned(), name.to_owned()));
    let listed = listed.unwrap_or_else(|| panic!("{channel} is not said to tell {name}"));
    let reasons: Vec<_> = listed
        .iter()
        .map(|message| {
            message
                .validate(payload)
                .map_err(|reason| reason.to_string())
        })
        .collect();
    assert!(
        reasons.iter().any(Result::is_ok),
        "{channel} tells {name} otherwise: {reasons:?}, {payload}"
    );
}

#[test]
fn the_document_is_served_to_everybody() {
    on_world(|world| async move {
        let answer = world
            .stranger()
            .get("!/api/asyncapi.json")
            .await
            .expect(200);
        assert_eq!(answer.body(), *DOCUMENT);
        assert_eq!(answer.body()["asyncapi"], "3.0.0");
    });
}

#[test]
fn what_is_no_event_of_the_catalogue_does_not_fit() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../schemas/golden/task.died.v1.json"
    );
    let golden: Value =
        serde_json::from_str(&std::fs::read_to_string(path).expect("committed")).expect("JSON");
    let id = "0199a000-0000-7000-8000-000000000001";
    let commit = |name: &str, data: &Value| {
        let event = json!({
            "specversion": "1.0", "id": "1.0", "source": "/tenants/a", "subject": "task/b",
            "type": name, "time": "2027-01-01T00:00:00Z", "datacontenttype": "application/json",
            "data": data, "sequence": "1", "streamrevision": 1, "actorid": "system:x",
            "commandid": id, "correlationid": id,
        });
        json!({"position": 1, "kind": "task", "id": id, "version": 1, "events": [event]})
    };
    fits("stream", "commit", &commit("task.died.v1", &golden["data"]));
    let commits = &MESSAGES[&("stream".to_owned(), "commit".to_owned())][0];
    assert!(!commits.is_valid(&commit("task.rested.v1", &golden["data"])));
    assert!(!commits.is_valid(&commit("task.died.v1", &json!({}))));
}
