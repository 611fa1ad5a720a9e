//! Every event there is, with the version in which it is written today.
//!
//! A payload is `{"events":[{"type":"task.created","v":1,"data":{…}}, …]}`.
//!
//! Invariant: the listing is exhaustive (an event that is not listed does not compile), and
//! decoding what was encoded gives the same events.

mod upcast;
mod wire;

pub use wire::{DecodeError, EventRecord, decode_records};

use domain::{
    Aggregate, AggregateKind, api_key::ApiKey, api_key::ApiKeyEvent, email_claim::EmailClaim,
    email_claim::EmailClaimEvent, identity_claim::IdentityClaim,
    identity_claim::IdentityClaimEvent, job::Job, job::JobEvent, log_checkpoint::LogCheckpoint,
    log_checkpoint::LogCheckpointEvent, operation::Operation, operation::OperationEvent,
    parked_commit::ParkedCommit, parked_commit::ParkedCommitEvent, resource::Resource,
    resource::ResourceEvent, resource_type::ResourceType, resource_type::ResourceTypeEvent,
    settings::Settings, settings::SettingsEvent, task::Task, task::TaskEvent, tenant::Tenant,
    tenant::TenantEvent, unique_key::UniqueKey, unique_key::UniqueKeyEvent, user::User,
    user::UserEvent,
};

/// An event that can be written to the log and read back.
pub trait Recorded: Sized {
    /// Its name and version on the wire, and its data.
    fn record(&self) -> EventRecord;

    /// Reads an event of this aggregate.
    fn read(record: &EventRecord) -> Result<Self, DecodeError>;
}

/// One line of the catalogue.
pub struct Entry {
    /// Whose event it is.
    pub kind: AggregateKind,
    /// Its name on the wire.
    pub name: &'static str,
    /// The JSON Schema (2020-12) of its data.
    pub schema: fn() -> schemars::Schema,
    /// The version in which it is written today.
    pub version: u16,
}

/// Encodes the events of one commit.
pub fn encode<E: Recorded>(events: &[E]) -> Vec<u8> {
    wire::encode_records(&records(events))
}

/// Encodes the events of one commit, and gives them as whoever decodes them will read them.
///
/// Fails if they could not be read again.
pub fn encode_readable<E: Recorded>(events: &[E]) -> Result<(Vec<u8>, Vec<E>), DecodeError> {
    let records = records(events);
    let read = records.iter().map(E::read).collect::<Result<_, _>>()?;
    Ok((wire::encode_records(&records), read))
}

fn records<E: Recorded>(events: &[E]) -> Vec<EventRecord> {
    events.iter().map(Recorded::record).collect()
}

/// Decodes the events of one commit.
pub fn decode<E: Recorded>(payload: &[u8]) -> Result<Vec<E>, DecodeError> {
    decode_records(payload)?.iter().map(E::read).collect()
}

macro_rules! catalogue {
    ($($aggregate:ident, $event:ident {
        $($name:literal v $version:literal => $variant:ident($data:path),)*
    })*) => {
        $(
            impl Recorded for $event {
                fn record(&self) -> EventRecord {
                    match self {
                        $(Self::$variant(data) => EventRecord::of($name, $version, data),)*
                    }
                }

                fn read(record: &EventRecord) -> Result<Self, DecodeError> {
                    match record.name.as_ref() {
                        $($name => wire::read(record, $version).map(Self::$variant),)*
                        other => Err(DecodeError::UnknownEvent(other.to_owned())),
                    }
                }
            }
        )*

        /// Every event, by aggregate and name, alphabetically.
        pub const ENTRIES: &[Entry] = &[
            $($(Entry {
                kind: <$aggregate as Aggregate>::KIND,
                name: $name,
                schema: || schemars::schema_for!($data),
                version: $version,
            },)*)*
        ];
    };
}

catalogue! {
    ApiKey, ApiKeyEvent {
        "api_key.created" v 1 => Created(domain::api_key::ApiKeyCreated),
        "api_key.revoked" v 1 => Revoked(domain::api_key::ApiKeyRevoked),
    }
    EmailClaim, EmailClaimEvent {
        "email.claimed" v 1 => Claimed(domain::email_claim::EmailClaimed),
        "email.released" v 1 => Released(domain::email_claim::EmailReleased),
    }
    IdentityClaim, IdentityClaimEvent {
        "identity.claimed" v 1 => Claimed(domain::identity_claim::IdentityClaimed),
        "identity.released" v 1 => Released(domain::identity_claim::IdentityReleased),
    }
    Job, JobEvent {
        "job.created" v 1 => Created(domain::job::JobCreated),
        "job.deleted" v 1 => Deleted(domain::job::JobDeleted),
        "job.paused" v 1 => Paused(domain::job::JobPaused),
        "job.resumed" v 1 => Resumed(domain::job::JobResumed),
        "job.slots_skipped" v 1 => SlotsSkipped(domain::job::JobSlotsSkipped),
        "job.updated" v 1 => Updated(domain::job::JobUpdated),
    }
    LogCheckpoint, LogCheckpointEvent {
        "log_checkpoint.signed" v 1 => Signed(domain::log_checkpoint::LogCheckpointSigned),
    }
    Operation, OperationEvent {
        "operation.finished" v 1 => Finished(domain::operation::OperationFinished),
        "operation.progressed" v 1 => Progressed(domain::operation::OperationProgressed),
        "operation.started" v 1 => Started(domain::operation::OperationStarted),
    }
    ParkedCommit, ParkedCommitEvent {
        "parked_commit.retried" v 1 => Retried(domain::parked_commit::ParkedCommitRetried),
        "parked_commit.skipped" v 1 => Skipped(domain::parked_commit::ParkedCommitSkipped),
    }
    Resource, ResourceEvent {
        "resource.created" v 1 => Created(domain::resource::ResourceCreated),
        "resource.deleted" v 1 => Deleted(domain::resource::ResourceDeleted),
        "resource.updated" v 1 => Updated(domain::resource::ResourceUpdated),
    }
    ResourceType, ResourceTypeEvent {
        "resource_type.defined" v 1 => Defined(domain::resource_type::ResourceTypeDefined),
        "resource_type.revised" v 1 => Revised(domain::resource_type::ResourceTypeRevised),
    }
    Settings, SettingsEvent {
        "settings.changed" v 1 => Changed(domain::settings::SettingsChanged),
    }
    Task, TaskEvent {
        "task.attempt_failed" v 1 => AttemptFailed(domain::task::TaskAttemptFailed),
        "task.cancel_requested" v 1 => CancelRequested(domain::task::TaskCancelRequested),
        "task.cancelled" v 1 => Cancelled(domain::task::TaskCancelled),
        "task.created" v 1 => Created(domain::task::TaskCreated),
        "task.died" v 1 => Died(domain::task::TaskDied),
        "task.failed" v 1 => Failed(domain::task::TaskFailed),
        "task.handed_back" v 1 => HandedBack(domain::task::TaskHandedBack),
        "task.released" v 1 => Released(domain::task::TaskReleased),
        "task.requeued" v 1 => Requeued(domain::task::TaskRequeued),
        "task.result_refused" v 1 => ResultRefused(domain::task::TaskResultRefused),
        "task.retry_scheduled" v 1 => RetryScheduled(domain::task::TaskRetryScheduled),
        "task.slot_skipped" v 1 => SlotSkipped(domain::task::TaskSlotSkipped),
        "task.started" v 1 => Started(domain::task::TaskStarted),
        "task.succeeded" v 1 => Succeeded(domain::task::TaskSucceeded),
        "task.timed_out" v 1 => TimedOut(domain::task::TaskTimedOut),
    }
    Tenant, TenantEvent {
        "tenant.created" v 1 => Created(domain::tenant::TenantCreated),
        "tenant.entered" v 1 => Entered(domain::tenant::TenantEntered),
        "tenant.renamed" v 1 => Renamed(domain::tenant::TenantRenamed),
        "tenant.resumed" v 1 => Resumed(domain::tenant::TenantResumed),
        "tenant.suspended" v 1 => Suspended(domain::tenant::TenantSuspended),
    }
    UniqueKey, UniqueKeyEvent {
        "unique_key.claimed" v 1 => Claimed(domain::unique_key::UniqueKeyClaimed),
    }
    User, UserEvent {
        "user.disabled" v 1 => Disabled(domain::user::UserDisabled),
        "user.email_changed" v 1 => EmailChanged(domain::user::UserEmailChanged),
        "user.enabled" v 1 => Enabled(domain::user::UserEnabled),
        "user.erased" v 1 => Erased(domain::user::UserErased),
        "user.invitation_accepted" v 1 => InvitationAccepted(domain::user::UserInvitationAccepted),
        "user.invitation_renewed" v 1 => InvitationRenewed(domain::user::UserInvitationRenewed),
        "user.invited" v 1 => Invited(domain::user::UserInvited),
        "user.mfa_disabled" v 1 => MfaDisabled(domain::user::UserMfaDisabled),
        "user.mfa_enabled" v 1 => MfaEnabled(domain::user::UserMfaEnabled),
        "user.identity_linked" v 1 => IdentityLinked(domain::user::UserIdentityLinked),
        "user.identity_unlinked" v 1 => IdentityUnlinked(domain::user::UserIdentityUnlinked),
        "user.password_changed" v 1 => PasswordChanged(domain::user::UserPasswordChanged),
        "user.platform_granted" v 1 => PlatformGranted(domain::user::UserPlatformGranted),
        "user.platform_revoked" v 1 => PlatformRevoked(domain::user::UserPlatformRevoked),
        "user.registered" v 1 => Registered(domain::user::UserRegistered),
        "user.renamed" v 1 => Renamed(domain::user::UserRenamed),
        "user.role_changed" v 1 => RoleChanged(domain::user::UserRoleChanged),
    }
}
