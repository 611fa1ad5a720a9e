//! Differences, as people read them.
//!
//! Invariant: every difference is counted in a line, whatever is shown of it.

use std::fmt::{Display, Formatter, Result};

use super::{Differences, EventBehind, Sample, TableDifference, What};

impl Display for Differences {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let (one, other) = self.positions;
        if one != other {
            writeln!(
                f,
                "position {one} compared with position {other}: what lies between differs"
            )?;
        }
        for table in self.tables.iter().filter(|table| !table.is_empty()) {
            write!(f, "{table}")?;
        }
        let differ = self.tables.iter().filter(|table| !table.is_empty());
        let (differ, all) = (differ.count(), self.tables.len());
        write!(
            f,
            "{differ} of {all} tables differ, {} rows compared",
            self.rows
        )
    }
}

impl Display for TableDifference {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let (added, removed, changed) = (self.added, self.removed, self.changed);
        writeln!(
            f,
            "{}: {added} added, {removed} removed, {changed} changed",
            self.table
        )?;
        self.samples
            .iter()
            .try_for_each(|sample| writeln!(f, "  {sample}"))
    }
}

impl Display for Sample {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}", self.what)?;
        if let Some(kind) = &self.kind {
            write!(f, " {kind}")?;
        }
        match self.id {
            Some(id) => write!(f, " {id}")?,
            None => self.place(f)?,
        }
        if let Some(tenant) = self.tenant {
            write!(f, " of tenant {tenant}")?;
        }
        for (at, field) in self.fields.iter().enumerate() {
            write!(f, "{}{field}", if at == 0 { ": " } else { ", " })?;
        }
        for (at, event) in self.events.iter().enumerate() {
            write!(f, "{}{event}", if at == 0 { "; events " } else { ", " })?;
        }
        Ok(())
    }
}

impl Sample {
    /// What tells the row from others, where it is of no aggregate.
    fn place(&self, f: &mut Formatter<'_>) -> Result {
        let row = self.other.as_ref().or(self.one.as_ref());
        let names = ["model", "bucket", "position"].into_iter();
        let mut values = names.filter_map(|name| Some((name, row?.get(name)?)));
        values.try_for_each(|(name, value)| write!(f, " {name} {value}"))
    }
}

impl Display for EventBehind {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} {}", self.position, self.name)?;
        self.what.map_or(Ok(()), |what| write!(f, " ({what})"))
    }
}

impl Display for What {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
        })
    }
}
