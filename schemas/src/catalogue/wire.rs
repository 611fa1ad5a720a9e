//! The bytes of a payload.
//!
//! Invariant: reading never panics, whatever the bytes; what cannot be read is named precisely,
//! since the reason is what an operator sees beside a parked commit.

use std::borrow::Cow;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::upcast;

/// One event as written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventRecord {
    /// What happened, such as `task.created`.
    #[serde(rename = "type")]
    pub name: Cow<'static, str>,
    /// The version of its data.
    pub v: u16,
    /// Its data, as written.
    pub data: Box<RawValue>,
}

/// Why a payload cannot be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DecodeError {
    /// The data does not fit the event.
    #[error("{event} v{version}: {reason}")]
    Data {
        /// Which event.
        event: String,
        /// In which version.
        version: u16,
        /// What does not fit.
        reason: String,
    },
    /// Written by a newer program than this.
    #[error("{event} v{version} is newer than this program, which knows v{known}")]
    Future {
        /// Which event.
        event: String,
        /// In which version.
        version: u16,
        /// The newest version known here.
        known: u16,
    },
    /// A character that no database text can hold.
    #[error("the payload contains the character U+0000")]
    NulCharacter,
    /// Not the shape of a commit at all.
    #[error("not a commit: {0}")]
    Payload(String),
    /// No such event in the catalogue.
    #[error("unknown event {0:?}")]
    UnknownEvent(String),
}

#[derive(Serialize)]
struct PayloadOut<'a> {
    events: &'a [EventRecord],
}

#[derive(Deserialize)]
struct PayloadIn {
    events: Vec<EventRecord>,
}

impl EventRecord {
    /// The record of an event with `data`.
    pub(super) fn of<T: Serialize>(name: &'static str, v: u16, data: &T) -> Self {
        let data = serde_json::value::to_raw_value(data)
            .expect("event data are structs with string keys, which always encode");
        Self {
            name: Cow::Borrowed(name),
            v,
            data,
        }
    }
}

/// Encodes the records of one commit.
pub(super) fn encode_records(events: &[EventRecord]) -> Vec<u8> {
    serde_json::to_vec(&PayloadOut { events }).expect("records always encode")
}

/// Splits a payload into its records without looking at their data.
pub fn decode_records(payload: &[u8]) -> Result<Vec<EventRecord>, DecodeError> {
    let payload: PayloadIn = serde_json::from_slice(payload)
        .map_err(|reason| DecodeError::Payload(reason.to_string()))?;
    Ok(payload.events)
}

/// Reads the data of a record whose event is written as version `current` today.
pub(super) fn read<T: DeserializeOwned>(
    record: &EventRecord,
    current: u16,
) -> Result<T, DecodeError> {
    let (event, version) = (record.name.as_ref(), record.v);
    let data = |reason: serde_json::Error| DecodeError::Data {
        event: event.to_owned(),
        version,
        reason: reason.to_string(),
    };
    let text = record.data.get();
    if has_nul(text) {
        return Err(DecodeError::NulCharacter);
    }
    match version {
        v if v == current => serde_json::from_str(text).map_err(data),
        v if v > current || v == 0 => Err(DecodeError::Future {
            event: event.to_owned(),
            version,
            known: current,
        }),
        _ => {
            let old = serde_json::from_str(text).map_err(data)?;
            let new = upcast::to_current(event, version, current, old)?;
            serde_json::from_value(new).map_err(data)
        }
    }
}

/// Whether the JSON text spells U+0000, which Postgres refuses in every text.
fn has_nul(json: &str) -> bool {
    json.match_indices("\\u0000").any(|(at, _)| {
        let escapes = json[..at]
            .bytes()
            .rev()
            .take_while(|byte| *byte == b'\\')
            .count();
        escapes % 2 == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::decode;
    use domain::task::TaskEvent;

    fn refused(payload: &str) -> DecodeError {
        decode::<TaskEvent>(payload.as_bytes()).expect_err("refused")
    }

    fn requeued(v: u16, data: &str) -> String {
        format!(r#"{{"events":[{{"type":"task.requeued","v":{v},"data":{data}}}]}}"#)
    }

    #[test]
    fn every_kind_of_poison_is_named() {
        assert!(matches!(refused("{"), DecodeError::Payload(_)));
        assert!(matches!(
            refused(&requeued(1, "1e400")),
            DecodeError::Data { .. }
        ));
        assert!(matches!(
            refused(&requeued(9, "{}")),
            DecodeError::Future { known: 1, .. }
        ));
        assert!(matches!(
            refused(&requeued(0, "{}")),
            DecodeError::Future { .. }
        ));
        assert_eq!(
            refused(&requeued(1, r#"{"a":"\u0000"}"#)),
            DecodeError::NulCharacter
        );
        assert!(matches!(
            refused(r#"{"events":[{"type":"task.exploded","v":1,"data":{}}]}"#),
            DecodeError::UnknownEvent(name) if name == "task.exploded"
        ));
        let lone = r#"{"reason":"\ud800"}"#;
        let lone =
            format!(r#"{{"events":[{{"type":"task.cancel_requested","v":1,"data":{lone}}}]}}"#);
        assert!(matches!(refused(&lone), DecodeError::Data { .. }));
    }

    #[test]
    fn an_escaped_backslash_before_u0000_is_no_nul() {
        assert!(!has_nul(r#"{"a":"\\u0000"}"#));
        assert!(has_nul(r#"{"a":"\\\u0000"}"#));
        assert!(decode::<TaskEvent>(requeued(1, r#"{"a":"\\u0000"}"#).as_bytes()).is_ok());
    }
}
