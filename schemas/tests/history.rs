//! Whatever was ever written can be read.
//!
//! Invariant: a golden example is added and never changed, one for each version of an event and
//! one for what was added to a version since (`job.created.v1.policy.json`); generated files are
//! what the code says.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use domain::{
    AggregateKind, api_key::ApiKeyEvent, email_claim::EmailClaimEvent,
    identity_claim::IdentityClaimEvent, job::JobEvent, log_checkpoint::LogCheckpointEvent,
    operation::OperationEvent, parked_commit::ParkedCommitEvent, resource::ResourceEvent,
    resource_type::ResourceTypeEvent, settings::SettingsEvent, task::TaskEvent,
    tenant::TenantEvent, unique_key::UniqueKeyEvent, user::UserEvent,
};
use schemas::{
    breaking_changes,
    catalogue::{DecodeError, ENTRIES, EventRecord, Recorded, decode, encode},
    generated,
};
use serde_json::Value;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).expect("the folder is committed");
    entries
        .map(|entry| {
            let entry = entry.expect("readable");
            let text = fs::read_to_string(entry.path()).expect("text");
            (entry.file_name().to_string_lossy().into_owned(), text)
        })
        .collect()
}

/// Reads a payload as its kind of aggregate, and writes it again.
fn reread(kind: AggregateKind, payload: &[u8]) -> Result<Vec<u8>, DecodeError> {
    fn through<E: Recorded>(payload: &[u8]) -> Result<Vec<u8>, DecodeError> {
        decode::<E>(payload).map(|events| encode(&events))
    }
    match kind {
        AggregateKind::ApiKey => through::<ApiKeyEvent>(payload),
        AggregateKind::EmailClaim => through::<EmailClaimEvent>(payload),
        AggregateKind::IdentityClaim => through::<IdentityClaimEvent>(payload),
        AggregateKind::Job => through::<JobEvent>(payload),
        AggregateKind::LogCheckpoint => through::<LogCheckpointEvent>(payload),
        AggregateKind::Operation => through::<OperationEvent>(payload),
        AggregateKind::ParkedCommit => through::<ParkedCommitEvent>(payload),
        AggregateKind::Resource => through::<ResourceEvent>(payload),
        AggregateKind::ResourceType => through::<ResourceTypeEvent>(payload),
        AggregateKind::Settings => through::<SettingsEvent>(payload),
        AggregateKind::Task => through::<TaskEvent>(payload),
        AggregateKind::Tenant => through::<TenantEvent>(payload),
        AggregateKind::UniqueKey => through::<UniqueKeyEvent>(payload),
        AggregateKind::User => through::<UserEvent>(payload),
    }
}

#[test]
fn every_golden_example_decodes_and_is_written_as_it_was() {
    for (file, text) in files(&folder("golden")) {
        let record: EventRecord = serde_json::from_str(&text).expect("a record");
        // What was added to a version has an example beside the first, with a word in its name.
        let of_version = file.strip_prefix(&format!("{}.v{}.", record.name, record.v));
        let word = of_version.and_then(|rest| rest.strip_suffix("json"));
        assert!(
            word.is_some_and(|word| word.matches('.').count() <= 1),
            "{file}"
        );
        let entry = ENTRIES.iter().find(|entry| entry.name == record.name);
        let entry = entry.unwrap_or_else(|| panic!("{file}: its event left the catalogue"));
        let payload = format!("{{\"events\":[{text}]}}");
        let written = reread(entry.kind, payload.as_bytes());
        let written = written.unwrap_or_else(|reason| panic!("{file}: {reason}"));
        if record.v == entry.version {
            let written: Value = serde_json::from_slice(&written).expect("JSON");
            let golden: Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(written["events"][0], golden, "{file}");
        }
    }
}

/// `value` as a newer program may write it: with one more field in every object.
fn grown(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(grown).collect(),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(key, value)| (key.clone(), grown(value)));
            fields
                .chain([("added_later".to_owned(), "x".into())])
                .collect()
        }
        leaf => leaf.clone(),
    }
}

#[test]
fn events_with_fields_that_were_added_later_can_be_read() {
    for entry in ENTRIES {
        let file = format!("golden/{}.v{}.json", entry.name, entry.version);
        let text = fs::read_to_string(folder(&file)).expect("committed");
        let golden: Value = serde_json::from_str(&text).expect("JSON");
        let grown = grown(&golden);
        let read = reread(entry.kind, format!("{{\"events\":[{grown}]}}").as_bytes());
        assert!(read.is_ok(), "{file}: {read:?}");
        let schema = (entry.schema)().to_value();
        let outcome = jsonschema::validate(&schema, &grown["data"]);
        assert!(outcome.is_ok(), "{file}: {outcome:?}");
    }
}

#[test]
fn every_version_of_every_event_has_a_golden_example() {
    let golden: BTreeSet<_> = files(&folder("golden")).into_keys().collect();
    for entry in ENTRIES {
        for version in 1..=entry.version {
            let file = format!("{}.v{version}.json", entry.name);
            assert!(golden.contains(&file), "schemas/golden/{file} is missing");
        }
    }
}

#[test]
fn golden_examples_fit_the_schemas() {
    for entry in ENTRIES {
        let file = format!("golden/{}.v{}.json", entry.name, entry.version);
        let text = fs::read_to_string(folder(&file)).expect("committed");
        let golden: Value = serde_json::from_str(&text).expect("JSON");
        let schema = (entry.schema)().to_value();
        let outcome = jsonschema::validate(&schema, &golden["data"]);
        assert!(outcome.is_ok(), "{file}: {outcome:?}");
    }
}

#[test]
fn the_committed_schemas_are_those_of_the_code() {
    let committed = files(&folder("generated/events"));
    let generated: BTreeMap<_, _> = generated::documents()
        .into_iter()
        .filter_map(|(path, text)| Some((path.strip_prefix("events/")?.to_owned(), text)))
        .collect();
    for (file, text) in &generated {
        let Some(old) = committed.get(file) else {
            panic!("schemas/generated/events/{file} is missing: run `cargo xtask schemas`");
        };
        let parse = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
        if file.ends_with(".schema.json") {
            let broken = breaking_changes(&parse(old), &parse(text));
            assert!(broken.is_empty(), "{file} would break readers: {broken:#?}");
        }
        assert!(
            old == text,
            "{file} is out of date: run `cargo xtask schemas`"
        );
    }
    // Schemas of versions that are written no more stay for whoever reads old events.
    let gone = committed
        .keys()
        .filter(|file| !generated.contains_key(*file));
    let stale: Vec<_> = gone
        .filter(|file| !file.ends_with(".schema.json"))
        .collect();
    assert!(stale.is_empty(), "not generated any more: {stale:?}");
}
