//! Why a call did not give what it was asked for.
//!
//! Invariant: each error can say what happened and what to do, in words for people.

use schemas::api::{Code, Problem};

/// Why a call did not give what it was asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum ApiError {
    /// The server could not be reached, or the connection broke.
    Offline,
    /// The server said no, and why.
    Refused(Box<Problem>),
    /// The sign-in ended while the call was under way.
    SignedOut,
    /// The server took too long to answer.
    Slow,
    /// The server answered with something that this page does not understand.
    Unreadable(String),
}

impl ApiError {
    /// What happened, in a few words.
    pub fn title(&self) -> String {
        match self {
            Self::Offline => "The server cannot be reached".to_owned(),
            Self::Refused(problem) => problem.title.clone(),
            Self::SignedOut => "The sign-in is over".to_owned(),
            Self::Slow => "The server does not answer".to_owned(),
            Self::Unreadable(_) => "The server's answer cannot be read".to_owned(),
        }
    }

    /// What happened and what to do about it.
    pub fn detail(&self) -> String {
        match self {
            Self::Offline => {
                "Check that Almanac is running and that this device is online, then try again."
                    .to_owned()
            }
            Self::Refused(problem) => problem.detail.clone(),
            Self::SignedOut => "Sign in again.".to_owned(),
            Self::Slow => "It took longer than it ever should. Try again in a while.".to_owned(),
            Self::Unreadable(why) => {
                format!("Page and server may be of different versions; reload the page. ({why})")
            }
        }
    }

    /// The server's word for it.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Refused(problem) => Some(problem.code),
            _ => None,
        }
    }

    /// What a second factor must be sent with, if one is needed.
    pub fn challenge(&self) -> Option<&str> {
        match self {
            Self::Refused(problem) => problem.challenge.as_deref(),
            _ => None,
        }
    }

    /// What to quote when asking for help.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Refused(problem) => Some(&problem.request_id),
            _ => None,
        }
    }

    /// What is wrong with the field that `pointer` names, such as `/payload`.
    pub fn field(&self, pointer: &str) -> Option<String> {
        let Self::Refused(problem) = self else {
            return None;
        };
        let error = problem.errors.iter().find(|error| {
            let rest = error.pointer.strip_prefix(pointer);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })?;
        Some(error.detail.clone())
    }

    /// Whether signing in again is what it takes.
    pub fn is_signed_out(&self) -> bool {
        *self == Self::SignedOut
            || matches!(
                self.code(),
                Some(Code::AuthenticationRequired | Code::InvalidRefreshToken)
            )
    }

    /// Whether the change that was asked for may have been made all the same.
    pub fn leaves_open(&self) -> bool {
        match self {
            Self::Offline | Self::Slow | Self::Unreadable(_) => true,
            Self::Refused(problem) => problem.retryable || problem.status >= 500,
            Self::SignedOut => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use schemas::api::FieldError;

    use super::*;

    fn refused(code: Code, pointer: &str) -> ApiError {
        ApiError::Refused(Box::new(Problem {
            about: "/problems/x".to_owned(),
            title: code.title().to_owned(),
            status: 400,
            code,
            detail: "details".to_owned(),
            instance: "/api/v1/tasks".to_owned(),
            request_id: "r-1".to_owned(),
            retryable: false,
            errors: vec![FieldError {
                pointer: pointer.to_owned(),
                detail: "is odd".to_owned(),
            }],
            current_etag: None,
            challenge: None,
        }))
    }

    #[test]
    fn a_field_is_found_by_its_pointer_or_one_below() {
        let error = refused(Code::InvalidBody, "/payload/url");
        assert_eq!(error.field("/payload").as_deref(), Some("is odd"));
        assert_eq!(error.field("/pay"), None);
        assert_eq!(error.field("/kind"), None);
    }

    #[test]
    fn only_missing_sign_ins_ask_for_one() {
        assert!(refused(Code::AuthenticationRequired, "").is_signed_out());
        assert!(refused(Code::InvalidRefreshToken, "").is_signed_out());
        assert!(!refused(Code::Forbidden, "").is_signed_out());
        assert!(ApiError::SignedOut.is_signed_out());
        assert!(!ApiError::Offline.is_signed_out());
    }

    #[test]
    fn a_lost_answer_leaves_open_what_became_of_the_change() {
        for error in [ApiError::Offline, ApiError::Slow] {
            assert!(error.leaves_open());
        }
        assert!(!refused(Code::InvalidBody, "").leaves_open());
        let ApiError::Refused(mut problem) = refused(Code::InvalidBody, "") else {
            panic!("it was refused");
        };
        problem.status = 503;
        assert!(ApiError::Refused(problem).leaves_open());
    }
}
