//! SHA-256 of what passes by, in hexadecimal digits.
//!
//! Invariant: the same bytes give the same digest, however they are cut.

use std::fmt::Write as _;

use aws_lc_rs::digest::{Context, SHA256, digest};

/// A digest that is being made.
#[derive(Clone)]
pub struct Digest {
    bytes: u64,
    context: Context,
}

impl Default for Digest {
    fn default() -> Self {
        Self {
            bytes: 0,
            context: Context::new(&SHA256),
        }
    }
}

impl Digest {
    /// Takes in `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.context.update(bytes);
    }

    /// How many bytes were taken in.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many bytes there were, and their digest.
    pub fn finish(self) -> (u64, String) {
        (self.bytes, hex(self.context.finish().as_ref()))
    }
}

/// The digest of `bytes`.
pub(crate) fn of(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

/// `bytes` in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
