//! What a list shows: the filters of each list, as the address and the API both spell them.
//!
//! Invariant: a filter read from an address and written again is the same filter. A value that no
//! filter knows is dropped, so an old bookmark still opens.

use schemas::domain::{
    JobId,
    job::JobStatus,
    task::{Priority, TaskStatus},
};

use crate::query;

/// By what a list can be narrowed.
pub trait Narrowing: Clone + Default + PartialEq + 'static {
    /// Takes up one pair of an address, if it knows it.
    fn take(&mut self, name: &str, value: String);
    /// The pairs of an address; those without a value are left out of it.
    fn pairs(&self) -> Vec<(&'static str, String)>;
    /// The part that is typed.
    fn text(&mut self) -> &mut String;
}

/// Which part of a list.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Filter<N> {
    /// What it keeps back.
    pub by: N,
    /// Where the page begins; opaque, from the server.
    pub cursor: String,
}

/// Which tasks, the newest first.
pub type TaskFilter = Filter<TasksBy>;
/// Which jobs, by name.
pub type JobFilter = Filter<JobsBy>;
/// Which resources, by name.
pub type ResourceFilter = Filter<ResourcesBy>;

/// By what tasks are narrowed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TasksBy {
    /// Any of these states; all if empty.
    pub statuses: Vec<TaskStatus>,
    /// Of this kind.
    pub kind: String,
    /// Of this priority.
    pub priority: Option<Priority>,
    /// Made by this job.
    pub job: Option<JobId>,
}

/// By what jobs are narrowed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct JobsBy {
    /// In this state.
    pub status: Option<JobStatus>,
    /// Whose name has this in it.
    pub q: String,
}

/// By what resources are narrowed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ResourcesBy {
    /// Of this type.
    pub type_name: String,
    /// Whose text has this in it.
    pub q: String,
}

impl<N: Narrowing> Filter<N> {
    /// The first page of what `by` leaves.
    pub const fn first(by: N) -> Self {
        Self {
            by,
            cursor: String::new(),
        }
    }

    /// Reads the filter of an address.
    pub fn read(text: &str) -> Self {
        let mut filter = Self::default();
        for (name, value) in query::pairs(text) {
            if name == "cursor" {
                filter.cursor = value;
            } else {
                filter.by.take(&name, value);
            }
        }
        filter
    }

    /// The filter as the query of an address.
    pub fn written(&self) -> String {
        let mut pairs = self.by.pairs();
        pairs.push(("cursor", self.cursor.clone()));
        query::written(pairs.iter().map(|(name, value)| (*name, value.as_str())))
    }

    /// The same objects from `cursor` on; from the first if empty.
    #[must_use]
    pub fn from_cursor(&self, cursor: &str) -> Self {
        Self {
            by: self.by.clone(),
            cursor: cursor.to_owned(),
        }
    }

    /// The first page of what is left after `change`.
    #[must_use]
    pub fn with(&self, change: impl FnOnce(&mut N)) -> Self {
        let mut by = self.by.clone();
        change(&mut by);
        Self::first(by)
    }

    /// Whether it keeps anything back.
    pub fn narrows(&self) -> bool {
        self.by != N::default()
    }
}

impl TaskFilter {
    /// Tasks in any of `statuses`.
    pub fn of(statuses: &[TaskStatus]) -> Self {
        Self::default().with(|by| by.statuses = statuses.to_vec())
    }
}

impl Narrowing for TasksBy {
    fn take(&mut self, name: &str, value: String) {
        match name {
            "status" => self.statuses = value.split(',').filter_map(task_status).collect(),
            "kind" => self.kind = value,
            "priority" => self.priority = Priority::ALL.into_iter().find(|p| p.name() == value),
            "job_id" => self.job = value.parse().ok(),
            _ => {}
        }
    }

    fn pairs(&self) -> Vec<(&'static str, String)> {
        let statuses: Vec<_> = self.statuses.iter().map(|status| status.name()).collect();
        vec![
            ("status", statuses.join(",")),
            ("kind", self.kind.clone()),
            (
                "priority",
                self.priority.map_or("", Priority::name).to_owned(),
            ),
            (
                "job_id",
                self.job.map(|job| job.to_string()).unwrap_or_default(),
            ),
        ]
    }

    fn text(&mut self) -> &mut String {
        &mut self.kind
    }
}

impl Narrowing for JobsBy {
    fn take(&mut self, name: &str, value: String) {
        match name {
            "status" => self.status = job_status(&value),
            "q" => self.q = value,
            _ => {}
        }
    }

    fn pairs(&self) -> Vec<(&'static str, String)> {
        let status = self.status.map_or("", job_status_name);
        vec![("status", status.to_owned()), ("q", self.q.clone())]
    }

    fn text(&mut self) -> &mut String {
        &mut self.q
    }
}

impl Narrowing for ResourcesBy {
    fn take(&mut self, name: &str, value: String) {
        match name {
            "type" => self.type_name = value,
            "q" => self.q = value,
            _ => {}
        }
    }

    fn pairs(&self) -> Vec<(&'static str, String)> {
        vec![("type", self.type_name.clone()), ("q", self.q.clone())]
    }

    fn text(&mut self) -> &mut String {
        &mut self.q
    }
}

/// The name of a job's state on the wire.
pub const fn job_status_name(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Active => "active",
        JobStatus::Deleted => "deleted",
        JobStatus::Paused => "paused",
    }
}

/// The states that a list can be narrowed to: what was deleted is in no list.
fn job_status(name: &str) -> Option<JobStatus> {
    [JobStatus::Active, JobStatus::Paused]
        .into_iter()
        .find(|status| job_status_name(*status) == name)
}

fn task_status(name: &str) -> Option<TaskStatus> {
    TaskStatus::ALL
        .into_iter()
        .find(|status| status.name() == name)
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    /// `by`, which narrows, survives the address, with a cursor and without.
    fn survives<N: Narrowing + Debug>(by: N) {
        let first = Filter::first(by);
        for filter in [first.from_cursor("eyJ+/="), first] {
            assert_eq!(Filter::read(&filter.written()), filter);
            assert!(filter.narrows());
        }
        // A later page of everything keeps nothing back.
        let later = Filter::<N>::default().from_cursor("x");
        assert!(!later.narrows());
        assert_eq!(Filter::read(&later.written()), later);
        assert_eq!(later.with(|_| {}), Filter::read(""));
    }

    #[test]
    fn filters_survive_the_address() {
        let job = "0199a7c2-0000-7000-8000-00000000beef".parse().ok();
        assert!(job.is_some());
        survives(TasksBy {
            statuses: vec![TaskStatus::Failed, TaskStatus::Dead],
            kind: "a b".to_owned(),
            priority: Some(Priority::High),
            job,
        });
        survives(JobsBy {
            status: Some(JobStatus::Paused),
            q: "näh".to_owned(),
        });
        survives(ResourcesBy {
            type_name: "mount/nfs".to_owned(),
            q: "&".to_owned(),
        });
    }

    #[test]
    fn unknown_values_are_dropped() {
        let filter = TaskFilter::read("?status=failed,gone&priority=extreme&job_id=7&page=2");
        assert_eq!(filter, TaskFilter::of(&[TaskStatus::Failed]));
        // No list shows what was deleted, and the API refuses to be asked for it.
        assert_eq!(JobFilter::read("?status=deleted"), JobFilter::default());
    }

    #[test]
    fn the_names_of_job_states_are_those_of_the_wire() {
        for status in [JobStatus::Active, JobStatus::Deleted, JobStatus::Paused] {
            let wire = serde_json::to_value(status).expect("states encode");
            assert_eq!(wire, job_status_name(status));
        }
    }
}
