//! An API key as text: `alm_<id>_<secret>_<checksum>`, all but the first in base 62.
//!
//! Whoever finds one can tell what it is, which it is, and whether it was copied whole, without
//! asking anybody: the prefix is fixed, the id is the key's, and the checksum is a CRC-32 of all
//! before it. A double click selects all of it.
//!
//! Invariant: one key has one text; what is not exactly such a text is no key.

use uuid::Uuid;

/// What every key begins with.
pub(super) const PREFIX: &str = "alm_";
/// The longest text, so that a longer one is refused before any of it is looked at.
const LENGTH: usize = PREFIX.len() + DIGITS + 1 + 2 * DIGITS + 1 + CHECKSUM;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// How many digits 128 bits need.
const DIGITS: usize = 22;
/// How many digits 32 bits need.
const CHECKSUM: usize = 6;

/// What the key `id` begins with: enough to know it again, and nothing of its secret.
pub(super) fn prefix(id: Uuid) -> String {
    format!("{PREFIX}{}", base62::<DIGITS>(id.as_u128()))
}

/// 256 bits as the secret part of a key.
pub(super) fn secret(bits: [u8; 32]) -> String {
    let (mut high, mut low) = ([0; 16], [0; 16]);
    high.copy_from_slice(&bits[..16]);
    low.copy_from_slice(&bits[16..]);
    let halves = [high, low].map(u128::from_be_bytes);
    halves.map(base62::<DIGITS>).concat()
}

/// The key `id` with this secret.
pub(super) fn write(id: Uuid, secret: &str) -> String {
    let body = format!("{}_{secret}", prefix(id));
    let checksum = checksum(&body);
    format!("{body}_{checksum}")
}

/// Id and secret of a key that was copied whole; whether it was given out is another question.
pub(super) fn parse(text: &str) -> Option<(Uuid, &str)> {
    if text.len() != LENGTH {
        return None;
    }
    let (body, found) = text.rsplit_once('_')?;
    if found != checksum(body) {
        return None;
    }
    let (id, secret) = body.strip_prefix(PREFIX)?.split_once('_')?;
    let id = Uuid::from_u128(number(id)?);
    (secret.len() == 2 * DIGITS).then_some((id, secret))
}

fn checksum(body: &str) -> String {
    base62::<CHECKSUM>(crc32fast::hash(body.as_bytes()).into())
}

/// The last `N` digits of `number`.
fn base62<const N: usize>(mut number: u128) -> String {
    let mut digits = [ALPHABET[0]; N];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[(number % 62) as usize];
        number /= 62;
    }
    digits.into_iter().map(char::from).collect()
}

/// The number that is written with all its digits.
fn number(text: &str) -> Option<u128> {
    if text.len() != DIGITS {
        return None;
    }
    text.bytes().try_fold(0_u128, |number, byte| {
        let digit = ALPHABET.iter().position(|one| *one == byte)?;
        number.checked_mul(62)?.checked_add(digit as u128)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Uuid = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0007);

    fn key() -> String {
        write(ID, &secret([0xAB; 32]))
    }

    /// Scanners for secrets know keys by this form, so it cannot change for keys given out.
    #[test]
    fn a_key_is_written_in_one_way() {
        let text = key();
        assert_eq!(text.len(), LENGTH);
        assert_eq!(prefix(ID), "alm_030udZy6iP0O9OjDbGBt9r");
        assert_eq!(
            text,
            concat!(
                "alm_030udZy6iP0O9OjDbGBt9r",
                "_5Dw8mHX2wYZfADG6WaEB0l5Dw8mHX2wYZfADG6WaEB0l",
                "_0QeiNf",
            )
        );
        assert_eq!(parse(&text), Some((ID, secret([0xAB; 32]).as_str())));
        for id in [Uuid::nil(), Uuid::max()] {
            let text = write(id, &secret([0xFF; 32]));
            assert_eq!(parse(&text).map(|(found, _)| found), Some(id));
        }
    }

    #[test]
    fn every_slip_of_a_key_is_found_without_asking_anybody() {
        let text = key();
        for at in 0..text.len() {
            for other in ['0', 'z', '_', '-', ' '] {
                let mut slip: Vec<char> = text.chars().collect();
                slip[at] = other;
                let slip: String = slip.into_iter().collect();
                assert!(slip == text || parse(&slip).is_none(), "{slip}");
            }
            assert_eq!(parse(&text[..at]), None);
        }
        let swapped = text.replacen("03", "30", 1);
        assert_ne!(swapped, text);
        for other in [
            swapped,
            format!("{text}0"),
            text.to_uppercase(),
            format!(" {text}"),
        ] {
            assert_eq!(parse(&other), None, "{other}");
        }
    }

    #[test]
    fn a_right_checksum_makes_no_key() {
        let with_checksum = |body: &str| format!("{body}_{}", checksum(body));
        let too_large = "z".repeat(DIGITS);
        let long = "0".repeat(2 * DIGITS);
        for body in [
            format!("alm_{too_large}_{long}"),
            format!("xlm_{}_{long}", "0".repeat(DIGITS)),
            format!("alm_{}_{long}", "-".repeat(DIGITS)),
            format!(
                "alm_{}_{}",
                "0".repeat(DIGITS + 1),
                "0".repeat(2 * DIGITS - 1)
            ),
        ] {
            let text = with_checksum(&body);
            assert_eq!(text.len(), LENGTH);
            assert_eq!(parse(&text), None, "{text}");
        }
        assert!(
            parse(&with_checksum(&format!(
                "alm_{}_{long}",
                "0".repeat(DIGITS)
            )))
            .is_some()
        );
    }
}
