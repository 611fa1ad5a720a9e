//! Consistency tokens: a position of this log, opaque and sealed.
//!
//! Invariant: a token that this installation did not give, or gave for another log, is refused; so
//! a read never waits for a position that cannot come.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use schemas::Position;

use crate::{
    app::App,
    problem::{Error, Result},
};

const MAC_LEN: usize = 8;

/// The token of `position`.
pub(crate) fn token(app: &App, position: Position) -> String {
    let mut bytes = [0; 8 + MAC_LEN];
    bytes[..8].copy_from_slice(&position.0.to_be_bytes());
    bytes[8..].copy_from_slice(&mac(app, position));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The position that `text` stands for.
pub(super) fn position(app: &App, text: &str) -> Result<Position> {
    let refused = || {
        let detail = "the token is altered, or belongs to another log";
        Error::invalid_parameter("Consistency-Token", detail)
    };
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| refused())?;
    let bytes: [u8; 8 + MAC_LEN] = bytes.try_into().map_err(|_| refused())?;
    let (position, sealed) = bytes.split_first_chunk::<8>().ok_or_else(refused)?;
    let position = Position(u64::from_be_bytes(*position));
    if sealed == mac(app, position) {
        Ok(position)
    } else {
        Err(refused())
    }
}

/// Covers the log's incarnation as well, which therefore need not travel.
fn mac(app: &App, position: Position) -> [u8; MAC_LEN] {
    let text = format!("consistency/{}/{position}", app.log.incarnation);
    let digest = app.identity.keyed_digest(text.as_bytes());
    let mut mac = [0; MAC_LEN];
    mac.copy_from_slice(&digest[..MAC_LEN]);
    mac
}
