//! What an import sends, and what it leaves alone.
//!
//! Invariant: no test looks at this machine.

use super::*;
use crate::client::testing::{Answer, Gateway};
use domain::{ResourceId, Timestamp};
use schemas::api::Code;
use serde_json::json;

fn found(key: &str, version: &str) -> Found {
    let attributes = json!({"version": version})
        .as_object()
        .cloned()
        .unwrap_or_default();
    Found {
        attributes,
        key: key.to_owned(),
        name: key.to_owned(),
        reference: format!("dpkg-query:{key}"),
    }
}

fn stored(host: &str, kind: &str, found: Found) -> (Uuid, ResourceView) {
    let (id, made) = resource(host, kind, found);
    let view = ResourceView {
        id: ResourceId::new(id),
        type_name: made.type_name,
        name: made.name,
        attributes: made.attributes,
        labels: made.labels,
        origin: made.origin,
        created_at: Timestamp::default(),
        updated_at: Timestamp::default(),
        version: 1,
    };
    (id, view)
}

#[test]
fn only_what_differs_is_sent() {
    let known = HashMap::from([
        stored("a", "package", found("same", "1")),
        stored("a", "package", found("newer", "1")),
        stored("a", "package", found("removed", "1")),
        stored("a", "service", found("other type", "1")),
    ]);
    let now = vec![found("same", "1"), found("newer", "2"), found("added", "1")];
    let plan = plan("a", "package", now.into(), &known);
    let names = |list: &[(Uuid, CreateResource)]| -> Vec<String> {
        list.iter()
            .map(|(_, resource)| resource.name.clone())
            .collect()
    };
    assert_eq!(names(&plan.new), ["added"]);
    assert_eq!(names(&plan.changed), ["newer"]);
    let removed = stable_id(SOURCE, "a/package/removed");
    assert_eq!(plan.gone, [(removed, "removed".to_owned())]);
    assert_eq!(plan.total, 3);
}

#[test]
fn what_was_seen_in_part_ends_and_changes_nothing() {
    let known = HashMap::from([
        stored("a", "service", found("nginx", "both addresses")),
        stored("a", "service", found("sshd", "1")),
    ]);
    let seen = Seen {
        found: vec![found("nginx", "one address"), found("mine", "1")],
        hidden: Some("the rest".to_owned()),
    };
    let plan = plan("a", "service", seen, &known);
    assert!(plan.gone.is_empty() && plan.changed.is_empty(), "{plan:?}");
    assert_eq!(plan.new.len(), 1);
}

#[tokio::test]
async fn what_is_refused_keeps_nothing_else_from_being_imported() {
    let gateway = Gateway::start(|asked| {
        let name = asked.body["name"].as_str().unwrap_or_default();
        if asked.method == "GET" {
            return Answer::nothing();
        }
        if name == "bad" || name == "filesystem" {
            return Answer::refused(Code::InvalidBody, "not like this");
        }
        if asked.path == "/resource-types" {
            let time = Timestamp::default();
            return Answer::ok(json!({"name": name, "schema": {}, "created_at": time,
                "updated_at": time, "version": 1}));
        }
        let (_, view) = stored("a", "package", found(name, "1"));
        Answer::ok(json!(view))
    });
    let gateway = gateway.await;
    let section = |kind, names: &[&str]| Section {
        kind,
        seen: Ok(names
            .iter()
            .map(|name| found(name, "1"))
            .collect::<Vec<_>>()
            .into()),
    };
    let sections = vec![
        section("filesystem", &["/"]),
        section("package", &["bad", "bash"]),
        section("service", &["bad", "cron"]),
    ];
    let imported = import(&gateway.client, "a", sections)
        .await
        .expect("went on");
    let refused: Vec<_> = imported
        .refused
        .iter()
        .filter_map(|line| line.split(": ").next())
        .collect();
    assert_eq!(
        refused,
        ["type filesystem", "package \"bad\"", "service \"bad\""]
    );
    assert!(
        imported.refused[1].contains("not like this"),
        "{:?}",
        imported.refused
    );
    let asked = gateway.asked();
    for name in ["bash", "cron"] {
        assert!(
            asked.iter().any(|asked| asked.body["name"] == name),
            "{name}"
        );
    }
}

#[tokio::test]
async fn what_concerns_everything_ends_the_import() {
    let gateway = Gateway::start(|_| Answer::refused(Code::Forbidden, "not you")).await;
    let wanted = resource("a", "package", found("bash", "1"));
    let plan = Plan {
        new: vec![wanted],
        ..Plan::default()
    };
    let reason = carry_out(&gateway.client, plan).await.expect_err("refused");
    assert!(reason.to_string().contains("not you"), "{reason}");
}

#[test]
fn machines_do_not_share_resources() {
    let (here, _) = resource("a", "package", found("bash", "1"));
    let (there, _) = resource("b", "package", found("bash", "1"));
    assert_ne!(here, there);
}
