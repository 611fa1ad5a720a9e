//! Lines that set a variable: `NAME=value`, with optional quotes around either.
//!
//! Invariant: a line is a variable only if its first word, and nothing else, stands before the `=`;
//! so no schedule is ever taken for one.

/// What a line is with regard to variables.
#[derive(Debug, Eq, PartialEq)]
pub enum Variable {
    /// It sets this one.
    Set { name: String, value: String },
    /// It looks like one and is none, for this reason.
    Invalid(String),
    /// It is something else.
    None,
}

/// Reads a line that begins with neither space nor `#`.
pub fn variable(text: &str) -> Variable {
    let Some((name, rest)) = name(text) else {
        return Variable::None;
    };
    let Some(value) = rest.trim_start_matches([' ', '\t']).strip_prefix('=') else {
        return Variable::None;
    };
    let mut letters = name.chars();
    let begins = letters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if !begins || !letters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Variable::Invalid(format!("{name:?} is no name of a variable"));
    }
    Variable::Set {
        name: name.to_owned(),
        value: unquoted(value.trim()).to_owned(),
    }
}

/// The name and what follows it.
fn name(text: &str) -> Option<(&str, &str)> {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote) {
            return inner.split_once(quote);
        }
    }
    let end = text.find(['=', ' ', '\t'])?;
    Some((&text[..end], &text[end..]))
}

/// Without the quotes around the whole; cron knows no escapes inside them.
fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        let inner = value
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote));
        if let Some(inner) = inner {
            return inner;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, value: &str) -> Variable {
        Variable::Set {
            name: name.to_owned(),
            value: value.to_owned(),
        }
    }

    #[test]
    fn quotes_and_spaces_around_are_not_part_of_it() {
        assert_eq!(variable("SHELL=/bin/sh"), set("SHELL", "/bin/sh"));
        assert_eq!(variable("MAILTO=\"\""), set("MAILTO", ""));
        assert_eq!(variable("MAILTO="), set("MAILTO", ""));
        assert_eq!(variable("A = b c \t"), set("A", "b c"));
        assert_eq!(variable("A=\" b \""), set("A", " b "));
        assert_eq!(variable("'A'='b'"), set("A", "b"));
        assert_eq!(variable("A=it's"), set("A", "it's"));
        assert_eq!(variable("A=x=y"), set("A", "x=y"));
    }

    #[test]
    fn a_schedule_is_no_variable() {
        assert_eq!(variable("*/5 * * * * A=b run"), Variable::None);
        assert_eq!(variable("@daily A=b run"), Variable::None);
        assert_eq!(variable("0 4 * * * run --x=y"), Variable::None);
        assert_eq!(variable("nonsense"), Variable::None);
    }

    #[test]
    fn a_bad_name_is_told() {
        assert!(matches!(variable("1A=b"), Variable::Invalid(_)));
        assert!(matches!(variable("=b"), Variable::Invalid(_)));
    }
}
