//! A code for an ID token (RFC 6749 §4.1.3, RFC 7636 §4.5).
//!
//! Invariant: the client's secret and the verifier go to the token endpoint and nowhere else.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{StatusCode, Url, header};
use runtime::OidcProvider;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{Failed, fetch, issuer::Discovered};

/// What is shown to the issuer.
pub(super) struct Sent<'a> {
    pub code: &'a str,
    pub redirect_uri: &'a str,
    pub verifier: &'a str,
}

/// What the issuer gives for it; the access token is only compared, never used.
#[derive(Deserialize)]
pub(super) struct Granted {
    pub access_token: Option<String>,
    pub id_token: String,
}

/// Exchanges a code.
pub(super) async fn exchange(
    config: &OidcProvider,
    discovered: &Discovered,
    sent: &Sent<'_>,
) -> Result<Granted, Failed> {
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("code", sent.code),
        ("redirect_uri", sent.redirect_uri),
        ("code_verifier", sent.verifier),
    ];
    let client = &discovered.client;
    let mut request = client.post(discovered.token_endpoint.clone());
    let secret = config
        .client_secret
        .as_ref()
        .map(SecretString::expose_secret);
    match secret {
        Some(secret) if !discovered.by_post => {
            let both = format!("{}:{}", form(&config.client_id), form(secret));
            let both = format!("Basic {}", STANDARD.encode(both));
            request = request.header(header::AUTHORIZATION, both);
        }
        Some(secret) => {
            fields.extend([
                ("client_id", config.client_id.as_str()),
                ("client_secret", secret),
            ]);
        }
        None => fields.push(("client_id", &config.client_id)),
    }
    let request = request
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(encoded(&fields));
    let (status, body) = fetch::ask(request).await?;
    match status {
        StatusCode::OK => serde_json::from_slice(&body)
            .map_err(|_| Failed::Issuer("it gives no ID token".to_owned())),
        // The code is unknown, used up, or another's (RFC 6749 §5.2).
        StatusCode::BAD_REQUEST => Err(Failed::Invalid("the provider does not know the code")),
        other => Err(Failed::Issuer(format!("it answers {other} to a code"))),
    }
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let mut url = Url::parse("form:/").expect("an address");
    url.query_pairs_mut().extend_pairs(fields);
    url.query().unwrap_or_default().to_owned()
}

/// One value as a form has it (RFC 6749 §2.3.1).
fn form(value: &str) -> String {
    let pair = encoded(&[("", value)]);
    pair.trim_start_matches('=').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_encoded_as_forms_are() {
        assert_eq!(
            encoded(&[("a", "1&2 ü"), ("b", "=")]),
            "a=1%262+%C3%BC&b=%3D"
        );
        assert_eq!(form("a:b c=+"), "a%3Ab+c%3D%2B");
    }
}
