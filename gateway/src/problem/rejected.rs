//! What the client is told when an aggregate says no.
//!
//! Invariant: a rejection is always the client's to solve (4xx), and names the field if one is to
//! blame.

use domain::{
    api_key::ApiKeyRejection,
    job::{InvalidPolicy, JobRejection},
    operation::OperationRejection,
    resource::ResourceRejection,
    resource_type::ResourceTypeRejection,
    schedule::InvalidSchedule,
    settings::SettingsRejection,
    task::TaskRejection,
    tenant::TenantRejection,
    user::UserRejection,
};
use schemas::api::{Code, FieldError};

use super::Error;
use crate::extract::escaped;

/// A rejection that clients can meet.
pub(crate) trait Explain: std::error::Error {
    /// What to tell them.
    fn explain(self) -> Error;
}

impl Explain for ApiKeyRejection {
    fn explain(self) -> Error {
        match self {
            Self::AlreadyExists => Error::new(Code::AlreadyExists, self.to_string()),
            Self::Expiry | Self::TooLong { .. } => {
                Error::invalid_field("/expires_at", self.to_string())
            }
            Self::NotFound => Error::not_found("API key"),
            Self::Scopes => Error::invalid_field("/scopes", self.to_string()),
        }
    }
}

impl Explain for JobRejection {
    fn explain(self) -> Error {
        match self {
            Self::AlreadyExists => Error::new(Code::AlreadyExists, self.to_string()),
            Self::Foreign(_) | Self::Settled => Error::new(Code::InvalidState, self.to_string()),
            Self::NotFound => Error::not_found("job"),
            Self::Policy(reason) => policy(&reason),
            Self::Schedule(reason) => schedule(&reason),
            Self::Task(reason) => task("/task", &reason),
        }
    }
}

impl Explain for OperationRejection {
    fn explain(self) -> Error {
        match self {
            Self::AlreadyExists => Error::new(Code::AlreadyExists, self.to_string()),
            Self::Further => Error::new(Code::InvalidState, self.to_string()),
            Self::NotFound => Error::not_found("operation"),
            Self::Statuses => Error::invalid_field("/statuses", self.to_string()),
        }
    }
}

impl Explain for ResourceRejection {
    fn explain(self) -> Error {
        match self {
            Self::AlreadyExists => Error::new(Code::AlreadyExists, self.to_string()),
            Self::NotFound => Error::not_found("resource"),
            Self::Foreign(_) | Self::TypeChanged => {
                Error::new(Code::InvalidState, self.to_string())
            }
        }
    }
}

impl Explain for ResourceTypeRejection {
    fn explain(self) -> Error {
        match self {
            Self::Renamed => Error::new(Code::InvalidState, self.to_string()),
        }
    }
}

impl Explain for SettingsRejection {
    fn explain(self) -> Error {
        let Self::Invalid(settings) = self;
        let errors = settings.into_iter().map(|one| FieldError {
            pointer: format!("/{}", escaped(&one.name)),
            detail: one.reason,
        });
        Error::invalid_body(errors.collect())
    }
}

impl Explain for TaskRejection {
    fn explain(self) -> Error {
        task("", &self)
    }
}

impl Explain for TenantRejection {
    fn explain(self) -> Error {
        match self {
            Self::AlreadyExists => Error::new(Code::AlreadyExists, self.to_string()),
            Self::Main => Error::new(Code::InvalidState, self.to_string()),
            Self::NotFound => Error::not_found("tenant"),
        }
    }
}

impl Explain for UserRejection {
    fn explain(self) -> Error {
        match self {
            Self::AlreadyExists => Error::new(Code::AlreadyExists, self.to_string()),
            Self::Disabled
            | Self::Erased
            | Self::InvitationEnded
            | Self::Invited
            | Self::LastWayIn
            | Self::MfaEnabled
            | Self::NotInvited
            | Self::ProviderLinked => Error::new(Code::InvalidState, self.to_string()),
            Self::NotFound => Error::not_found("user"),
            Self::OwnRights => Error::new(Code::Forbidden, self.to_string()),
        }
    }
}

/// A policy that is out of bounds, in a body that has it under `/policy`.
pub(crate) fn policy(reason: &InvalidPolicy) -> Error {
    Error::invalid_field(format!("/policy/{}", reason.field), reason.to_string())
}

/// A schedule that cannot be followed, in a body that has it under `/schedule`.
pub(crate) fn schedule(reason: &InvalidSchedule) -> Error {
    let pointer = match reason {
        InvalidSchedule::Cron(_) | InvalidSchedule::Never => "/schedule/expression",
        InvalidSchedule::Interval => "/schedule/every_ms",
        InvalidSchedule::TimeZone(_) => "/schedule/timezone",
    };
    Error::invalid_field(pointer, reason.to_string())
}

/// A task's no, in a body that has its specification under `at`.
fn task(at: &str, rejection: &TaskRejection) -> Error {
    match rejection {
        TaskRejection::AlreadyExists => Error::new(Code::AlreadyExists, rejection.to_string()),
        TaskRejection::Invalid(reason) => {
            // Each reason begins with the name of its field.
            let field = reason.split(' ').next().unwrap_or_default();
            Error::invalid_field(format!("{at}/{field}"), *reason)
        }
        TaskRejection::NotFound => Error::not_found("task"),
        TaskRejection::Ended(_)
        | TaskRejection::Held
        | TaskRejection::KeyNeeded
        | TaskRejection::NotLate(_)
        | TaskRejection::NotDue(_)
        | TaskRejection::NotEnded(_)
        | TaskRejection::NotYourAttempt(_) => Error::new(Code::InvalidState, rejection.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{
        Actor, Aggregate as _, CommandId, Context, TenantId, Timestamp,
        task::{Task, TaskCommand, TaskCreated, TaskSpec},
    };

    /// What a client reads who asks for a task like this.
    fn refused(body: serde_json::Value) -> Vec<FieldError> {
        let spec: TaskSpec = serde_json::from_value(body).expect("a specification");
        let context = Context {
            actor: Actor::System("test".into()),
            command: CommandId::new(uuid::Uuid::from_u128(1)),
            id: uuid::Uuid::from_u128(7),
            now: Timestamp::from_unix_ms(0),
            tenant: TenantId::new(uuid::Uuid::from_u128(2)),
        };
        let create = TaskCommand::Create(TaskCreated::new(spec));
        let rejection = Task::decide(None, &create, &context).expect_err("rejected");
        rejection.explain().refusal().errors.clone()
    }

    #[test]
    fn an_invalid_task_names_its_field() {
        for (body, pointer) in [
            (serde_json::json!({"kind": "a b"}), "/kind"),
            (
                serde_json::json!({"kind": "a", "max_attempts": 0}),
                "/max_attempts",
            ),
            (
                serde_json::json!({"kind": "a", "timeout_ms": 0}),
                "/timeout_ms",
            ),
        ] {
            let errors = refused(body);
            assert_eq!(errors.len(), 1);
            assert_eq!(errors[0].pointer, pointer);
        }
    }
}
