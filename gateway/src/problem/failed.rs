//! From what broke to what the client is told.
//!
//! Invariant: a failure after which something may be stored says so; every other one stored
//! nothing.

use commands::{AccountError, AttributesError, CommandError, Failure, IdentityError, UniqueError};
use projections::{ForeignKey, Lagging, StoreError};
use schemas::{
    Position, Version,
    api::{Code, FieldError},
};

use super::{Error, Explain};
use crate::{answer::etag, log_end::Behind};

impl Error {
    /// What was written of an object since `since` cannot be shown.
    pub fn parked(since: Position) -> Self {
        let detail = format!(
            "the commit at position {since} cannot be applied, so what was written of this object \
             since then cannot be read; `almanac projections parked list` says why"
        );
        Self::new(Code::ProjectionLagging, detail).with_retry()
    }

    /// The object is not at the version that the client has seen.
    pub fn version_mismatch(expected: Version, current: Version) -> Self {
        let detail = format!("expected version {expected}, current version is {current}");
        Self::new(Code::VersionMismatch, detail).with_etag(etag(current))
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match &failure {
            // Too many hashes at once is the client's rate, not an outage.
            Failure::Busy(_) => Self::new(
                Code::TooManyRequests,
                "Too many sign-ins at once. Try again in a moment.",
            )
            .with_retry(),
            Failure::Unavailable(_) => Self::new(
                Code::Unavailable,
                "The log cannot be reached. Nothing was stored; try again in a moment.",
            )
            .with_retry()
            .caused_by(failure),
            Failure::Unknown(_) => Self::new(
                Code::Unavailable,
                "The outcome is unknown: the change may or may not be stored. Send the same \
                 request with the same Idempotency-Key to find out.",
            )
            .with_retry()
            .caused_by(failure),
            Failure::TooLarge { .. } => Self::new(Code::BodyTooLarge, failure.to_string()),
            Failure::Corrupt(_) | Failure::Refused(_) => Self::internal(failure),
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Unavailable(_) => Self::new(
                Code::Unavailable,
                "The read models cannot be reached; try again in a moment.",
            )
            .with_retry()
            .caused_by(error),
            StoreError::Corrupt(_) => Self::internal(error),
        }
    }
}

impl From<Lagging> for Error {
    fn from(lagging: Lagging) -> Self {
        let detail = format!(
            "position {} was asked for, {} is reached; try again, or send Prefer: wait=10",
            lagging.wanted, lagging.reached
        );
        Self::new(Code::ProjectionLagging, detail).with_retry()
    }
}

impl From<Behind> for Error {
    fn from(behind: Behind) -> Self {
        let detail = format!("{behind}; what was written since cannot be read");
        let error = Self::new(Code::Unavailable, detail).with_retry();
        error.caused_by("the log was put back to an earlier state")
    }
}

impl From<ForeignKey> for Error {
    fn from(error: ForeignKey) -> Self {
        Self::new(Code::CursorMismatch, error.to_string())
    }
}

impl<R: Explain> From<CommandError<R>> for Error {
    fn from(error: CommandError<R>) -> Self {
        match error {
            CommandError::Contended => Self::new(
                Code::Conflict,
                "Others change this object all the time. Nothing was stored; try again.",
            )
            .with_retry(),
            CommandError::Failed(failure) => failure.into(),
            CommandError::Rejected(rejection) => rejection.explain(),
            CommandError::Reused => Self::new(
                Code::IdempotencyKeyReused,
                "Use a new Idempotency-Key for every new request.",
            ),
            CommandError::VersionMismatch { expected, current } => {
                Self::version_mismatch(expected, current)
            }
        }
    }
}

impl From<AccountError> for Error {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Command(error) => error.into(),
            AccountError::EmailTaken => Self::new(
                Code::EmailTaken,
                "Sign in with this address, or use another one.",
            ),
            AccountError::IdentityTaken => Self::new(
                Code::IdentityTaken,
                "Sign in as that user, or use another identity.",
            ),
            AccountError::InvalidEmail => Self::invalid_field("/email", error.to_string()),
            AccountError::InvalidInvitation => Self::new(
                Code::InvalidInvitation,
                "It lasts seven days and works once. Ask an administrator for another one.",
            ),
            AccountError::InvalidName(reason) => Self::invalid_field("/name", reason.to_string()),
            AccountError::SlugTaken => Self::new(Code::AlreadyExists, error.to_string()),
            AccountError::NoEnrolment | AccountError::NoMfa => {
                Self::new(Code::InvalidState, error.to_string())
            }
            AccountError::WeakPassword(reason) => Self::invalid_field("/password", reason),
            AccountError::WrongCode => Self::invalid_field("/code", error.to_string()),
            AccountError::WrongPassword => {
                Self::invalid_field("/current_password", error.to_string())
            }
        }
    }
}

impl From<UniqueError> for Error {
    fn from(error: UniqueError) -> Self {
        match error {
            UniqueError::Command(error) => error.into(),
            UniqueError::KeyTaken(_) => Self::new(Code::UniqueKeyTaken, error.to_string()),
        }
    }
}

impl From<IdentityError> for Error {
    fn from(error: IdentityError) -> Self {
        let detail = match error {
            IdentityError::Account(error) => return error.into(),
            IdentityError::Disabled => "The user is disabled. Ask an administrator.",
            IdentityError::NotLinked => {
                "A user with this address exists. Sign in as before, and link this identity then."
            }
            IdentityError::Unknown => "Ask an administrator to add you.",
        };
        Self::new(Code::IdentityNotLinked, detail)
    }
}

impl From<AttributesError> for Error {
    fn from(error: AttributesError) -> Self {
        match error {
            AttributesError::Failed(failure) => failure.into(),
            AttributesError::Invalid(violations) => Self::invalid_body(
                violations
                    .into_iter()
                    .map(|violation| FieldError {
                        pointer: format!("/attributes{}", violation.pointer),
                        detail: violation.detail,
                    })
                    .collect(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::status;

    #[test]
    fn what_the_client_can_change_is_no_outage() {
        let told = |failure: Failure| status(Error::from(failure).0.code).as_u16();
        assert_eq!(told(Failure::Busy("too many sign-ins at once")), 429);
        assert_eq!(told(Failure::TooLarge { bytes: 2, max: 1 }), 413);
        assert_eq!(told(Failure::Unavailable("away".into())), 503);
        assert_eq!(told(Failure::Unknown("no answer".into())), 503);
        assert_eq!(told(Failure::Corrupt("a byte".into())), 500);
        let busy = Error::from(Failure::Busy("too many sign-ins at once"));
        let headers = &busy.refusal().headers;
        assert!(headers.iter().any(|(name, _)| name == "retry-after"));
    }
}
