//! What somebody says of themselves when they register.
//!
//! Invariant: one address has one form, however it is typed.

use unicode_normalization::UnicodeNormalization as _;

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
}
