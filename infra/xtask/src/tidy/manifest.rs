//! Every dependency of the root manifest says what it is for.
//!
//! Invariant: held for `[workspace.dependencies]`; our own crates are explained by the layout.

use super::{Fault, Source};

pub fn check(source: &Source) -> Vec<Fault> {
    if source.path != "Cargo.toml" {
        return Vec::new();
    }
    let section = source
        .text
        .split("[workspace.dependencies]")
        .nth(1)
        .unwrap_or_default();
    section
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter(|line| line.contains(" = ") && !line.starts_with('#'))
        .filter(|line| !line.contains("path = ") && !line.contains(" # "))
        .map(|line| {
            let name = line.split(" = ").next().unwrap_or_default();
            Fault::new(&source.path, format!("{name} does not say what it is for"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planted_dependency_without_a_comment_is_found() {
        let text = "[workspace.dependencies]\na = \"1\" # for a\nb = \"1\"\n\
                    c = { path = \"c\" }\n\n[profile.dev]\nd = 1\n";
        let source = Source {
            path: "Cargo.toml".to_owned(),
            text: text.to_owned(),
        };
        let faults: Vec<String> = check(&source).iter().map(ToString::to_string).collect();
        assert_eq!(faults, ["Cargo.toml: b does not say what it is for"]);
    }
}
