//! Access tokens: JWTs signed with ES256 (RFC 7519, RFC 9068).
//!
//! Invariant: algorithm, type, issuer, audience and times are all checked; the header of a token
//! chooses nothing but which of our own keys to try.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{TenantId, Timestamp, UserId, user::Role};
use event_log::{Vault, VaultError};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use moka::sync::Cache;
use schemas::Hash;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

use super::Principal;
use crate::{Failure, fingerprint};

/// For how long an access token is valid, in seconds.
pub(super) const ACCESS_S: i64 = 600;
const AUDIENCE: &str = "almanac-api";
const ISSUER: &str = "almanac";
const KEY_NAME: &str = "signing.es256";
const TYPE: &str = "at+jwt";
/// How many good tokens are remembered.
const REMEMBERED: u64 = 10_000;

/// Signs and verifies access tokens.
#[derive(Clone)]
pub(super) struct Signer(Arc<Keys>);

struct Keys {
    decoding: DecodingKey,
    encoding: EncodingKey,
    kid: String,
    /// Claims of tokens whose signature was found good, by digest: checking one takes as long as
    /// all else that a small request needs. Times are compared anew at each use.
    verified: Cache<Hash, Arc<Claims>>,
}

#[derive(Deserialize, Serialize)]
struct Claims {
    aud: String,
    exp: i64,
    iat: i64,
    iss: String,
    jti: Uuid,
    nbf: i64,
    role: Role,
    sid: Uuid,
    sub: UserId,
    tenant: TenantId,
}

impl Signer {
    /// The key in the vault, made on the first start.
    pub(super) async fn open(vault: &Vault) -> Result<Self, Failure> {
        if let Some(secret) = vault.get(KEY_NAME).await? {
            return Self::from_pkcs8(&secret.value);
        }
        let made =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                .map_err(|_| Failure::Unavailable("no signing key could be made".into()))?;
        match vault.create(KEY_NAME, made.as_ref()).await {
            Ok(()) => Self::from_pkcs8(made.as_ref()),
            // Another process was first; its key is the one.
            Err(VaultError::Conflict) => match vault.get(KEY_NAME).await? {
                Some(secret) => Self::from_pkcs8(&secret.value),
                None => Err(Failure::Unavailable("the signing key vanished".into())),
            },
            Err(other) => Err(other.into()),
        }
    }

    /// A token for `principal`, from `now` until `principal.expires_at`.
    pub(super) fn sign(
        &self,
        principal: &Principal,
        id: Uuid,
        now: Timestamp,
    ) -> Result<SecretString, Failure> {
        let claims = Claims {
            aud: AUDIENCE.to_owned(),
            exp: principal.expires_at.unix_ms() / 1_000,
            iat: now.unix_ms() / 1_000,
            iss: ISSUER.to_owned(),
            jti: id,
            nbf: now.unix_ms() / 1_000,
            role: principal.role,
            sid: principal.session,
            sub: principal.user,
            tenant: principal.tenant,
        };
        let header = Header {
            typ: Some(TYPE.to_owned()),
            kid: Some(self.0.kid.clone()),
            ..Header::new(Algorithm::ES256)
        };
        jsonwebtoken::encode(&header, &claims, &self.0.encoding)
            .map(SecretString::from)
            .map_err(|reason| Failure::Unavailable(format!("signing failed: {reason}")))
    }

    /// Whom `token` speaks for at `now`.
    pub(super) fn verify(&self, token: &str, now: Timestamp) -> Option<Principal> {
        let digest = fingerprint(&[token.as_bytes()]);
        let claims = if let Some(known) = self.0.verified.get(&digest) {
            known
        } else {
            let claims = Arc::new(self.claims(token)?);
            self.0.verified.insert(digest, Arc::clone(&claims));
            claims
        };
        let now_s = now.unix_ms() / 1_000;
        if now_s >= claims.exp || now_s < claims.nbf - 5 {
            return None;
        }
        Some(Principal {
            expires_at: Timestamp::from_unix_ms(claims.exp.saturating_mul(1_000)),
            role: claims.role,
            session: claims.sid,
            tenant: claims.tenant,
            user: claims.sub,
        })
    }

    /// What `token` claims, if it is one that this installation signed.
    fn claims(&self, token: &str) -> Option<Claims> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        if header.typ.as_deref() != Some(TYPE) || header.kid.as_ref() != Some(&self.0.kid) {
            return None;
        }
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "nbf", "iat", "iss", "aud", "sub"]);
        // Times are compared below, with our own clock instead of the library's.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let token = jsonwebtoken::decode::<Claims>(token, &self.0.decoding, &validation).ok()?;
        Some(token.claims)
    }

    fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, Failure> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
            .map_err(|_| Failure::Corrupt("the signing key".into()))?;
        let public = pair.public_key().as_ref();
        let point = public.get(1..).unwrap_or_default();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, public);
        let (x, y) = point.split_at(point.len() / 2);
        let decoding =
            DecodingKey::from_ec_components(&URL_SAFE_NO_PAD.encode(x), &URL_SAFE_NO_PAD.encode(y))
                .map_err(|reason| Failure::Corrupt(format!("the signing key: {reason}")))?;
        Ok(Self(Arc::new(Keys {
            decoding,
            encoding: EncodingKey::from_ec_der(pkcs8),
            kid: URL_SAFE_NO_PAD.encode(&digest.as_ref()[..12]),
            verified: Cache::new(REMEMBERED),
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_ms(1_800_000_000_000);

    fn signer() -> Signer {
        let made =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                .expect("a key");
        Signer::from_pkcs8(made.as_ref()).expect("a signer")
    }

    fn principal() -> Principal {
        Principal {
            expires_at: NOW.plus_ms(ACCESS_S * 1_000),
            role: Role::Operator,
            session: Uuid::from_u128(1),
            tenant: TenantId::new(Uuid::from_u128(2)),
            user: UserId::new(Uuid::from_u128(3)),
        }
    }

    fn token(signer: &Signer) -> String {
        use secrecy::ExposeSecret as _;
        let token = signer
            .sign(&principal(), Uuid::from_u128(4), NOW)
            .expect("signed");
        token.expose_secret().to_owned()
    }

    #[test]
    fn speaks_for_its_principal_while_it_is_valid() {
        let signer = signer();
        let token = token(&signer);
        assert_eq!(signer.verify(&token, NOW), Some(principal()));
        assert_eq!(signer.verify(&token, NOW.plus_ms(ACCESS_S * 1_000)), None);
        assert_eq!(signer.verify(&token, NOW.plus_ms(-60_000)), None);
    }

    #[test]
    fn a_forged_token_speaks_for_nobody() {
        let (signer, stranger) = (signer(), signer());
        assert_eq!(signer.verify(&token(&stranger), NOW), None);
        let genuine = token(&signer);
        let parts: Vec<_> = genuine.split('.').collect();
        let none = URL_SAFE_NO_PAD.encode(format!(
            r#"{{"typ":"at+jwt","alg":"none","kid":"{}"}}"#,
            signer.0.kid
        ));
        assert_eq!(signer.verify(&format!("{none}.{}.", parts[1]), NOW), None);
        let hs256 = URL_SAFE_NO_PAD.encode(format!(
            r#"{{"typ":"at+jwt","alg":"HS256","kid":"{}"}}"#,
            signer.0.kid
        ));
        assert_eq!(
            signer.verify(&format!("{hs256}.{}.{}", parts[1], parts[2]), NOW),
            None
        );
        let mut payload = URL_SAFE_NO_PAD.decode(parts[1]).expect("base64");
        let at = payload
            .windows(8)
            .position(|w| w == b"operator")
            .expect("the role");
        payload.splice(at..at + 8, *b"admin");
        let raised = URL_SAFE_NO_PAD.encode(payload);
        assert_eq!(
            signer.verify(&format!("{}.{raised}.{}", parts[0], parts[2]), NOW),
            None
        );
        assert_eq!(signer.verify("", NOW), None);
        assert_eq!(signer.verify("a.b.c", NOW), None);
    }
}
