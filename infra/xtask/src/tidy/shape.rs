//! Lengths, and the sentence every module opens with.
//!
//! Invariant: relies on rustfmt's output, which is checked before: a function ends at the first
//! closing bracket on the level it began on.

use super::{Fault, Source};

pub const LINE_MAX: usize = 100;
const FILE_MAX: usize = 500;
const FUNCTION_MAX: usize = 70;
/// Files whose lines and length are held; prose and data wrap as they like.
const HELD: [&str; 6] = ["css", "html", "js", "mjs", "rs", "sql"];
/// Functions that may be longer, with the reason.
const LONG: [(&str, &str, &str); 0] = [];

pub fn check(source: &Source) -> Vec<Fault> {
    let mut faults = Vec::new();
    if HELD.contains(&source.kind()) {
        let length = source.text.lines().count();
        if length > FILE_MAX {
            faults.push(Fault::new(
                &source.path,
                format!("{length} lines, at most {FILE_MAX}"),
            ));
        }
        faults.extend(long_lines(source));
    }
    if source.is_rust() {
        if !source.text.starts_with("//! ") {
            faults.push(Fault::new(
                &source.path,
                "opens with //! and one sentence of purpose",
            ));
        }
        faults.extend(long_functions(source));
    }
    faults
}

fn long_lines(source: &Source) -> impl Iterator<Item = Fault> {
    source.text.lines().enumerate().filter_map(|(index, line)| {
        let width = line.chars().count();
        // An address cannot be wrapped.
        let long = width > LINE_MAX && !line.contains("://");
        let place = || format!("{}:{}", source.path, index + 1);
        long.then(|| Fault::new(place(), format!("{width} characters, at most {LINE_MAX}")))
    })
}

fn long_functions(source: &Source) -> Vec<Fault> {
    let lines: Vec<&str> = source.text.lines().collect();
    let mut faults = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else {
            continue;
        };
        let end = format!("{}}}", &line[..line.len() - line.trim_start().len()]);
        // A declaration without a body ends before any bracket on its level.
        let ends_here =
            |text: &&str| **text == end || (text.ends_with(';') && level(text) <= level(line));
        let length = lines[start..]
            .iter()
            .position(ends_here)
            .map_or(0, |last| last + 1);
        let excused = LONG
            .iter()
            .any(|(path, long, _)| *path == source.path && *long == name);
        if length > FUNCTION_MAX && !excused {
            let place = format!("{}:{}", source.path, start + 1);
            let rule = format!("{name} has {length} lines, at most {FUNCTION_MAX}");
            faults.push(Fault::new(place, rule));
        }
    }
    faults
}

/// The name, if a function begins on this line.
fn function_name(line: &str) -> Option<&str> {
    let before_name = line.trim_start();
    let (prefix, rest) = match before_name.strip_prefix("fn ") {
        Some(rest) => ("", rest),
        None => before_name.split_once(" fn ")?,
    };
    let is_word = |word: &str| {
        ["pub", "const", "async", "extern", "unsafe"].contains(&word) || word.starts_with("pub(")
    };
    let words_only = prefix
        .split_whitespace()
        .all(|word| is_word(word) || word.ends_with(')'));
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'))?;
    (words_only && !line.ends_with('}')).then(|| &rest[..end])
}

fn level(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<String> {
        let source = Source {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        check(&source)
            .into_iter()
            .map(|fault| fault.to_string())
            .collect()
    }

    fn function(lines: usize) -> String {
        let body = "        work();\n".repeat(lines - 2);
        format!("//! A.\nimpl A {{\n    pub async fn long(&self) {{\n{body}    }}\n}}\n")
    }

    #[test]
    fn a_tidy_file_has_no_faults() {
        assert_eq!(rules("a.rs", &function(FUNCTION_MAX)), Vec::<String>::new());
        let declared = format!(
            "//! A.\ntrait A {{\n    fn a(&self);\n{}}}\n",
            "\n".repeat(90)
        );
        assert_eq!(rules("a.rs", &declared), Vec::<String>::new());
    }

    #[test]
    fn planted_lengths_are_found() {
        assert_eq!(
            rules("a.rs", &function(FUNCTION_MAX + 1)),
            ["a.rs:3: long has 71 lines, at most 70"]
        );
        let long = format!("//! {}\n", "x".repeat(97));
        assert_eq!(
            rules("a.rs", &long),
            ["a.rs:1: 101 characters, at most 100"]
        );
        assert_eq!(
            rules("a.css", &"\n".repeat(501)),
            ["a.css: 501 lines, at most 500"]
        );
        assert_eq!(rules("a.md", &"x".repeat(200)), Vec::<String>::new());
    }

    #[test]
    fn a_module_without_its_sentence_is_found() {
        assert_eq!(rules("a.rs", "use std::fs;\n").len(), 1);
        assert_eq!(rules("a.rs", "//!\n").len(), 1);
    }
}
