//! What would be, as people read it.
//!
//! Invariant: what could not happen any more is told before what differs.

use std::fmt::{Display, Formatter, Result};

use super::{NoLonger, WhatIf};

impl Display for WhatIf {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for commit in &self.no_longer {
            writeln!(f, "no longer applies: {commit}")?;
        }
        write!(f, "{}", self.differences)
    }
}

impl Display for NoLonger {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.line {
            Some(line) => write!(f, "line {line}")?,
            None => write!(f, "position {}", self.position)?,
        }
        let (kind, id, tenant) = (self.kind, self.id, self.tenant);
        let (events, reason) = (self.events.join(", "), &self.reason);
        write!(f, ", {kind} {id} of tenant {tenant}, {events}: {reason}")
    }
}
