//! What a bucket says is in it.
//!
//! Invariant: what is not understood is an error; a key that is none of ours is somebody else's and
//! left out.

use chrono::DateTime;
use domain::Timestamp;

use crate::Found;

/// A page of a listing.
#[derive(Debug, PartialEq)]
pub(super) struct Page {
    pub found: Vec<Found>,
    /// Where it goes on.
    pub next: Option<String>,
}

impl Page {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        if !text.contains("<ListBucketResult") {
            return Err("the answer is no listing".to_owned());
        }
        let mut found = Vec::new();
        let mut rest = text;
        while let Some(entry) = element(rest, "Contents") {
            rest = after(rest, entry);
            found.extend(one(entry)?);
        }
        let goes_on = element(text, "IsTruncated").map(str::trim) == Some("true");
        let next = element(text, "NextContinuationToken").map(plain);
        if goes_on && next.is_none() {
            return Err("the listing goes on and does not say where".to_owned());
        }
        Ok(Self {
            found,
            next: next.filter(|_| goes_on),
        })
    }
}

fn one(entry: &str) -> Result<Option<Found>, String> {
    let told = |name| element(entry, name).ok_or_else(|| format!("an entry has no {name}"));
    let Ok(key) = plain(told("Key")?).parse() else {
        return Ok(None);
    };
    let written_at = DateTime::parse_from_rfc3339(told("LastModified")?);
    let written_at = written_at.map_err(|reason| format!("LastModified: {reason}"))?;
    let bytes = told("Size")?.parse();
    Ok(Some(Found {
        bytes: bytes.map_err(|_| "Size is no number".to_owned())?,
        key,
        written_at: Timestamp::from_unix_ms(written_at.timestamp_millis()),
    }))
}

/// What is within the first element called `name`.
pub(super) fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let begin = text.find(&format!("<{name}>"))? + name.len() + 2;
    let length = text[begin..].find(&format!("</{name}>"))?;
    Some(&text[begin..begin + length])
}

/// What follows `part` of `text`.
fn after<'a>(text: &'a str, part: &str) -> &'a str {
    let offset = part.as_ptr() as usize - text.as_ptr() as usize;
    &text[offset + part.len()..]
}

/// Text without the five references that XML has by itself.
fn plain(text: &str) -> String {
    let text = text.replace("&quot;", "\"").replace("&apos;", "'");
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    text.replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &str) -> String {
        format!(
            "<Contents><Key>{key}</Key><LastModified>2027-01-01T00:00:00.000Z</LastModified>\
             <Size>3</Size></Contents>"
        )
    }

    #[test]
    fn a_listing_is_read_and_what_is_none_is_refused() {
        let (ours, other) = (entry("a/b.csv"), entry("../x"));
        let text = format!(
            "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"x\"><IsTruncated>true</IsTruncated>\
             {ours}{other}<NextContinuationToken>a&amp;b=</NextContinuationToken>\
             </ListBucketResult>"
        );
        let page = Page::read(&text).expect("a listing");
        assert_eq!(page.next.as_deref(), Some("a&b="));
        assert_eq!(page.found.len(), 1);
        assert_eq!(page.found[0].written_at.unix_ms(), 1_798_761_600_000);
        let last = text.replace("true</IsT", "false</IsT");
        assert_eq!(Page::read(&last).expect("a listing").next, None);
        for wrong in [
            "<html></html>".to_owned(),
            text.replace("NextContinuationToken", "Next"),
            text.replace("<Size>3", "<Size>x"),
            text.replace("LastModified", "Modified"),
        ] {
            assert!(Page::read(&wrong).is_err(), "{wrong}");
        }
    }
}
