//! Who may be told by tasks, and how, as configured.
//!
//! Invariant: a task names a target and never a secret; mail goes to domains that are listed, and
//! passwords to a mail server only where they are encrypted.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use uuid::Uuid;

use crate::wire::is_loopback;

/// A mail server that sends for tasks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    /// The domains to whose addresses tasks may send; `*` for every one.
    pub allowed_domains: Vec<String>,
    /// Whom mail is from, such as `Almanac <almanac@example.org>`.
    pub from: String,
    /// The server.
    pub host: String,
    /// What proves who sends, with `username`.
    #[serde(default)]
    pub password: Option<SecretString>,
    /// Its port; 465, 587 or 25, as `security` says.
    #[serde(default)]
    pub port: Option<u16>,
    /// How the way there is encrypted.
    #[serde(default)]
    pub security: SmtpSecurity,
    /// Who sends, if the server asks.
    #[serde(default)]
    pub username: Option<String>,
}

/// How the way to a mail server is encrypted.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum SmtpSecurity {
    /// Not at all: for a server on this machine, or a network that encrypts.
    None,
    /// After STARTTLS, without which nothing is sent.
    Starttls,
    /// From the first byte.
    #[default]
    Tls,
}

/// A target that is told by webhook.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// `whsec_` and 24 to 64 bytes in base64, known to the other side as well.
    pub secret: SecretString,
    /// The only tenant that may use it; every one if absent.
    #[serde(default)]
    pub tenant: Option<Uuid>,
    /// Where it is told.
    pub url: String,
}

/// Why notices cannot be sent so.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidNotice {
    /// A password would be sent in the clear.
    #[error("smtp.password would be sent in the clear; use security = \"tls\" or \"starttls\"")]
    Plaintext,
    /// A secret that others could guess.
    #[error(
        "webhooks.{0}.secret must be whsec_ and at least 32 characters of base64; make one with \
         `echo whsec_$(openssl rand -base64 32)`"
    )]
    Secret(String),
    /// The address is none that can be called.
    #[error("webhooks.{0}.url must begin with https://, or http:// on this machine")]
    Url(String),
    /// Half of what the server asks for.
    #[error("smtp.username and smtp.password belong together")]
    Username,
}

/// Refuses what could not be sent, or not safely.
pub(crate) fn check(
    smtp: Option<&Smtp>,
    webhooks: &BTreeMap<String, Webhook>,
) -> Result<(), InvalidNotice> {
    if let Some(smtp) = smtp {
        if smtp.username.is_some() != smtp.password.is_some() {
            return Err(InvalidNotice::Username);
        }
        let is_near = is_loopback(&format!("smtp://{}", smtp.host));
        if smtp.password.is_some() && smtp.security == SmtpSecurity::None && !is_near {
            return Err(InvalidNotice::Plaintext);
        }
    }
    for (name, webhook) in webhooks {
        let secret = webhook.secret.expose_secret().strip_prefix("whsec_");
        if secret.is_none_or(|secret| secret.len() < 32) {
            return Err(InvalidNotice::Secret(name.clone()));
        }
        let is_plain = webhook.url.starts_with("http://") && is_loopback(&webhook.url);
        if !webhook.url.starts_with("https://") && !is_plain {
            return Err(InvalidNotice::Url(name.clone()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smtp(host: &str, security: SmtpSecurity, password: Option<&str>) -> Smtp {
        Smtp {
            allowed_domains: vec!["example.org".to_owned()],
            from: "almanac@example.org".to_owned(),
            host: host.to_owned(),
            password: password.map(|text| text.to_owned().into()),
            port: None,
            security,
            username: password.map(|_| "almanac".to_owned()),
        }
    }

    #[test]
    fn no_password_is_sent_in_the_clear() {
        let check = |smtp: &Smtp| check(Some(smtp), &BTreeMap::new());
        let far = "mail.example.org";
        assert_eq!(check(&smtp(far, SmtpSecurity::Tls, Some("x"))), Ok(()));
        assert_eq!(check(&smtp(far, SmtpSecurity::None, None)), Ok(()));
        assert_eq!(
            check(&smtp("127.0.0.1", SmtpSecurity::None, Some("x"))),
            Ok(())
        );
        let plain = smtp(far, SmtpSecurity::None, Some("x"));
        assert_eq!(check(&plain), Err(InvalidNotice::Plaintext));
        let half = Smtp {
            username: None,
            ..smtp(far, SmtpSecurity::Tls, Some("x"))
        };
        assert_eq!(check(&half), Err(InvalidNotice::Username));
    }

    #[test]
    fn a_webhook_has_a_secret_and_a_way_that_keeps_it() {
        let of = |url: &str, secret: &str| {
            let webhook = Webhook {
                secret: secret.to_owned().into(),
                tenant: None,
                url: url.to_owned(),
            };
            check(None, &BTreeMap::from([("desk".to_owned(), webhook)]))
        };
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        assert_eq!(of("https://example.org/hook", secret), Ok(()));
        assert_eq!(of("http://127.0.0.1:8000/", secret), Ok(()));
        let desk = || "desk".to_owned();
        let plain = of("http://example.org/", secret);
        assert_eq!(plain, Err(InvalidNotice::Url(desk())));
        for weak in [
            "",
            "whsec_",
            "whsec_c2hvcnQ=",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ] {
            let refused = of("https://example.org/", weak);
            assert_eq!(refused, Err(InvalidNotice::Secret(desk())), "{weak}");
        }
    }
}
