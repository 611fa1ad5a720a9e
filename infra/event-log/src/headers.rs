//! A commit's meta data as message headers.
//!
//! Invariant: what was written is read back equal; a header that is missing or malformed makes the
//! message unreadable, and says which.

use std::str::FromStr;

use async_nats::{HeaderMap, HeaderName};
use schemas::Meta;

static ACTOR: HeaderName = HeaderName::from_static("Almanac-Actor");
static CAUSATION: HeaderName = HeaderName::from_static("Almanac-Causation");
static COMMAND: HeaderName = HeaderName::from_static("Almanac-Command");
static CORRELATION: HeaderName = HeaderName::from_static("Almanac-Correlation");
static FINGERPRINT: HeaderName = HeaderName::from_static("Almanac-Fingerprint");
static HASH: HeaderName = HeaderName::from_static("Almanac-Hash");
static PREVIOUS: HeaderName = HeaderName::from_static("Almanac-Previous");
static TIME: HeaderName = HeaderName::from_static("Almanac-Time");
static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
static VERSION: HeaderName = HeaderName::from_static("Almanac-Version");

/// Writes `meta`.
pub(crate) fn write(meta: &Meta) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACTOR.clone(), meta.actor.to_string());
    headers.insert(COMMAND.clone(), meta.command.to_string());
    headers.insert(CORRELATION.clone(), meta.correlation.to_string());
    headers.insert(HASH.clone(), meta.hash.to_string());
    headers.insert(PREVIOUS.clone(), meta.previous.to_string());
    headers.insert(TIME.clone(), meta.time.to_string());
    headers.insert(VERSION.clone(), meta.version.to_string());
    if let Some(causation) = meta.causation {
        headers.insert(CAUSATION.clone(), causation.to_string());
    }
    if let Some(fingerprint) = meta.fingerprint {
        headers.insert(FINGERPRINT.clone(), fingerprint.to_string());
    }
    if let Some(traceparent) = &meta.traceparent {
        headers.insert(TRACEPARENT.clone(), traceparent.as_str());
    }
    headers
}

/// Reads what [`write`] wrote.
pub(crate) fn read(headers: &HeaderMap) -> Result<Meta, String> {
    found_by(|name| Some(headers.get(name.clone())?.as_str()))
}

/// The same, where `find` knows the first value of each header.
pub(crate) fn found_by<'a>(find: impl Fn(&HeaderName) -> Option<&'a str>) -> Result<Meta, String> {
    Ok(Meta {
        actor: required(&find, &ACTOR)?,
        causation: optional(&find, &CAUSATION)?,
        command: required(&find, &COMMAND)?,
        correlation: required(&find, &CORRELATION)?,
        fingerprint: optional(&find, &FINGERPRINT)?,
        hash: required(&find, &HASH)?,
        previous: required(&find, &PREVIOUS)?,
        time: required(&find, &TIME)?,
        traceparent: optional(&find, &TRACEPARENT)?,
        version: required::<u64>(&find, &VERSION).map(schemas::Version)?,
    })
}

fn required<'a, T: FromStr>(
    find: &impl Fn(&HeaderName) -> Option<&'a str>,
    name: &HeaderName,
) -> Result<T, String> {
    optional(find, name)?.ok_or_else(|| format!("header {name} is missing"))
}

fn optional<'a, T: FromStr>(
    find: &impl Fn(&HeaderName) -> Option<&'a str>,
    name: &HeaderName,
) -> Result<Option<T>, String> {
    let Some(value) = find(name) else {
        return Ok(None);
    };
    value
        .parse()
        .map(Some)
        .map_err(|_| format!("header {name} is malformed: {value:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::tests::meta;
    use schemas::Hash;
    use uuid::Uuid;

    #[test]
    fn what_was_written_is_read() {
        let full = Meta {
            causation: Some(Uuid::from_u128(9)),
            fingerprint: Some(Hash([7; 32])),
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
            ..meta()
        };
        assert_eq!(read(&write(&full)), Ok(full));
        assert_eq!(read(&write(&meta())), Ok(meta()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(
            read(&HeaderMap::new()),
            Err("header Almanac-Actor is missing".into())
        );
        let mut headers = write(&meta());
        headers.insert(VERSION.clone(), "seven");
        let reason = read(&headers).expect_err("refused");
        assert!(
            reason.contains("Almanac-Version") && reason.contains("seven"),
            "{reason}"
        );
    }
}
