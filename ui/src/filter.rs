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

/// Which tasks, the newest first.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TaskFilter {
    /// Any of these states; all if empty.
    pub statuses: Vec<TaskStatus>,
    /// Of this kind.
    pub kind: String,
    /// Of this priority.
    pub priority: Option<Priority>,
    /// Made by this job.
    pub job: Option<JobId>,
    /// Where the page begins; opaque, from the server.
    pub cursor: String,
}

/// Which jobs, by name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct JobFilter {
    /// In this state.
    pub status: Option<JobStatus>,
    /// Whose name has this in it.
    pub q: String,
    /// Where the page begins; opaque, from the server.
    pub cursor: String,
}

/// Which resources, by name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ResourceFilter {
    /// Of this type.
    pub type_name: String,
    /// Whose text has this in it.
    pub q: String,
    /// Where the page begins; opaque, from the server.
    pub cursor: String,
}

impl TaskFilter {
    /// Tasks in any of `statuses`.
    pub fn of(statuses: &[TaskStatus]) -> Self {
        Self {
            statuses: statuses.to_vec(),
            ..Self::default()
        }
    }

    /// Reads the filter of an address.
    pub fn read(text: &str) -> Self {
        let mut filter = Self::default();
        for (name, value) in query::pairs(text) {
            match name.as_str() {
                "status" => filter.statuses = value.split(',').filter_map(task_status).collect(),
                "kind" => filter.kind = value,
                "priority" => {
                    filter.priority = Priority::ALL.into_iter().find(|p| p.name() == value);
                }
                "job_id" => filter.job = value.parse().ok(),
                "cursor" => filter.cursor = value,
                _ => {}
            }
        }
        filter
    }

    /// The filter as the query of an address.
    pub fn written(&self) -> String {
        let statuses: Vec<_> = self.statuses.iter().map(|status| status.name()).collect();
        query::written([
            ("status", statuses.join(",").as_str()),
            ("kind", &self.kind),
            ("priority", self.priority.map_or("", Priority::name)),
            (
                "job_id",
                &self.job.map(|job| job.to_string()).unwrap_or_default(),
            ),
            ("cursor", &self.cursor),
        ])
    }

    /// The same tasks from `cursor` on; from the first if empty.
    #[must_use]
    pub fn from_cursor(&self, cursor: &str) -> Self {
        Self {
            cursor: cursor.to_owned(),
            ..self.clone()
        }
    }

    /// Whether it keeps anything back.
    pub fn narrows(&self) -> bool {
        *self != Self::default()
    }
}

impl JobFilter {
    /// Reads the filter of an address.
    pub fn read(text: &str) -> Self {
        let mut filter = Self::default();
        for (name, value) in query::pairs(text) {
            match name.as_str() {
                "status" => filter.status = job_status(&value),
                "q" => filter.q = value,
                "cursor" => filter.cursor = value,
                _ => {}
            }
        }
        filter
    }

    /// The filter as the query of an address.
    pub fn written(&self) -> String {
        query::written([
            ("status", self.status.map_or("", job_status_name)),
            ("q", &self.q),
            ("cursor", &self.cursor),
        ])
    }

    /// The same jobs from `cursor` on; from the first if empty.
    #[must_use]
    pub fn from_cursor(&self, cursor: &str) -> Self {
        Self {
            cursor: cursor.to_owned(),
            ..self.clone()
        }
    }

    /// Whether it keeps anything back.
    pub fn narrows(&self) -> bool {
        *self != Self::default()
    }
}

impl ResourceFilter {
    /// Reads the filter of an address.
    pub fn read(text: &str) -> Self {
        let mut filter = Self::default();
        for (name, value) in query::pairs(text) {
            match name.as_str() {
                "type" => filter.type_name = value,
                "q" => filter.q = value,
                "cursor" => filter.cursor = value,
                _ => {}
            }
        }
        filter
    }

    /// The filter as the query of an address.
    pub fn written(&self) -> String {
        query::written([
            ("type", self.type_name.as_str()),
            ("q", &self.q),
            ("cursor", &self.cursor),
        ])
    }

    /// The same resources from `cursor` on; from the first if empty.
    #[must_use]
    pub fn from_cursor(&self, cursor: &str) -> Self {
        Self {
            cursor: cursor.to_owned(),
            ..self.clone()
        }
    }

    /// Whether it keeps anything back.
    pub fn narrows(&self) -> bool {
        *self != Self::default()
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

fn job_status(name: &str) -> Option<JobStatus> {
    [JobStatus::Active, JobStatus::Deleted, JobStatus::Paused]
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
    use super::*;

    #[test]
    fn a_task_filter_survives_the_address() {
        let filter = TaskFilter {
            statuses: vec![TaskStatus::Failed, TaskStatus::Dead],
            kind: "a b".to_owned(),
            priority: Some(Priority::High),
            job: "0199a7c2-0000-7000-8000-00000000beef".parse().ok(),
            cursor: "eyJ+/=".to_owned(),
        };
        assert!(filter.job.is_some());
        assert_eq!(TaskFilter::read(&filter.written()), filter);
        assert_eq!(TaskFilter::read(""), TaskFilter::default());
        assert!(!TaskFilter::default().narrows());
    }

    #[test]
    fn other_filters_survive_the_address() {
        let jobs = JobFilter {
            status: Some(JobStatus::Paused),
            q: "näh".to_owned(),
            cursor: "x".to_owned(),
        };
        assert_eq!(JobFilter::read(&jobs.written()), jobs);
        let resources = ResourceFilter {
            type_name: "mount/nfs".to_owned(),
            q: "&".to_owned(),
            cursor: String::new(),
        };
        assert_eq!(ResourceFilter::read(&resources.written()), resources);
    }

    #[test]
    fn unknown_values_are_dropped() {
        let filter = TaskFilter::read("?status=failed,gone&priority=extreme&job_id=7&page=2");
        assert_eq!(filter, TaskFilter::of(&[TaskStatus::Failed]));
    }

    #[test]
    fn the_names_of_job_states_are_those_of_the_wire() {
        for status in [JobStatus::Active, JobStatus::Deleted, JobStatus::Paused] {
            let wire = serde_json::to_value(status).expect("states encode");
            assert_eq!(wire, job_status_name(status));
        }
    }
}
