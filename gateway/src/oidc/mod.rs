//! Signing in by somebody else's word: OpenID Connect, authorisation code with PKCE.
//!
//! - [`flow`] is what a browser is given when it leaves, and how it is known again.
//! - [`issuer`] is what an issuer says of itself, and its keys.
//! - [`exchange`] turns the code that a browser comes back with into an ID token.
//! - [`token`] decides what of that token is believed.
//!
//! Which user somebody is, and whether they become one, is decided by `commands`.
//!
//! Invariant: nothing of an issuer's answer is believed before the signature, the audience, the
//! time and the nonce are right; no secret of ours is in an address, and none of theirs in the log.

mod exchange;
mod fetch;
mod flow;
mod issuer;
mod token;

use commands::Asserted;
use domain::Timestamp;
use reqwest::Url;
use runtime::OidcProvider;
use schemas::api::Code;

pub(crate) use flow::{Flow, LIFE_S, Linking, ReturnTo, State};
use issuer::Issuer;

use crate::{
    app::App,
    problem::{Error, Result},
};

/// The providers that are configured, in their order.
pub(crate) struct Providers(Vec<Provider>);

/// An issuer that people may sign in by.
pub(crate) struct Provider {
    pub config: OidcProvider,
    issuer: Issuer,
    /// Where the issuer sends people back to.
    redirect_uri: String,
}

/// What a browser comes back with (RFC 6749 §4.1.2, RFC 9207).
#[derive(Default)]
pub(crate) struct Returned {
    pub code: Option<String>,
    pub error: Option<String>,
    pub iss: Option<String>,
    pub state: Option<String>,
}

/// Why an issuer's word was not taken.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Failed {
    /// What it says cannot be believed.
    #[error("not believed: {0}")]
    Invalid(&'static str),
    /// It cannot be reached, or does not answer as issuers do.
    #[error("the issuer: {0}")]
    Issuer(String),
}

impl Providers {
    pub fn new(config: &runtime::Gateway) -> Self {
        let base = match &config.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{}", config.listen),
        };
        let provider = |config: &OidcProvider| Provider {
            config: config.clone(),
            issuer: Issuer::new(config),
            redirect_uri: format!("{base}/auth/oidc/{}/callback", config.name),
        };
        Self(config.oidc.iter().map(provider).collect())
    }

    /// The provider called `name`.
    pub fn named(&self, name: &str) -> Result<&Provider> {
        let found = self.0.iter().find(|provider| provider.config.name == name);
        found.ok_or_else(|| Error::not_found("provider"))
    }

    /// What they are called.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|provider| provider.config.name.as_str())
    }
}

impl Provider {
    /// Where the browser goes that was given `flow`.
    pub async fn authorize(&self, app: &App, flow: &Flow) -> Result<Url, Failed> {
        let now = app.commands.clock().now();
        let discovered = self.issuer.discovered(now).await?;
        let mut url = discovered.authorization_endpoint.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.config.client_id)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("scope", &self.config.scopes.join(" "))
            .append_pair("state", &flow.state(app))
            .append_pair("nonce", &flow.nonce(app))
            .append_pair("code_challenge", &flow.challenge(app))
            .append_pair("code_challenge_method", "S256");
        Ok(url)
    }

    /// Whom the issuer means, who came back with `returned` from `flow`.
    pub async fn who(
        &self,
        app: &App,
        flow: &Flow,
        returned: &Returned,
    ) -> Result<Asserted, Failed> {
        let now = app.commands.clock().now();
        let discovered = self.issuer.discovered(now).await?;
        self.is_of_this_issuer(returned, discovered.tells_issuer)?;
        if returned.error.is_some() {
            return Err(Failed::Invalid("the provider did not let you in"));
        }
        let code = returned.code.as_deref();
        let code = code.ok_or(Failed::Invalid("there is no code"))?;
        let sent = exchange::Sent {
            code,
            redirect_uri: &self.redirect_uri,
            verifier: &flow.verifier(app),
        };
        let granted = exchange::exchange(&self.config, &discovered, &sent).await?;
        let wanted = token::wanted(&granted.id_token)?;
        let key = self.issuer.key(&wanted, now).await?;
        let expected = token::Expected {
            access_token: granted.access_token.as_deref(),
            client_id: &self.config.client_id,
            issuer: &self.config.issuer,
            nonce: &flow.nonce(app),
            now: later(now, app),
        };
        let claims = token::verify(&granted.id_token, &wanted, &key, &expected)?;
        Ok(Asserted {
            email: claims.verified_email(),
            issuer: claims.iss,
            name: claims.name,
            provider: self.config.name.clone(),
            subject: claims.sub,
        })
    }

    /// Whether another issuer's answer was put in place of this one's (RFC 9207 §2.4).
    fn is_of_this_issuer(&self, returned: &Returned, tells: bool) -> Result<(), Failed> {
        match &returned.iss {
            Some(iss) if *iss != self.config.issuer => {
                Err(Failed::Invalid("the answer is another issuer's"))
            }
            None if tells => Err(Failed::Invalid("the answer does not tell its issuer")),
            _ => Ok(()),
        }
    }
}

/// The time by now: asking the issuer takes a while.
fn later(began: Timestamp, app: &App) -> Timestamp {
    app.commands.clock().now().max(began)
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        match &failed {
            Failed::Invalid(reason) => {
                let detail = format!("Begin the sign-in again: {reason}.");
                Self::new(Code::InvalidAssertion, detail).caused_by(failed)
            }
            Failed::Issuer(_) => Self::new(
                Code::Unavailable,
                "The provider does not answer as it should; try again in a moment.",
            )
            .with_retry()
            .caused_by(failed),
        }
    }
}
