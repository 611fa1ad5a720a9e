//! `almanac import inventory`: what this machine has becomes resources.
//!
//! Invariant: only what differs is sent, so a second run on an unchanged machine yields no events;
//! and resources of a part that could not be read wholly are left as they are.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use domain::{Labels, Origin};
use schemas::api::{CreateResource, PutResourceType, ResourceTypeView, ResourceView};
use uuid::Uuid;

use super::send;
use crate::{
    client::{Client, ClientError},
    identity::stable_id,
    inventory::{Found, Section, Seen, hostname, schema, survey},
};

/// How imported resources say where they come from.
const SOURCE: &str = "inventory";

/// What came of an inventory.
#[derive(Debug, Default)]
pub struct Imported {
    /// What the gateway refused, with the reason.
    pub refused: Vec<String>,
    /// A line for each type.
    pub told: Vec<String>,
}

/// What must be done so that the resources of one type are what was found.
#[derive(Debug, Default)]
struct Plan {
    changed: Vec<(Uuid, CreateResource)>,
    gone: Vec<(Uuid, String)>,
    new: Vec<(Uuid, CreateResource)>,
    total: usize,
}

/// Imports the inventory of this machine.
pub async fn run(client: &Client) -> Result<Imported> {
    let sections = tokio::task::spawn_blocking(survey)
        .await
        .context("the survey broke off")?;
    import(client, &hostname(), sections).await
}

async fn import(client: &Client, host: &str, sections: Vec<Section>) -> Result<Imported> {
    let known = known(client, host).await?;
    let mut imported = Imported::default();
    for Section { kind, seen } in sections {
        let seen = match seen {
            Ok(seen) => seen,
            Err(reason) => {
                let line = format!("{kind} not read: {reason}; what is recorded stays");
                imported.told.push(line);
                continue;
            }
        };
        if !seen.found.is_empty()
            && let Err(reason) = define(client, kind).await?
        {
            imported.refused.push(format!("type {kind}: {reason}"));
            continue;
        }
        let hidden = seen.hidden.clone().map_or_else(String::new, |reason| {
            format!(", seen only in part: {reason}; what is recorded stays")
        });
        let plan = plan(host, kind, seen, &known);
        imported.told.push(format!(
            "{kind} {} ({} new, {} changed, {} gone){hidden}",
            plan.total,
            plan.new.len(),
            plan.changed.len(),
            plan.gone.len()
        ));
        imported.refused.extend(carry_out(client, plan).await?);
    }
    Ok(imported)
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

/// Makes sure that the type is there; the inner error is a refusal of this one.
async fn define(client: &Client, kind: &str) -> Result<Result<(), ClientError>> {
    let schema = schema(kind).with_context(|| format!("no schema describes {kind}"))?;
    let wanted = PutResourceType {
        name: kind.to_owned(),
        schema,
    };
    match client
        .put::<ResourceTypeView>("/resource-types", &wanted)
        .await
    {
        Err(reason) if reason.is_about_one_object() => Ok(Err(reason)),
        answer => Ok(Ok(answer.map(drop)?)),
    }
}

/// Of what was seen in part, only what is new can be told: the rest may be there as recorded.
fn plan(host: &str, kind: &str, seen: Seen, known: &HashMap<Uuid, ResourceView>) -> Plan {
    let is_whole = seen.hidden.is_none();
    let wanted: HashMap<_, _> = seen
        .found
        .into_iter()
        .map(|found| resource(host, kind, found))
        .collect();
    let of_kind = known
        .iter()
        .filter(|(_, resource)| resource.type_name == kind);
    let mut plan = Plan {
        gone: of_kind
            .filter(|(id, _)| is_whole && !wanted.contains_key(id))
            .map(|(id, known)| (*id, known.name.clone()))
            .collect(),
        total: wanted.len(),
        ..Plan::default()
    };
    for (id, wanted) in wanted {
        match known.get(&id) {
            None => plan.new.push((id, wanted)),
            Some(known) if is_same(known, &wanted) => {}
            Some(_) if is_whole => plan.changed.push((id, wanted)),
            Some(_) => {}
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

/// Gives what was refused.
async fn carry_out(client: &Client, plan: Plan) -> Result<Vec<String>, ClientError> {
    let put = |(id, resource): (Uuid, CreateResource)| async move {
        let path = format!("/resources/{id}");
        let answer = client.put::<ResourceView>(&path, &resource).await;
        let what = format!("{} {:?}", resource.type_name, resource.name);
        (what, answer.map(drop))
    };
    let mut refused = send(plan.new.into_iter().chain(plan.changed).map(put)).await?;
    let delete = |(id, name): (Uuid, String)| async move {
        let answer = client.delete(&format!("/resources/{id}")).await;
        (format!("end of {name:?}"), answer)
    };
    refused.extend(send(plan.gone.into_iter().map(delete)).await?);
    Ok(refused)
}
