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

use commands::AttributesError;
use domain::{Attributes, resource::ResourceCreated};
use schemas::api::CreateResource;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    extract::{Fields, Writing},
    problem::{Error, Result},
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

/// What a body asks for, and why its type refuses it today: an earlier try may have been accepted.
async fn wanted(
    app: &App,
    writing: &Writing,
    body: CreateResource,
) -> Result<(ResourceCreated, Option<Error>)> {
    let mut fields = Fields::default();
    let type_name = fields.name("/type", &body.type_name);
    let name = fields.name("/name", &body.name);
    fields.labels(&body.labels);
    fields.origin(body.origin.as_ref());
    let (type_name, name) = fields.finish(type_name.zip(name))?;
    let refused = refused(app, writing, type_name.as_str(), &body.attributes).await?;
    let wanted = ResourceCreated {
        type_name,
        name,
        attributes: body.attributes,
        labels: body.labels,
        origin: body.origin,
    };
    Ok((wanted, refused))
}

/// Why the type refuses these attributes, if it does.
async fn refused(
    app: &App,
    writing: &Writing,
    type_name: &str,
    attributes: &Attributes,
) -> Result<Option<Error>> {
    let tenant = writing.tenant();
    let checking = app.commands.check_attributes(tenant, type_name, attributes);
    match checking.await {
        Ok(()) => Ok(None),
        Err(invalid @ AttributesError::Invalid(_)) => Ok(Some(invalid.into())),
        Err(failed) => Err(failed.into()),
    }
}
