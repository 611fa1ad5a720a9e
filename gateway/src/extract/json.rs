//! A look at a JSON text before it is decoded.
//!
//! What a decoder would pass on or only report by line and column is found here, with its place:
//! text that Postgres cannot keep (NUL), text that is none (lone surrogates), keys given twice, and
//! nesting that would cost too much stack.
//!
//! Invariant: a text that passes may still be malformed, but whatever decodes from it can be
//! stored.

use std::collections::HashSet;

/// How deep objects and arrays may be nested.
pub(super) const DEPTH_MAX: usize = 32;

/// What is wrong, and where.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Flaw {
    pub detail: String,
    /// A JSON Pointer.
    pub pointer: String,
}

/// An object or array that is open.
enum Frame {
    Array(usize),
    Object {
        key: Option<String>,
        seen: HashSet<String>,
    },
}

struct Scan<'a> {
    at: usize,
    frames: Vec<Frame>,
    text: &'a str,
}

/// Looks through `text`.
pub(super) fn check(text: &str) -> Result<(), Flaw> {
    let mut scan = Scan {
        at: 0,
        frames: Vec::new(),
        text,
    };
    while let Some(byte) = scan.byte() {
        match byte {
            b'{' => scan.open(Frame::Object {
                key: None,
                seen: HashSet::new(),
            })?,
            b'[' => scan.open(Frame::Array(0))?,
            b'}' | b']' => drop(scan.frames.pop()),
            b',' => scan.next_member(),
            b'"' => scan.string()?,
            _ => {}
        }
        scan.at += 1;
    }
    Ok(())
}

impl Scan<'_> {
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn open(&mut self, frame: Frame) -> Result<(), Flaw> {
        if self.frames.len() == DEPTH_MAX {
            return Err(self.flaw(&format!("nested deeper than {DEPTH_MAX} levels")));
        }
        self.frames.push(frame);
        Ok(())
    }

    fn next_member(&mut self) {
        match self.frames.last_mut() {
            Some(Frame::Array(index)) => *index += 1,
            Some(Frame::Object { key, .. }) => *key = None,
            None => {}
        }
    }

    /// From the opening quote to the closing one.
    fn string(&mut self) -> Result<(), Flaw> {
        let start = self.at;
        self.at += 1;
        while let Some(byte) = self.byte() {
            match byte {
                b'"' => break,
                b'\\' => self.escape()?,
                _ => {}
            }
            self.at += 1;
        }
        let quoted = self.text.get(start..=self.at).unwrap_or_default();
        if let Some(Frame::Object {
            key: key @ None,
            seen,
        }) = self.frames.last_mut()
        {
            // A key that does not decode is reported by the decoder.
            let name: String = serde_json::from_str(quoted).unwrap_or_default();
            *key = Some(name.clone());
            if !seen.insert(name) {
                return Err(self.flaw("the key is given twice"));
            }
        }
        Ok(())
    }

    /// From the backslash to the last character of the escape.
    fn escape(&mut self) -> Result<(), Flaw> {
        self.at += 1;
        if self.byte() != Some(b'u') {
            return Ok(());
        }
        let Some(unit) = self.hex(self.at + 1) else {
            return Ok(());
        };
        self.at += 4;
        match unit {
            0 => Err(self.flaw("NUL (\\u0000) cannot be stored")),
            0xD800..=0xDBFF => {
                let pair = self.text.as_bytes().get(self.at + 1..self.at + 3) == Some(b"\\u");
                let low = self.hex(self.at + 3).filter(|_| pair);
                if !low.is_some_and(|low| (0xDC00..=0xDFFF).contains(&low)) {
                    return Err(self.flaw("a surrogate without its pair is no text"));
                }
                self.at += 6;
                Ok(())
            }
            0xDC00..=0xDFFF => Err(self.flaw("a surrogate without its pair is no text")),
            _ => Ok(()),
        }
    }

    fn hex(&self, at: usize) -> Option<u16> {
        let digits = self.text.get(at..at + 4)?;
        u16::from_str_radix(digits, 16).ok()
    }

    fn flaw(&self, detail: &str) -> Flaw {
        let pointer = self.frames.iter().fold(String::new(), |path, frame| {
            let part = match frame {
                Frame::Array(index) => index.to_string(),
                Frame::Object { key: None, .. } => return path,
                Frame::Object { key: Some(key), .. } => escaped(key),
            };
            path + "/" + &part
        });
        Flaw {
            detail: detail.to_owned(),
            pointer,
        }
    }
}

/// A key as it stands in a JSON Pointer (RFC 6901 §3).
pub(crate) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn flaw(text: &str) -> (String, String) {
        let flaw = check(text).expect_err("flawed");
        (flaw.pointer, flaw.detail)
    }

    #[test]
    fn text_that_cannot_be_stored_is_found_where_it_stands() {
        let nul = "NUL (\\u0000) cannot be stored";
        let lone = "a surrogate without its pair is no text";
        for (text, pointer, detail) in [
            (r#"{"a":{"b":["x","y\u0000"]}}"#, "/a/b/1", nul),
            (r#"{"a/b":"\u0000"}"#, "/a~1b", nul),
            (r#"["\ud800"]"#, "/0", lone),
            (r#"["\ud800\u0041"]"#, "/0", lone),
            (r#"{"x":1,"y":"\uDC00"}"#, "/y", lone),
            (r#"{"bad\u0000key":1}"#, "", nul),
        ] {
            assert_eq!(
                flaw(text),
                (pointer.to_owned(), detail.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn depth_and_doubled_keys_are_refused() {
        let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert_eq!(check(&deep(DEPTH_MAX)), Ok(()));
        assert!(flaw(&deep(DEPTH_MAX + 1)).1.contains("32 levels"));
        assert!(check(&deep(100_000)).is_err());
        assert_eq!(flaw(r#"{"a":{"b":1,"b":2}}"#).0, "/a/b");
        assert_eq!(flaw(r#"{"a":1,"\u0061":2}"#).0, "/a");
    }

    #[test]
    fn honest_and_broken_texts_pass() {
        for text in [
            r#"{"a":"b","c":{"a":"\ud83d\ude00 \\u0000 \"quoted\""},"d":["a","a"]}"#,
            r#"{"a":"open"#,
            r#"{"a":"\u12"#,
            r#""\"#,
            "}}]]",
            "",
            "\"ä\\u00e4\"",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }
}
