//! An authenticator as people have them, made from the RFCs apart from the code that checks it.
//!
//! Invariant: it knows nothing but the secret that it was given.

use aws_lc_rs::hmac;
use domain::Timestamp;

/// What shows the codes of one secret.
pub struct Authenticator(Vec<u8>);

impl Authenticator {
    /// With a secret in base 32 (RFC 4648 §6).
    pub fn of(secret: &str) -> Self {
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let value = |letter| letters.iter().position(|one| *one == letter);
        let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
        for letter in secret.bytes() {
            let value = value(letter).expect("base 32");
            bits = bits << 5 | u32::try_from(value).expect("five bits");
            held += 5;
            if held >= 8 {
                held -= 8;
                bytes.push((bits >> held).to_be_bytes()[3]);
            }
        }
        Self(bytes)
    }

    /// The six digits that it shows at `now` (RFC 6238 §4).
    pub fn shows(&self, now: Timestamp) -> String {
        let step = now.unix_ms() / 30_000;
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let at = usize::from(tag.as_ref()[19] & 15);
        let four = &tag.as_ref()[at..at + 4];
        let number = four
            .iter()
            .fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
        format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
    }
}
