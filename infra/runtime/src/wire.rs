//! Whether what is sent to other machines can be read or changed on its way.
//!
//! Invariant: passwords, tokens and personal data leave this machine encrypted, or whoever runs it
//! has said that the network itself keeps them.

use std::net::IpAddr;

use secrecy::ExposeSecret as _;

use crate::{Config, ConfigError};

/// Refuses a configuration that sends secrets in the clear.
pub(crate) fn check(config: &Config) -> Result<(), ConfigError> {
    let gateway = &config.gateway;
    let public = gateway.public_url.as_deref().unwrap_or_default();
    if !gateway.listen.ip().is_loopback()
        && !public.starts_with("https://")
        && !gateway.accept_plaintext
    {
        return Err(ConfigError::Plaintext {
            accept: "gateway.accept_plaintext",
            instead: "put a proxy before it that encrypts and tell its https address in \
                      gateway.public_url",
            what: "gateway.listen is open to other machines, who would sign in in the clear",
        });
    }
    let plain = |url: &&str| !is_loopback(url) && !url.starts_with("tls://");
    let backups = config.worker.backup_nats_url.as_ref();
    let mut nats = std::iter::once(&config.nats.url).chain(backups);
    let is_plain = nats.any(|url| url.expose_secret().split(',').find(plain).is_some());
    if is_plain && !config.nats.accept_plaintext {
        return Err(ConfigError::Plaintext {
            accept: "nats.accept_plaintext",
            instead: "write tls://… instead of nats://… (SSL_CERT_FILE names a CA of your own)",
            what: "a URL of NATS leads to another machine in the clear",
        });
    }
    let others = [
        &config.rebuild.owner_url,
        &config.rebuild.projector_url,
        &config.worker.postgres_url,
    ];
    let urls = std::iter::once(&config.postgres.url).chain(others.into_iter().flatten());
    let open = |url: &str| !is_loopback(url) && !url.contains("sslmode=verify-full");
    let is_open = urls.into_iter().any(|url| open(url.expose_secret()));
    if is_open && !config.postgres.accept_plaintext {
        return Err(ConfigError::Plaintext {
            accept: "postgres.accept_plaintext",
            instead: "add ?sslmode=verify-full (and &sslrootcert=… for a CA of your own)",
            what: "a URL of Postgres leads to another machine that need not prove who it is",
        });
    }
    Ok(())
}

/// Whether `url` leads to this machine, or names none.
pub(crate) fn is_loopback(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let place = authority.rsplit_once('@').map_or(authority, |(_, at)| at);
    let host = match place.strip_prefix('[') {
        Some(v6) => v6.split(']').next(),
        None => place.split(':').next(),
    };
    let host = host.unwrap_or_default();
    let address = host.parse::<IpAddr>();
    let named = rest.contains("host=") && !rest.contains("host=/");
    (host.is_empty() && !named)
        || host == "localhost"
        || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        for here in [
            "nats://127.0.0.1:4222",
            "nats://a:b@127.0.0.1:4222",
            "postgres://u:p@localhost/almanac",
            "postgres://u:p@[::1]:5432/almanac",
            "postgres:///almanac?host=/run/postgresql",
            "127.0.0.1:4222",
        ] {
            assert!(is_loopback(here), "{here}");
        }
        for elsewhere in [
            "nats://nats.internal:4222",
            "nats://localhost:secret@10.0.0.7:4222",
            "postgres://u:p@127.0.0.1.example.org/almanac",
            "postgres:///almanac?host=db.internal",
            "postgres://[2001:db8::1]/almanac",
        ] {
            assert!(!is_loopback(elsewhere), "{elsewhere}");
        }
    }
}
