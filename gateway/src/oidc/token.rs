//! What of an ID token is believed (OpenID Connect Core 1.0 §3.1.3.7).
//!
//! Invariant: the token chooses nothing but which of the issuer's keys to try; algorithms are from
//! a list of three, none of which takes a secret.

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::Value;

use super::Failed;

/// By how much clocks may differ, in seconds.
const LEEWAY_S: i64 = 60;
/// How long ago a token may have been made, in seconds; it was asked for just now.
const AGE_MAX_S: i64 = 600;
/// What may sign.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];
/// The longest name of a user of an issuer, in bytes (§2).
const SUBJECT_MAX: usize = 255;

/// Which key a token says it was signed with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Wanted {
    pub algorithm: Algorithm,
    pub kid: Option<String>,
}

/// What the token must say.
pub(super) struct Expected<'a> {
    /// Given along with the token.
    pub access_token: Option<&'a str>,
    pub client_id: &'a str,
    pub issuer: &'a str,
    pub nonce: &'a str,
    pub now: Timestamp,
}

/// What a token says.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Claims {
    at_hash: Option<String>,
    aud: Audience,
    azp: Option<String>,
    email: Option<String>,
    email_verified: Option<Value>,
    exp: i64,
    iat: i64,
    pub iss: String,
    pub name: Option<String>,
    nonce: Option<String>,
    pub sub: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    Many(Vec<String>),
    One(String),
}

impl Claims {
    /// The address, if the issuer says plainly that it has verified it.
    pub fn verified_email(&self) -> Option<String> {
        let verified = self.email_verified == Some(Value::Bool(true));
        self.email.clone().filter(|_| verified)
    }

    fn check(&self, expected: &Expected<'_>, algorithm: Algorithm) -> Result<(), Failed> {
        let now_s = expected.now.unix_ms() / 1_000;
        let (alone, among) = match &self.aud {
            Audience::One(one) => (true, one == expected.client_id),
            Audience::Many(many) => {
                let among = many.iter().any(|one| one == expected.client_id);
                (many.len() == 1, among)
            }
        };
        let azp = self.azp.as_deref();
        let authorized = azp.map_or(alone, |azp| azp == expected.client_id);
        let at_hash = self.at_hash.as_deref();
        let bound = at_hash.is_none_or(|hash| {
            let token = expected.access_token;
            token.is_some_and(|token| left_half(token, algorithm) == hash)
        });
        let named = !self.sub.is_empty() && self.sub.len() <= SUBJECT_MAX;
        let rules = [
            (self.iss == expected.issuer, "it is another issuer's"),
            (among, "it is for somebody else"),
            (authorized, "it was given to somebody else"),
            (now_s < self.exp.saturating_add(LEEWAY_S), "it has expired"),
            (self.iat <= now_s + LEEWAY_S, "it is from the future"),
            (self.iat >= now_s - AGE_MAX_S, "it is too old"),
            (
                self.nonce.as_deref() == Some(expected.nonce),
                "it belongs to another sign-in",
            ),
            (bound, "it belongs to another access token"),
            (named, "it names nobody"),
        ];
        let broken = rules.iter().find(|(kept, _)| !kept);
        broken.map_or(Ok(()), |(_, reason)| Err(Failed::Invalid(reason)))
    }
}

/// Which key to verify `token` with.
pub(super) fn wanted(token: &str) -> Result<Wanted, Failed> {
    let header = jsonwebtoken::decode_header(token);
    let header = header.map_err(|_| Failed::Invalid("it is no token of a known algorithm"))?;
    let plain = header.typ.is_none_or(|typ| typ.eq_ignore_ascii_case("JWT"));
    if !plain || header.crit.is_some() || !ALGORITHMS.contains(&header.alg) {
        return Err(Failed::Invalid("it is no ID token"));
    }
    Ok(Wanted {
        algorithm: header.alg,
        kid: header.kid,
    })
}

/// What `token` says, if `key` has signed it and it says what is `expected`.
pub(super) fn verify(
    token: &str,
    wanted: &Wanted,
    key: &DecodingKey,
    expected: &Expected<'_>,
) -> Result<Claims, Failed> {
    let mut validation = Validation::new(wanted.algorithm);
    // Compared below, with our own clock instead of the library's.
    validation.required_spec_claims.clear();
    validation.validate_aud = false;
    validation.validate_exp = false;
    validation.validate_nbf = false;
    let token = jsonwebtoken::decode::<Claims>(token, key, &validation);
    let claims = token.map_err(|_| Failed::Invalid("it is not signed by the issuer"))?;
    let claims = claims.claims;
    claims.check(expected, wanted.algorithm)?;
    Ok(claims)
}

/// What an ID token repeats of the access token that it comes with (§3.1.3.6).
fn left_half(access_token: &str, algorithm: Algorithm) -> String {
    let hash = match algorithm {
        // Ed25519 digests by SHA-512.
        Algorithm::EdDSA => &digest::SHA512,
        _ => &digest::SHA256,
    };
    let digest = digest::digest(hash, access_token.as_bytes());
    let half = &digest.as_ref()[..digest.as_ref().len() / 2];
    URL_SAFE_NO_PAD.encode(half)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: Timestamp = Timestamp::from_unix_ms(1_800_000_000_000);
    const NOW_S: i64 = 1_800_000_000;

    /// Whether a token that differs in `change` from a good one says what is expected.
    fn said(change: &Value) -> Result<(), Failed> {
        let mut claims = json!({
            "aud": "almanac", "exp": NOW_S + 300, "iat": NOW_S, "iss": "https://id.example.org",
            "nonce": "n", "sub": "a",
        });
        let change = change.as_object().expect("an object").clone();
        claims.as_object_mut().expect("an object").extend(change);
        let claims: Claims = serde_json::from_value(claims).expect("claims");
        let expected = Expected {
            access_token: Some("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
            client_id: "almanac",
            issuer: "https://id.example.org",
            nonce: "n",
            now: NOW,
        };
        claims.check(&expected, Algorithm::RS256)
    }

    #[test]
    fn what_is_expected_is_believed() {
        for good in [
            json!({}),
            json!({"aud": ["almanac"]}),
            json!({"aud": ["almanac", "b"], "azp": "almanac"}),
            json!({"exp": NOW_S - 59}),
            json!({"iat": NOW_S + 60}),
            // The example of OpenID Connect Core 1.0 §A.3.
            json!({"at_hash": "77QmUPtjPfzWtF2AnpK9RQ"}),
        ] {
            assert_eq!(said(&good), Ok(()), "{good}");
        }
    }

    #[test]
    fn nothing_else_is() {
        for (wrong, reason) in [
            (
                json!({"iss": "https://id.example.org/"}),
                "another issuer's",
            ),
            (json!({"aud": "b"}), "for somebody else"),
            (json!({"aud": []}), "for somebody else"),
            (json!({"aud": ["almanac", "b"]}), "given to somebody else"),
            (json!({"azp": "b"}), "given to somebody else"),
            (json!({"exp": NOW_S - 60}), "expired"),
            (json!({"iat": NOW_S + 61}), "future"),
            (json!({"iat": NOW_S - 601}), "too old"),
            (json!({"nonce": "m"}), "another sign-in"),
            (json!({"nonce": null}), "another sign-in"),
            (json!({"at_hash": "77QmUPtjPfzWtF2AnpK9RR"}), "access token"),
            (json!({"sub": ""}), "nobody"),
        ] {
            let refused = said(&wrong).expect_err("refused").to_string();
            assert!(refused.contains(reason), "{wrong}: {refused}");
        }
    }

    #[test]
    fn an_address_counts_only_if_it_is_said_to_be_verified() {
        let of = |verified: Value| {
            let claims = json!({
                "aud": "a", "exp": 0, "iat": 0, "iss": "i", "sub": "s", "email": "ann@a.example",
                "email_verified": verified,
            });
            let claims: Claims = serde_json::from_value(claims).expect("claims");
            claims.verified_email().is_some()
        };
        assert!(of(json!(true)));
        for not in [json!(false), json!("true"), json!(1), json!(null)] {
            assert!(!of(not.clone()), "{not}");
        }
    }
}
