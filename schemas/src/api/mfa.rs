//! Second factors, and showing again who one is.
//!
//! Invariant: secrets and recovery codes are in the answers that give them out, and in no other.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Complete a sign-in: with either a code or a recovery code.
#[derive(Clone, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginMfa {
    /// From the problem `MFA_REQUIRED`; good for five minutes and five tries.
    #[schema(max_length = 200)]
    pub challenge: String,
    /// The six digits that the authenticator shows now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = Password, max_length = 20, examples("123456"))]
    pub code: Option<String>,
    /// One of the recovery codes; each works once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = Password, max_length = 40, examples("abcd-efgh-ijkl-mnop"))]
    pub recovery_code: Option<String>,
}

/// Show again who you are: with a code if you have a second factor, otherwise with the password.
#[derive(Clone, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StepUp {
    /// Your password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = Password, max_length = 1024)]
    pub password: Option<String>,
    /// The six digits that the authenticator shows now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = Password, max_length = 20, examples("123456"))]
    pub code: Option<String>,
}

/// An access token of the same sign-in.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
pub struct AccessToken {
    /// Sent as `Authorization: Bearer …`; a JWT, valid for `expires_in` seconds.
    pub access_token: String,
    /// Always `Bearer`.
    #[schema(examples("Bearer"))]
    pub token_type: String,
    /// Seconds for which the access token is valid.
    pub expires_in: u64,
}

/// What an authenticator needs.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
pub struct TotpEnrolment {
    /// The secret in base 32, to be typed.
    pub secret: String,
    /// The same as an address, to be shown as a picture.
    #[schema(examples("otpauth://totp/Almanac:ann%40example.org?secret=…"))]
    pub uri: String,
}

/// Turn on the second factor that was begun.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmTotp {
    /// The six digits that the authenticator shows now.
    #[schema(format = Password, max_length = 20, examples("123456"))]
    pub code: String,
}

/// Codes for who has lost their authenticator.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
pub struct RecoveryCodes {
    /// Each works once; they are shown only now.
    pub recovery_codes: Vec<String>,
}

/// Whether somebody has a second factor.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
pub struct MfaView {
    /// Whether a code is asked for at sign-in.
    pub enabled: bool,
    /// How many recovery codes are left.
    pub recovery_codes_left: usize,
}
