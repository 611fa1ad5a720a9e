//! Where a request comes from.
//!
//! Invariant: a client chooses nothing of it. Only a peer in a configured network is believed, and
//! only about the hop before it: what is further left in the header, anybody may have written.

use std::{
    borrow::Cow,
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use axum::{
    extract::FromRequestParts,
    http::{Extensions, HeaderMap, header, request::Parts},
};
use runtime::Gateway;

use crate::app::App;

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// Who is at the other end of the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub IpAddr);

/// Where a request comes from: an IPv4 address or an IPv6 one, never the former as the latter.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Address(IpAddr);

impl Address {
    /// The address behind `peer`: the right-most that is no trusted proxy. Where that cannot be
    /// told, the last hop that can.
    pub fn behind(peer: IpAddr, headers: &HeaderMap, config: &Gateway) -> Self {
        let peer = peer.to_canonical();
        if !config.trusts(peer) {
            return Self(peer);
        }
        let simple = elements(headers, X_FORWARDED_FOR, at_commas).map(|hop| hop_address(&hop));
        let standard = elements(headers, header::FORWARDED.as_str(), |text| {
            unquoted_parts(text, ',')
        });
        let standard = standard.map(|hop| forwarded_for(&hop));
        match (first(peer, simple, config), first(peer, standard, config)) {
            (Some(named), None) | (None, Some(named)) => Self(named),
            (Some(one), Some(other)) if one == other => Self(one),
            // If there are both, the proxy wrote one of them, and the client the other.
            (None, None) | (Some(_), Some(_)) => Self(peer),
        }
    }

    /// What requests are counted by: hosts choose among the 2^64 addresses of their network.
    pub fn group(self) -> IpAddr {
        match self.0 {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => {
                let network = u128::from(address) >> 64 << 64;
                Ipv6Addr::from(network).into()
            }
        }
    }

    /// The address, if the request came over a socket.
    pub fn known(self) -> Option<IpAddr> {
        (!self.0.is_unspecified()).then_some(self.0)
    }

    /// As the extensions of a request tell; nowhere if it came over no socket.
    pub fn of(extensions: &Extensions) -> Self {
        let nowhere = Self(Ipv4Addr::UNSPECIFIED.into());
        extensions.get().copied().unwrap_or(nowhere)
    }
}

impl FromRequestParts<App> for Address {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
}

/// Going left from `peer`: the first that is no trusted proxy, or else the last that can be read;
/// none if there are no hops.
fn first(
    peer: IpAddr,
    hops: impl Iterator<Item = Option<IpAddr>>,
    config: &Gateway,
) -> Option<IpAddr> {
    let mut last = None;
    for hop in hops {
        let Some(address) = hop.map(|address| address.to_canonical()) else {
            return last.or(Some(peer));
        };
        last = Some(address);
        if !config.trusts(address) {
            break;
        }
    }
    last
}

/// The elements of a list, from the last to the first.
fn elements(
    headers: &HeaderMap,
    name: &'static str,
    split: fn(&str) -> Vec<&str>,
) -> impl Iterator<Item = String> {
    let values = headers.get_all(name).iter().rev();
    values.flat_map(move |value| {
        let text = String::from_utf8_lossy(value.as_bytes());
        let parts = split(&text).into_iter().rev().map(str::to_owned);
        parts.collect::<Vec<_>>()
    })
}

fn at_commas(text: &str) -> Vec<&str> {
    text.split(',').map(str::trim).collect()
}

/// Splits where no quotes are open. If some are left open, the client may have opened them to
/// swallow what the proxy adds: then the whole is one element, which says nothing.
fn unquoted_parts(text: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    let parts = text.split(|c: char| {
        quoted ^= c == '"';
        c == separator && !quoted
    });
    let parts: Vec<_> = parts.map(str::trim).collect();
    if quoted { vec![""] } else { parts }
}

/// The address in `for=` of one element of `Forwarded` (RFC 7239 §4).
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let pairs = unquoted_parts(element, ';').into_iter();
    let mut named = pairs.filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("for")
            .then_some(value.trim())
    });
    let node = named.next().filter(|_| named.next().is_none())?;
    hop_address(&unquoted(node))
}

fn unquoted(text: &str) -> Cow<'_, str> {
    let inner = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    inner.map_or(Cow::Borrowed(text), |inner| inner.replace('\\', "").into())
}

/// An address, bare or with a port; one of IPv6 with a port is in brackets.
fn hop_address(text: &str) -> Option<IpAddr> {
    if let Some(rest) = text.strip_prefix('[') {
        let (address, _port) = rest.split_once(']')?;
        return address.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    let bare = || text.parse().ok();
    match text.split_once(':') {
        Some((address, port)) if !port.contains(':') => address.parse().ok().map(IpAddr::V4),
        _ => bare(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    const FORWARDED: &str = "forwarded";
    const SIMPLE: &str = "x-forwarded-for";

    fn config(networks: &[&str]) -> Gateway {
        let networks = networks.iter().map(|text| text.parse().expect("a network"));
        Gateway {
            trusted_proxies: networks.collect(),
            ..Gateway::default()
        }
    }

    /// Whom `peer` forwards for, when 10.0.0.0/8 and `fd00::/8` are proxies.
    fn behind(peer: &str, sent: &[(&'static str, &'static str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            let value = HeaderValue::from_static(value);
            headers.append(HeaderName::from_static(name), value);
        }
        let config = config(&["10.0.0.0/8", "fd00::/8"]);
        let address = Address::behind(peer.parse().expect("an address"), &headers, &config);
        address.0.to_string()
    }

    #[test]
    fn whoever_is_no_proxy_is_who_they_are() {
        let forged = [(SIMPLE, "192.0.2.1"), (FORWARDED, "for=192.0.2.1")];
        for peer in ["198.51.100.7", "127.0.0.1", "2001:db8::7"] {
            assert_eq!(behind(peer, &forged), peer);
        }
        let mut headers = HeaderMap::new();
        headers.insert(SIMPLE, HeaderValue::from_static("192.0.2.1"));
        let peer = "10.0.0.1".parse().expect("an address");
        let nobody = Address::behind(peer, &headers, &Gateway::default());
        assert_eq!(nobody, Address(peer), "by default nobody is a proxy");
    }

    #[test]
    fn the_right_most_that_is_no_proxy_counts() {
        for (sent, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.1:4711", "192.0.2.1"),
            ("203.0.113.9, 192.0.2.1", "192.0.2.1"),
            ("192.0.2.1, 10.3.0.1,10.2.0.1", "192.0.2.1"),
            ("10.9.0.1, 10.2.0.1", "10.9.0.1"),
            ("2001:db8::7", "2001:db8::7"),
            ("[2001:db8::7]:80, fd00::1", "2001:db8::7"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("192.0.2.1, unknown", "10.0.0.1"),
            ("203.0.113.9\", 192.0.2.1", "192.0.2.1"),
            ("192.0.2.1, garbage, 10.2.0.1", "10.2.0.1"),
            ("", "10.0.0.1"),
        ] {
            assert_eq!(behind("10.0.0.1", &[(SIMPLE, sent)]), expected, "{sent}");
        }
        let lines = [(SIMPLE, "203.0.113.9"), (SIMPLE, "192.0.2.1")];
        assert_eq!(behind("::ffff:10.0.0.1", &lines), "192.0.2.1");
    }

    #[test]
    fn the_standard_header_says_the_same() {
        for (sent, expected) in [
            ("for=192.0.2.1", "192.0.2.1"),
            ("For=\"192.0.2.1:80\";proto=http;by=10.0.0.1", "192.0.2.1"),
            ("for=203.0.113.9, for=\"[2001:db8::7]:4711\"", "2001:db8::7"),
            ("for=192.0.2.1, for=10.2.0.1", "192.0.2.1"),
            ("for=\"a, for=203.0.113.9\", for=192.0.2.1", "192.0.2.1"),
            ("for=_hidden", "10.0.0.1"),
            ("for=203.0.113.9;x=\", for=192.0.2.1", "10.0.0.1"),
            ("for=203.0.113.9;x=\"\\\", for=192.0.2.1", "192.0.2.1"),
            ("for=192.0.2.1, proto=https", "10.0.0.1"),
            ("for=192.0.2.1;for=203.0.113.9", "10.0.0.1"),
        ] {
            assert_eq!(behind("10.0.0.1", &[(FORWARDED, sent)]), expected, "{sent}");
        }
    }

    #[test]
    fn headers_that_disagree_say_nothing() {
        let both = |standard| behind("10.0.0.1", &[(SIMPLE, "192.0.2.1"), (FORWARDED, standard)]);
        assert_eq!(both("for=192.0.2.1"), "192.0.2.1");
        assert_eq!(both("for=203.0.113.9"), "10.0.0.1");
    }

    #[test]
    fn a_host_of_ipv6_counts_as_its_network() {
        let group = |text: &str| Address(text.parse().expect("an address")).group();
        assert_eq!(group("2001:db8:1:2::7"), group("2001:db8:1:2:ffff::9"));
        assert_ne!(group("2001:db8:1:2::7"), group("2001:db8:1:3::7"));
        assert_ne!(group("192.0.2.1"), group("192.0.2.2"));
    }
}
