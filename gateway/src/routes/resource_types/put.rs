//! `POST /resource-types` and `PUT /resource-types`
//!
//! Invariant: both do the same: the name says which type is meant, so putting it twice changes
//! nothing.

use axum::{extract::State, response::Response};
use domain::{
    ResourceTypeId,
    resource_type::{ResourceType, ResourceTypeCommand},
};
use schemas::api::{PutResourceType, ResourceTypeView};

use crate::{
    answer,
    app::App,
    extract::{Body, Fields, Nothing, Parameters, Writing},
    problem::{Error, Result},
    routes::precondition,
};

/// Define a resource type, or revise it.
#[utoipa::path(
    post, path = "/api/v1/resource-types", tag = "resource types", request_body = PutResourceType,
    responses(
        (status = 201, description = "Defined", body = ResourceTypeView),
        (status = 200, description = "Revised, or just so already", body = ResourceTypeView),
    ),
)]
pub(super) async fn create_resource_type(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    body: Body<PutResourceType>,
) -> Result<Response> {
    put(&app, &writing, body).await
}

/// Define a resource type, or revise it.
#[utoipa::path(
    put, path = "/api/v1/resource-types", tag = "resource types", request_body = PutResourceType,
    responses(
        (status = 201, description = "Defined", body = ResourceTypeView),
        (status = 200, description = "Revised, or just so already", body = ResourceTypeView),
    ),
)]
pub(super) async fn put_resource_type(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    body: Body<PutResourceType>,
) -> Result<Response> {
    put(&app, &writing, body).await
}

async fn put(app: &App, writing: &Writing, body: Body<PutResourceType>) -> Result<Response> {
    let PutResourceType { name, schema } = body.value;
    let mut fields = Fields::default();
    let name = fields.name("/name", &name);
    let name = fields.finish(name)?;
    commands::check_schema(&schema).map_err(|violation| {
        Error::invalid_field(format!("/schema{}", violation.pointer), violation.detail)
    })?;
    let tenant = writing.tenant();
    let id = ResourceTypeId::of_name(tenant, name.as_str()).uuid();
    let ask = writing.change(app, id, &body.bytes);
    let command = ResourceTypeCommand::Put { name, schema };
    let receipt = precondition::execute::<ResourceType>(app, writing, ask, command).await?;
    let state = answer::state(&receipt)?;
    let first = receipt.version.0 == 1;
    let view = schemas::resource_type_view(receipt.version, state);
    let location = format!("/api/v1/resource-types/{}", path_segment(&view.name));
    Ok(answer::put(app, &receipt, first, &location, &view))
}

/// A name as one segment of a path (RFC 3986 §3.3).
fn path_segment(name: &str) -> String {
    name.bytes().fold(String::new(), |path, byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            path + char::from(byte).encode_utf8(&mut [0; 4])
        }
        other => format!("{path}%{other:02X}"),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_fit_into_a_path() {
        assert_eq!(super::path_segment("disk-1"), "disk-1");
        assert_eq!(super::path_segment("a/b ä"), "a%2Fb%20%C3%A4");
    }
}
