//! How and when somebody has last shown who they are.
//!
//! Invariant: a refresh shows nothing, so it changes neither.

use domain::Timestamp;
use serde::{Deserialize, Serialize};

/// By what somebody has shown who they are; written as the list that tokens call `amr` (RFC 8176).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(into = "Vec<&'static str>", try_from = "Vec<String>")]
pub enum Means {
    /// An API key: nobody in person, so never lately.
    ApiKey,
    /// A password alone.
    Password,
    /// A password, and a one-time code or recovery code.
    PasswordAndCode,
    /// The word of a provider (OpenID Connect).
    Provider,
}

/// How and when somebody has shown who they are.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Authentication {
    /// When; tokens tell it as `auth_time`, in seconds.
    pub at: Timestamp,
    /// By what.
    pub by: Means,
}

impl From<Means> for Vec<&'static str> {
    fn from(means: Means) -> Self {
        match means {
            Means::ApiKey => vec!["key"],
            Means::Password => vec!["pwd"],
            Means::PasswordAndCode => vec!["pwd", "otp", "mfa"],
            Means::Provider => vec!["fed"],
        }
    }
}

impl TryFrom<Vec<String>> for Means {
    type Error = &'static str;

    fn try_from(amr: Vec<String>) -> Result<Self, Self::Error> {
        let known = [Self::Password, Self::PasswordAndCode, Self::Provider];
        let found = known
            .into_iter()
            .find(|means| Vec::<&str>::from(*means) == amr);
        found.ok_or("no such means of authentication")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_written_as_their_list_and_read_back() {
        for (means, text) in [
            (Means::Password, r#"["pwd"]"#),
            (Means::PasswordAndCode, r#"["pwd","otp","mfa"]"#),
            (Means::Provider, r#"["fed"]"#),
        ] {
            assert_eq!(serde_json::to_string(&means).expect("encodes"), text);
            let again: Means = serde_json::from_str(text).expect("decodes");
            assert_eq!(again, means);
        }
        for other in ["[]", r#"["mfa"]"#, r#""pwd""#] {
            assert!(serde_json::from_str::<Means>(other).is_err(), "{other}");
        }
    }
}
