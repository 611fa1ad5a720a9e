//! From rows and states to views.
//!
//! Invariant: nothing is decided here; the functions in `schemas` are the only way to a view, but
//! for a user's and an API key's, which must be opened first.

use domain::{
    ApiKeyId, JobId, OperationId, ResourceId, TaskId, TenantId, UserId, api_key::ApiKey, job::Job,
    operation::Operation, resource::Resource, resource_type::ResourceType, task::Task,
    tenant::Tenant, user::User,
};
use projections::Row;
use schemas::{
    Version,
    api::{
        ApiKeyView, JobView, OperationView, ResourceTypeView, ResourceView, TaskView, TenantView,
        UserView,
    },
};

use crate::{app::App, problem::Result};

/// An API key with its name opened, null where its owner was erased, and when it was last used.
pub(crate) async fn api_key(
    app: &App,
    tenant: TenantId,
    id: ApiKeyId,
    version: Version,
    key: ApiKey,
) -> Result<ApiKeyView> {
    let identity = &app.identity;
    Ok(ApiKeyView {
        id,
        name: identity.open_personal(tenant, key.owner, &key.name).await?,
        owner_id: key.owner,
        prefix: key.prefix,
        scopes: key.scopes,
        created_at: key.created_at,
        expires_at: key.expires_at,
        last_used_at: identity.api_key_last_used(id.uuid()).await?,
        revoked_at: key.revoked_at,
        version: version.0,
    })
}

pub(crate) fn job(row: Row<Job>) -> JobView {
    schemas::job_view(JobId::new(row.id), row.version, row.state)
}

pub(crate) fn operation(row: Row<Operation>) -> OperationView {
    schemas::operation_view(OperationId::new(row.id), row.version, row.state)
}

pub(crate) fn resource(row: Row<Resource>) -> ResourceView {
    schemas::resource_view(ResourceId::new(row.id), row.version, row.state)
}

pub(crate) fn resource_type(row: Row<ResourceType>) -> ResourceTypeView {
    schemas::resource_type_view(row.version, row.state)
}

pub(crate) fn task(row: Row<Task>) -> TaskView {
    schemas::task_view(TaskId::new(row.id), row.version, row.state)
}

pub(crate) fn tenant(row: Row<Tenant>) -> TenantView {
    schemas::tenant_view(TenantId::new(row.id), row.version, row.state)
}

/// A user with their personal text opened; null where they were erased.
pub(crate) async fn user(
    app: &App,
    tenant: TenantId,
    id: UserId,
    version: Version,
    user: User,
) -> Result<UserView> {
    let identity = &app.identity;
    Ok(UserView {
        id,
        tenant_id: tenant,
        email: identity.open_personal(tenant, id, &user.email).await?,
        name: identity.open_personal(tenant, id, &user.name).await?,
        role: user.role,
        disabled: user.disabled,
        platform: user.platform,
        invited: user.invited,
        mfa_enabled: user.mfa.is_some(),
        providers: (user.identities.into_iter())
            .map(|linked| linked.provider)
            .collect(),
        created_at: user.created_at,
        updated_at: user.updated_at,
        version: version.0,
    })
}
