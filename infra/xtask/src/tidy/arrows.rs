//! Dependencies point one way, and each outside system has one room.
//!
//! Invariant: the tables here are the only place where an arrow is allowed.

use cargo_metadata::{DependencyKind, Metadata};

use super::Fault;

/// A dependency as a manifest states it.
#[derive(Debug)]
pub struct Edge {
    pub from: String,
    pub to: String,
    pub dev: bool,
}

/// Which of our crates may use which. Those of [`FREE`] may use all.
const ARROWS: [(&str, &[&str]); 10] = [
    ("commands", &["domain", "event-log", "runtime", "schemas"]),
    ("domain", &[]),
    ("event-log", &["domain", "runtime", "schemas"]),
    ("files", &["domain", "runtime"]),
    (
        "gateway",
        &[
            "commands",
            "domain",
            "files",
            "projections",
            "runtime",
            "schemas",
        ],
    ),
    ("projections", &["event-log", "runtime", "schemas"]),
    ("runtime", &["domain"]),
    (
        "scheduler",
        &[
            "commands",
            "domain",
            "event-log",
            "files",
            "projections",
            "runtime",
            "schemas",
        ],
    ),
    ("schemas", &["domain"]),
    ("ui", &["domain", "schemas"]),
];
/// Nothing may use these, but for `local` in tests.
const FREE: [&str; 5] = ["almanac", "bench", "e2e", "local", "xtask"];
/// Who may start servers outside of tests.
const STARTERS: [&str; 4] = ["almanac", "bench", "e2e", "xtask"];
/// Outside systems and the one crate that may speak to each, in tests as well.
const ROOMS: [(&str, &str); 6] = [
    ("async-nats", "event-log"),
    ("axum", "gateway"),
    ("axum-extra", "gateway"),
    ("sqlx", "projections"),
    ("utoipa-axum", "gateway"),
    ("yew", "ui"),
];
/// Never in what must build for the browser and be a function of its arguments.
const IMPURE: [&str; 8] = [
    "async-trait",
    "futures",
    "getrandom",
    "rand",
    "reqwest",
    "tokio",
    "tokio-util",
    "tracing",
];

/// All edges of the workspace's own crates.
pub fn edges(metadata: &Metadata) -> Vec<Edge> {
    let of_package = |package: &cargo_metadata::Package| {
        let from = package.name.to_string();
        let edges = package.dependencies.iter().map(move |dependency| Edge {
            from: from.clone(),
            to: dependency.name.clone(),
            dev: dependency.kind == DependencyKind::Development,
        });
        edges.collect::<Vec<_>>()
    };
    metadata.packages.iter().flat_map(of_package).collect()
}

pub fn check(edges: &[Edge]) -> Vec<Fault> {
    edges
        .iter()
        .filter_map(|edge| Some(Fault::new(&edge.from, broken(edge)?)))
        .collect()
}

fn broken(edge: &Edge) -> Option<String> {
    let Edge { from, to, dev } = edge;
    let from = from.as_str();
    let to = to.as_str();
    if let Some((_, room)) = ROOMS
        .iter()
        .find(|(system, room)| *system == to && *room != from)
    {
        return Some(format!("{to} is spoken to by {room} only"));
    }
    if from == "domain" && !dev && IMPURE.contains(&to) {
        return Some(format!("domain is pure and may not use {to}"));
    }
    let ours = FREE.contains(&to) || ARROWS.iter().any(|(name, _)| *name == to);
    if !ours || from == to {
        return None;
    }
    let allowed = match to {
        "local" => *dev || STARTERS.contains(&from),
        // What a test stands on is a log.
        "event-log" if *dev && from != "domain" && from != "schemas" => true,
        _ if FREE.contains(&to) => false,
        _ if FREE.contains(&from) => true,
        _ => ARROWS
            .iter()
            .any(|(name, targets)| *name == from && targets.contains(&to)),
    };
    (!allowed).then(|| format!("may not depend on {to}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(from: &str, to: &str, dev: bool) -> Option<String> {
        broken(&Edge {
            from: from.to_owned(),
            to: to.to_owned(),
            dev,
        })
    }

    #[test]
    fn the_arrows_of_the_design_hold() {
        assert_eq!(fault("gateway", "commands", false), None);
        assert_eq!(fault("almanac", "gateway", false), None);
        assert_eq!(fault("event-log", "local", true), None);
        assert_eq!(fault("domain", "serde", false), None);
    }

    #[test]
    fn planted_arrows_are_found() {
        for (from, to) in [
            ("commands", "projections"),
            ("domain", "schemas"),
            ("domain", "tokio"),
            ("gateway", "almanac"),
            ("gateway", "scheduler"),
            ("gateway", "sqlx"),
            ("projections", "async-nats"),
            ("projections", "commands"),
            ("runtime", "local"),
            ("scheduler", "axum"),
        ] {
            assert!(fault(from, to, false).is_some(), "{from} → {to}");
        }
        assert!(fault("scheduler", "sqlx", true).is_some(), "in tests, too");
    }

    #[test]
    fn a_new_crate_must_be_given_its_arrows() {
        assert!(fault("newcomer", "schemas", false).is_some());
    }
}
