//! What the server lets this process do, held against what its role needs.
//!
//! Invariant: a process works with exactly the rights of its role: with more it would be a way
//! around them for whoever takes it over, with less it would fail when it is too late.

use std::{collections::BTreeSet, time::Duration};

use async_nats::Request;
use serde::Deserialize;

use super::{ANSWER_WITHIN_S, Rights, of};
use crate::{OpenError, Role, jetstream::Connection, subject};

/// How long the server may take to say who somebody is.
const TOLD_WITHIN: Duration = Duration::from_secs(5);
/// How many differences are worth telling.
const TOLD_MAX: usize = 4;

#[derive(Deserialize)]
struct Answer {
    data: User,
}

#[derive(Deserialize)]
struct User {
    permissions: Option<Permissions>,
    user: String,
}

#[derive(Default, Deserialize)]
struct Permissions {
    publish: Option<Subjects>,
    responses: Option<Responses>,
    subscribe: Option<Subjects>,
}

#[derive(Deserialize)]
struct Responses {
    max: i64,
    /// In nanoseconds.
    ttl: i64,
}

#[derive(Default, Deserialize)]
struct Subjects {
    #[serde(default)]
    allow: Option<BTreeSet<String>>,
    #[serde(default)]
    deny: Option<Vec<String>>,
}

/// Refuses a connection that may do more than `role` needs, or less.
pub(crate) async fn check(connection: &Connection, role: Role) -> Result<(), OpenError> {
    let ask = Request::new().payload("".into()).timeout(Some(TOLD_WITHIN));
    let refused = |user: String, what: String| OpenError::Rights {
        remedy: role.user(),
        role: role.name(),
        user,
        what,
    };
    let user = connection.user.clone();
    let user = user.unwrap_or_else(|| "nobody by name".to_owned());
    let answer = tokio::select! {
        answer = connection.client.send_request(subject::WHO_AM_I, ask) => answer,
        () = connection.refusals.first() => {
            return Err(refused(user, format!("may not ask or hear what a {} may", role.name())));
        }
    };
    let answer = answer.map_err(|reason| {
        let words = format!("is not told what it may do ({reason})");
        refused(user.clone(), words)
    })?;
    let answer: Answer = serde_json::from_slice(&answer.payload)
        .map_err(|reason| refused(user, format!("is told of in words unknown: {reason}")))?;
    let User { permissions, user } = answer.data;
    let differences = differences(&of(role), permissions.unwrap_or_default());
    if differences.is_empty() {
        connection.refusals.trust();
        return Ok(());
    }
    let told = differences.len().min(TOLD_MAX);
    let mut what = differences[..told].join(", ");
    if differences.len() > told {
        what.push_str(", and so on");
    }
    Err(refused(user, what))
}

/// In which ways `found` is not what is wanted.
fn differences(wanted: &Rights, found: Permissions) -> Vec<String> {
    let mut differences = of_subjects("publish to", &wanted.publish, found.publish);
    differences.extend(of_subjects(
        "subscribe to",
        &wanted.subscribe,
        found.subscribe,
    ));
    let answers = found.responses.map(|found| (found.max, found.ttl));
    let ttl = i64::try_from(ANSWER_WITHIN_S * 1_000_000_000).unwrap_or(i64::MAX);
    let may_answer = wanted.answers.then_some((1, ttl));
    if answers != may_answer {
        let is = if wanted.answers { "must" } else { "must not" };
        differences.push(format!("{is} be allowed one answer within 5 s"));
    }
    differences
}

fn of_subjects(what: &str, wanted: &BTreeSet<String>, found: Option<Subjects>) -> Vec<String> {
    let Subjects { allow, deny } = found.unwrap_or_default();
    let Some(allow) = allow else {
        return vec![format!("may {what} everything")];
    };
    let too_much = allow.difference(wanted);
    let too_little = wanted.difference(&allow);
    let too_much = too_much.map(|subject| format!("may {what} {subject}"));
    let too_little = too_little.map(|subject| format!("may not {what} {subject}"));
    let denied = deny.into_iter().flatten();
    let denied = denied.map(|subject| format!("is denied to {what} {subject}"));
    too_much.chain(too_little).chain(denied).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rights: &Rights) -> Permissions {
        let subjects = |allow: &BTreeSet<String>| {
            Some(Subjects {
                allow: Some(allow.clone()),
                deny: None,
            })
        };
        Permissions {
            publish: subjects(&rights.publish),
            responses: rights.answers.then_some(Responses {
                max: 1,
                ttl: 5_000_000_000,
            }),
            subscribe: subjects(&rights.subscribe),
        }
    }

    #[test]
    fn exactly_the_rights_of_the_role_are_enough() {
        for role in Role::ALL {
            let wanted = of(role);
            assert_eq!(differences(&wanted, found(&wanted)), Vec::<String>::new());
            let everything = differences(&wanted, Permissions::default());
            assert!(everything.len() >= 2, "{everything:?}");
        }
    }

    #[test]
    fn every_right_too_many_or_too_few_is_named() {
        let wanted = of(Role::Worker);
        let more = |change: fn(&mut Permissions)| {
            let mut found = found(&wanted);
            change(&mut found);
            differences(&wanted, found)
        };
        let planted: [fn(&mut Permissions); 5] = [
            |found| {
                let allow = found.publish.as_mut().and_then(|it| it.allow.as_mut());
                allow.expect("a list").insert("x.>".to_owned());
            },
            |found| {
                let allow = found.subscribe.as_mut().and_then(|it| it.allow.as_mut());
                allow.expect("a list").pop_last();
            },
            |found| found.responses = None,
            |found| found.publish.as_mut().expect("a list").deny = Some(vec!["x".to_owned()]),
            |found| found.subscribe = None,
        ];
        for change in planted {
            assert_eq!(more(change).len(), 1, "{:?}", more(change));
        }
    }
}
