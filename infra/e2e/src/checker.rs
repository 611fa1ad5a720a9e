//! Compares what a load was told with what exists afterwards.
//!
//! Invariant: a fault is reported by the name of the request it befell; a verdict holds only if
//! there is none of any sort.

use std::{collections::BTreeMap, fmt};

use crate::Outcome;

/// What came of a comparison.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Verdict {
    /// How many requests were acknowledged.
    pub acknowledged: usize,
    /// How many were refused.
    pub refused: usize,
    /// How many are open.
    pub unknown: usize,
    /// Acknowledged, and not there.
    pub lost: Vec<String>,
    /// There more than once.
    pub doubled: Vec<String>,
    /// Refused, and there all the same.
    pub undead: Vec<String>,
    /// There, and never asked for.
    pub foreign: Vec<String>,
}

impl Verdict {
    /// Whether nothing was lost, doubled, left over or made up.
    pub fn holds(&self) -> bool {
        [&self.lost, &self.doubled, &self.undead, &self.foreign]
            .iter()
            .all(|faults| faults.is_empty())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} acknowledged, {} refused, {} unknown",
            self.acknowledged, self.refused, self.unknown
        )?;
        for (word, faults) in [
            ("lost", &self.lost),
            ("doubled", &self.doubled),
            ("refused but there", &self.undead),
            ("never asked for", &self.foreign),
        ] {
            write!(f, ", {} {word}", faults.len())?;
            if let Some(first) = faults.first() {
                write!(f, " (such as {first})")?;
            }
        }
        Ok(())
    }
}

/// Compares a journal with how often each name exists.
pub fn check(journal: &BTreeMap<String, Outcome>, found: &BTreeMap<String, usize>) -> Verdict {
    let mut verdict = Verdict::default();
    for (name, outcome) in journal {
        let times = found.get(name).copied().unwrap_or(0);
        match outcome {
            Outcome::Acknowledged => verdict.acknowledged += 1,
            Outcome::Refused => verdict.refused += 1,
            Outcome::Unknown => verdict.unknown += 1,
        }
        match (outcome, times) {
            (Outcome::Acknowledged, 0) => verdict.lost.push(name.clone()),
            (Outcome::Refused, 1..) => verdict.undead.push(name.clone()),
            (_, 2..) => verdict.doubled.push(name.clone()),
            _ => {}
        }
    }
    let unasked = found.keys().filter(|name| !journal.contains_key(*name));
    verdict.foreign.extend(unasked.cloned());
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal() -> BTreeMap<String, Outcome> {
        let entry = |name: &str, outcome| (name.to_owned(), outcome);
        BTreeMap::from([
            entry("yes", Outcome::Acknowledged),
            entry("no", Outcome::Refused),
            entry("open", Outcome::Unknown),
        ])
    }

    fn found(names: &[(&str, usize)]) -> BTreeMap<String, usize> {
        let pair = |(name, times): &(&str, usize)| ((*name).to_owned(), *times);
        names.iter().map(pair).collect()
    }

    #[test]
    fn what_is_open_may_be_there_or_not() {
        for open in [0, 1] {
            let verdict = check(&journal(), &found(&[("yes", 1), ("open", open)]));
            assert!(verdict.holds(), "{verdict}");
            let counts = (verdict.acknowledged, verdict.refused, verdict.unknown);
            assert_eq!(counts, (1, 1, 1));
        }
    }

    #[test]
    fn planted_faults_are_found() {
        let verdict = |names: &[(&str, usize)]| {
            let verdict = check(&journal(), &found(names));
            assert!(!verdict.holds(), "{verdict}");
            verdict
        };
        assert_eq!(verdict(&[("open", 1)]).lost, ["yes"]);
        assert_eq!(verdict(&[("yes", 2)]).doubled, ["yes"]);
        assert_eq!(verdict(&[("yes", 1), ("open", 2)]).doubled, ["open"]);
        assert_eq!(verdict(&[("yes", 1), ("no", 1)]).undead, ["no"]);
        assert_eq!(verdict(&[("yes", 1), ("ghost", 1)]).foreign, ["ghost"]);
    }

    #[test]
    fn a_verdict_names_the_first_of_each_fault() {
        let verdict = check(&journal(), &found(&[("no", 1)])).to_string();
        assert!(verdict.contains("1 lost (such as yes)"), "{verdict}");
        assert!(
            verdict.contains("1 refused but there (such as no)"),
            "{verdict}"
        );
        assert!(verdict.contains("0 doubled"), "{verdict}");
    }
}
