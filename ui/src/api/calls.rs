//! One function per operation of the API.
//!
//! Invariant: paths are spelled here only; parameters and answers are the types that the server
//! uses.

use schemas::{
    api::{
        CancelTask, CreateTask, EventView, JobHealthView, JobView, Login, LoginMfa, Logout, Page,
        PauseJob, Preview, PreviewJob, ProviderView, Register, ResourceView, Session, SlotView,
        Stats, TaskExplanation, TaskLogLine, TaskProgressView, TaskView, TenantView, TriggerJob,
        WorkersView,
    },
    domain::{JobId, ResourceId, TaskId, Timestamp, job::JobPolicy, schedule::Schedule},
};

use super::{ApiError, Client, call::Call};
use crate::{
    filter::{JobFilter, ResourceFilter, TaskFilter},
    query,
};

/// How many objects a list page has.
const PAGE_SIZE: u32 = 50;
/// How many slots, and how many lines of a log, are read at a time: the most that the server gives.
const SLOTS_SIZE: u32 = 200;
const LINES_SIZE: u32 = 200;
/// How many events a piece of a timeline has: the most that the server gives at once.
const EVENTS_SIZE: u32 = 200;

/// What an object with a history is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Collection {
    /// Jobs.
    Jobs,
    /// Resources.
    Resources,
    /// Tasks.
    Tasks,
}

impl Collection {
    /// Its name in paths.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jobs => "jobs",
            Self::Resources => "resources",
            Self::Tasks => "tasks",
        }
    }

    /// The kind of its aggregates, as live events name it.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Jobs => "job",
            Self::Resources => "resource",
            Self::Tasks => "task",
        }
    }
}

impl Client {
    /// Signs in.
    pub async fn login(&self, login: &Login) -> Result<Session, ApiError> {
        self.send(Call::post("/auth/login", login)?.unsigned())
            .await
    }

    /// Completes a sign-in with a second factor.
    pub async fn login_mfa(&self, login: &LoginMfa) -> Result<Session, ApiError> {
        self.send(Call::post("/auth/login/mfa", login)?.unsigned())
            .await
    }

    /// Becomes a user and signs in.
    pub async fn register(&self, register: &Register) -> Result<Session, ApiError> {
        self.send(Call::post("/auth/register", register)?.unsigned())
            .await
    }

    /// Tells the server that the sign-in of this browser's cookie is over.
    pub async fn logout(&self) -> Result<(), ApiError> {
        self.send_only(Call::post("/auth/logout", &Logout::default())?.unsigned())
            .await
    }

    /// The providers that one can sign in by.
    pub async fn providers(&self) -> Result<Page<ProviderView>, ApiError> {
        self.send(Call::get("/auth/oidc").unsigned()).await
    }

    /// The tenant that whoever is signed in belongs to.
    pub async fn tenant(&self) -> Result<TenantView, ApiError> {
        self.send(Call::get("/tenant")).await
    }

    /// The figures of the overview.
    pub async fn stats(&self) -> Result<Stats, ApiError> {
        self.send(Call::get("/stats")).await
    }

    /// A page of tasks, the newest first.
    pub async fn tasks(&self, filter: &TaskFilter) -> Result<Page<TaskView>, ApiError> {
        self.tasks_at_most(filter, PAGE_SIZE).await
    }

    /// The newest tasks, at most `limit`.
    pub async fn tasks_at_most(
        &self,
        filter: &TaskFilter,
        limit: u32,
    ) -> Result<Page<TaskView>, ApiError> {
        self.send(Call::get(list(
            "/tasks",
            &filter.written(),
            "-created_at",
            limit,
        )))
        .await
    }

    /// One task.
    pub async fn task(&self, id: TaskId) -> Result<TaskView, ApiError> {
        self.send(Call::get(format!("/tasks/{id}"))).await
    }

    /// Creates a task.
    pub async fn create_task(&self, task: &CreateTask) -> Result<TaskView, ApiError> {
        self.send(Call::post("/tasks", task)?).await
    }

    /// Stops a task.
    pub async fn cancel_task(&self, id: TaskId, cancel: &CancelTask) -> Result<TaskView, ApiError> {
        self.send(Call::post(format!("/tasks/{id}/cancel"), cancel)?.put())
            .await
    }

    /// Why a task has not begun, or was late.
    pub async fn explain_task(&self, id: TaskId) -> Result<TaskExplanation, ApiError> {
        self.send(Call::get(format!("/tasks/{id}/explain"))).await
    }

    /// What attempts of a task said, the oldest first, after a line if one is known.
    pub async fn task_logs(
        &self,
        id: TaskId,
        after: Option<&str>,
    ) -> Result<Page<TaskLogLine>, ApiError> {
        let limit = LINES_SIZE.to_string();
        let wanted = query::written([("limit", limit.as_str()), ("after", after.unwrap_or(""))]);
        let path = format!("/tasks/{id}/logs");
        self.send(Call::get(query::address(&path, &wanted))).await
    }

    /// How far a task is.
    pub async fn task_progress(&self, id: TaskId) -> Result<TaskProgressView, ApiError> {
        self.send(Call::get(format!("/tasks/{id}/progress"))).await
    }

    /// The workers that are there.
    pub async fn workers(&self) -> Result<WorkersView, ApiError> {
        self.send(Call::get("/workers")).await
    }

    /// Queues a task that ended badly once more.
    pub async fn retry_task(&self, id: TaskId) -> Result<TaskView, ApiError> {
        self.send(Call::post(
            format!("/tasks/{id}/retry"),
            &serde_json::json!({}),
        )?)
        .await
    }

    /// A page of jobs, by name.
    pub async fn jobs(&self, filter: &JobFilter) -> Result<Page<JobView>, ApiError> {
        self.send(Call::get(list(
            "/jobs",
            &filter.written(),
            "name",
            PAGE_SIZE,
        )))
        .await
    }

    /// One job.
    pub async fn job(&self, id: JobId) -> Result<JobView, ApiError> {
        self.send(Call::get(format!("/jobs/{id}"))).await
    }

    /// The tasks that a job made, the newest first, at most `limit`.
    pub async fn job_runs(&self, id: JobId, limit: u32) -> Result<Page<TaskView>, ApiError> {
        self.send(Call::get(format!("/jobs/{id}/runs?limit={limit}")))
            .await
    }

    /// How a job does.
    pub async fn job_health(&self, id: JobId) -> Result<JobHealthView, ApiError> {
        self.send(Call::get(format!("/jobs/{id}/health"))).await
    }

    /// What became of the slots of a job since `from_ms`, the earliest first.
    pub async fn job_slots(&self, id: JobId, from_ms: i64) -> Result<Page<SlotView>, ApiError> {
        let (from, limit) = (
            Timestamp::from_unix_ms(from_ms).to_string(),
            SLOTS_SIZE.to_string(),
        );
        let wanted = query::written([("from", from.as_str()), ("limit", &limit)]);
        let path = format!("/jobs/{id}/slots");
        self.send(Call::get(query::address(&path, &wanted))).await
    }

    /// Stops a job from firing.
    pub async fn pause_job(&self, id: JobId, pause: &PauseJob) -> Result<JobView, ApiError> {
        self.send(Call::post(format!("/jobs/{id}/pause"), pause)?)
            .await
    }

    /// Lets a job fire again.
    pub async fn resume_job(&self, id: JobId) -> Result<JobView, ApiError> {
        self.send(Call::post(
            format!("/jobs/{id}/resume"),
            &serde_json::json!({}),
        )?)
        .await
    }

    /// Runs a job's task now.
    pub async fn trigger_job(&self, id: JobId) -> Result<TaskView, ApiError> {
        self.send(Call::post(
            format!("/jobs/{id}/trigger"),
            &TriggerJob::default(),
        )?)
        .await
    }

    /// The next `count` slots of a schedule.
    pub async fn preview(&self, schedule: &Schedule, count: u32) -> Result<Preview, ApiError> {
        let preview = PreviewJob {
            schedule: schedule.clone(),
            from: None,
            count: Some(count),
            job_id: None,
            policy: JobPolicy::default(),
        };
        self.send(Call::post("/jobs/preview", &preview)?).await
    }

    /// A page of resources, by name.
    pub async fn resources(&self, filter: &ResourceFilter) -> Result<Page<ResourceView>, ApiError> {
        self.send(Call::get(list(
            "/resources",
            &filter.written(),
            "name",
            PAGE_SIZE,
        )))
        .await
    }

    /// One resource.
    pub async fn resource(&self, id: ResourceId) -> Result<ResourceView, ApiError> {
        self.send(Call::get(format!("/resources/{id}"))).await
    }

    /// A piece of an object's history, the oldest first.
    pub async fn events(
        &self,
        collection: Collection,
        id: &str,
        cursor: Option<&str>,
    ) -> Result<Page<EventView>, ApiError> {
        let limit = EVENTS_SIZE.to_string();
        let wanted = query::written([("limit", limit.as_str()), ("cursor", cursor.unwrap_or(""))]);
        let path = format!("/{}/{id}/events", collection.name());
        self.send(Call::get(query::address(&path, &wanted))).await
    }
}

/// Where a browser goes to sign in by a provider, and whence it comes back to `return_to`.
pub fn provider_sign_in(name: &str, return_to: &str) -> String {
    let wanted = query::written([("return_to", return_to)]);
    query::address(&format!("/api/v1/auth/oidc/{name}/start"), &wanted)
}

fn list(path: &str, filter: &str, sort: &str, limit: u32) -> String {
    let paging = format!("sort={sort}&limit={limit}");
    if filter.is_empty() {
        format!("{path}?{paging}")
    } else {
        format!("{path}?{filter}&{paging}")
    }
}
