//! What a browser is given when it leaves for an issuer, and how it is known when it comes back.
//!
//! The cookie holds what the sign-in is about and 256 random bits. The `state` that goes through
//! the issuer is a keyed digest of the cookie: whoever has both has been given both here, and
//! neither can be altered. Nonce and PKCE verifier are digests of it as well; the verifier is in no
//! browser and in no address. So nothing is kept while somebody is away, whoever begins however
//! many sign-ins.
//!
//! Invariant: a state counts in one browser, for ten minutes. That it counts once is for whoever
//! asks to hold, by [`commands::Identity::use_once`].

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{TenantId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Failed;
use crate::{
    app::App,
    extract::{FromParameters, Query},
    problem::Result,
};

/// How long somebody may be away, in seconds.
pub(crate) const LIFE_S: u32 = 600;
/// The longest path to return to, in characters.
const PATH_MAX: usize = 512;

/// A sign-in under way: the content of a browser's cookie.
pub(crate) struct Flow {
    /// The content as it is in the cookie.
    pub cookie: String,
    pub state: State,
}

/// What a sign-in is about.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct State {
    pub began: Timestamp,
    /// Whom the identity is to be linked to; none for signing in.
    pub linking: Option<Linking>,
    pub provider: String,
    pub return_to: String,
}

/// Whose identity it becomes, by which of their sign-ins.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Linking {
    pub session: Uuid,
    pub tenant: TenantId,
    pub user: UserId,
}

/// `return_to`: a path of this site.
pub(crate) struct ReturnTo(pub String);

impl FromParameters for ReturnTo {
    fn take(query: &mut Query) -> Result<Self> {
        let path = query.parsed("return_to", |text| {
            let found = is_path(text).then(|| text.to_owned());
            found.ok_or_else(|| "is a path of this site, such as /tasks".to_owned())
        })?;
        Ok(Self(path.unwrap_or_else(|| "/".to_owned())))
    }
}

impl Flow {
    /// A new one, with `secret` bits that nobody can guess.
    pub fn begin(state: State, secret: [u8; 32]) -> Self {
        let written = (&state, URL_SAFE_NO_PAD.encode(secret));
        let json = serde_json::to_vec(&written).expect("a state always encodes");
        let cookie = URL_SAFE_NO_PAD.encode(json);
        Self { cookie, state }
    }

    /// The one that the browser has in its cookie and that `sent` came back from.
    pub fn taken_up(
        app: &App,
        cookie: Option<&str>,
        sent: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, Failed> {
        const OTHER: Failed = Failed::Invalid("it was not begun in this browser, or too long ago");
        let (cookie, sent) = cookie.zip(sent).ok_or(OTHER)?;
        let expected = digest_of(app, "state", cookie);
        verify_slices_are_equal(expected.as_bytes(), sent.as_bytes()).map_err(|_| OTHER)?;
        let json = URL_SAFE_NO_PAD.decode(cookie).map_err(|_| OTHER)?;
        let (state, _): (State, String) = serde_json::from_slice(&json).map_err(|_| OTHER)?;
        let away_ms = now.since_ms(state.began);
        if away_ms > i64::from(LIFE_S) * 1_000 {
            return Err(OTHER);
        }
        let cookie = cookie.to_owned();
        Ok(Self { cookie, state })
    }

    /// What goes through the issuer and back.
    pub fn state(&self, app: &App) -> String {
        digest_of(app, "state", &self.cookie)
    }

    /// What the ID token must repeat.
    pub fn nonce(&self, app: &App) -> String {
        digest_of(app, "nonce", &self.cookie)
    }

    /// What proves to the issuer that who exchanges the code is who asked for it (RFC 7636).
    pub fn verifier(&self, app: &App) -> String {
        digest_of(app, "verifier", &self.cookie)
    }

    /// What the issuer is told of the verifier beforehand.
    pub fn challenge(&self, app: &App) -> String {
        let digest = digest::digest(&digest::SHA256, self.verifier(app).as_bytes());
        URL_SAFE_NO_PAD.encode(digest)
    }
}

fn digest_of(app: &App, purpose: &str, cookie: &str) -> String {
    let text = format!("oidc/{purpose}/{cookie}");
    URL_SAFE_NO_PAD.encode(app.identity.keyed_digest(text.as_bytes()))
}

/// Whether browsers take `text` for a path of the site that they are at: they read `\` as `/`, and
/// `//` as the beginning of another site.
fn is_path(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && c != '\\';
    text.len() <= PATH_MAX
        && text.starts_with('/')
        && !text.starts_with("//")
        && text.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_returns_to_this_site_only() {
        for path in ["/", "/tasks?status=failed&x=%2F", "/a//b", "/jobs#last"] {
            assert!(is_path(path), "{path}");
        }
        for other in [
            "",
            "tasks",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "/\t/evil.example",
            "/\r\nSet-Cookie: a=b",
            "javascript:alert(1)",
            " /tasks",
            "/ä",
        ] {
            assert!(!is_path(other), "{other:?}");
        }
        assert!(!is_path(&format!("/{}", "x".repeat(PATH_MAX))));
    }
}
