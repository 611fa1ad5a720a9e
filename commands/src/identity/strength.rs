//! Which passwords are too easy to guess.
//!
//! Invariant: who guesses a million times, the likeliest first, finds none that is accepted here.
//! What is common, known of the person or typed without thinking is looked up in lists, as NIST
//! SP 800-63B §3.1.1.2 and OWASP ASVS 5.0 §6.2 want; no mixture of characters is demanded.

use secrecy::{ExposeSecret, SecretString};
use zxcvbn::{Score, zxcvbn};

use super::{AccountError, Identity};

/// What every guesser of this system's passwords would try.
const OF_THE_SYSTEM: &str = "almanac";

impl Identity {
    /// Refuses a new password that somebody would guess who knows this of its owner.
    pub(super) async fn check_password(
        &self,
        password: &SecretString,
        known: &[&str],
    ) -> Result<(), AccountError> {
        check_form(password)?;
        let known = known.iter().map(|&text| text.to_owned()).collect();
        match self.passwords.weakness(password.clone(), known).await? {
            Some(reason) => Err(AccountError::WeakPassword(reason)),
            None => Ok(()),
        }
    }
}

/// Whether a password can be one at all; that costs no time.
fn check_form(password: &SecretString) -> Result<(), AccountError> {
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
    Ok(())
}

/// Why `password` is too easy for somebody about whom guessers know `known`; none if it is not.
/// Takes up to a tenth of a second of computing.
pub(super) fn weakness(password: &SecretString, known: &[String]) -> Option<String> {
    let mut guessed: Vec<&str> = known.iter().map(String::as_str).collect();
    guessed.push(OF_THE_SYSTEM);
    let estimate = zxcvbn(password.expose_secret(), &guessed);
    if estimate.score() >= Score::Two {
        return None;
    }
    let warning = estimate
        .feedback()
        .and_then(zxcvbn::feedback::Feedback::warning);
    Some(match warning {
        Some(warning) => format!("it is too easy to guess: {warning}"),
        None => "it is too easy to guess: add a word or two that do not belong together".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_a_password_is_bounded() {
        let check = |text: &str| check_form(&SecretString::from(text)).is_ok();
        assert!(check("correct horse") && check(&"ab".repeat(512)));
        assert!(!check("short") && !check(&"ab".repeat(513)));
    }

    #[test]
    fn what_guessers_try_first_is_refused() {
        let known = ["ann.smith@example.org".to_owned(), "Ann Smith".to_owned()];
        let weak = |text: &str| weakness(&SecretString::from(text), &known).is_some();
        for easy in [
            "password-1",
            "Passw0rd!",
            "12345678",
            "qwertyuiop",
            "aaaaaaaaaaaa",
            "letmein123",
            "almanac1",
            "ann.smith@example.org",
            "annsmith1",
        ] {
            assert!(weak(easy), "{easy} is accepted");
        }
        for good in ["correct horse battery", "a good one", "umber-cedar-badger"] {
            assert!(!weak(good), "{good} is refused");
        }
    }
}
