//! The bodies of the HTTP API, shared by the gateway and the page.
//!
//! Invariant: inputs refuse unknown fields; outputs may grow by optional fields only. Input and
//! output types are never the same type.

mod api_keys;
mod audit;
mod auth;
mod events;
mod explain;
mod health;
mod jobs;
mod live;
mod mfa;
mod operations;
mod page;
mod past;
mod problem;
mod resource_types;
mod resources;
mod settings;
mod slots;
mod stats;
mod task_logs;
mod tasks;
mod tenants;
mod users;
mod workers;

pub use api_keys::{ApiKeyView, CreateApiKey, CreatedApiKey};
pub use audit::{AuditCredential, AuditEntry, AuditManifest, AuditResult, AuditView};
pub use auth::{
    AcceptInvitation, BegunView, Login, Logout, ProviderView, Refresh, Register, Session,
    SessionView,
};
pub use events::{EventView, LiveEvent};
pub use explain::{ChapterView, TaskExplanation, WaitCode, WaitReason};
pub use health::JobHealthView;
pub use jobs::{
    CreateJob, JobView, PatchJob, PauseJob, Preview, PreviewJob, PreviewedSlot, TriggerJob,
};
pub use live::{
    LiveChanges, LiveCommand, LiveComplete, LiveEnd, LiveMessage, LivePosition, LiveReset, LiveRow,
    LiveRows, ResetReason,
};
pub use mfa::{AccessToken, ConfirmTotp, LoginMfa, MfaView, RecoveryCodes, StepUp, TotpEnrolment};
pub use operations::OperationView;
pub use page::{Page, PageInfo};
pub use past::{Cause, Diff, DiffEnd, ExplainedField, Explanation, FieldChange};
pub use problem::{Code, FieldError, Problem};
pub use resource_types::{PutResourceType, ResourceTypeView};
pub use resources::{CreateResource, PatchResource, ResourceView};
pub use settings::{PatchSettings, SettingsView};
pub use slots::{SlotStatus, SlotView};
pub use stats::{HourlyTasks, Percentiles, RecentTasks, Stats, TaskFlow, TypeCount};
pub use task_logs::{TaskLogLine, TaskProgress, TaskProgressView};
pub use tasks::{AttemptView, BatchView, CancelTask, CreateTask, CreateTasks, RunAgain, TaskView};
pub use tenants::{TenantEntry, TenantView};
pub use users::{InvitationView, UserView};
pub use workers::{
    CompleteAttempt, FailAttempt, HeartbeatView, LeaseAttempts, LeasedAttempt, LeasedAttempts,
    RunningView, SaidLine, SaidProgress, SayOfAttempt, StopWord, WorkerView, WorkersView,
};
