//! `PATCH /resources/{id}`
//!
//! Invariant: a patch is merged into the version that it is written upon; if another change comes
//! in between, it is merged again rather than overwriting that change.

use axum::{extract::State, http::StatusCode, response::Response};
use commands::{Ask, CommandError, Receipt};
use domain::{
    Attributes, Labels, ResourceId,
    resource::{Resource, ResourceCommand, ResourceRejection, ResourceUpdated},
};
use schemas::api::{Code, PatchResource, ResourceView};
use serde_json::Value;

use crate::{
    answer,
    app::App,
    extract::{Fields, Id, Nothing, Parameters, Patch, Writing},
    problem::{Error, Explain as _, Result},
    routes::precondition::{self, Changed as _},
};

/// How often a patch is merged anew after others were faster.
const TRIES: usize = 5;

/// Change some of a resource.
///
/// A merge patch (RFC 7396): null removes an attribute or label, what is absent stays.
#[utoipa::path(
    patch, path = "/api/v1/resources/{id}", tag = "resources", params(("id" = ResourceId, Path)),
    request_body(content = PatchResource, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "As it is now", body = ResourceView)),
)]
pub(super) async fn patch_resource(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
    body: Patch<PatchResource>,
) -> Result<Response> {
    let ask = writing.change(&app, id, &body.bytes);
    for _ in 0..TRIES {
        if let Some(receipt) = merge(&app, &writing, &ask, &body.value).await? {
            return answered(&app, id, &receipt);
        }
    }
    Err(CommandError::<ResourceRejection>::Contended.into())
}

/// One try; none if another change came in between.
async fn merge(
    app: &App,
    writing: &Writing,
    ask: &Ask,
    patch: &PatchResource,
) -> Result<Option<Receipt<Resource>>> {
    let current = app.commands.state::<Resource>(ask.tenant, ask.id).await?;
    let current = current.ok_or_else(|| ResourceRejection::NotFound.explain())?;
    let update = merged(&current.state, patch)?;
    // Of a deleted resource the command says that there is none.
    let attributes = update.attributes.as_ref();
    let refused = match attributes.filter(|_| current.state.lives()) {
        Some(changed) => {
            super::refused(app, writing, current.state.type_name.as_str(), changed).await?
        }
        None => None,
    };
    let unmet = precondition::unmet(writing, current.version, current.state.lives());
    let unmet = unmet.or(refused);
    let any_version = unmet.is_none() && ask.expected.is_none();
    let mut ask = ask.clone();
    ask.expected.get_or_insert(current.version);
    let command = ResourceCommand::Update(update);
    match precondition::run::<Resource>(app, ask, command, unmet).await {
        Err(error) if any_version && error.code() == Code::VersionMismatch => Ok(None),
        other => other.map(Some),
    }
}

fn answered(app: &App, id: uuid::Uuid, receipt: &Receipt<Resource>) -> Result<Response> {
    let state = answer::state(receipt)?;
    let view = schemas::resource_view(ResourceId::new(id), receipt.version, state);
    Ok(answer::written(app, receipt, StatusCode::OK, &view))
}

/// The parts that `patch` changes, as they are to be.
fn merged(resource: &Resource, patch: &PatchResource) -> Result<ResourceUpdated, Error> {
    let mut fields = Fields::default();
    let name = match &patch.name {
        Some(text) => fields.name("/name", text).map(Some),
        None => Some(None),
    };
    let attributes = patch.attributes.as_ref().map(|changes| {
        let mut attributes = resource.attributes.clone();
        merge_object(&mut attributes, changes);
        attributes
    });
    let labels = patch.labels.as_ref().map(|changes| {
        let mut labels = resource.labels.clone();
        merge_labels(&mut labels, changes);
        labels
    });
    fields.labels(labels.as_ref().unwrap_or(&Labels::new()));
    let name = fields.finish(name)?;
    Ok(ResourceUpdated {
        name,
        attributes,
        labels,
        origin: None,
    })
}

fn merge_labels(labels: &mut Labels, changes: &std::collections::BTreeMap<String, Option<String>>) {
    for (key, value) in changes {
        match value {
            Some(value) => labels.insert(key.clone(), value.clone()),
            None => labels.remove(key),
        };
    }
}

/// RFC 7396 §2, for objects.
fn merge_object(target: &mut Attributes, patch: &Attributes) {
    for (key, value) in patch {
        match value {
            Value::Null => drop(target.remove(key)),
            Value::Object(changes) => {
                let entry = target.entry(key).or_insert(Value::Null);
                if !entry.is_object() {
                    *entry = Value::Object(Attributes::new());
                }
                if let Value::Object(nested) = entry {
                    merge_object(nested, changes);
                }
            }
            other => drop(target.insert(key.clone(), other.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Attributes {
        match value {
            Value::Object(object) => object,
            other => panic!("not an object: {other}"),
        }
    }

    /// The cases of RFC 7396 appendix A that have objects on both sides.
    #[test]
    fn merges_as_the_standard_has_it() {
        for (target, patch, expected) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": "b"}),
                json!({"b": "c"}),
                json!({"a": "b", "b": "c"}),
            ),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (
                json!({"a": "b", "b": "c"}),
                json!({"a": null}),
                json!({"b": "c"}),
            ),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (
                json!({"e": null}),
                json!({"a": 1}),
                json!({"e": null, "a": 1}),
            ),
            (
                json!({}),
                json!({"a": {"bb": {"ccc": null}}}),
                json!({"a": {"bb": {}}}),
            ),
        ] {
            let mut merged = object(target);
            merge_object(&mut merged, &object(patch));
            assert_eq!(Value::Object(merged), expected);
        }
    }
}
