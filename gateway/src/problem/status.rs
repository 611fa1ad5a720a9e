//! From a code to a status.
//!
//! Invariant: the match is exhaustive, so a new code does not compile until it has a status.

use axum::http::StatusCode;
use schemas::api::Code;

/// The HTTP status of `code`.
pub(crate) const fn status(code: Code) -> StatusCode {
    match code {
        Code::CursorMismatch | Code::InvalidBody | Code::InvalidParameter => {
            StatusCode::BAD_REQUEST
        }
        Code::AuthenticationRequired
        | Code::InvalidAssertion
        | Code::InvalidChallenge
        | Code::InvalidCode
        | Code::InvalidCredentials
        | Code::InvalidInvitation
        | Code::InvalidRefreshToken
        | Code::MfaRequired
        | Code::StepUpRequired => StatusCode::UNAUTHORIZED,
        Code::Forbidden | Code::IdentityNotLinked | Code::RegistrationClosed => {
            StatusCode::FORBIDDEN
        }
        Code::NotFound | Code::RouteNotFound => StatusCode::NOT_FOUND,
        Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Code::AlreadyExists
        | Code::Conflict
        | Code::EmailTaken
        | Code::IdentityTaken
        | Code::InvalidState
        | Code::UniqueKeyTaken => StatusCode::CONFLICT,
        Code::VersionMismatch => StatusCode::PRECONDITION_FAILED,
        Code::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
        Code::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Code::ProjectionLagging | Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The code of a refusal that says no more than a status.
pub(crate) fn of_status(refused: StatusCode) -> Code {
    match refused {
        StatusCode::BAD_REQUEST => Code::InvalidParameter,
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => Code::BodyTooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::UnsupportedMediaType,
        StatusCode::TOO_MANY_REQUESTS => Code::TooManyRequests,
        StatusCode::SERVICE_UNAVAILABLE => Code::Unavailable,
        other if other.is_client_error() => Code::InvalidParameter,
        _ => Code::Internal,
    }
}

/// Whether the same request may succeed later.
pub(crate) const fn retryable(code: Code) -> bool {
    matches!(
        code,
        Code::Conflict | Code::ProjectionLagging | Code::TooManyRequests | Code::Unavailable
    )
}

/// The word in the address of the code's page, such as `not-found`.
pub(crate) fn slug(code: Code) -> String {
    code.name().to_ascii_lowercase().replace('_', "-")
}

/// The code whose page has this address.
pub(crate) fn of_slug(text: &str) -> Option<Code> {
    Code::ALL.iter().copied().find(|code| slug(*code) == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_an_error_status_and_a_page_of_its_own() {
        for code in Code::ALL {
            let status = status(*code);
            assert!(status.is_client_error() || status.is_server_error());
            assert_eq!(of_slug(&slug(*code)), Some(*code));
        }
        assert_eq!(of_slug("no-such-code"), None);
    }
}
