//! `almanac import inventory`: what this machine has becomes resources.
//!
//! Invariant: only what differs is sent, so a second run on an unchanged machine yields no events;
//! and resources of a part that could not be read are left alone.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use domain::{Labels, Origin};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use schemas::api::{CreateResource, PutResourceType, ResourceTypeView, ResourceView};
use uuid::Uuid;

use super::AT_ONCE;
use crate::{
    client::{Client, ClientError},
    identity::stable_id,
    inventory::{Found, hostname, schema, survey},
};

/// How imported resources say where they come from.
const SOURCE: &str = "inventory";

/// What must be done so that the resources of one type are what was found.
#[derive(Debug, Default)]
struct Plan {
    changed: Vec<(Uuid, CreateResource)>,
    gone: Vec<Uuid>,
    new: Vec<(Uuid, CreateResource)>,
    total: usize,
}

/// Imports the inventory; a line for each type.
pub async fn run(client: &Client) -> Result<Vec<String>> {
    let sections = tokio::task::spawn_blocking(survey)
        .await
        .context("the survey broke off")?;
    let host = hostname();
    let known = known(client, &host).await?;
    let mut told = Vec::new();
    for section in sections {
        let kind = section.kind;
        let found = match section.found {
            Ok(found) => found,
            Err(reason) => {
                told.push(format!("{kind} not read: {reason}"));
                continue;
            }
        };
        if !found.is_empty() {
            define(client, kind).await?;
        }
        let plan = plan(&host, kind, found, &known);
        let line = format!(
            "{kind} {} ({} new, {} changed, {} gone)",
            plan.total,
            plan.new.len(),
            plan.changed.len(),
            plan.gone.len()
        );
        carry_out(client, plan).await?;
        told.push(line);
    }
    Ok(told)
}

/// The resources that earlier imports of this machine left.
async fn known(client: &Client, host: &str) -> Result<HashMap<Uuid, ResourceView>, ClientError> {
    let query = [("labels[host]", host)];
    let resources: Vec<ResourceView> = client.list("/resources", &query).await?;
    let imported = resources.into_iter().filter(|resource| {
        resource
            .origin
            .as_ref()
            .is_some_and(|origin| origin.source == SOURCE)
    });
    Ok(imported
        .map(|resource| (resource.id.uuid(), resource))
        .collect())
}

async fn define(client: &Client, kind: &str) -> Result<()> {
    let schema = schema(kind).with_context(|| format!("no schema describes {kind}"))?;
    let wanted = PutResourceType {
        name: kind.to_owned(),
        schema,
    };
    client
        .put::<ResourceTypeView>("/resource-types", &wanted)
        .await?;
    Ok(())
}

fn plan(host: &str, kind: &str, found: Vec<Found>, known: &HashMap<Uuid, ResourceView>) -> Plan {
    let wanted: HashMap<_, _> = found
        .into_iter()
        .map(|found| resource(host, kind, found))
        .collect();
    let of_kind = known
        .iter()
        .filter(|(_, resource)| resource.type_name == kind);
    let mut plan = Plan {
        gone: of_kind
            .map(|(id, _)| *id)
            .filter(|id| !wanted.contains_key(id))
            .collect(),
        total: wanted.len(),
        ..Plan::default()
    };
    for (id, wanted) in wanted {
        match known.get(&id) {
            None => plan.new.push((id, wanted)),
            Some(known) if is_same(known, &wanted) => {}
            Some(_) => plan.changed.push((id, wanted)),
        }
    }
    plan
}

fn resource(host: &str, kind: &str, found: Found) -> (Uuid, CreateResource) {
    let id = stable_id(SOURCE, &format!("{host}/{kind}/{}", found.key));
    let resource = CreateResource {
        type_name: kind.to_owned(),
        name: found.name,
        attributes: found.attributes,
        labels: Labels::from([("host".to_owned(), host.to_owned())]),
        origin: Some(Origin {
            source: SOURCE.to_owned(),
            reference: found.reference,
        }),
    };
    (id, resource)
}

fn is_same(known: &ResourceView, wanted: &CreateResource) -> bool {
    known.name == wanted.name
        && known.attributes == wanted.attributes
        && known.labels == wanted.labels
}

async fn carry_out(client: &Client, plan: Plan) -> Result<(), ClientError> {
    let put = |(id, resource): (Uuid, CreateResource)| async move {
        let path = format!("/resources/{id}");
        client.put::<ResourceView>(&path, &resource).await.map(drop)
    };
    stream::iter(plan.new.into_iter().chain(plan.changed))
        .map(put)
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<()>>()
        .await?;
    let delete = |id: Uuid| async move { client.delete(&format!("/resources/{id}")).await };
    stream::iter(plan.gone)
        .map(delete)
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<()>>()
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{ResourceId, Timestamp};
    use serde_json::json;

    fn found(key: &str, version: &str) -> Found {
        let attributes = json!({"version": version})
            .as_object()
            .cloned()
            .unwrap_or_default();
        Found {
            attributes,
            key: key.to_owned(),
            name: key.to_owned(),
            reference: format!("dpkg-query:{key}"),
        }
    }

    fn stored(host: &str, kind: &str, found: Found) -> (Uuid, ResourceView) {
        let (id, made) = resource(host, kind, found);
        let view = ResourceView {
            id: ResourceId::new(id),
            type_name: made.type_name,
            name: made.name,
            attributes: made.attributes,
            labels: made.labels,
            origin: made.origin,
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
            version: 1,
        };
        (id, view)
    }

    #[test]
    fn only_what_differs_is_sent() {
        let known = HashMap::from([
            stored("a", "package", found("same", "1")),
            stored("a", "package", found("newer", "1")),
            stored("a", "package", found("removed", "1")),
            stored("a", "service", found("other type", "1")),
        ]);
        let now = vec![found("same", "1"), found("newer", "2"), found("added", "1")];
        let plan = plan("a", "package", now, &known);
        let names = |list: &[(Uuid, CreateResource)]| -> Vec<String> {
            list.iter()
                .map(|(_, resource)| resource.name.clone())
                .collect()
        };
        assert_eq!(names(&plan.new), ["added"]);
        assert_eq!(names(&plan.changed), ["newer"]);
        assert_eq!(plan.gone, [stable_id(SOURCE, "a/package/removed")]);
        assert_eq!(plan.total, 3);
    }

    #[test]
    fn machines_do_not_share_resources() {
        let (here, _) = resource("a", "package", found("bash", "1"));
        let (there, _) = resource("b", "package", found("bash", "1"));
        assert_ne!(here, there);
    }
}
