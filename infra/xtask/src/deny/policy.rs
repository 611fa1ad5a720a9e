//! The rules of `deny.toml`.
//!
//! Invariant: a rule in the file that is not understood here is an error, never ignored.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde::Deserialize;
use spdx::{Expression, Licensee, ParseMode};

use super::graph::Package;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    bans: Bans,
    licenses: Licenses,
    sources: Sources,
    #[serde(rename = "graph")]
    _graph: Graph,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Bans {
    deny: Vec<Ban>,
    #[serde(rename = "multiple-versions")]
    _multiple_versions: Allow,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    /// Bans only a second version.
    #[serde(default)]
    deny_multiple_versions: bool,
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
    #[serde(rename = "unknown-git")]
    _unknown_git: Deny,
    #[serde(rename = "unknown-registry")]
    _unknown_registry: Deny,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Graph {
    #[serde(rename = "all-features")]
    _all_features: bool,
}

/// The only value of a rule that is understood.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Allow {
    Allow,
}

/// The only value of a rule that is understood.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Deny {
    Deny,
}

impl Policy {
    /// One line per broken rule.
    pub fn faults(&self, packages: &BTreeSet<Package>) -> Result<Vec<String>> {
        let mut faults = self.bans.faults(packages);
        faults.extend(self.licenses.faults(packages)?);
        let foreign = packages.iter().filter_map(|package| {
            let source = package.source.as_ref()?;
            let known = self
                .sources
                .allow_registry
                .iter()
                .any(|known| source.contains(known));
            (!known).then(|| format!("{} comes from {source}", shown(package)))
        });
        faults.extend(foreign);
        Ok(faults)
    }
}

impl Bans {
    fn faults(&self, packages: &BTreeSet<Package>) -> Vec<String> {
        let mut faults = Vec::new();
        for ban in &self.deny {
            let found: Vec<String> = packages
                .iter()
                .filter(|package| package.name == ban.name)
                .map(shown)
                .collect();
            if found.len() > usize::from(ban.deny_multiple_versions) {
                faults.push(format!("{}: {}", found.join(", "), ban.reason));
            }
        }
        faults
    }
}

impl Licenses {
    fn faults(&self, packages: &BTreeSet<Package>) -> Result<Vec<String>> {
        let allowed: Vec<Licensee> = self
            .allow
            .iter()
            .map(|name| Licensee::parse(name).with_context(|| format!("licence {name}")))
            .collect::<Result<_>>()?;
        Ok(packages
            .iter()
            .filter_map(|package| licence_fault(package, &allowed))
            .collect())
    }
}

fn licence_fault(package: &Package, allowed: &[Licensee]) -> Option<String> {
    if package.license.is_empty() {
        return Some(format!("{} names no licence", shown(package)));
    }
    // Older packages write `MIT/Apache-2.0`.
    let expression = match Expression::parse_mode(&package.license, ParseMode::LAX) {
        Ok(expression) => expression,
        Err(error) => return Some(format!("{}: licence {error}", shown(package))),
    };
    let fits = expression.evaluate(|wanted| allowed.iter().any(|have| have.satisfies(wanted)));
    (!fits).then(|| {
        format!(
            "{}: licence {} is not allowed",
            shown(package),
            package.license
        )
    })
}

fn shown(package: &Package) -> String {
    format!("{} {}", package.name, package.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str, license: &str) -> Package {
        let (name, version, license) = (name.to_owned(), version.to_owned(), license.to_owned());
        Package {
            name,
            version,
            license,
            source: None,
        }
    }

    fn faults(packages: impl IntoIterator<Item = Package>) -> Vec<String> {
        let text = include_str!("../../../../deny.toml");
        let policy: Policy = toml::from_str(text).expect("understood");
        policy
            .faults(&packages.into_iter().collect())
            .expect("evaluated")
    }

    #[test]
    fn the_banned_is_found() {
        assert_eq!(faults([package("ring", "0.17.1", "MIT")]).len(), 1);
        assert_eq!(faults([package("rustls", "0.23.1", "MIT")]).len(), 0);
        let two = [
            package("rustls", "0.22.0", "MIT"),
            package("rustls", "0.23.1", "MIT"),
        ];
        assert!(faults(two)[0].contains("one TLS stack"));
    }

    #[test]
    fn licences_are_evaluated() {
        for good in [
            "MIT",
            "GPL-3.0-only OR MIT",
            "MIT/Apache-2.0",
            "ISC AND (MIT OR GPL-2.0)",
        ] {
            assert_eq!(
                faults([package("a", "1.0.0", good)]),
                Vec::<String>::new(),
                "{good}"
            );
        }
        for bad in ["", "AGPL-3.0-only", "MIT AND GPL-3.0-only", "Proprietary"] {
            assert_eq!(faults([package("a", "1.0.0", bad)]).len(), 1, "{bad}");
        }
    }

    #[test]
    fn foreign_sources_are_found() {
        let mut foreign = package("a", "1.0.0", "MIT");
        foreign.source = Some("https://elsewhere/a#1".to_owned());
        assert!(faults([foreign])[0].contains("elsewhere"));
    }

    #[test]
    fn a_rule_that_is_not_understood_is_an_error() {
        let text = include_str!("../../../../deny.toml").replace("\"deny\"", "\"warn\"");
        assert!(toml::from_str::<Policy>(&text).is_err());
    }
}
