//! What an error looks like: RFC 9457, with a catalogue of codes.
//!
//! Invariant: every answer that is not a success is a [`Problem`], and every problem has a [`Code`]
//! of the catalogue. The HTTP status belongs to the code and is chosen in the gateway.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $variant:ident => $title:literal),* $(,)?) => {
        /// A stable word for what went wrong.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Deserialize, Serialize, ToSchema)]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        pub enum Code {
            $($(#[doc = $doc])* $variant,)*
        }

        impl Code {
            /// Every code, alphabetically.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// A short sentence for people, the same for every occurrence.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }
        }
    };
}

codes! {
    /// Another object has what must be unique.
    AlreadyExists => "The object exists already",
    /// The request has no valid access token.
    AuthenticationRequired => "Sign in to do this",
    /// The body is larger than allowed.
    BodyTooLarge => "The body is too large",
    /// Too many writers changed the object at once.
    Conflict => "The object is being changed by others",
    /// The cursor is altered, or belongs to another list.
    CursorMismatch => "The cursor does not fit this list",
    /// The e-mail address belongs to somebody.
    EmailTaken => "The e-mail address is taken",
    /// The signed-in user may not do this.
    Forbidden => "Not allowed",
    /// The idempotency key was used for another request.
    IdempotencyKeyReused => "The idempotency key was used for another request",
    /// The identity is linked to no user, and none is made of it.
    IdentityNotLinked => "This identity is linked to no user",
    /// The identity is linked to another user.
    IdentityTaken => "The identity is linked to another user",
    /// Something unexpected broke here.
    Internal => "Something broke on our side",
    /// The challenge is unknown, spent or expired.
    InvalidChallenge => "The sign-in must be begun anew",
    /// It is not the code of the second factor, or was used already.
    InvalidCode => "The code is not valid",
    /// What a provider says of who signs in cannot be believed.
    InvalidAssertion => "The sign-in by the provider is not valid",
    /// Address and password do not belong together.
    InvalidCredentials => "Wrong e-mail address or password",
    /// The invitation is unknown, was accepted, has ended or expired.
    InvalidInvitation => "The invitation is not valid",
    /// The body is not what the operation takes.
    InvalidBody => "The body is not valid",
    /// A query parameter or header is not what the operation takes.
    InvalidParameter => "A parameter is not valid",
    /// The refresh token is unknown, used up or expired.
    InvalidRefreshToken => "The refresh token is not valid",
    /// The state of the object does not allow this.
    InvalidState => "The object's state does not allow this",
    /// The path exists, with other methods.
    MethodNotAllowed => "The method is not allowed here",
    /// The password is right, and a second factor must follow.
    MfaRequired => "A second factor is needed",
    /// There is no such object.
    NotFound => "Not found",
    /// The read models have not caught up with the position asked for.
    ProjectionLagging => "The read models have not caught up yet",
    /// The path does not exist.
    RouteNotFound => "There is no such route",
    /// Registering is switched off.
    RegistrationClosed => "Registration is closed",
    /// The caller has not shown lately who they are.
    StepUpRequired => "Show again who you are",
    /// Too many requests at once.
    TooManyRequests => "Too many requests",
    /// The log or the database cannot be reached; nothing is known to have changed.
    Unavailable => "Temporarily unavailable",
    /// An open task of the kind has the uniqueness key.
    UniqueKeyTaken => "The uniqueness key is taken",
    /// The body is of a media type that the operation does not take.
    UnsupportedMediaType => "The media type is not supported",
    /// The object is no longer at the version that the request expects.
    VersionMismatch => "The object has changed",
}

impl Code {
    /// The word on the wire, such as `NOT_FOUND`.
    pub fn name(self) -> String {
        let text = format!("{self:?}");
        let mut name = String::with_capacity(text.len() + 4);
        for (at, letter) in text.char_indices() {
            if at > 0 && letter.is_ascii_uppercase() {
                name.push('_');
            }
            name.push(letter.to_ascii_uppercase());
        }
        name
    }
}

/// An error, as `application/problem+json` (RFC 9457).
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct Problem {
    /// A page about this sort of problem.
    #[serde(rename = "type")]
    #[schema(examples("/problems/version-mismatch"))]
    pub about: String,
    /// A short sentence, the same for every occurrence.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// A stable word for programs.
    pub code: Code,
    /// What happened this time, and what to do about it.
    pub detail: String,
    /// The path that was asked.
    pub instance: String,
    /// The request's identity, to quote to whoever helps.
    pub request_id: String,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// What is wrong with which field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// The object's present `ETag`, when it is not the one expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_etag: Option<String>,
    /// What the second step of a sign-in must be sent with, when one is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<String>,
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct FieldError {
    /// A JSON Pointer (RFC 6901) into the body.
    #[schema(examples("/schedule/expression"))]
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_one_that_serde_writes() {
        for code in Code::ALL {
            let written = serde_json::to_value(code).expect("codes encode");
            assert_eq!(written, code.name());
        }
    }
}
