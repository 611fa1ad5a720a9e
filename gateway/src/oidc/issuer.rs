//! What an issuer says of itself (OpenID Connect Discovery 1.0), and its keys (RFC 7517).
//!
//! Invariant: an issuer is asked at most every [`AGAIN_MS`] for what it failed to give or for a key
//! that is not known, whoever sends how many tokens; and by one request at a time. What it said is
//! not relied on for longer than [`KEPT_MS`].

use std::sync::Arc;

use domain::Timestamp;
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{Jwk, KeyAlgorithm, PublicKeyUse},
};
use reqwest::{Client, StatusCode, Url};
use runtime::OidcProvider;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::sync::Mutex;

use super::{Failed, fetch, token::Wanted};

/// For how long what an issuer said is relied on: an hour.
const KEPT_MS: i64 = 3_600_000;
/// How long an issuer is left alone after it failed, or did not have a key.
const AGAIN_MS: i64 = 5_000;

/// An issuer and what is known of it.
pub(super) struct Issuer {
    at: String,
    is_local: bool,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// When keys were last read because one was not among them.
    asked_again: Option<Timestamp>,
    client: Option<Client>,
    discovered: Option<(Timestamp, Arc<Discovered>)>,
    failed: Option<(Timestamp, Failed)>,
    keys: Option<(Timestamp, Vec<Jwk>)>,
}

/// What an issuer says of itself.
#[derive(Clone, Debug)]
pub(super) struct Discovered {
    pub authorization_endpoint: Url,
    /// Whether it takes a client's secret in the body only.
    pub by_post: bool,
    pub client: Client,
    jwks_uri: Url,
    /// Whether its answers always say whose they are (RFC 9207).
    pub tells_issuer: bool,
    pub token_endpoint: Url,
}

#[derive(Deserialize)]
struct Document {
    authorization_endpoint: String,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    issuer: String,
    jwks_uri: String,
    token_endpoint: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

impl Issuer {
    pub fn new(config: &OidcProvider) -> Self {
        Self {
            at: config.issuer.clone(),
            is_local: config.is_local(),
            known: Mutex::default(),
        }
    }

    /// What it says of itself.
    pub async fn discovered(&self, now: Timestamp) -> Result<Arc<Discovered>, Failed> {
        self.discovered_in(&mut *self.known.lock().await, now).await
    }

    /// The key that a token says it was signed with.
    pub async fn key(&self, wanted: &Wanted, now: Timestamp) -> Result<DecodingKey, Failed> {
        let mut known = self.known.lock().await;
        let discovered = self.discovered_in(&mut known, now).await?;
        let read = known.keys.as_ref();
        let stale = read.is_none_or(|(at, _)| now.since_ms(*at) >= KEPT_MS);
        let mut found = find(&known, wanted);
        let asked = known.asked_again;
        // An issuer that has changed its keys is asked once more for those it has now.
        let again = found.is_none() && asked.is_none_or(|at| now.since_ms(at) >= AGAIN_MS);
        if stale || again {
            known.asked_again = (!stale).then_some(now).or(asked);
            let read = self.read_keys(&discovered).await;
            let keys = known.remember(read, now)?;
            known.keys = Some((now, keys));
            found = find(&known, wanted);
        }
        found.ok_or(Failed::Invalid("its key is unknown"))
    }

    async fn discovered_in(
        &self,
        known: &mut Known,
        now: Timestamp,
    ) -> Result<Arc<Discovered>, Failed> {
        if let Some((at, failed)) = &known.failed
            && now.since_ms(*at) < AGAIN_MS
        {
            return Err(failed.clone());
        }
        if let Some((at, discovered)) = &known.discovered
            && now.since_ms(*at) < KEPT_MS
        {
            return Ok(Arc::clone(discovered));
        }
        let read = self.discover(known.client.clone()).await;
        let discovered = Arc::new(known.remember(read, now)?);
        known.client = Some(discovered.client.clone());
        known.discovered = Some((now, Arc::clone(&discovered)));
        Ok(discovered)
    }

    async fn discover(&self, client: Option<Client>) -> Result<Discovered, Failed> {
        let client = match client {
            Some(client) => client,
            None => fetch::client()?,
        };
        let at = self.at.trim_end_matches('/');
        let at = self.endpoint(&format!("{at}/.well-known/openid-configuration"))?;
        let document: Document = read(&client, at).await?;
        if document.issuer != self.at {
            let says = "it calls itself otherwise than gateway.oidc does";
            return Err(Failed::Issuer(says.to_owned()));
        }
        let methods = document.token_endpoint_auth_methods_supported;
        let has = |name: &str| (methods.iter().flatten()).any(|method| method == name);
        Ok(Discovered {
            authorization_endpoint: self.endpoint(&document.authorization_endpoint)?,
            by_post: !has("client_secret_basic") && has("client_secret_post"),
            client,
            jwks_uri: self.endpoint(&document.jwks_uri)?,
            tells_issuer: document.authorization_response_iss_parameter_supported,
            token_endpoint: self.endpoint(&document.token_endpoint)?,
        })
    }

    async fn read_keys(&self, discovered: &Discovered) -> Result<Vec<Jwk>, Failed> {
        let set: KeySet = read(&discovered.client, discovered.jwks_uri.clone()).await?;
        // Keys of sorts that are not known here are none of ours to refuse.
        let keys = set.keys.into_iter();
        Ok(keys
            .filter_map(|key| serde_json::from_value(key).ok())
            .collect())
    }

    /// An address that secrets may be sent to: by TLS, or on this machine if the issuer is there.
    fn endpoint(&self, text: &str) -> Result<Url, Failed> {
        let url = Url::parse(text).ok().filter(|url| {
            let plain = url.username().is_empty() && url.password().is_none();
            let local = self.is_local && url.scheme() == "http" && is_loopback(url);
            plain && (url.scheme() == "https" || local)
        });
        url.ok_or_else(|| Failed::Issuer("it names an address that is not safe".to_owned()))
    }
}

impl Known {
    /// What was read; a failure is remembered, so that others need not wait for it again.
    fn remember<T>(&mut self, read: Result<T, Failed>, now: Timestamp) -> Result<T, Failed> {
        self.failed = read.as_ref().err().map(|failed| (now, failed.clone()));
        read
    }
}

async fn read<T: DeserializeOwned>(client: &Client, at: Url) -> Result<T, Failed> {
    let (status, body) = fetch::ask(client.get(at)).await?;
    if status != StatusCode::OK {
        return Err(Failed::Issuer(format!("it answers {status}")));
    }
    serde_json::from_slice(&body).map_err(|reason| Failed::Issuer(reason.to_string()))
}

/// The key that is `wanted`; without an id, the only one that fits.
fn find(known: &Known, wanted: &Wanted) -> Option<DecodingKey> {
    let (_, keys) = known.keys.as_ref()?;
    let fits = |key: &&Jwk| {
        let common = &key.common;
        let named = wanted.kid.is_none() || common.key_id == wanted.kid;
        let signs = !matches!(common.public_key_use, Some(PublicKeyUse::Encryption));
        let same = matches!(
            (common.key_algorithm, wanted.algorithm),
            (None, _)
                | (Some(KeyAlgorithm::RS256), Algorithm::RS256)
                | (Some(KeyAlgorithm::ES256), Algorithm::ES256)
                | (Some(KeyAlgorithm::EdDSA), Algorithm::EdDSA)
        );
        named && signs && same
    };
    let decoding = |key: &Jwk| DecodingKey::from_jwk(key).ok();
    let of_family = |key: &DecodingKey| key.family() == wanted.algorithm.family();
    let mut found = keys
        .iter()
        .filter(fits)
        .filter_map(decoding)
        .filter(of_family);
    let first = found.next();
    first.filter(|_| wanted.kid.is_some() || found.next().is_none())
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    let address = literal.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
