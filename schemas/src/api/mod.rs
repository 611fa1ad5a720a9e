//! The bodies of the HTTP API, shared by the gateway and the page.
//!
//! Invariant: inputs refuse unknown fields; outputs may grow by optional fields only. Input and
//! output types are never the same type.

mod api_keys;
mod audit;
mod auth;
mod events;
mod jobs;
mod live;
mod mfa;
mod page;
mod past;
mod problem;
mod resource_types;
mod resources;
mod settings;
mod slots;
mod stats;
mod tasks;
mod tenants;
mod users;

pub use api_keys::{ApiKeyView, CreateApiKey, CreatedApiKey};
pub use audit::{AuditCredential, AuditEntry, AuditManifest, AuditResult, AuditView};
pub use auth::{
    AcceptInvitation, BegunView, Login, Logout, ProviderView, Refresh, Register, Session,
    SessionView,
};
pub use events::{EventView, LiveEvent};
pub use jobs::{
    CreateJob, JobView, PatchJob, PauseJob, Preview, PreviewJob, PreviewedSlot, TriggerJob,
};
pub use live::{
    LiveChanges, LiveCommand, LiveComplete, LiveEnd, LiveMessage, LiveReset, LiveRow, LiveRows,
    ResetReason,
};
pub use mfa::{AccessToken, ConfirmTotp, LoginMfa, MfaView, RecoveryCodes, StepUp, TotpEnrolment};
pub use page::{Page, PageInfo};
pub use past::{Cause, Diff, DiffEnd, ExplainedField, Explanation, FieldChange};
pub use problem::{Code, FieldError, Problem};
pub use resource_types::{PutResourceType, ResourceTypeView};
pub use resources::{CreateResource, PatchResource, ResourceView};
pub use settings::{PatchSettings, SettingsView};
pub use slots::{SlotStatus, SlotView};
pub use stats::{HourlyTasks, Percentiles, RecentTasks, Stats, TaskFlow, TypeCount};
pub use tasks::{AttemptView, CancelTask, CreateTask, TaskView};
pub use tenants::{TenantEntry, TenantView};
pub use users::{InvitationView, UserView};
