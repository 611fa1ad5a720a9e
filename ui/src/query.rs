//! Query strings: the filters of a page live in its address, so that a view can be shared and
//! reloaded.
//!
//! Invariant: reading what was written gives the same pairs; what cannot be read is left out.

/// The pairs of `?a=1&b=2`, decoded, with or without the question mark.
pub fn pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    query
        .trim_start_matches('?')
        .split('&')
        .filter(|pair| !pair.is_empty())
        .filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(name)?, decode(value)?))
        })
}

/// `a=1&b=2` of the pairs that have a value; without a question mark.
pub fn written<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut query = String::new();
    for (name, value) in pairs {
        if value.is_empty() {
            continue;
        }
        if !query.is_empty() {
            query.push('&');
        }
        encode_into(&mut query, name);
        query.push('=');
        encode_into(&mut query, value);
    }
    query
}

/// `path?query`, or the path alone.
pub fn address(path: &str, query: &str) -> String {
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}

/// A comma stays readable: it separates the values of one filter.
fn encode_into(query: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~,".contains(&byte) {
            query.push(char::from(byte));
        } else {
            query.push('%');
            for half in [byte >> 4, byte & 15] {
                query.push(char::from(b"0123456789ABCDEF"[usize::from(half)]));
            }
        }
    }
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                (high * 16 + low) as u8
            }
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let written = written([("q", "a b&c=ü+%"), ("status", "failed,dead"), ("none", "")]);
        assert_eq!(written, "q=a%20b%26c%3D%C3%BC%2B%25&status=failed,dead");
        let read: Vec<_> = pairs(&format!("?{written}")).collect();
        assert_eq!(
            read,
            [
                ("q".to_owned(), "a b&c=ü+%".to_owned()),
                ("status".to_owned(), "failed,dead".to_owned())
            ]
        );
    }

    #[test]
    fn a_broken_pair_is_left_out() {
        let read: Vec<_> = pairs("a=%zz&b=%C3&c=1+2&d&=").collect();
        assert_eq!(
            read,
            [
                ("c".to_owned(), "1 2".to_owned()),
                ("d".to_owned(), String::new()),
                (String::new(), String::new())
            ]
        );
    }
}
