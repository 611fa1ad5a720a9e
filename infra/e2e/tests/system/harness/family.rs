//! The processes that a process has started, and those that they have.
//!
//! Invariant: a process is known by its pid and when it was started, so a later one with the same
//! pid is not taken for it.

use std::fs;

use anyhow::{Context, Result};

/// Processes, as they were at one moment.
#[derive(Debug)]
pub struct Family(Vec<Member>);

#[derive(Clone, Debug, Eq, PartialEq)]
struct Member {
    name: String,
    parent: u32,
    pid: u32,
    started: u64,
}

impl Family {
    /// All that descend from `pid` now.
    pub fn of(pid: u32) -> Result<Self> {
        let all = running()?;
        let (mut found, mut of): (Vec<Member>, _) = (Vec::new(), vec![pid]);
        while let Some(parent) = of.pop() {
            let children = all.iter().filter(|one| one.parent == parent);
            of.extend(children.clone().map(|child| child.pid));
            found.extend(children.cloned());
        }
        Ok(Self(found))
    }

    /// Whether a program of this name is among them.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|one| one.name == name)
    }

    /// Those that run still.
    pub fn left(&self) -> Result<Vec<String>> {
        let all = running()?;
        let is_left = |one: &&Member| {
            let same = |other: &Member| (other.pid, other.started) == (one.pid, one.started);
            all.iter().any(same)
        };
        let left = self.0.iter().filter(is_left);
        Ok(left
            .map(|one| format!("{} {}", one.pid, one.name))
            .collect())
    }
}

/// Every process of this machine that has not ended.
fn running() -> Result<Vec<Member>> {
    let entries = fs::read_dir("/proc").context("/proc is not mounted")?;
    let pids = entries.flatten().filter_map(|entry| {
        let name = entry.file_name();
        name.to_str()?.parse().ok()
    });
    // One that ends meanwhile cannot be read, and does not run.
    Ok(pids.filter_map(member).collect())
}

/// None if it has ended, also where nobody has asked how.
fn member(pid: u32) -> Option<Member> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (head, fields) = stat.rsplit_once(')')?;
    let name = head.split_once('(')?.1.to_owned();
    let fields: Vec<_> = fields.split_whitespace().collect();
    let is_zombie = *fields.first()? == "Z";
    let member = Member {
        name,
        parent: fields.get(1)?.parse().ok()?,
        pid,
        started: fields.get(19)?.parse().ok()?,
    };
    (!is_zombie).then_some(member)
}
