//! JSON for people: coloured when it stands alone, on one short line in a table.
//!
//! Invariant: the tokens of a text, joined, are that text.

use serde_json::Value;

/// What a piece of JSON text is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Shape {
    /// The name of a member.
    Key,
    /// `true`, `false`, `null`.
    Literal,
    /// A number.
    Number,
    /// Brackets, commas, white space.
    Plain,
    /// A string that is a value.
    Text,
}

/// `text`, which must be JSON, in pieces of one shape each.
pub fn tokens(text: &str) -> Vec<(Shape, &str)> {
    let mut rest = text;
    let mut found = Vec::new();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => string_length(rest),
            '-' | '0'..='9' => run(rest, |c| c.is_ascii_alphanumeric() || "+-.".contains(c)),
            'a'..='z' => run(rest, |c| c.is_ascii_lowercase()),
            _ => run(rest, |c| c != '"' && c != '-' && !c.is_ascii_alphanumeric()),
        };
        let (token, after) = rest.split_at(length.max(first.len_utf8()));
        let shape = match first {
            '"' if after.trim_start().starts_with(':') => Shape::Key,
            '"' => Shape::Text,
            '-' | '0'..='9' => Shape::Number,
            'a'..='z' => Shape::Literal,
            _ => Shape::Plain,
        };
        found.push((shape, token));
        rest = after;
    }
    found
}

/// `value` on one line of at most `limit` characters; strings without their quotes.
pub fn inline(value: &Value, limit: usize) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.chars().count() <= limit {
        return text;
    }
    let mut short: String = text.chars().take(limit.saturating_sub(1)).collect();
    short.push('…');
    short
}

fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tokens_join_to_the_text() {
        let value = json!({"a\"b": [1, -2.5e3, true, null, "x: \\ ü", {"é": "ok"}], "empty": {}});
        for text in [
            value.to_string(),
            serde_json::to_string_pretty(&value).expect("values encode"),
            "not json @ ALL \"open".to_owned(),
        ] {
            let joined: String = tokens(&text).iter().map(|(_, token)| *token).collect();
            assert_eq!(joined, text);
        }
    }

    #[test]
    fn keys_and_strings_differ() {
        let found = tokens(r#"{"a": "b", "n": -1, "t": true}"#);
        let of = |shape| {
            found
                .iter()
                .filter(|(is, _)| *is == shape)
                .map(|(_, token)| *token)
                .collect::<Vec<_>>()
        };
        assert_eq!(of(Shape::Key), ["\"a\"", "\"n\"", "\"t\""]);
        assert_eq!(of(Shape::Text), ["\"b\""]);
        assert_eq!(of(Shape::Number), ["-1"]);
        assert_eq!(of(Shape::Literal), ["true"]);
    }

    #[test]
    fn lines_are_cut_at_characters() {
        assert_eq!(inline(&json!("äöü"), 3), "äöü");
        assert_eq!(inline(&json!("äöüß"), 3), "äö…");
        assert_eq!(inline(&json!({"a": 1}), 20), r#"{"a":1}"#);
    }
}
