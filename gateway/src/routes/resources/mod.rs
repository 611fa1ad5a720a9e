//! Resources.
//!
//! Invariant: the attributes of a resource fit the schema of its type, if that type is defined.

mod create;
mod delete;
mod events;
mod get;
mod list;
mod patch;
mod put;

use domain::resource::ResourceCreated;
use schemas::api::CreateResource;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    extract::{Fields, Writing},
    problem::Result,
};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list::list_resources, create::create_resource))
        .routes(routes!(
            get::get_resource,
            put::put_resource,
            patch::patch_resource,
            delete::delete_resource
        ))
        .routes(routes!(events::list_resource_events))
}

/// What a body asks for, checked.
async fn wanted(app: &App, writing: &Writing, body: CreateResource) -> Result<ResourceCreated> {
    let mut fields = Fields::default();
    let type_name = fields.name("/type", &body.type_name);
    let name = fields.name("/name", &body.name);
    fields.labels(&body.labels);
    fields.origin(body.origin.as_ref());
    let (type_name, name) = fields.finish(type_name.zip(name))?;
    app.commands
        .check_attributes(writing.tenant(), type_name.as_str(), &body.attributes)
        .await?;
    Ok(ResourceCreated {
        type_name,
        name,
        attributes: body.attributes,
        labels: body.labels,
        origin: body.origin,
    })
}
