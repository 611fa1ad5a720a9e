//! Which workers are there: Almanac's own, and those outside.
//!
//! Invariant: it tells what workers say of themselves; whether an attempt is theirs, the log knows.

use std::collections::BTreeMap;

use domain::{TaskId, TenantId, Timestamp};
use event_log::{Presence, Present};
use schemas::{LeaseEntry, RunningAttempt, WorkerEntry};

use crate::Failure;

/// Tells which workers are there. Clones share its connection.
#[derive(Clone)]
pub struct Workers {
    leased: Presence,
    workers: Presence,
}

/// A worker that is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// What it says of itself.
    pub entry: WorkerEntry,
    /// When it said so last.
    pub seen_at: Timestamp,
}

impl Workers {
    /// The workers in `workers`, and who has an attempt of `leased`.
    pub const fn new(workers: Presence, leased: Presence) -> Self {
        Self { leased, workers }
    }

    /// All that are there, by name.
    pub async fn all(&self) -> Result<Vec<Seen>, Failure> {
        let present = self.workers.all().await?;
        let leased = self.leased.all().await?;
        Ok(together(&present, &leased))
    }
}

/// Workers outside say what they ask for when they ask; what they are at follows from the attempts
/// that they speak for.
fn together(present: &[Present], leased: &[Present]) -> Vec<Seen> {
    let mut own = Vec::new();
    let mut outside: BTreeMap<(TenantId, String), Seen> = BTreeMap::new();
    for Present { seen_at, value, .. } in present {
        let Ok(entry) = serde_json::from_slice::<WorkerEntry>(value) else {
            continue;
        };
        let seen_at = *seen_at;
        match entry.tenant {
            None => own.push(Seen { entry, seen_at }),
            Some(tenant) => {
                let key = (tenant, entry.name.clone());
                outside.insert(key, Seen { entry, seen_at });
            }
        }
    }
    for Present {
        key,
        seen_at,
        value,
    } in leased
    {
        let Ok(lease) = serde_json::from_slice::<LeaseEntry>(value) else {
            continue;
        };
        let Some((tenant, task)) = whose(key) else {
            continue;
        };
        let seen = outside.entry((tenant, lease.name.clone()));
        let seen = seen.or_insert_with(|| Seen {
            entry: unasked(tenant, lease.name.clone(), *seen_at),
            seen_at: *seen_at,
        });
        seen.seen_at = seen.seen_at.max(*seen_at);
        if !seen.entry.kinds.contains(&lease.kind) {
            seen.entry.kinds.push(lease.kind);
        }
        seen.entry.running.push(RunningAttempt {
            tenant,
            task,
            attempt: lease.attempt,
        });
    }
    own.extend(outside.into_values());
    own.sort_by(|a, b| a.entry.name.cmp(&b.entry.name));
    own
}

/// A worker that is at something and asks for no more.
fn unasked(tenant: TenantId, name: String, started_at: Timestamp) -> WorkerEntry {
    WorkerEntry {
        name,
        kinds: Vec::new(),
        slots: None,
        running: Vec::new(),
        version: None,
        zone: None,
        draining: false,
        memory_bytes: None,
        started_at,
        tenant: Some(tenant),
    }
}

/// Of whose task such a key is.
fn whose(key: &str) -> Option<(TenantId, TaskId)> {
    let (tenant, task) = key.split_once('.')?;
    Some((tenant.parse().ok()?, task.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn present(key: &str, value: &impl serde::Serialize) -> Present {
        Present {
            key: key.to_owned(),
            seen_at: Timestamp::from_unix_ms(5),
            value: serde_json::to_vec(value).expect("encodes"),
        }
    }

    #[test]
    fn who_is_outside_is_known_by_what_it_asks_for_and_what_it_has() {
        let (tenant, task) = (
            TenantId::new(Uuid::from_u128(1)),
            TaskId::new(Uuid::from_u128(2)),
        );
        let of = |name: &str, whose| WorkerEntry {
            kinds: vec!["asks".to_owned()],
            tenant: whose,
            ..unasked(tenant, name.to_owned(), Timestamp::from_unix_ms(1))
        };
        let there = [
            present("a", &of("own", None)),
            present("b", &of("both", Some(tenant))),
        ];
        let lease = |name: &str, kind: &str| {
            let lease = LeaseEntry {
                attempt: 3,
                kind: kind.to_owned(),
                name: name.to_owned(),
                worker: "external.x".to_owned(),
            };
            present(&event_log::leased(tenant, task), &lease)
        };
        let leased = [
            lease("both", "has"),
            lease("busy", "has"),
            lease("busy", "has"),
        ];
        let told = together(&there, &leased);
        let told: Vec<_> = told
            .iter()
            .map(|seen| {
                (
                    &*seen.entry.name,
                    &*seen.entry.kinds,
                    seen.entry.running.len(),
                )
            })
            .collect();
        let kinds = |kinds: &[&str]| kinds.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (asks, both, has) = (kinds(&["asks"]), kinds(&["asks", "has"]), kinds(&["has"]));
        assert_eq!(
            told,
            [("both", &*both, 1), ("busy", &*has, 2), ("own", &*asks, 0)]
        );
    }
}
