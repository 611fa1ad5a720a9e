//! Every rule of a resource's life as a sentence.
//!
//! Invariant: each refusal has a sentence here.

use super::*;
use crate::testing::{given, name};

fn disk(text: &str) -> ResourceCreated {
    ResourceCreated {
        type_name: name("disk"),
        name: name(text),
        attributes: Attributes::new(),
        labels: Labels::new(),
        origin: None,
    }
}

fn created(text: &str) -> ResourceEvent {
    ResourceEvent::Created(disk(text))
}

fn renamed(text: &str) -> ResourceUpdated {
    ResourceUpdated {
        name: Some(name(text)),
        ..ResourceUpdated::default()
    }
}

const DELETED: ResourceEvent = ResourceEvent::Deleted(ResourceDeleted {});

#[test]
fn is_created_once() {
    given::<Resource>([])
        .when(ResourceCommand::Create(disk("sda")))
        .then([created("sda")]);
    given::<Resource>([created("sda")])
        .when(ResourceCommand::Create(disk("sda")))
        .rejected(&ResourceRejection::AlreadyExists);
}

#[test]
fn an_update_tells_only_what_differs() {
    given::<Resource>([created("sda")])
        .when(ResourceCommand::Update(ResourceUpdated {
            labels: Some(Labels::new()),
            ..renamed("sdb")
        }))
        .then([ResourceEvent::Updated(renamed("sdb"))]);
    given::<Resource>([created("sda")])
        .when(ResourceCommand::Update(renamed("sda")))
        .then([]);
}

#[test]
fn put_creates_changes_or_leaves_alone() {
    given::<Resource>([])
        .when(ResourceCommand::Put(disk("sda")))
        .then([created("sda")]);
    given::<Resource>([created("sda")])
        .when(ResourceCommand::Put(disk("sda")))
        .then([]);
    given::<Resource>([created("sda")])
        .when(ResourceCommand::Put(disk("sdb")))
        .then([ResourceEvent::Updated(renamed("sdb"))]);
    given::<Resource>([created("sda")])
        .when(ResourceCommand::Put(ResourceCreated {
            type_name: name("cpu"),
            ..disk("sda")
        }))
        .rejected(&ResourceRejection::TypeChanged);
}

#[test]
fn a_put_records_where_it_is_now_and_yields_to_no_other_source() {
    let origin = |source: &str, reference: &str| {
        Some(Origin {
            source: source.into(),
            reference: reference.into(),
        })
    };
    let from = |origin| ResourceCreated {
        origin,
        ..disk("sda")
    };
    let imported = [ResourceEvent::Created(from(origin("inventory", "a")))];
    for same in [None, origin("inventory", "a")] {
        given::<Resource>(imported.clone())
            .when(ResourceCommand::Put(from(same)))
            .then([]);
    }
    given::<Resource>(imported.clone())
        .when(ResourceCommand::Put(from(origin("inventory", "b"))))
        .then([ResourceEvent::Updated(ResourceUpdated {
            origin: origin("inventory", "b"),
            ..ResourceUpdated::default()
        })]);
    given::<Resource>(imported)
        .when(ResourceCommand::Put(from(origin("demo", "a"))))
        .rejected(&ResourceRejection::Foreign("inventory".into()));
}

#[test]
fn what_is_deleted_can_only_be_put_again() {
    let gone = [created("sda"), DELETED];
    given::<Resource>([created("sda")])
        .when(ResourceCommand::Delete)
        .then([DELETED]);
    given::<Resource>(gone.clone())
        .when(ResourceCommand::Delete)
        .then([]);
    given::<Resource>(gone.clone())
        .when(ResourceCommand::Update(renamed("x")))
        .rejected(&ResourceRejection::NotFound);
    given::<Resource>(gone)
        .when(ResourceCommand::Put(disk("sdb")))
        .then([created("sdb")]);
}

#[test]
fn nothing_happens_to_what_never_was() {
    given::<Resource>([])
        .when(ResourceCommand::Delete)
        .rejected(&ResourceRejection::NotFound);
}
