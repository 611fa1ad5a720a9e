//! Why somebody did not become a user, or a user not what was asked.
//!
//! Invariant: what the person can mend is told apart from what broke; nothing here repeats what
//! they wrote.

use domain::{InvalidName, user::UserRejection};

use crate::{CommandError, Failure};

/// Why an account is not as it was asked to be.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The command did not succeed.
    #[error(transparent)]
    Command(#[from] CommandError<UserRejection>),
    /// The address belongs to somebody.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// The identity belongs to another user.
    #[error("the identity belongs to another user")]
    IdentityTaken,
    /// That is no address.
    #[error("not an e-mail address")]
    InvalidEmail,
    /// The invitation is unknown, was accepted, has ended or expired.
    #[error("the invitation is not valid")]
    InvalidInvitation,
    /// That is no name.
    #[error(transparent)]
    InvalidName(#[from] InvalidName),
    /// The slug belongs to another tenant.
    #[error("there is a tenant with this slug")]
    SlugTaken,
    /// No second factor is being turned on, or it took too long.
    #[error("begin to turn on a second factor first")]
    NoEnrolment,
    /// They have no second factor.
    #[error("no second factor is on")]
    NoMfa,
    /// The password would be guessed.
    #[error("{0}")]
    WeakPassword(String),
    /// It is not a code of the second factor, or not any more.
    #[error("not the code that the authenticator shows now")]
    WrongCode,
    /// It is not the password that they sign in with.
    #[error("not the password that you sign in with")]
    WrongPassword,
}

impl AccountError {
    /// Whether nothing was stored, for certain.
    pub(super) const fn is_definite(&self) -> bool {
        match self {
            Self::Command(CommandError::Failed(failure)) => failure.is_definite(),
            _ => true,
        }
    }
}

impl From<Failure> for AccountError {
    fn from(failure: Failure) -> Self {
        Self::Command(CommandError::Failed(failure))
    }
}
