//! What must not be read by others.
//!
//! Invariant: the master key is read from text of exactly its length, and never printed.

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::ConfigError;

/// What must not be read by others.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// 64 hexadecimal digits: the key that seals everything in the vault.
    pub master_key: SecretString,
}

impl Secrets {
    /// The master key's bytes.
    pub fn master_key(&self) -> Result<[u8; 32], ConfigError> {
        let text = self.master_key.expose_secret();
        if text.len() != 64 || !text.is_ascii() {
            return Err(ConfigError::MasterKey);
        }
        let mut key = [0; 32];
        for (byte, at) in key.iter_mut().zip((0..64).step_by(2)) {
            *byte =
                u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| ConfigError::MasterKey)?;
        }
        Ok(key)
    }
}
