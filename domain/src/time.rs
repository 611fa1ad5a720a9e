//! Instants as the log writes them: UTC, to the millisecond, RFC 3339 with a `Z`.
//!
//! Invariant: text and value convert without loss, so two encoders of one instant agree byte for
//! byte.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::ToSchema;

/// Milliseconds since 1970-01-01T00:00:00Z, within the years 1 to 9999 of UTC.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, ToSchema)]
#[schema(value_type = String, format = DateTime, examples("2027-01-01T00:00:00.000Z"))]
pub struct Timestamp(i64);

/// The text is not an instant between the years 1 and 9999.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not an RFC 3339 instant: {0:?}")]
pub struct InvalidTimestamp(String);

impl Timestamp {
    /// The first instant, 0001-01-01T00:00:00Z.
    pub const MIN: Self = Self(-62_135_596_800_000);
    /// The last instant, 9999-12-31T23:59:59.999Z.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// The instant `ms` milliseconds after the Unix epoch; the nearest there is if that is none.
    pub const fn from_unix_ms(ms: i64) -> Self {
        if ms < Self::MIN.0 {
            Self::MIN
        } else if ms > Self::MAX.0 {
            Self::MAX
        } else {
            Self(ms)
        }
    }

    /// Milliseconds since the Unix epoch.
    pub const fn unix_ms(self) -> i64 {
        self.0
    }

    /// This instant moved by `ms`, which may be negative; stops at the ends of the range.
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self::from_unix_ms(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this instant, negative if `earlier` is later.
    pub const fn since_ms(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The same instant for libraries that speak chrono, which reach further.
    pub fn to_chrono(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or_default()
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(instant: DateTime<Utc>) -> Self {
        Self::from_unix_ms(instant.timestamp_millis())
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(
            &self
                .to_chrono()
                .to_rfc3339_opts(SecondsFormat::Millis, true),
        )
    }
}

impl std::str::FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidTimestamp(text.to_owned());
        let instant = DateTime::parse_from_rfc3339(text).map_err(|_| invalid())?;
        // An offset may carry an instant out of the years that can be written.
        let ms = instant.timestamp_millis();
        let found = Self::from_unix_ms(ms);
        (found.0 == ms).then_some(found).ok_or_else(invalid)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_and_value_agree(ms in any::<i64>()) {
            let instant = Timestamp::from_unix_ms(ms);
            prop_assert_eq!(instant.to_string().parse(), Ok(instant));
            let within = ms % Timestamp::MAX.unix_ms();
            let instant = Timestamp::from_unix_ms(0).plus_ms(within);
            prop_assert_eq!(instant.to_string().parse(), Ok(instant));
        }
    }

    #[test]
    fn offsets_are_read_and_written_as_utc() {
        let instant: Timestamp = "2027-01-01T01:00:00+01:00".parse().expect("valid");
        assert_eq!(instant.to_string(), "2027-01-01T00:00:00.000Z");
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    #[test]
    fn what_could_not_be_written_again_is_refused() {
        for wrong in ["9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00"] {
            assert!(wrong.parse::<Timestamp>().is_err(), "{wrong}");
        }
        for end in [Timestamp::MIN, Timestamp::MAX] {
            assert_eq!(end.to_string().parse(), Ok(end));
        }
    }
}
