//! What lives on the server: found, or made by the owner, and held to its rules.
//!
//! Invariant: whoever finds one of them configured otherwise than [`rules`] demand refuses to work;
//! a part looks at those only that it may use.

use async_nats::jetstream::{
    self, ErrorCode,
    consumer::AckPolicy,
    context::GetStreamErrorKind,
    stream::{Config, DiscardPolicy, Info, PersistenceMode, RetentionPolicy, StorageType},
};
use std::time::Duration;

use super::{OpenError, Options, rules};
use crate::{
    AuditOptions, Role,
    log::{COMMIT_MAX_BYTES, REPEATS_KNOWN},
    subject,
    work::handed_out,
};

/// How long a worker may stay silent about an attempt before another takes over.
const WORK_ACK_WAIT: Duration = Duration::from_secs(30);
/// For how long a batch of the audit is known again that was stored unheard.
const AUDIT_REPEATS: Duration = Duration::from_mins(10);
/// How long a lease lasts unless it is renewed.
pub(super) const LEASE_MAX_AGE: Duration = Duration::from_secs(10);

/// How long somebody is there without saying so.
pub(super) const PRESENCE_MAX_AGE: Duration = Duration::from_secs(15);

/// Finds everything on the server that the role may look at, or creates it if that is the owner's;
/// says how many copies of the log there are.
pub(super) async fn ensure(
    jetstream: &jetstream::Context,
    options: &Options,
) -> Result<usize, OpenError> {
    let create = options.role == Role::Owner;
    let mut copies = 1;
    let all = [
        events(),
        work(),
        vault(),
        bucket(subject::LEASE_BUCKET, LEASE_MAX_AGE),
        bucket(subject::LEASED_BUCKET, PRESENCE_MAX_AGE),
        bucket(subject::WORKER_BUCKET, PRESENCE_MAX_AGE),
        external(),
    ];
    let wanted = all
        .into_iter()
        .filter(|config| options.role.looks_at(&config.name));
    for mut config in wanted {
        config.num_replicas = options.replicas;
        let stream = config.name.clone();
        let mut found = find_or_make(jetstream, config.clone(), create).await?;
        if create && rules::is_of_before(&config, &found.config) {
            found = bring_up_to_date(jetstream, config.allow_message_ttl, found.config).await?;
        }
        let differences = rules::broken(&config, &found.config);
        if !differences.is_empty() {
            return Err(OpenError::StreamMisconfigured {
                stream,
                differences,
            });
        }
        if stream == subject::EVENTS {
            copies = found.config.num_replicas;
        }
    }
    if create {
        consumers(jetstream).await?;
    }
    Ok(copies)
}

/// What tells this stream from another of the same name: when it was made.
pub(crate) fn incarnation(info: &Info) -> String {
    info.created.unix_timestamp_nanos().to_string()
}

/// Finds, or creates if `options` say so, the audit's stream; who may create it gives it the limits
/// of `options` as well.
pub(crate) async fn ensure_audit(
    jetstream: &jetstream::Context,
    options: &AuditOptions,
) -> Result<(), OpenError> {
    ensure_limited(jetstream, audit(options), options.create).await
}

/// The same for the stream of what attempts say.
pub(crate) async fn ensure_task_logs(
    jetstream: &jetstream::Context,
    limits: &runtime::TaskLogs,
    create: bool,
) -> Result<(), OpenError> {
    ensure_limited(jetstream, task_logs(limits), create).await
}

/// Finds a stream whose limits are configured, or creates it and sets them if it may.
async fn ensure_limited(
    jetstream: &jetstream::Context,
    wanted: Config,
    create: bool,
) -> Result<(), OpenError> {
    let mut found = find_or_make(jetstream, wanted.clone(), create)
        .await?
        .config;
    let limits = |config: &Config| (config.max_age, config.max_bytes);
    if create && limits(&wanted) != limits(&found) {
        let config = Config {
            max_age: wanted.max_age,
            max_bytes: wanted.max_bytes,
            ..found
        };
        let updated = jetstream.update_stream(config).await;
        let updated = updated.map_err(|reason| {
            OpenError::Unreachable(format!("updating {}: {reason}", wanted.name))
        })?;
        found = updated.config;
    }
    let differences = rules::broken(&wanted, &found);
    if differences.is_empty() {
        return Ok(());
    }
    Err(OpenError::StreamMisconfigured {
        stream: wanted.name,
        differences,
    })
}

async fn find_or_make(
    jetstream: &jetstream::Context,
    config: Config,
    create: bool,
) -> Result<Info, OpenError> {
    let name = config.name.clone();
    let unreachable = |reason: &dyn std::fmt::Display| {
        OpenError::Unreachable(format!("the stream {name}: {reason}"))
    };
    match jetstream.get_stream(&name).await {
        Ok(found) => return Ok(found.cached_info().clone()),
        Err(reason) => match reason.kind() {
            GetStreamErrorKind::JetStream(error)
                if error.error_code() == ErrorCode::STREAM_NOT_FOUND => {}
            _ => return Err(unreachable(&reason)),
        },
    }
    if !create {
        return Err(OpenError::Missing(name));
    }
    let made = jetstream.create_stream(config).await;
    made.map(|stream| stream.cached_info().clone())
        .map_err(|reason| unreachable(&reason))
}

/// Lets what is in a bucket of an earlier version end by itself if it must, and be read from its
/// leader only.
async fn bring_up_to_date(
    jetstream: &jetstream::Context,
    lets_end: bool,
    found: Config,
) -> Result<Info, OpenError> {
    let stream = found.name.clone();
    let config = Config {
        allow_direct: false,
        allow_message_ttl: lets_end || found.allow_message_ttl,
        ..found
    };
    let updated = jetstream.update_stream(config).await;
    updated.map_err(|reason| OpenError::Unreachable(format!("updating {stream}: {reason}")))
}

async fn consumers(jetstream: &jetstream::Context) -> Result<(), OpenError> {
    for (name, filter) in handed_out() {
        let config = handing_out(name, filter);
        jetstream
            .create_consumer_on_stream(config, subject::WORK)
            .await
            .map_err(|reason| OpenError::Unreachable(format!("creating a consumer: {reason}")))?;
    }
    Ok(())
}

/// A consumer that hands out what fits `filter_subject`. What is handed back for a while counts as
/// pending, and must not keep others waiting.
pub(crate) fn handing_out(
    name: String,
    filter_subject: String,
) -> jetstream::consumer::pull::Config {
    jetstream::consumer::pull::Config {
        ack_policy: AckPolicy::Explicit,
        ack_wait: WORK_ACK_WAIT,
        durable_name: Some(name),
        filter_subject,
        max_ack_pending: 100_000,
        ..Default::default()
    }
}

pub(super) fn events() -> Config {
    Config {
        name: subject::EVENTS.to_owned(),
        description: Some("Everything that ever happened; the only source of truth".to_owned()),
        subjects: vec![subject::ALL_EVENTS.to_owned()],
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::New,
        storage: StorageType::File,
        max_message_size: COMMIT_MAX_BYTES as i32,
        duplicate_window: REPEATS_KNOWN,
        deny_delete: true,
        deny_purge: true,
        allow_direct: true,
        allow_atomic_publish: true,
        ..Default::default()
    }
}

/// Its oldest part gives way, by age or where there is no more room: whoever floods the audit
/// cannot stop it. Nothing else takes a record out.
pub(super) fn audit(options: &AuditOptions) -> Config {
    Config {
        name: subject::AUDIT.to_owned(),
        description: Some("Who did or tried what, from where, with which result".to_owned()),
        subjects: vec![subject::ALL_AUDIT.to_owned()],
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::Old,
        storage: StorageType::File,
        max_age: options.keep,
        max_bytes: i64::try_from(options.max_bytes).unwrap_or(i64::MAX),
        num_replicas: options.replicas,
        duplicate_window: AUDIT_REPEATS,
        deny_delete: true,
        deny_purge: true,
        ..Default::default()
    }
}

/// What attempts say is no truth that anything rests on: it need not wait for the disk, nor make
/// EVENTS wait for it, and its oldest part gives way.
pub(super) fn task_logs(limits: &runtime::TaskLogs) -> Config {
    Config {
        name: subject::TASK_LOGS.to_owned(),
        description: Some("What attempts say while they run; kept for a while".to_owned()),
        subjects: vec![subject::ALL_TASK_LOGS.to_owned()],
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::Old,
        storage: StorageType::File,
        max_age: limits.keep(),
        max_bytes: i64::try_from(limits.max_bytes).unwrap_or(i64::MAX),
        deny_delete: true,
        allow_direct: true,
        persist_mode: Some(PersistenceMode::Async),
        ..Default::default()
    }
}

pub(super) fn work() -> Config {
    Config {
        name: subject::WORK.to_owned(),
        description: Some("Attempts on their way to workers; rebuilt from EVENTS".to_owned()),
        subjects: vec![subject::ALL_WORK.to_owned()],
        retention: RetentionPolicy::WorkQueue,
        storage: StorageType::File,
        allow_direct: true,
        // What a power cut takes from this queue the dispatcher puts back from EVENTS, so it need
        // not wait for the disk, nor make EVENTS wait for it.
        persist_mode: Some(PersistenceMode::Async),
        ..Default::default()
    }
}

pub(super) fn external() -> Config {
    Config {
        name: subject::EXTERNAL.to_owned(),
        description: Some("Attempts on their way outside; rebuilt from EVENTS".to_owned()),
        subjects: vec![subject::ALL_EXTERNAL.to_owned()],
        ..work()
    }
}

/// The bucket of secrets, of which some end by themselves.
pub(super) fn vault() -> Config {
    Config {
        allow_message_ttl: true,
        ..bucket(subject::VAULT_BUCKET, Duration::ZERO)
    }
}

/// The stream behind a key-value bucket (ADR-8 of NATS). Reads by direct get are off: on a cluster
/// they may be behind, and a secret or a leader of yesterday is worse than a slower answer.
pub(super) fn bucket(name: &str, max_age: Duration) -> Config {
    Config {
        name: subject::bucket_stream(name),
        subjects: vec![subject::bucket(name)],
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::New,
        storage: StorageType::File,
        max_age,
        max_messages_per_subject: 1,
        deny_delete: true,
        allow_rollup: true,
        allow_direct: false,
        ..Default::default()
    }
}
