//! Aggregates as the API shows them, whatever their kind.
//!
//! Invariant: the views are those of every other answer; what does not live is not shown.

use domain::{
    Aggregate, ApiKeyId, JobId, ResourceId, TaskId, TenantId, UserId,
    api_key::ApiKey,
    job::{Job, JobStatus},
    resource::Resource,
    resource_type::ResourceType,
    settings::Settings,
    task::Task,
    tenant::Tenant,
    user::User,
};
use schemas::{Version, catalogue::Recorded};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    answer,
    app::App,
    problem::{Error, Result},
};

/// Which one of a tenant's.
#[derive(Clone, Copy)]
pub(crate) struct Whose {
    pub id: Uuid,
    pub tenant: TenantId,
}

/// An aggregate that can be asked for.
pub(crate) trait Shown: Aggregate<Event: Recorded> {
    /// What it is called in a problem.
    const WHAT: &'static str;

    /// What is shown of it; none if it does not live.
    async fn view(
        app: &App,
        whose: Whose,
        version: Version,
        state: Option<Self>,
    ) -> Result<Option<Value>>;
}

fn json(view: impl Serialize) -> Result<Option<Value>> {
    serde_json::to_value(view)
        .map(Some)
        .map_err(Error::internal)
}

impl Shown for ApiKey {
    const WHAT: &'static str = "API key";

    async fn view(
        app: &App,
        whose: Whose,
        version: Version,
        state: Option<Self>,
    ) -> Result<Option<Value>> {
        let Some(state) = state else {
            return Ok(None);
        };
        let (tenant, id) = (whose.tenant, ApiKeyId::new(whose.id));
        let mut view = answer::api_key(app, tenant, id, version, state).await?;
        // No event says when it was used.
        view.last_used_at = None;
        json(view)
    }
}

impl Shown for Job {
    const WHAT: &'static str = "job";

    async fn view(
        _: &App,
        whose: Whose,
        version: Version,
        state: Option<Self>,
    ) -> Result<Option<Value>> {
        match state.filter(|job| job.status != JobStatus::Deleted) {
            Some(state) => json(schemas::job_view(JobId::new(whose.id), version, state)),
            None => Ok(None),
        }
    }
}

impl Shown for Resource {
    const WHAT: &'static str = "resource";

    async fn view(
        _: &App,
        whose: Whose,
        version: Version,
        state: Option<Self>,
    ) -> Result<Option<Value>> {
        match state.filter(|resource| !resource.deleted) {
            Some(state) => json(schemas::resource_view(
                ResourceId::new(whose.id),
                version,
                state,
            )),
            None => Ok(None),
        }
    }
}

impl Shown for ResourceType {
    const WHAT: &'static str = "resource type";

    async fn view(
        _: &App,
        _: Whose,
        version: Version,
        state: Option<Self>,
    ) -> Result<Option<Value>> {
        match state {
            Some(state) => json(schemas::resource_type_view(version, state)),
            None => Ok(None),
        }
    }
}

impl Shown for Settings {
    const WHAT: &'static str = "settings";

    async fn view(
        _: &App,
        whose: Whose,
        version: Version,
        state: Option<Self>,
    ) -> Result<Option<Value>> {
        // They hold before they were ever changed.
        json(schemas::settings_view(
            whose.tenant,
            version,
            state.as_ref(),
        ))
    }
}

impl Shown for Task {
    const WHAT: &'static str = "task";

    async fn view(
        _: &App,
        whose: Whose,
        version: Version,
        state: Option<Self>,
    ) -> Result<Option<Value>> {
        match state {
            Some(state) => json(schemas::task_view(TaskId::new(whose.id), version, state)),
            None => Ok(None),
        }
    }
}

impl Shown for Tenant {
    const WHAT: &'static str = "tenant";

    async fn view(
        _: &App,
        whose: Whose,
        version: Version,
        state: Option<Self>,
    ) -> Result<Option<Value>> {
        match state {
            Some(state) => json(schemas::tenant_view(
                TenantId::new(whose.id),
                version,
                state,
            )),
            None => Ok(None),
        }
    }
}

impl Shown for User {
    const WHAT: &'static str = "user";

    async fn view(
        app: &App,
        whose: Whose,
        version: Version,
        state: Option<Self>,
    ) -> Result<Option<Value>> {
        match state {
            Some(state) => {
                let (tenant, id) = (whose.tenant, UserId::new(whose.id));
                json(answer::user(app, tenant, id, version, state).await?)
            }
            None => Ok(None),
        }
    }
}
