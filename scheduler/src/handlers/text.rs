//! What programs and servers say, as text that the log can hold.
//!
//! Invariant: a text is cut between two characters and by the bytes that it takes as JSON, in
//! which a control character takes six.

/// The first of `bytes` that take at most `max` as JSON, and whether that is not all.
pub fn head(bytes: &[u8], max: usize) -> (String, bool) {
    let mut text = printable(bytes);
    let end = fitting(text.chars(), max);
    let cut = end < text.len();
    text.truncate(end);
    (text, cut)
}

/// The last of `bytes` that take at most `max` as JSON, and whether that is not all.
pub fn tail(bytes: &[u8], max: usize) -> (String, bool) {
    let mut text = printable(bytes);
    let begin = text.len() - fitting(text.chars().rev(), max);
    (text.split_off(begin), begin > 0)
}

/// Text that the log can hold: what is no UTF-8 and U+0000 show as U+FFFD.
pub fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\0', "\u{FFFD}")
}

/// How many bytes those first characters have that take at most `max` as JSON.
fn fitting(characters: impl Iterator<Item = char>, max: usize) -> usize {
    let mut taken = 0;
    let fits = |character: &char| {
        taken += encoded(*character);
        taken <= max
    };
    characters.take_while(fits).map(char::len_utf8).sum()
}

/// How many bytes `character` takes in a JSON string.
const fn encoded(character: char) -> usize {
    match character {
        '"' | '\\' | '\u{8}' | '\t' | '\n' | '\u{C}' | '\r' => 2,
        '\0'..='\u{1F}' => 6,
        other => other.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cut_is_between_characters() {
        assert_eq!(tail("aä".as_bytes(), 2), ("ä".to_owned(), true));
        assert_eq!(tail("aä".as_bytes(), 1), (String::new(), true));
        assert_eq!(head("äa".as_bytes(), 2), ("ä".to_owned(), true));
        assert_eq!(head("äa".as_bytes(), 1), (String::new(), true));
    }

    #[test]
    fn what_the_log_cannot_hold_is_replaced() {
        assert_eq!(tail(b"a\0b", 10), ("a\u{FFFD}b".to_owned(), false));
        assert_eq!(head(b"\xFFa", 10), ("\u{FFFD}a".to_owned(), false));
    }

    proptest! {
        #[test]
        fn no_text_takes_more_than_it_may(text in "[\\x00-\\x7f€😀]{0,40}", max in 0..80_usize) {
            for (text, cut) in [head(text.as_bytes(), max), tail(text.as_bytes(), max)] {
                let json = serde_json::to_string(&text).expect("text");
                let taken: usize = text.chars().map(encoded).sum();
                prop_assert_eq!(json.len(), taken + 2);
                prop_assert!(taken <= max && (!cut || taken + 6 > max));
            }
        }
    }
}
