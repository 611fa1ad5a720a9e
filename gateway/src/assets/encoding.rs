//! Which encodings a client takes (RFC 9110 §12.5.3).
//!
//! Invariant: an encoding that the client refuses is never sent.

use axum::http::{HeaderMap, header};

/// How a file is packed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Encoding {
    Brotli,
    Gzip,
    Identity,
}

impl Encoding {
    /// The end of a packed file's name.
    pub const fn suffix(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some(".br"),
            Self::Gzip => Some(".gz"),
            Self::Identity => None,
        }
    }

    /// Its word in `Content-Encoding`.
    pub const fn word(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
            Self::Identity => None,
        }
    }
}

/// What the client takes, the smallest first.
pub(super) fn accepted(headers: &HeaderMap) -> impl Iterator<Item = Encoding> {
    let text: Vec<&str> = headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    let takes = move |encoding: &Encoding| {
        let word = encoding.word().unwrap_or_default();
        let named = |wanted: &str| {
            let offers = text.iter().map(|one| offer(one));
            offers
                .into_iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
        };
        named(word)
            .or_else(|| named("*"))
            .is_some_and(|(_, weight)| weight > 0.0)
    };
    [Encoding::Brotli, Encoding::Gzip]
        .into_iter()
        .filter(takes)
        .collect::<Vec<_>>()
        .into_iter()
}

/// The name and weight of one offer, such as `br;q=0.5`.
fn offer(text: &str) -> (&str, f32) {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let weight = parts
        .find_map(|part| part.strip_prefix("q="))
        .map_or(Some(1.0), |weight| weight.parse().ok());
    (name, weight.unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn of(text: &'static str) -> Vec<Encoding> {
        let value = HeaderValue::from_static(text);
        accepted(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, value)])).collect()
    }

    #[test]
    fn clients_choose() {
        assert_eq!(of("gzip, deflate, br"), [Encoding::Brotli, Encoding::Gzip]);
        assert_eq!(of("br;q=0, gzip;q=0.5"), [Encoding::Gzip]);
        assert_eq!(of("*"), [Encoding::Brotli, Encoding::Gzip]);
        assert_eq!(of("identity"), []);
        assert_eq!(of("*;q=0"), []);
        assert_eq!(accepted(&HeaderMap::new()).count(), 0);
    }
}
