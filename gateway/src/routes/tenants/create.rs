//! `POST /tenants`
//!
//! Invariant: a tenant is stored together with its first administrator, or not at all.

use axum::{extract::State, response::Response};
use commands::{NewTenant, Registration};
use domain::{Actor, Slug, TenantId, user::Role};
use schemas::api::TenantView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    answer,
    app::App,
    audit,
    extract::{Body, Fields, Nothing, Parameters, Writing},
    problem::{Error, Result},
};

/// A tenant to make.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateTenant {
    /// What it is called when signing in, for ever: lower-case letters, digits and hyphens.
    #[schema(min_length = 1, max_length = 63, examples("acme"))]
    slug: String,
    /// What people call it.
    #[schema(min_length = 1, max_length = 200, examples("Acme Ltd"))]
    name: String,
    /// Who administers it at first.
    administrator: FirstAdministrator,
}

/// Who administers a tenant at first.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FirstAdministrator {
    /// The address to sign in with.
    #[schema(format = Email, max_length = 254, examples("ann@acme.example"))]
    email: String,
    /// The password to sign in with at first; at least 8 characters.
    #[schema(format = Password, min_length = 8, max_length = 1024)]
    password: String,
    /// What people call them.
    #[schema(min_length = 1, max_length = 200, examples("Ann"))]
    name: String,
}

/// Create a tenant and its first administrator.
#[utoipa::path(
    post, path = "/api/v1/tenants", tag = "tenants", request_body = CreateTenant,
    responses((status = 201, description = "Created", body = TenantView)),
)]
pub(super) async fn create_tenant(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    body: Body<CreateTenant>,
) -> Result<Response> {
    let mut ask = writing.creation(&app, &body.bytes)?;
    ask.actor = Actor::Platform(writing.caller.user());
    audit::acts(ask.actor.clone());
    let CreateTenant {
        slug,
        name,
        administrator,
    } = body.value;
    let slug = Slug::try_new(&slug);
    let slug = slug.map_err(|reason| Error::invalid_field("/slug", reason.to_string()))?;
    let mut fields = Fields::default();
    let name = fields.name("/name", &name);
    let wanted = NewTenant {
        administrator: Registration {
            email: administrator.email,
            name: administrator.name,
            password: administrator.password.into(),
            role: Role::Admin,
        },
        name: fields.finish(name)?,
        slug: slug.clone(),
    };
    let made = app.identity.create_tenant(ask, wanted).await;
    let receipt = made.map_err(|error| Error::from(error).within("/administrator"))?;
    let (id, state) = (TenantId::of_slug(&slug), answer::state(&receipt)?);
    let view = schemas::tenant_view(id, receipt.version, state);
    let location = format!("/api/v1/tenants/{id}");
    Ok(answer::created(&app, &receipt, &location, &view))
}
