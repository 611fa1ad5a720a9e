//! The streams and buckets as they must be.
//!
//! Invariant: nothing in EVENTS ever expires, is overwritten or deleted by the server; whoever
//! finds it configured otherwise refuses to work.

use async_nats::jetstream::{
    self,
    consumer::AckPolicy,
    stream::{Config, DiscardPolicy, Info, PersistenceMode, RetentionPolicy, StorageType},
};
use domain::task::Priority;
use std::time::Duration;

use super::{OpenError, Options};
use crate::subject;

/// The largest commit, in bytes.
const COMMIT_MAX_BYTES: i32 = 256 * 1024;
/// How long a worker may stay silent about an attempt before another takes over.
const WORK_ACK_WAIT: Duration = Duration::from_secs(30);
/// How long a lease lasts unless it is renewed.
const LEASE_MAX_AGE: Duration = Duration::from_secs(10);

/// Finds, or creates if `options` say so, everything that lives on the server.
pub(super) async fn ensure(
    jetstream: &jetstream::Context,
    options: &Options,
) -> Result<(), OpenError> {
    let events = stream(jetstream, events(options.replicas), options.create).await?;
    let differences = differences(&events.config, options.replicas);
    if !differences.is_empty() {
        let stream = subject::EVENTS.to_owned();
        return Err(OpenError::StreamMisconfigured {
            stream,
            differences,
        });
    }
    stream(jetstream, work(options.replicas), options.create).await?;
    if options.create {
        consumers(jetstream).await?;
        bucket(
            jetstream,
            subject::VAULT_BUCKET,
            Duration::ZERO,
            options.replicas,
        )
        .await?;
        bucket(
            jetstream,
            subject::LEASE_BUCKET,
            LEASE_MAX_AGE,
            options.replicas,
        )
        .await?;
    }
    Ok(())
}

/// What tells this stream from another of the same name: when it was made.
pub(super) fn incarnation(info: &Info) -> String {
    info.created.unix_timestamp_nanos().to_string()
}

async fn stream(
    jetstream: &jetstream::Context,
    config: Config,
    create: bool,
) -> Result<Info, OpenError> {
    let name = config.name.clone();
    if let Ok(found) = jetstream.get_stream(&name).await {
        return Ok(found.cached_info().clone());
    }
    if !create {
        return Err(OpenError::Missing(name));
    }
    let made = jetstream.create_stream(config).await;
    made.map(|stream| stream.cached_info().clone())
        .map_err(|reason| OpenError::Unreachable(format!("creating {name}: {reason}")))
}

async fn consumers(jetstream: &jetstream::Context) -> Result<(), OpenError> {
    for priority in Priority::ALL {
        let config = jetstream::consumer::pull::Config {
            ack_policy: AckPolicy::Explicit,
            ack_wait: WORK_ACK_WAIT,
            durable_name: Some(subject::work_consumer(priority)),
            filter_subject: subject::work(priority),
            max_ack_pending: 10_000,
            ..Default::default()
        };
        jetstream
            .create_consumer_on_stream(config, subject::WORK)
            .await
            .map_err(|reason| OpenError::Unreachable(format!("creating a consumer: {reason}")))?;
    }
    Ok(())
}

async fn bucket(
    jetstream: &jetstream::Context,
    name: &str,
    max_age: Duration,
    replicas: usize,
) -> Result<(), OpenError> {
    let config = jetstream::kv::Config {
        bucket: name.to_owned(),
        history: 1,
        max_age,
        num_replicas: replicas,
        ..Default::default()
    };
    match jetstream.get_key_value(name).await {
        Ok(_) => Ok(()),
        Err(_) => jetstream
            .create_key_value(config)
            .await
            .map(drop)
            .map_err(|reason| OpenError::Unreachable(format!("creating {name}: {reason}"))),
    }
}

fn events(replicas: usize) -> Config {
    Config {
        name: subject::EVENTS.to_owned(),
        description: Some("Everything that ever happened; the only source of truth".to_owned()),
        subjects: vec![subject::ALL_EVENTS.to_owned()],
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::New,
        storage: StorageType::File,
        num_replicas: replicas,
        max_message_size: COMMIT_MAX_BYTES,
        deny_delete: true,
        deny_purge: true,
        allow_direct: true,
        allow_atomic_publish: true,
        ..Default::default()
    }
}

fn work(replicas: usize) -> Config {
    Config {
        name: subject::WORK.to_owned(),
        description: Some("Attempts on their way to workers; rebuilt from EVENTS".to_owned()),
        subjects: vec![subject::ALL_WORK.to_owned()],
        retention: RetentionPolicy::WorkQueue,
        storage: StorageType::File,
        num_replicas: replicas,
        allow_direct: true,
        // What a power cut takes from this queue the dispatcher puts back from EVENTS, so it need
        // not wait for the disk, nor make EVENTS wait for it.
        persist_mode: Some(PersistenceMode::Async),
        ..Default::default()
    }
}

/// Every setting of EVENTS that breaks a promise.
fn differences(found: &Config, replicas: usize) -> Vec<String> {
    let unlimited = |limit: i64| limit <= 0;
    let checks = [
        (
            "subjects must be exactly events.>",
            found.subjects == [subject::ALL_EVENTS],
        ),
        ("storage must be file", found.storage == StorageType::File),
        (
            "retention must be limits",
            found.retention == RetentionPolicy::Limits,
        ),
        ("discard must be new", found.discard == DiscardPolicy::New),
        ("max_age must be unset", found.max_age.is_zero()),
        ("max_msgs must be unset", unlimited(found.max_messages)),
        (
            "max_msgs_per_subject must be unset",
            unlimited(found.max_messages_per_subject),
        ),
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
        ("persist_mode must be the default", persists(found)),
        (
            "it must have at least the configured replicas",
            found.num_replicas >= replicas,
        ),
    ];
    checks
        .into_iter()
        .filter(|(_, holds)| !holds)
        .map(|(rule, _)| rule.to_owned())
        .collect()
}

/// `async` would acknowledge before writing, whatever the server's own setting.
fn persists(found: &Config) -> bool {
    matches!(found.persist_mode, None | Some(PersistenceMode::Default))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_we_create_are_the_settings_we_demand() {
        assert_eq!(differences(&events(1), 1), Vec::<String>::new());
        assert_eq!(differences(&events(1), 3).len(), 1);
    }

    #[test]
    fn every_unsafe_setting_is_named() {
        let planted = Config {
            discard: DiscardPolicy::Old,
            max_age: Duration::from_secs(1),
            max_messages: 5,
            max_messages_per_subject: 5,
            deny_delete: false,
            deny_purge: false,
            allow_atomic_publish: false,
            allow_direct: false,
            allow_rollup: true,
            storage: StorageType::Memory,
            retention: RetentionPolicy::Interest,
            ..events(1)
        };
        assert_eq!(differences(&planted, 1).len(), 11);
    }
}
