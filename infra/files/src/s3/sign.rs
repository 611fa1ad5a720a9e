//! Signatures of AWS, version 4, for S3.
//!
//! Invariant: what is signed is what is sent: method, path, question, digest of the body, host and
//! time. The secret key is used for this and never shown.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use domain::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use crate::digest::{hex, of};

/// Who signs.
#[derive(Debug)]
pub(super) struct Signer {
    access_key: String,
    host: String,
    region: String,
    secret_key: SecretString,
}

/// What is signed.
pub(super) struct Request<'a> {
    pub method: &'a str,
    /// Of unreserved characters and slashes only.
    pub path: &'a str,
    /// In its canonical form.
    pub query: &'a str,
    /// Digest of the body.
    pub sha256: &'a str,
}

impl Signer {
    pub(super) fn new(config: &runtime::S3) -> Self {
        let endpoint = config.endpoint.trim_end_matches('/');
        let (scheme, host) = endpoint.split_once("://").unwrap_or_default();
        // A client leaves the port out that its scheme implies.
        let implied = if scheme == "https" { ":443" } else { ":80" };
        Self {
            access_key: config.access_key.clone(),
            host: host.strip_suffix(implied).unwrap_or(host).to_owned(),
            region: config.region.clone(),
            secret_key: config.secret_key.clone(),
        }
    }

    /// The headers that `request` must bear at `now`, besides `host`.
    pub(super) fn headers(
        &self,
        request: &Request<'_>,
        now: Timestamp,
    ) -> [(&'static str, String); 3] {
        let at = now.to_chrono().format("%Y%m%dT%H%M%SZ").to_string();
        let authorization = self.authorization(request, &at);
        [
            ("authorization", authorization),
            ("x-amz-content-sha256", request.sha256.to_owned()),
            ("x-amz-date", at),
        ]
    }

    fn authorization(&self, request: &Request<'_>, at: &str) -> String {
        let Request {
            method,
            path,
            query,
            sha256,
        } = request;
        let host = &self.host;
        let signed = "host;x-amz-content-sha256;x-amz-date";
        let canonical = format!(
            "{method}\n{path}\n{query}\nhost:{host}\nx-amz-content-sha256:{sha256}\n\
             x-amz-date:{at}\n\n{signed}\n{sha256}"
        );
        let day = &at[..8];
        let scope = format!("{day}/{}/s3/aws4_request", self.region);
        let text = format!(
            "AWS4-HMAC-SHA256\n{at}\n{scope}\n{}",
            of(canonical.as_bytes())
        );
        let secret = format!("AWS4{}", self.secret_key.expose_secret());
        let mut key = mac(secret.as_bytes(), day);
        for part in [&self.region, "s3", "aws4_request"] {
            key = mac(&key, part);
        }
        let signature = hex(&mac(&key, &text));
        let credential = format!("{}/{scope}", self.access_key);
        format!(
            "AWS4-HMAC-SHA256 Credential={credential},SignedHeaders={signed},Signature={signature}"
        )
    }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let key = Key::new(HMAC_SHA256, key);
    sign(&key, text.as_bytes()).as_ref().to_vec()
}

/// A question in its canonical form: sorted, everything else than unreserved characters encoded.
pub(super) fn query(mut pairs: Vec<(&'static str, String)>) -> String {
    pairs.sort();
    let encoded = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", encode(value)));
    encoded.collect::<Vec<_>>().join("&")
}

fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            byte => {
                encoded.push('%');
                encoded.push_str(&hex(&[byte]).to_ascii_uppercase());
            }
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Amazon's documentation, "GET Bucket (List Objects)", but for its host, which
    /// is that of a virtual bucket there too.
    #[test]
    fn a_published_example_is_signed_as_it_says() {
        let signer = Signer::new(&runtime::S3 {
            accept_plaintext: false,
            access_key: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            bucket: "examplebucket".to_owned(),
            endpoint: "https://examplebucket.s3.amazonaws.com".to_owned(),
            region: "us-east-1".to_owned(),
            secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned().into(),
        });
        let request = Request {
            method: "GET",
            path: "/",
            query: &query(vec![
                ("prefix", "J".to_owned()),
                ("max-keys", "2".to_owned()),
            ]),
            sha256: &of(b""),
        };
        let day = Timestamp::from_unix_ms(1_369_353_600_000);
        let [(_, authorization), _, (_, at)] = signer.headers(&request, day);
        assert_eq!(at, "20130524T000000Z");
        let expected = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7";
        assert!(authorization.ends_with(expected), "{authorization}");
    }

    #[test]
    fn a_question_is_sorted_and_encoded() {
        let asked = query(vec![
            ("prefix", "a/ä+".to_owned()),
            ("list-type", "2".to_owned()),
        ]);
        assert_eq!(asked, "list-type=2&prefix=a%2F%C3%A4%2B");
    }
}
