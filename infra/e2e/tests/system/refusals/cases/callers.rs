//! Who is not let in.
//!
//! Invariant: a wrong password and an unknown address are refused alike.

use super::{super::Ground, Case};

/// `{"alg":"none","typ":"at+jwt"}` as the head of a token.
const UNSIGNED: &str = "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0";
/// The same with `"alg":"HS256"`.
const SYMMETRIC: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9";
const STRANGER: &str = "AUTHENTICATION_REQUIRED";

/// Access tokens that were not given, or not like this.
pub fn tokens(ground: &Ground) -> Vec<Case> {
    let token = ground.api.bearer();
    let mut parts = token.split('.').map(str::to_owned);
    let mut part = || parts.next().unwrap_or_default();
    let (head, claims, signature) = (part(), part(), part());
    let other = ground
        .operator
        .bearer()
        .split('.')
        .nth(1)
        .unwrap_or_default();
    let around: String = signature.chars().rev().collect();
    let forged = |(name, token): (&'static str, String)| {
        let case = Case::new(name, "GET", "/stats").by(token);
        case.refused(401, STRANGER).answers("www-authenticate")
    };
    let mut all: Vec<Case> = [
        ("no token", "x".to_owned()),
        ("an unsigned token", format!("{UNSIGNED}.{claims}.")),
        (
            "unsigned with a signature",
            format!("{UNSIGNED}.{claims}.{signature}"),
        ),
        (
            "another algorithm",
            format!("{SYMMETRIC}.{claims}.{signature}"),
        ),
        ("another's claims", format!("{head}.{other}.{signature}")),
        ("a signature cut short", token[..token.len() - 4].to_owned()),
        (
            "a signature turned around",
            format!("{head}.{claims}.{around}"),
        ),
        ("a refresh token as access token", ground.refresh.clone()),
    ]
    .into_iter()
    .map(forged)
    .collect();
    let write = Case::post("a write by nobody", "/tasks", r#"{"kind":"echo"}"#);
    all.push(write.by("nobody").refused(401, STRANGER));
    all
}

/// Registering and signing in.
pub fn accounts(ground: &Ground) -> Vec<Case> {
    let register = |name, email: &str, password: &str, more: &str| {
        let text = format!(
            r#"{{"email":"{email}@example.org","password":"{password}","name":"N"{more}}}"#
        );
        Case::post(name, "/auth/register", text)
    };
    let login = |name, email: &str| {
        let text = format!(r#"{{"email":"{email}@example.org","password":"not this one"}}"#);
        Case::post(name, "/auth/login", text).refused(401, "INVALID_CREDENTIALS")
    };
    let refresh = |name, text: &str| {
        Case::post(name, "/auth/refresh", text).refused(401, "INVALID_REFRESH_TOKEN")
    };
    let among_users = Case::new("an operator among users", "GET", "/users");
    let role = r#","role":"admin""#;
    vec![
        register("no address", "no body", "long enough", "").field("/email"),
        register("a short password", "a", "short", "").field("/password"),
        register("a taken address", "OP", "long enough", "").refused(409, "EMAIL_TAKEN"),
        register("a role of one's own", "b", "long enough", role).field("/role"),
        login("a wrong password", "op"),
        login("nobody's address", "nobody"),
        refresh("a refresh token of nobody", r#"{"refresh_token":"abc"}"#),
        refresh("no refresh token", "{}"),
        among_users
            .by(ground.operator.bearer())
            .refused(403, "FORBIDDEN"),
    ]
}
