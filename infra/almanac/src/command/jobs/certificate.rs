//! What was found of all jobs' slots, for people and for programs.
//!
//! Invariant: it holds if nothing at all is wrong with it, and it says what it was made of.

use std::collections::BTreeMap;

use domain::{
    JobId, TenantId, Timestamp,
    job::{
        LedgerSlot, SlotOutcome, SlotReason,
        audit::{Audit, Fault, Found},
    },
};
use serde::Serialize;

use super::facts::JobKey;

/// How many faults are listed.
const LISTED_MAX: usize = 1_000;

/// What was found of all jobs' slots.
#[derive(Debug, Default, Serialize)]
pub(super) struct Certificate {
    /// Whether every slot is accounted for.
    pub holds: bool,
    /// Slots from this instant on; from the beginning if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Slots up to this instant.
    pub to: Timestamp,
    /// Up to where the log was read.
    pub position: u64,
    /// The program that looked.
    pub program: &'static str,
    /// How many jobs there were.
    pub jobs: u64,
    /// How many slots they owed.
    pub owed: u64,
    /// How many became tasks.
    pub fired: u64,
    /// How many were skipped, by reason.
    pub skipped: BTreeMap<SlotReason, u64>,
    /// How many may still be decided.
    pub open: u64,
    /// The latest that a slot fired after it was to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lateness_max_ms: Option<i64>,
    /// How many faults there are.
    pub faults_total: u64,
    /// The first of them.
    pub faults: Vec<FaultOf>,
}

/// A slot with a fault.
#[derive(Debug, Serialize)]
pub(super) struct FaultOf {
    pub tenant: TenantId,
    pub job: JobId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slot: Option<Timestamp>,
    pub fault: &'static str,
    pub detail: String,
}

impl Certificate {
    /// Adds what was found of `job`, and what its ledger says.
    pub fn add(&mut self, job: JobKey, audit: &Audit, ledger: &[LedgerSlot]) {
        self.jobs += 1;
        self.owed += audit.owed;
        self.fired += audit.fired;
        self.open += audit.open;
        for (reason, count) in &audit.skipped {
            *self.skipped.entry(*reason).or_default() += count;
        }
        for wrong in &audit.violations {
            let (fault, detail) = told(wrong.fault);
            self.fault(job, Some(wrong.slot), fault, detail.to_owned());
        }
        self.compare(job, audit, ledger);
    }

    /// Adds that something is wrong with `job`.
    pub fn fault(
        &mut self,
        (tenant, job): JobKey,
        slot: Option<Timestamp>,
        fault: &'static str,
        detail: String,
    ) {
        self.faults_total += 1;
        if self.faults.len() < LISTED_MAX {
            self.faults.push(FaultOf {
                tenant,
                job,
                slot,
                fault,
                detail,
            });
        }
    }

    /// Closes it.
    pub fn conclude(&mut self) {
        self.holds = self.faults_total == 0;
    }

    /// Holds the ledger against what was found. It may know of later decisions than were read.
    fn compare(&mut self, job: JobKey, audit: &Audit, ledger: &[LedgerSlot]) {
        let mut shown: BTreeMap<Timestamp, Found> = BTreeMap::new();
        for slot in ledger {
            let found = match slot.outcome {
                SlotOutcome::Fired { lateness_ms, .. } => {
                    self.lateness_max_ms = self.lateness_max_ms.max(Some(lateness_ms));
                    Found::Fired
                }
                SlotOutcome::Open => Found::Open,
                SlotOutcome::Skipped { reason, .. } => Found::Skipped(reason),
            };
            if shown.insert(slot.slot, found).is_some() {
                let detail = "the ledger shows it twice".to_owned();
                self.fault(job, Some(slot.slot), "ledger", detail);
            }
        }
        for (slot, found) in &audit.found {
            match shown.remove(slot) {
                None => {
                    let detail = format!("the ledger leaves it out; it is {found:?}");
                    self.fault(job, Some(*slot), "ledger", detail);
                }
                Some(shown) if shown != *found && *found != Found::Open => {
                    let detail = format!("the ledger says {shown:?}; it is {found:?}");
                    self.fault(job, Some(*slot), "ledger", detail);
                }
                Some(_) => {}
            }
        }
        for (slot, found) in shown {
            let detail = format!("the ledger says {found:?}; it is no slot");
            self.fault(job, Some(slot), "ledger", detail);
        }
    }
}

fn told(fault: Fault) -> (&'static str, &'static str) {
    match fault {
        Fault::Early => ("early", "it became a task before its time"),
        Fault::Lost => ("lost", "nobody decided it, and one behind it was decided"),
        Fault::Miscounted => ("miscounted", "its run has another number than the next"),
        Fault::NotOwed => ("not_owed", "it was decided, and the job did not owe it"),
        Fault::Overdue => ("overdue", "nobody has decided it, long after it was due"),
        Fault::WrongReason => (
            "wrong_reason",
            "the reason it was skipped for does not hold",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{TaskId, job::audit::Violation};
    use uuid::Uuid;

    const JOB: JobKey = (
        TenantId::new(Uuid::from_u128(1)),
        JobId::new(Uuid::from_u128(2)),
    );

    fn at(second: i64) -> Timestamp {
        Timestamp::from_unix_ms(second * 1_000)
    }

    fn fired(second: i64) -> LedgerSlot {
        LedgerSlot {
            due_at: at(second),
            outcome: SlotOutcome::Fired {
                at: at(second).plus_ms(9),
                lateness_ms: 9,
                task: TaskId::of_slot(JOB.1, at(second)),
            },
            slot: at(second),
        }
    }

    fn audit(found: &[(i64, Found)]) -> Audit {
        Audit {
            owed: found.len() as u64,
            found: found.iter().map(|(second, f)| (at(*second), *f)).collect(),
            ..Audit::default()
        }
    }

    fn faults(audit: &Audit, ledger: &[LedgerSlot]) -> Vec<(i64, &'static str)> {
        let mut certificate = Certificate::default();
        certificate.add(JOB, audit, ledger);
        certificate.conclude();
        assert_eq!(certificate.holds, certificate.faults.is_empty());
        let faults = certificate.faults.iter();
        let faults = faults.map(|f| (f.slot.unwrap_or_default().unix_ms() / 1_000, f.fault));
        faults.collect()
    }

    #[test]
    fn a_ledger_that_says_what_was_found_holds() {
        let found = audit(&[(1, Found::Fired), (2, Found::Open)]);
        assert_eq!(faults(&found, &[fired(1), fired(2)]), []);
    }

    #[test]
    fn a_ledger_that_says_anything_else_does_not() {
        let found = audit(&[(1, Found::Fired), (2, Found::Skipped(SlotReason::Overlap))]);
        let ledger = "ledger";
        assert_eq!(faults(&found, &[fired(1)]), [(2, ledger)]);
        assert_eq!(faults(&found, &[fired(1), fired(2)]), [(2, ledger)]);
        let skipped = LedgerSlot {
            outcome: SlotOutcome::Skipped {
                at: None,
                reason: SlotReason::Overlap,
            },
            ..fired(2)
        };
        assert_eq!(faults(&found, &[fired(1), skipped]), []);
        let more = [fired(1), skipped, fired(3)];
        assert_eq!(faults(&found, &more), [(3, ledger)]);
        let twice = [fired(1), fired(1), skipped];
        assert_eq!(faults(&found, &twice), [(1, ledger)]);
    }

    #[test]
    fn what_the_log_itself_shows_is_a_fault_whatever_the_ledger_says() {
        let mut found = audit(&[(1, Found::Fired)]);
        found.violations.push(Violation {
            fault: Fault::Early,
            slot: at(1),
        });
        assert_eq!(faults(&found, &[fired(1)]), [(1, "early")]);
    }
}
