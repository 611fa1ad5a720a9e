//! One-time codes that follow the time (TOTP, RFC 6238; HOTP, RFC 4226).
//!
//! HMAC-SHA-1, six digits and steps of 30 s are what every authenticator understands; of SHA-1 only
//! the pseudo-randomness is needed here, which stands.
//!
//! Invariant: how long a comparison takes tells nothing of the code.

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use domain::Timestamp;

/// The length of a secret: as long as the digest (RFC 4226 §4, R6).
pub(super) const SECRET: usize = 20;
/// How long a code is shown.
const STEP_MS: i64 = 30_000;
/// By how many steps clocks may differ.
const DRIFT: i64 = 1;
/// One more than the greatest code.
const MODULUS: u32 = 1_000_000;
/// Base 32 without what looks alike (RFC 4648 §6).
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The step to which `code` belongs, if it is that of `now` or a neighbour's and later than
/// `after`: a step is accepted once, and none before it any more.
pub(super) fn step_of(
    secret: &[u8],
    code: &str,
    now: Timestamp,
    after: Option<i64>,
) -> Option<i64> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let current = now.unix_ms().div_euclid(STEP_MS);
    let mut found = None;
    for step in current - DRIFT..=current + DRIFT {
        let expected = format!("{:06}", truncated(secret, step) % MODULUS);
        let equal = verify_slices_are_equal(code.as_bytes(), expected.as_bytes()).is_ok();
        if equal && after.is_none_or(|after| step > after) {
            found = found.or(Some(step));
        }
    }
    found
}

/// The 31 bits that the digits are taken of (RFC 4226 §5.3).
fn truncated(secret: &[u8], step: i64) -> u32 {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let offset = usize::from(bytes[bytes.len() - 1] & 0xf);
    let mut four = [0; 4];
    four.copy_from_slice(&bytes[offset..offset + 4]);
    u32::from_be_bytes(four) & 0x7fff_ffff
}

/// What an authenticator is given, as text or as a picture of it.
pub(super) fn uri(secret: &str, account: &str) -> String {
    let account: String = account.bytes().map(escaped).collect();
    format!(
        "otpauth://totp/Almanac:{account}?secret={secret}&issuer=Almanac&algorithm=SHA1&digits=6\
         &period=30"
    )
}

/// A byte of an address (RFC 3986 §2).
fn escaped(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

/// `bytes` in base 32, without padding.
pub(super) fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for five in bytes.chunks(5) {
        let mut group = [0; 8];
        group[3..3 + five.len()].copy_from_slice(five);
        let bits = u64::from_be_bytes(group);
        for letter in 0..(five.len() * 8).div_ceil(5) {
            let index = bits >> (35 - 5 * letter) & 31;
            text.push(char::from(ALPHABET[index as usize]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_the_rfc() {
        for (seconds, code) in [
            (59, 94_287_082),
            (1_111_111_109, 7_081_804),
            (1_111_111_111, 14_050_471),
            (1_234_567_890, 89_005_924),
            (2_000_000_000, 69_279_037),
            (20_000_000_000, 65_353_130),
        ] {
            let step = seconds * 1_000 / STEP_MS;
            assert_eq!(truncated(SECRET, step) % 100_000_000, code, "{seconds}");
        }
    }

    #[test]
    fn a_code_counts_in_its_own_step_and_the_two_beside_it() {
        let shown = |step| format!("{:06}", truncated(SECRET, step) % MODULUS);
        let now = Timestamp::from_unix_ms(1_000 * STEP_MS + 29_999);
        for (step, found) in [
            (998, None),
            (999, Some(999)),
            (1_000, Some(1_000)),
            (1_001, Some(1_001)),
            (1_002, None),
        ] {
            assert_eq!(step_of(SECRET, &shown(step), now, None), found, "{step}");
        }
        let spaced = format!("{} {}", &shown(1_000)[..3], &shown(1_000)[3..]);
        assert_eq!(step_of(SECRET, &spaced, now, None), Some(1_000));
        for wrong in ["", "0", "0000000", "abcdef"] {
            assert_eq!(step_of(SECRET, wrong, now, None), None, "{wrong:?}");
        }
        assert_eq!(step_of(b"another secret", &shown(1_000), now, None), None);
    }

    #[test]
    fn a_step_is_accepted_once_and_none_before_it() {
        let shown = |step| format!("{:06}", truncated(SECRET, step) % MODULUS);
        let now = Timestamp::from_unix_ms(1_000 * STEP_MS);
        let after = |step, after| step_of(SECRET, &shown(step), now, Some(after));
        assert_eq!(after(1_000, 999), Some(1_000));
        assert_eq!(after(1_000, 1_000), None);
        assert_eq!(after(999, 1_000), None);
        assert_eq!(after(1_001, 1_000), Some(1_001));
    }

    #[test]
    fn base_32_is_that_of_the_rfc() {
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn an_address_is_escaped() {
        let uri = uri("MY", "a&b?c@example.org");
        assert!(uri.starts_with("otpauth://totp/Almanac:a%26b%3Fc%40example.org?secret=MY&"));
    }
}
