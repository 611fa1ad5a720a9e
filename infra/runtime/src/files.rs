//! Where the files are kept that tasks make, as configured.
//!
//! Invariant: there is at most one place, and what leads to another machine is encrypted unless
//! somebody said that the network itself is.

use std::{num::NonZeroU32, path::PathBuf, time::Duration};

use secrecy::SecretString;
use serde::Deserialize;

use crate::wire::is_loopback;

/// Where files are kept. Without a place, tasks that make files fail with a word about it.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Files {
    /// A folder that gateways and workers share.
    pub folder: Option<PathBuf>,
    /// For how many days the task `cleanup` leaves files alone, unless it is told a longer time.
    pub keep_days: NonZeroU32,
    /// How many bytes one file may have.
    pub max_bytes: u64,
    /// A bucket of an object store.
    pub s3: Option<S3>,
}

/// A bucket of an object store that speaks as S3 does.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3 {
    /// Reach a store on another machine unencrypted.
    #[serde(default)]
    pub accept_plaintext: bool,
    /// Who asks.
    pub access_key: String,
    /// What the bucket is called.
    pub bucket: String,
    /// Where the store answers, such as `https://s3.eu-central-1.amazonaws.com`.
    pub endpoint: String,
    /// Where the store says it is.
    #[serde(default = "region")]
    pub region: String,
    /// What proves who asks.
    pub secret_key: SecretString,
}

/// Why files cannot be kept there.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidFiles {
    /// A bucket's name is part of every URL.
    #[error("files.s3.bucket {0:?} is not the name of a bucket")]
    Bucket(String),
    /// The endpoint is no URL of a server.
    #[error("files.s3.endpoint {0:?} is not http(s)://host with nothing after it")]
    Endpoint(String),
    /// Files would be sent in the clear.
    #[error(
        "files.s3.endpoint leads to another machine in the clear; use https, or set \
         files.s3.accept_plaintext = true if the network itself encrypts"
    )]
    Plaintext,
    /// No file would fit, or one would fill any disk.
    #[error("files.max_bytes must be from 1024 to 5368709120 (5 GiB)")]
    Size,
    /// Which of the two?
    #[error("files.folder and files.s3 are both set; keep one")]
    TwoPlaces,
}

/// What a single upload may have by the rules of S3.
const MAX_BYTES: u64 = 5 << 30;

impl Files {
    /// How long files are kept.
    pub fn keep(&self) -> Duration {
        Duration::from_hours(24 * u64::from(self.keep_days.get()))
    }

    pub(crate) fn check(&self) -> Result<(), InvalidFiles> {
        if !(1_024..=MAX_BYTES).contains(&self.max_bytes) {
            return Err(InvalidFiles::Size);
        }
        let Some(s3) = &self.s3 else {
            return Ok(());
        };
        if self.folder.is_some() {
            return Err(InvalidFiles::TwoPlaces);
        }
        s3.check()
    }
}

impl S3 {
    fn check(&self) -> Result<(), InvalidFiles> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
        let fits = (3..=63).contains(&self.bucket.len()) && self.bucket.chars().all(plain);
        if !fits || self.bucket.contains("..") {
            return Err(InvalidFiles::Bucket(self.bucket.clone()));
        }
        let (scheme, host) = self.endpoint.split_once("://").unwrap_or_default();
        let is_host = !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']);
        match scheme {
            "https" if is_host => Ok(()),
            "http" if is_host && (self.accept_plaintext || is_loopback(&self.endpoint)) => Ok(()),
            "http" if is_host => Err(InvalidFiles::Plaintext),
            _ => Err(InvalidFiles::Endpoint(self.endpoint.clone())),
        }
    }
}

impl Default for Files {
    fn default() -> Self {
        Self {
            folder: None,
            keep_days: NonZeroU32::MIN.saturating_add(29),
            max_bytes: 1 << 30,
            s3: None,
        }
    }
}

fn region() -> String {
    "us-east-1".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s3(endpoint: &str, bucket: &str) -> Files {
        Files {
            s3: Some(S3 {
                accept_plaintext: false,
                access_key: "key".to_owned(),
                bucket: bucket.to_owned(),
                endpoint: endpoint.to_owned(),
                region: region(),
                secret_key: "secret".to_owned().into(),
            }),
            ..Files::default()
        }
    }

    #[test]
    fn a_place_is_one_and_not_reached_in_the_clear() {
        assert_eq!(Files::default().check(), Ok(()));
        assert_eq!(Files::default().keep(), Duration::from_hours(720));
        assert_eq!(s3("https://s3.example.org", "almanac").check(), Ok(()));
        assert_eq!(s3("http://127.0.0.1:9000", "almanac").check(), Ok(()));
        let far = s3("http://s3.example.org", "almanac");
        assert_eq!(far.check(), Err(InvalidFiles::Plaintext));
        let two = Files {
            folder: Some("files".into()),
            ..s3("https://s3.example.org", "almanac")
        };
        assert_eq!(two.check(), Err(InvalidFiles::TwoPlaces));
        for endpoint in ["", "s3.example.org", "https://", "https://a/b", "ftp://a"] {
            let wrong = s3(endpoint, "almanac").check();
            assert!(
                matches!(wrong, Err(InvalidFiles::Endpoint(_))),
                "{endpoint}"
            );
        }
        for bucket in ["", "ab", "Almanac", "a/b/c", "a..b"] {
            let wrong = s3("https://s3.example.org", bucket).check();
            assert!(matches!(wrong, Err(InvalidFiles::Bucket(_))), "{bucket}");
        }
        for max_bytes in [0, 1_023, MAX_BYTES + 1] {
            let files = Files {
                max_bytes,
                ..Files::default()
            };
            assert_eq!(files.check(), Err(InvalidFiles::Size));
        }
    }
}
