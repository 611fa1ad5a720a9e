//! Providers that people may sign in by (OpenID Connect).
//!
//! Invariant: what would send a secret in the clear, take people for whom they are not, or do
//! nothing, is refused at start with one sentence.

use std::net::{IpAddr, SocketAddr};

use domain::user::Role;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::Origin;

/// The longest name of a provider; it is part of addresses and names of cookies.
const NAME_MAX: usize = 32;

/// An issuer that people may sign in by.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcProvider {
    /// The domains of addresses whose owners may become users; exactly these, no subdomains.
    #[serde(default)]
    pub allowed_domains: Vec<String>,
    /// What the issuer calls this installation.
    pub client_id: String,
    /// What proves that it is this installation; none for a public client.
    #[serde(default)]
    pub client_secret: Option<SecretString>,
    /// Whether strangers whom the issuer knows become users.
    #[serde(default)]
    pub create_users: CreateUsers,
    /// What such a user may do at first: `viewer` or `operator`.
    #[serde(default = "viewer")]
    pub default_role: Role,
    /// Where the issuer is, exactly as it calls itself: `https`, or `http` on this machine.
    pub issuer: String,
    /// What it is called in addresses and on the page: lower-case letters, digits and `-`.
    pub name: String,
    /// What is asked for.
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
    /// Take whoever has a user's address, verified by this issuer, for that user.
    #[serde(default)]
    pub trust_email: bool,
}

/// Whether strangers whom the issuer knows become users.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum CreateUsers {
    /// Only users who have linked their identity sign in.
    #[default]
    Closed,
    /// Whoever has an address of an allowed domain becomes a user.
    Open,
}

/// Why a provider cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("gateway.oidc {name:?}: {reason}")]
pub struct InvalidOidc {
    name: String,
    reason: &'static str,
}

impl OidcProvider {
    /// Whether the owner of `email` may become a user.
    pub fn admits(&self, email: &str) -> bool {
        let domain = email.rsplit_once('@').map(|(_, domain)| domain);
        let allowed = |domain: &str| {
            let mut domains = self.allowed_domains.iter();
            domains.any(|allowed| allowed.eq_ignore_ascii_case(domain))
        };
        self.create_users == CreateUsers::Open && domain.is_some_and(allowed)
    }

    /// Whether the issuer may be spoken to without TLS, since it is on this machine.
    pub fn is_local(&self) -> bool {
        self.issuer.starts_with("http://")
    }

    fn check(&self) -> Result<(), &'static str> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let named = (1..=NAME_MAX).contains(&self.name.len()) && self.name.chars().all(plain);
        let secret = self.client_secret.as_ref();
        let rules = [
            (
                named,
                "a name has 1 to 32 lower-case letters, digits and hyphens",
            ),
            (
                is_https_or_local(&self.issuer),
                "the issuer is an https address without query, or http on a loopback address",
            ),
            (!self.client_id.is_empty(), "client_id is missing"),
            (
                secret.is_none_or(|secret| !secret.expose_secret().is_empty()),
                "client_secret is empty: leave it out for a public client",
            ),
            (
                self.scopes.iter().any(|scope| scope == "openid"),
                "scopes must include \"openid\"",
            ),
            (
                self.scopes.iter().all(|scope| is_scope(scope)),
                "each scope is one word",
            ),
            (
                self.default_role != Role::Admin,
                "default_role is viewer or operator: nobody becomes an administrator by signing in",
            ),
            (
                self.allowed_domains.iter().all(|domain| is_domain(domain)),
                "allowed_domains are names like \"example.org\", without @ or *",
            ),
            (
                self.allowed_domains.is_empty() == (self.create_users == CreateUsers::Closed),
                "create_users = \"open\" and allowed_domains go together",
            ),
        ];
        let broken = rules.iter().find(|(kept, _)| !kept);
        broken.map_or(Ok(()), |(_, reason)| Err(reason))
    }
}

/// Whether these providers can be used by a gateway with these addresses.
pub(crate) fn check(
    providers: &[OidcProvider],
    public_url: Option<&str>,
    listen: SocketAddr,
) -> Result<(), InvalidOidc> {
    for (at, provider) in providers.iter().enumerate() {
        let name = provider.name.clone();
        let refused = |reason| InvalidOidc {
            name: name.clone(),
            reason,
        };
        provider.check().map_err(refused)?;
        if providers[..at].iter().any(|other| other.name == name) {
            return Err(refused("the name is used twice"));
        }
        match public_url {
            None if !listen.ip().is_loopback() => {
                return Err(refused(
                    "needs gateway.public_url, to which the issuer sends people back",
                ));
            }
            Some(url) if !is_https_or_local(url.trim_end_matches('/')) => {
                return Err(refused(
                    "gateway.public_url must be https, or http on a loopback address",
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether what is sent to `address` is sent by TLS, or does not leave this machine.
fn is_https_or_local(address: &str) -> bool {
    let Some((scheme, rest)) = address.split_once("://") else {
        return false;
    };
    let (place, path) = rest.split_once('/').unwrap_or((rest, ""));
    let plain = |c: char| c.is_ascii_graphic() && !"?#\\\"<>".contains(c);
    let Ok(origin) = Origin::try_from(format!("{scheme}://{place}")) else {
        return false;
    };
    path.chars().all(plain) && (scheme == "https" || is_loopback(&origin))
}

fn is_loopback(origin: &Origin) -> bool {
    let place = origin.as_str().split_once("://").map_or("", |(_, it)| it);
    let host = match place.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => host,
        _ => place,
    };
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    let address = literal.parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// RFC 6749 §3.3.
fn is_scope(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && c != '"' && c != '\\';
    !text.is_empty() && text.chars().all(plain)
}

fn is_domain(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    !text.is_empty() && text.chars().all(plain) && !text.starts_with('.') && !text.ends_with('.')
}

fn scopes() -> Vec<String> {
    ["openid", "email", "profile"].map(str::to_owned).to_vec()
}

const fn viewer() -> Role {
    Role::Viewer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, ConfigError};

    const PROVIDER: &str = "name = \"desk\"\nissuer = \"https://id.example.org/realm\"\n\
        client_id = \"almanac\"\nclient_secret = \"hush\"\n";

    /// What a gateway with these lines, and a provider with those, says at start.
    fn load(gateway: &str, provider: &str) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let file = folder.path().join("almanac.toml");
        let text = format!(
            "[nats]\nurl = \"nats://127.0.0.1:1\"\nmonitor_url = \"http://127.0.0.1:2\"\n\
             [postgres]\nurl = \"postgres://127.0.0.1:3/almanac\"\n\
             [secrets]\nmaster_key = \"{}\"\n[gateway]\n{gateway}\n\
             [[gateway.oidc]]\n{provider}",
            "0a".repeat(32)
        );
        std::fs::write(&file, text).expect("written");
        Config::load(Some(&file))
    }

    #[test]
    fn a_provider_is_careful_unless_told_otherwise() {
        let config = load("", PROVIDER).expect("valid");
        let [provider] = config.gateway.oidc.as_slice() else {
            panic!("one provider");
        };
        assert_eq!(provider.create_users, CreateUsers::Closed);
        assert_eq!(provider.default_role, Role::Viewer);
        assert_eq!(provider.scopes, ["openid", "email", "profile"]);
        assert!(!provider.trust_email && !provider.is_local());
        assert!(!provider.admits("ann@example.org"));
        assert!(!format!("{config:?}").contains("hush"));
    }

    #[test]
    fn only_the_domains_that_are_named_are_admitted() {
        let open = "create_users = \"open\"\nallowed_domains = [\"example.org\"]\n";
        let config = load("", &format!("{PROVIDER}{open}")).expect("valid");
        let admits = |email| config.gateway.oidc[0].admits(email);
        assert!(admits("ann@example.org") && admits("ann@Example.ORG"));
        for stranger in [
            "ann@sub.example.org",
            "ann@example.org.evil",
            "ann@evilexample.org",
            "ann@example.org@evil",
            "example.org",
        ] {
            assert!(!admits(stranger), "{stranger}");
        }
    }

    #[test]
    fn what_is_unsafe_or_half_is_refused_in_one_line() {
        let issuer = |url: &str| PROVIDER.replace("https://id.example.org/realm", url);
        let with = |more: &str| format!("{PROVIDER}{more}\n");
        let far = "listen = \"0.0.0.0:80\"";
        let twice = format!("{PROVIDER}[[gateway.oidc]]\n{PROVIDER}");
        for (gateway, provider, says) in [
            (far, PROVIDER.to_owned(), "needs gateway.public_url"),
            (
                "public_url = \"http://a.example\"",
                PROVIDER.to_owned(),
                "public_url must be https",
            ),
            ("", twice, "used twice"),
            (
                "",
                issuer("http://id.example.org"),
                "the issuer is an https",
            ),
            (
                "",
                issuer("http://localhost.evil"),
                "the issuer is an https",
            ),
            (
                "",
                issuer("http://127.0.0.1@evil"),
                "the issuer is an https",
            ),
            ("", issuer("https://id.example.org/?a"), "the issuer is an"),
            ("", issuer("ftp://127.0.0.1"), "the issuer is an https"),
            ("", PROVIDER.replace("desk", "De sk"), "a name has"),
            ("", PROVIDER.replace("hush", ""), "client_secret is empty"),
            ("", with("scopes = [\"email\"]"), "\"openid\""),
            ("", with("create_users = \"open\""), "go together"),
            ("", with("allowed_domains = [\"a.example\"]"), "go together"),
            ("", with("default_role = \"admin\""), "default_role"),
            (
                "",
                with("create_users = \"open\"\nallowed_domains = [\"*.example\"]"),
                "allowed_domains",
            ),
            ("", with("tenant = \"x\""), "unknown field"),
        ] {
            let refused = load(gateway, &provider).expect_err(says).to_string();
            assert!(refused.contains(says), "{says}: {refused}");
            assert_eq!(refused.lines().count(), 1, "{refused}");
        }
        for local in ["http://127.0.0.1:9", "http://localhost:9", "http://[::1]:9"] {
            assert!(load("", &issuer(local)).is_ok(), "{local}");
        }
        let placed = "listen = \"0.0.0.0:80\"\npublic_url = \"https://a.example/\"";
        assert!(load(placed, PROVIDER).is_ok());
    }
}
