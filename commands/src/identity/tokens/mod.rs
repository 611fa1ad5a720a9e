//! Access tokens: JWTs signed with ES256 (RFC 7519, RFC 9068).
//!
//! Invariant: algorithm, type, issuer, audience and times are all checked; the header of a token
//! chooses nothing but which of our own keys to try.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{TenantId, Timestamp, UserId, user::Role};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use moka::sync::Cache;
use schemas::Hash;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Authentication, Credential, Means, Principal, keys::Ring};
use crate::{Failure, fingerprint};

/// For how long an access token is valid, in seconds.
pub(super) const ACCESS_S: i64 = 600;
const AUDIENCE: &str = "almanac-api";
const ISSUER: &str = "almanac";
const TYPE: &str = "at+jwt";
/// How many good tokens are remembered.
const REMEMBERED: u64 = 10_000;
/// By how much clocks may differ, in seconds.
const LEEWAY_S: i64 = 5;

/// Signs and verifies access tokens.
#[derive(Clone)]
pub(super) struct Signer {
    keys: Arc<RwLock<Arc<Keys>>>,
    /// Tokens whose signature was found good, by digest: checking one takes as long as all else
    /// that a small request needs. Times and key are looked at anew at each use.
    verified: Cache<Hash, Arc<Verified>>,
}

/// The keys of a ring, ready for use.
struct Keys {
    by_kid: HashMap<String, Ready>,
    /// In the order in which they sign.
    kids: Vec<String>,
    ring: Ring,
}

struct Ready {
    decoding: DecodingKey,
    encoding: EncodingKey,
    ends: Option<Timestamp>,
    public: Value,
    signs_from: Timestamp,
}

struct Verified {
    claims: Claims,
    kid: String,
}

/// Who acts, where the token is for a tenant that is not theirs (RFC 8693 §4.1). It is the very
/// user in `sub`: nobody of the tenant is impersonated.
#[derive(Deserialize, Serialize)]
struct Act {
    sub: UserId,
}

#[derive(Deserialize, Serialize)]
struct Claims {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    act: Option<Act>,
    amr: Means,
    aud: String,
    /// When they last showed who they are, in seconds.
    auth_time: i64,
    /// When the sign-in began, in milliseconds: tokens of one second may be told apart.
    began_ms: i64,
    exp: i64,
    iat: i64,
    iss: String,
    jti: Uuid,
    nbf: i64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    platform: bool,
    role: Role,
    sid: Uuid,
    sub: UserId,
    tenant: TenantId,
}

impl Signer {
    pub(super) fn new(ring: Ring) -> Result<Self, Failure> {
        Ok(Self {
            keys: Arc::new(RwLock::new(Arc::new(Keys::of(ring)?))),
            verified: Cache::new(REMEMBERED),
        })
    }

    /// Uses the keys of `ring` from now on, and no others.
    pub(super) fn replace(&self, ring: Ring) -> Result<(), Failure> {
        let keys = Arc::new(Keys::of(ring)?);
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    /// The keys that are used.
    pub(super) fn ring(&self) -> Ring {
        self.keys().ring.clone()
    }

    /// The public keys by which tokens can be verified (RFC 7517): those that sign, will sign, or
    /// have signed tokens that are still valid.
    pub(super) fn public(&self, now: Timestamp) -> Value {
        let keys = self.keys();
        let kids = keys.kids.iter().filter_map(|kid| keys.valid(kid, now));
        let public: Vec<_> = kids.map(|key| &key.public).collect();
        json!({ "keys": public })
    }

    /// A token for `principal`, from `now` until `principal.expires_at`.
    pub(super) fn sign(
        &self,
        principal: &Principal,
        id: Uuid,
        now: Timestamp,
    ) -> Result<SecretString, Failure> {
        let claims = Claims {
            act: principal.acting.then_some(Act {
                sub: principal.user,
            }),
            amr: principal.authenticated.by,
            aud: AUDIENCE.to_owned(),
            auth_time: principal.authenticated.at.unix_ms() / 1_000,
            began_ms: principal.began.unix_ms(),
            exp: principal.expires_at.unix_ms() / 1_000,
            iat: now.unix_ms() / 1_000,
            iss: ISSUER.to_owned(),
            jti: id,
            nbf: now.unix_ms() / 1_000,
            platform: principal.platform,
            role: principal.role,
            sid: principal.session,
            sub: principal.user,
            tenant: principal.tenant,
        };
        let keys = self.keys();
        let (kid, key) = keys.signing(now);
        let header = Header {
            typ: Some(TYPE.to_owned()),
            kid: Some(kid.to_owned()),
            ..Header::new(Algorithm::ES256)
        };
        jsonwebtoken::encode(&header, &claims, &key.encoding)
            .map(SecretString::from)
            .map_err(|reason| Failure::Unavailable(format!("signing failed: {reason}")))
    }

    /// Whom `token` speaks for at `now`.
    pub(super) fn verify(&self, token: &str, now: Timestamp) -> Option<Principal> {
        let keys = self.keys();
        let digest = fingerprint(&[token.as_bytes()]);
        let verified = if let Some(known) = self.verified.get(&digest) {
            known
        } else {
            let verified = Arc::new(keys.verified(token)?);
            self.verified.insert(digest, Arc::clone(&verified));
            verified
        };
        let claims = &verified.claims;
        let now_s = now.unix_ms() / 1_000;
        if now_s >= claims.exp || now_s < claims.nbf.saturating_sub(LEEWAY_S) {
            return None;
        }
        keys.valid(&verified.kid, now)?;
        let acting = claims.act.as_ref();
        if acting.is_some_and(|act| act.sub != claims.sub) {
            return None;
        }
        Some(Principal {
            acting: acting.is_some(),
            authenticated: Authentication {
                at: Timestamp::from_unix_ms(claims.auth_time.saturating_mul(1_000)),
                by: claims.amr,
            },
            began: Timestamp::from_unix_ms(claims.began_ms),
            credential: Credential::Session,
            expires_at: Timestamp::from_unix_ms(claims.exp.saturating_mul(1_000)),
            platform: claims.platform,
            role: claims.role,
            session: claims.sid,
            tenant: claims.tenant,
            user: claims.sub,
        })
    }

    fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Keys {
    fn of(ring: Ring) -> Result<Self, Failure> {
        let (mut by_kid, mut kids) = (HashMap::new(), Vec::new());
        for (key, ends) in ring.keys() {
            let (kid, ready) = Ready::from_pkcs8(&key.pkcs8()?, key.signs_from, ends)?;
            kids.push(kid.clone());
            by_kid.insert(kid, ready);
        }
        Ok(Self { by_kid, kids, ring })
    }

    /// The key that signs at `now`; by a clock that is behind, the first.
    fn signing(&self, now: Timestamp) -> (&str, &Ready) {
        let kids = self.kids.iter();
        let mut keys = kids.map(|kid| (kid.as_str(), &self.by_kid[kid]));
        let first = keys.next().expect("a ring is never empty");
        let begun = keys.take_while(|(_, key)| key.signs_from <= now);
        begun.last().unwrap_or(first)
    }

    /// The key called `kid`, unless the tokens that it signed have ended.
    fn valid(&self, kid: &str, now: Timestamp) -> Option<&Ready> {
        let key = self.by_kid.get(kid)?;
        key.ends.is_none_or(|ends| now < ends).then_some(key)
    }

    /// What `token` claims, if it is one that a key of ours has signed.
    fn verified(&self, token: &str) -> Option<Verified> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        if header.typ.as_deref() != Some(TYPE) {
            return None;
        }
        let kid = header.kid?;
        let key = self.by_kid.get(&kid)?;
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "nbf", "iat", "iss", "aud", "sub"]);
        // Times are compared by the caller, with our own clock instead of the library's.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let token = jsonwebtoken::decode::<Claims>(token, &key.decoding, &validation).ok()?;
        let claims = token.claims;
        Some(Verified { claims, kid })
    }
}

impl Ready {
    /// The key and what it is called: a digest of its public half.
    fn from_pkcs8(
        pkcs8: &[u8],
        signs_from: Timestamp,
        ends: Option<Timestamp>,
    ) -> Result<(String, Self), Failure> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
            .map_err(|_| Failure::Corrupt("a signing key".into()))?;
        let public = pair.public_key().as_ref();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, public);
        let kid = URL_SAFE_NO_PAD.encode(&digest.as_ref()[..12]);
        let point = public.get(1..).unwrap_or_default();
        let (x, y) = point.split_at(point.len() / 2);
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let decoding = DecodingKey::from_ec_components(&x, &y)
            .map_err(|reason| Failure::Corrupt(format!("a signing key: {reason}")))?;
        let public = json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": kid, "x": x, "y": y,
        });
        let ready = Self {
            decoding,
            encoding: EncodingKey::from_ec_der(pkcs8),
            ends,
            public,
            signs_from,
        };
        Ok((kid, ready))
    }
}

#[cfg(test)]
mod tests;
