//! What somebody says of themselves when they register.
//!
//! Invariant: one address has one form, however it is typed.

use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::UnicodeNormalization as _;

use super::AccountError;

/// The form in which addresses are compared: trimmed, in lower case and composed (NFC, Unicode
/// UAX15), since keyboards differ in how they write an accent. Not a check that mail arrives.
pub(super) fn normalise_email(text: &str) -> Option<String> {
    let text: String = text.trim().to_lowercase().nfc().collect();
    let (local, host) = text.rsplit_once('@')?;
    let plain = |c: char| !c.is_whitespace() && !c.is_control();
    let fits = !local.is_empty() && !host.is_empty() && text.len() <= 254;
    (fits && !host.starts_with('.') && !host.ends_with('.') && text.chars().all(plain))
        .then_some(text)
}

pub(super) fn check_password(password: &SecretString) -> Result<(), AccountError> {
    let text = password.expose_secret();
    if text.chars().count() < 8 {
        return Err(AccountError::WeakPassword(
            "a password has at least 8 characters".into(),
        ));
    }
    if text.len() > 1024 {
        return Err(AccountError::WeakPassword(
            "a password has at most 1024 bytes".into(),
        ));
    }
    let mut letters = text.chars();
    let first = letters.next();
    if letters.all(|letter| Some(letter) == first) {
        return Err(AccountError::WeakPassword(
            "one repeated character is too easy".into(),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_in_one_form() {
        assert_eq!(
            normalise_email(" Ann@Example.ORG "),
            Some("ann@example.org".into())
        );
        let composed = normalise_email("zo\u{EB}@example.org");
        assert_eq!(normalise_email("ZOE\u{308}@example.org"), composed);
        assert!(composed.is_some());
        for wrong in [
            "",
            "ann",
            "@example.org",
            "ann@",
            "a nn@x.org",
            "ann@x.org.",
            "a\0@x.org",
        ] {
            assert_eq!(normalise_email(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn weak_passwords_are_refused() {
        let check = |text: &str| check_password(&SecretString::from(text)).is_ok();
        assert!(check("correct horse"));
        assert!(!check("short") && !check("aaaaaaaaaaaa") && !check(&"ab".repeat(600)));
    }
}
