//! A second factor from outside: turned on, signed in with, taken away, and then nowhere.
//!
//! Invariant: the authenticator knows the secret and the server's own clock, and nothing else.

use std::fs;

use anyhow::{Context, Result, ensure};
use aws_lc_rs::hmac;
use serde_json::{Value, json};

use crate::{
    erasure::{holding, holds},
    harness::{Answer, build_dir},
    shared,
};

const PERSON: (&str, &str) = ("mfa@example.org", "a password and a code");
const STEP_S: i64 = 30;

/// What an authenticator shows for `secret`, `ahead` steps after `answer` (RFC 6238).
fn code(secret: &[u8], answer: &Answer, ahead: i64) -> Result<String> {
    let date = chrono::DateTime::parse_from_rfc2822(answer.header("date")?)?;
    let step = date.timestamp() / STEP_S + ahead;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let at = usize::from(tag.as_ref()[19] & 15);
    let four = &tag.as_ref()[at..at + 4];
    let number = four
        .iter()
        .fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
    Ok(format!("{:06}", (number & 0x7fff_ffff) % 1_000_000))
}

/// The bytes of a secret in base 32.
fn bytes(secret: &str) -> Result<Vec<u8>> {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for letter in secret.bytes() {
        let value = letters.iter().position(|one| *one == letter);
        bits = bits << 5 | u32::try_from(value.context("base 32")?)?;
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held).to_be_bytes()[3]);
        }
    }
    Ok(bytes)
}

pub async fn a_second_factor_comes_and_goes() -> Result<()> {
    let admin = shared::admin().await?;
    let log = build_dir()?.join("e2e").join("shared.log");
    let before = fs::read(&log)?.len();
    let (email, password) = PERSON;
    let wanted = json!({"email": email, "password": password, "name": "Mo", "role": "operator"});
    let made = admin.post("/users", &wanted).await?.expect(201)?;
    let user = format!("/users/{}", made.string("/id")?);
    let person = admin.sign_in(email, password).await?;
    let begun = person.post("/auth/mfa/totp", &json!({})).await?;
    let begun = begun.expect(200)?;
    let text = begun.string("/secret")?;
    let secret = bytes(&text)?;
    let shown = json!({"code": code(&secret, &begun, 0)?});
    let enrolled = person.post("/auth/mfa/totp/confirm", &shown).await?;
    let enrolled = enrolled.expect(200)?.json()?;
    let codes = enrolled["recovery_codes"].as_array().context("codes")?;
    ensure!(codes.len() == 10, "{} codes", codes.len());

    let login = json!({"email": email, "password": password});
    let asked = person.post("/auth/login", &login).await?;
    let challenge = asked.problem(401, "MFA_REQUIRED")?["challenge"].clone();
    let answer = async |with: &str, value: &Value| {
        let answer = json!({"challenge": challenge, with: value});
        person.post("/auth/login/mfa", &answer).await
    };
    let again = answer("code", &shown["code"]).await?;
    again.problem(401, "INVALID_CODE")?;
    let next = json!(code(&secret, &asked, 1)?);
    let session = answer("code", &next).await?.expect(200)?;
    let access = session.string("/access_token")?;
    person
        .with_bearer(&access)
        .get("/tasks")
        .await?
        .expect(200)?;
    let spent = answer("recovery_code", &codes[0]).await?;
    spent.problem(401, "INVALID_CHALLENGE")?;

    let taken = admin.ask("DELETE", &format!("{user}/mfa"))?.send().await?;
    let taken = taken.expect(200)?;
    let shown = admin.get_after(&user, &taken).await?.expect(200)?.json()?;
    ensure!(shown["mfa_enabled"] == false, "{shown}");
    let ended = person.with_bearer(&access).get("/tasks").await?;
    ended.problem(401, "AUTHENTICATION_REQUIRED")?;
    person.sign_in(email, password).await?;

    let erase = admin.post(&format!("{user}/erase"), &json!({})).await?;
    erase.expect(200)?;
    let (_, data) = shared::told().await?;
    let first = codes[0].as_str().context("a code")?;
    let secrets = [text.as_str(), first];
    let found = holding(&data, &secrets)?;
    ensure!(found.is_empty(), "to be read in {found:?}");
    let logged = fs::read(&log)?;
    let told = logged
        .get(before..)
        .is_some_and(|logged| holds(logged, &secrets));
    ensure!(!told, "to be read in {}", log.display());
    Ok(())
}
