//! The settings that a promise rests on.
//!
//! Invariant: nothing in EVENTS ever expires, is overwritten or deleted by the server, nothing in
//! the vault is lost, nothing in AUDIT goes before its time, and a lease that is not renewed ends;
//! a stream that would break one of these is named with the setting at fault.

use async_nats::jetstream::stream::{Config, PersistenceMode};

use crate::subject;

/// Each rule that `found` breaks, where `wanted` is how we would make it.
pub(super) fn broken(wanted: &Config, found: &Config) -> Vec<String> {
    let is_log = wanted.name == subject::EVENTS;
    let is_audit = wanted.name == subject::AUDIT;
    let is_bucket = subject::is_bucket_stream(&wanted.name);
    let mut rules = of_every_stream(wanted, found);
    if is_log {
        rules.extend(of_the_log(wanted, found));
    }
    if is_audit {
        rules.extend(of_the_audit(wanted, found));
    }
    if wanted.name == subject::TASK_LOGS {
        rules.extend(of_the_task_logs(wanted, found));
    }
    if is_bucket {
        rules.extend(of_a_bucket(wanted, found));
    }
    rules
        .into_iter()
        .filter(|(_, holds)| !holds)
        .map(|(rule, _)| rule)
        .collect()
}

/// Whether `found` is a bucket as an earlier version made it, which its owner may mend.
pub(super) fn is_of_before(wanted: &Config, found: &Config) -> bool {
    let is_bucket = subject::is_bucket_stream(&wanted.name);
    is_bucket && (found.allow_direct || (wanted.allow_message_ttl && !found.allow_message_ttl))
}

type Rule = (String, bool);

fn of_every_stream(wanted: &Config, found: &Config) -> Vec<Rule> {
    let same =
        |what: &str, is: String, must: String| (format!("{what} must be {must}"), is == must);
    let mut rules = vec![
        same(
            "subjects",
            found.subjects.join(","),
            wanted.subjects.join(","),
        ),
        same(
            "storage",
            format!("{:?}", found.storage).to_lowercase(),
            format!("{:?}", wanted.storage).to_lowercase(),
        ),
        same(
            "retention",
            format!("{:?}", found.retention).to_lowercase(),
            format!("{:?}", wanted.retention).to_lowercase(),
        ),
        same(
            "max_age in seconds",
            found.max_age.as_secs_f64().to_string(),
            wanted.max_age.as_secs_f64().to_string(),
        ),
        same(
            "max_msgs_per_subject",
            limit(found.max_messages_per_subject),
            limit(wanted.max_messages_per_subject),
        ),
        same(
            "max_msgs",
            limit(found.max_messages),
            limit(wanted.max_messages),
        ),
    ];
    rules.extend([
        ("no_ack must be off".to_owned(), !found.no_ack),
        ("sealed must be off".to_owned(), !found.sealed),
        (
            "it must have no sources and be no mirror".to_owned(),
            found.mirror.is_none() && found.sources.as_ref().is_none_or(Vec::is_empty),
        ),
        (
            format!("num_replicas must be at least {}", wanted.num_replicas),
            found.num_replicas >= wanted.num_replicas,
        ),
    ]);
    rules
}

fn of_the_log(wanted: &Config, found: &Config) -> Vec<Rule> {
    let largest = wanted.max_message_size;
    let rules = [
        ("discard must be new", found.discard == wanted.discard),
        ("deny_delete must be on", found.deny_delete),
        ("deny_purge must be on", found.deny_purge),
        ("allow_atomic must be on", found.allow_atomic_publish),
        ("allow_direct must be on", found.allow_direct),
        ("allow_rollup_hdrs must be off", !found.allow_rollup),
        ("allow_msg_ttl must be off", !found.allow_message_ttl),
        (
            "allow_msg_schedules must be off",
            !found.allow_message_schedules,
        ),
        // `async` would acknowledge before writing, whatever the server's own setting.
        (
            "persist_mode must be the default",
            matches!(found.persist_mode, None | Some(PersistenceMode::Default)),
        ),
    ];
    let mut rules = rules.map(|(rule, holds)| (rule.to_owned(), holds)).to_vec();
    rules.push((
        format!("max_msg_size must be at least {largest}"),
        found.max_message_size <= 0 || found.max_message_size >= largest,
    ));
    rules
}

fn of_the_audit(wanted: &Config, found: &Config) -> Vec<Rule> {
    let rules = [
        ("discard must be old", found.discard == wanted.discard),
        ("deny_delete must be on", found.deny_delete),
        ("deny_purge must be on", found.deny_purge),
        ("allow_rollup_hdrs must be off", !found.allow_rollup),
        ("allow_msg_ttl must be off", !found.allow_message_ttl),
        (
            "persist_mode must be the default",
            matches!(found.persist_mode, None | Some(PersistenceMode::Default)),
        ),
    ];
    let mut rules = rules.map(|(rule, holds)| (rule.to_owned(), holds)).to_vec();
    rules.push(room("audit", wanted, found));
    rules
}

fn of_the_task_logs(wanted: &Config, found: &Config) -> Vec<Rule> {
    let rules = [
        ("discard must be old", found.discard == wanted.discard),
        ("deny_delete must be on", found.deny_delete),
        ("allow_direct must be on", found.allow_direct),
        ("allow_rollup_hdrs must be off", !found.allow_rollup),
        // Otherwise whoever prints much makes every command wait for the disk.
        (
            "persist_mode must be async",
            found.persist_mode == wanted.persist_mode,
        ),
    ];
    let mut rules = rules.map(|(rule, holds)| (rule.to_owned(), holds)).to_vec();
    rules.push(room("task_logs", wanted, found));
    rules
}

/// How much may be kept, as the configuration's `section` says.
fn room(section: &str, wanted: &Config, found: &Config) -> Rule {
    let must = limit(wanted.max_bytes);
    let holds = limit(found.max_bytes) == must;
    let rule = format!("max_bytes must be {must} ({section}.max_bytes; `almanac setup` sets it)");
    (rule, holds)
}

fn of_a_bucket(wanted: &Config, found: &Config) -> Vec<Rule> {
    vec![
        ("allow_direct must be off".to_owned(), !found.allow_direct),
        (
            "allow_msg_ttl must be on".to_owned(),
            found.allow_message_ttl || !wanted.allow_message_ttl,
        ),
    ]
}

/// Both 0 and −1 mean that there is none.
fn limit(of: i64) -> String {
    if of <= 0 {
        "unset".to_owned()
    } else {
        of.to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use async_nats::jetstream::stream::{DiscardPolicy, RetentionPolicy, Source, StorageType};

    use super::*;
    use crate::AuditOptions;
    use crate::jetstream::streams::{audit, bucket, events, external, task_logs, vault, work};

    const KEPT: AuditOptions = AuditOptions {
        create: false,
        keep: Duration::from_hours(24),
        max_bytes: 1 << 20,
        replicas: 1,
    };

    fn said() -> Config {
        task_logs(&runtime::TaskLogs::default())
    }

    #[test]
    fn the_settings_we_create_are_the_settings_we_demand() {
        for ours in [audit(&KEPT), events(), external(), said(), work(), vault()] {
            assert_eq!(broken(&ours, &ours), Vec::<String>::new());
        }
        let cluster = Config {
            num_replicas: 3,
            ..events()
        };
        assert_eq!(broken(&cluster, &events()).len(), 1);
    }

    #[test]
    fn every_unsafe_setting_of_the_log_is_named() {
        let planted = Config {
            discard: DiscardPolicy::Old,
            max_age: Duration::from_secs(1),
            max_messages: 5,
            max_messages_per_subject: 5,
            max_message_size: 1_024,
            deny_delete: false,
            deny_purge: false,
            allow_atomic_publish: false,
            allow_direct: false,
            allow_rollup: true,
            no_ack: true,
            sealed: true,
            sources: Some(vec![Source::default()]),
            storage: StorageType::Memory,
            retention: RetentionPolicy::Interest,
            ..events()
        };
        let broken = broken(&events(), &planted);
        assert_eq!(broken.len(), 15, "{broken:?}");
    }

    #[test]
    fn an_audit_from_which_records_can_be_taken_is_named() {
        let planted = Config {
            discard: DiscardPolicy::New,
            max_age: Duration::from_hours(1),
            max_bytes: 1,
            deny_delete: false,
            deny_purge: false,
            allow_rollup: true,
            allow_message_ttl: true,
            persist_mode: Some(PersistenceMode::Async),
            ..audit(&KEPT)
        };
        let broken = broken(&audit(&KEPT), &planted);
        assert_eq!(broken.len(), 8, "{broken:?}");
    }

    #[test]
    fn logs_that_stop_or_make_others_wait_are_named() {
        let planted = Config {
            discard: DiscardPolicy::New,
            max_age: Duration::ZERO,
            max_bytes: -1,
            deny_delete: false,
            allow_direct: false,
            allow_rollup: true,
            persist_mode: None,
            ..said()
        };
        let broken = broken(&said(), &planted);
        assert_eq!(broken.len(), 7, "{broken:?}");
    }

    #[test]
    fn a_vault_that_forgets_and_a_lease_that_lasts_are_named() {
        let lease = bucket("leases", Duration::from_secs(10));
        let forgets = Config {
            allow_message_ttl: false,
            max_age: Duration::from_hours(1),
            storage: StorageType::Memory,
            ..vault()
        };
        assert_eq!(broken(&vault(), &forgets).len(), 3);
        let lasts = Config {
            max_age: Duration::ZERO,
            ..lease.clone()
        };
        assert_eq!(broken(&lease, &lasts).len(), 1);
    }

    #[test]
    fn a_bucket_is_read_from_its_leader() {
        let direct = Config {
            allow_direct: true,
            ..bucket("vault", Duration::ZERO)
        };
        assert_eq!(broken(&bucket("vault", Duration::ZERO), &direct).len(), 1);
    }
}
