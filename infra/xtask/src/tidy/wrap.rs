//! Wraps comment lines that are too long: `cargo xtask tidy --fix`.
//!
//! Invariant: only words move, from the end of a line to the start of the next one of the same
//! paragraph; code, tables, lists and fenced examples stay as they are.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use super::{Source, shape::LINE_MAX};

/// Rewrites the sources that have such lines; how many.
pub fn fix(root: &Path, sources: &[Source]) -> Result<usize> {
    let mut fixed = 0;
    for source in sources.iter().filter(|source| source.is_rust()) {
        let text = wrapped(&source.text);
        if text != source.text {
            let path = root.join(&source.path);
            fs::write(&path, text).with_context(|| format!("writing {}", source.path))?;
            fixed += 1;
        }
    }
    Ok(fixed)
}

fn wrapped(text: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut fenced = false;
    let mut index = 0;
    while index < lines.len() {
        let words = comment(&lines[index]).map_or("", |(_, words)| words);
        fenced ^= words.starts_with("```");
        if !fenced && !words.starts_with('|') && width(&lines[index]) > LINE_MAX {
            wrap_at(&mut lines, index);
        }
        index += 1;
    }
    lines.join("\n") + if text.ends_with('\n') { "\n" } else { "" }
}

/// Moves what is beyond the limit to the next line, or to a new one.
fn wrap_at(lines: &mut Vec<String>, index: usize) {
    let Some((prefix, words)) = comment(&lines[index]) else {
        return;
    };
    let room = LINE_MAX.saturating_sub(width(prefix));
    let limit = words
        .char_indices()
        .nth(room)
        .map_or(words.len(), |(byte, _)| byte);
    let ends_there = words[limit..].starts_with(' ');
    let cut = if ends_there {
        Some(limit)
    } else {
        words[..limit].rfind(' ')
    };
    let Some(cut) = cut else { return };
    let (kept, moved) = (
        words[..cut].trim_end().to_owned(),
        words[cut + 1..].to_owned(),
    );
    // A continued list item is indented below its marker.
    let indent = if kept.starts_with("- ") { "  " } else { "" };
    let prefix = prefix.to_owned();
    let next = lines.get(index + 1).and_then(|line| comment(line));
    let joined = next
        .filter(|(next, words)| *next == prefix && continues(words) && indent.is_empty())
        .map(|(_, words)| format!("{prefix}{moved} {words}"));
    lines[index] = format!("{prefix}{kept}");
    match joined {
        Some(joined) => lines[index + 1] = joined,
        None => lines.insert(index + 1, format!("{prefix}{indent}{moved}")),
    }
}

/// The marker with its indentation and one space, and the words after it.
fn comment(line: &str) -> Option<(&str, &str)> {
    let indent = line.len() - line.trim_start().len();
    let marker = ["//! ", "/// ", "// "]
        .iter()
        .find(|mark| line[indent..].starts_with(**mark))?;
    Some(line.split_at(indent + marker.len()))
}

/// Whether a line goes on with the paragraph before it.
fn continues(words: &str) -> bool {
    let starts = ["- ", "* ", "#", "|", "```", ">", " ", "["];
    let numbered = words
        .split_once(". ")
        .is_some_and(|(n, _)| n.parse::<u8>().is_ok());
    !words.is_empty() && !numbered && !starts.iter().any(|start| words.starts_with(start))
}

fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(count: usize) -> String {
        vec!["word"; count].join(" ")
    }

    #[test]
    fn long_lines_flow_into_the_next() {
        let text = format!(
            "//! {}\n//! and on.\n//!\n//! - a list\nlet a = 1;\n",
            words(25)
        );
        let done = wrapped(&text);
        assert!(done.lines().all(|line| width(line) <= LINE_MAX), "{done}");
        assert!(done.contains("//! word word word word word word and on.\n//!\n//! - a list\n"));
        assert_eq!(wrapped(&done), done, "and then nothing more");
        let plain = |text: &str| text.replace("//!", "").split_whitespace().count();
        assert_eq!(plain(&done), plain(&text), "no word is lost");
    }

    #[test]
    fn a_last_line_gets_a_line_of_its_own() {
        let text = format!(
            "    /// {}é{}é end\n    fn a() {{}}\n",
            words(18),
            "é".repeat(4)
        );
        let done = wrapped(&text);
        assert_eq!(done.lines().count(), 3);
        assert!(
            done.lines()
                .nth(1)
                .is_some_and(|line| line.starts_with("    /// ")),
            "{done}"
        );
    }

    #[test]
    fn code_tables_and_fences_stay() {
        let long = words(30);
        for text in [
            format!("let a = \"{long}\";\n"),
            format!("/// | {long} |\n"),
            format!("//! ```\n//! {long}\n//! ```\n"),
            format!("/// {}\n", "x".repeat(120)),
        ] {
            assert_eq!(wrapped(&text), text);
        }
    }
}
