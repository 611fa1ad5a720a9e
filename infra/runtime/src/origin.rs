//! Origins of pages (RFC 6454 §6.2).
//!
//! Invariant: spelled as browsers send it, so that two are equal letter by letter or not at all;
//! never a pattern.

use serde::Deserialize;

/// Scheme, host and, if it is not the scheme's own, port; as in `https://desk.example.org`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub struct Origin(String);

/// The text is no origin.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0:?} is no origin: write each in full, as in \"https://desk.example.org\"; no wildcard")]
pub struct InvalidOrigin(String);

impl Origin {
    /// As in the header `Origin`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Origin {
    type Error = InvalidOrigin;

    fn try_from(text: String) -> Result<Self, InvalidOrigin> {
        let (scheme, place) = text.split_once("://").unwrap_or_default();
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (place, None),
        };
        let own_port = if scheme == "https" { 443 } else { 80 };
        let is_port = |port: &str| {
            let number = port.parse::<u16>();
            number.is_ok_and(|number| number != own_port && number.to_string() == port)
        };
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
        let in_brackets = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let is_host = match in_brackets {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !host.is_empty() && host.chars().all(plain),
        };
        let fits = ["http", "https"].contains(&scheme) && is_host && port.is_none_or(is_port);
        if fits {
            Ok(Self(text))
        } else {
            Err(InvalidOrigin(text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_in_full_and_as_browsers_spell_it() {
        for text in [
            "https://desk.example.org",
            "http://localhost:3000",
            "https://[2001:db8::1]:8443",
            "http://[::1]",
        ] {
            let origin = Origin::try_from(text.to_owned()).expect(text);
            assert_eq!(origin.as_str(), text);
        }
        for wrong in [
            "*",
            "null",
            "",
            "https://*",
            "https://*.example.org",
            "https://desk.example.org/",
            "https://desk.example.org:443",
            "http://desk.example.org:080",
            "https://Desk.example.org",
            "https://a@desk.example.org",
            "desk.example.org",
            "file://desk",
            "https://",
        ] {
            assert!(Origin::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
