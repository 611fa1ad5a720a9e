//! A resource: anything that is operated, of some type, with attributes and labels.
//!
//! Invariant: a resource keeps its type for its whole life; after it is deleted only putting it
//! again brings it back, under the same id and with its versions counting on. What one source
//! imported no other takes over.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, AggregateKind, Attributes, Context, Decision, Labels, Name, Origin, Timestamp,
};

/// What can have happened to a resource.
#[derive(Clone, Debug, PartialEq)]
pub enum ResourceEvent {
    /// `resource.created`
    Created(ResourceCreated),
    /// `resource.deleted`
    Deleted(ResourceDeleted),
    /// `resource.updated`
    Updated(ResourceUpdated),
}

/// A resource came to be, or came back.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct ResourceCreated {
    /// The name of its type.
    #[serde(rename = "type")]
    pub type_name: Name,
    /// What people call it.
    pub name: Name,
    /// What it is like.
    pub attributes: Attributes,
    /// Words to select it by.
    pub labels: Labels,
    /// Where it was imported from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// It is gone.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct ResourceDeleted {}

/// Something of it changed; what is absent stayed as it was.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct ResourceUpdated {
    /// The new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// All attributes as they are now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Attributes>,
    /// All labels as they are now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labels>,
    /// Where the importer found it this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// A resource as its events left it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// What it is like.
    pub attributes: Attributes,
    /// When it was created.
    pub created_at: Timestamp,
    /// Whether it is gone.
    pub deleted: bool,
    /// Words to select it by.
    pub labels: Labels,
    /// What people call it.
    pub name: Name,
    /// Where it was imported from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The name of its type.
    #[serde(rename = "type")]
    pub type_name: Name,
    /// When anything of it last changed.
    pub updated_at: Timestamp,
}

/// What can be asked of a resource.
#[derive(Clone, Debug)]
pub enum ResourceCommand {
    /// Bring it to life; refused if it lives.
    Create(ResourceCreated),
    /// End it.
    Delete,
    /// Make it just so, whether it lives already or not; an origin that is left out stays.
    Put(ResourceCreated),
    /// Change some of it.
    Update(ResourceUpdated),
}

/// Why a resource may say no.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ResourceRejection {
    /// There is one with this id.
    #[error("the resource exists already")]
    AlreadyExists,
    /// It was imported from another source.
    #[error("the resource was imported from {0:?}, and no other source may change that")]
    Foreign(String),
    /// There is none with this id, or not any more.
    #[error("there is no such resource")]
    NotFound,
    /// It is of another type.
    #[error("a resource cannot change its type")]
    TypeChanged,
}

impl Resource {
    /// What comes of the wanted parts, where they differ from this resource.
    fn update(&self, wanted: ResourceUpdated) -> Decision<Self> {
        let changes = ResourceUpdated {
            name: wanted.name.filter(|name| *name != self.name),
            attributes: wanted
                .attributes
                .filter(|attributes| *attributes != self.attributes),
            labels: wanted.labels.filter(|labels| *labels != self.labels),
            origin: Origin::change(self.origin.as_ref(), wanted.origin)
                .map_err(ResourceRejection::Foreign)?,
        };
        let any = changes != ResourceUpdated::default();
        Ok(any
            .then_some(ResourceEvent::Updated(changes))
            .into_iter()
            .collect())
    }
}

impl Aggregate for Resource {
    const KIND: AggregateKind = AggregateKind::Resource;
    type Event = ResourceEvent;
    type Command = ResourceCommand;
    type Rejection = ResourceRejection;

    fn evolve(state: Option<Self>, event: &ResourceEvent, at: Timestamp) -> Option<Self> {
        match (state, event) {
            (None | Some(Self { deleted: true, .. }), ResourceEvent::Created(created)) => {
                let created = created.clone();
                Some(Self {
                    attributes: created.attributes,
                    created_at: at,
                    deleted: false,
                    labels: created.labels,
                    name: created.name,
                    origin: created.origin,
                    type_name: created.type_name,
                    updated_at: at,
                })
            }
            (
                Some(resource @ Self { deleted: false, .. }),
                ResourceEvent::Deleted(ResourceDeleted {}),
            ) => Some(Self {
                deleted: true,
                updated_at: at,
                ..resource
            }),
            (Some(resource @ Self { deleted: false, .. }), ResourceEvent::Updated(updated)) => {
                let updated = updated.clone();
                Some(Self {
                    name: updated.name.unwrap_or(resource.name),
                    attributes: updated.attributes.unwrap_or(resource.attributes),
                    labels: updated.labels.unwrap_or(resource.labels),
                    origin: updated.origin.or(resource.origin),
                    updated_at: at,
                    ..resource
                })
            }
            (state, _) => state,
        }
    }

    fn decide(state: Option<&Self>, command: &ResourceCommand, _: &Context) -> Decision<Self> {
        let living = state.filter(|resource| !resource.deleted);
        match (living, command.clone()) {
            (None, ResourceCommand::Create(wanted) | ResourceCommand::Put(wanted)) => {
                Ok(vec![ResourceEvent::Created(wanted)])
            }
            (None, ResourceCommand::Delete) if state.is_some() => Ok(vec![]),
            (None, ResourceCommand::Delete | ResourceCommand::Update(_)) => {
                Err(ResourceRejection::NotFound)
            }
            (Some(_), ResourceCommand::Create(_)) => Err(ResourceRejection::AlreadyExists),
            (Some(_), ResourceCommand::Delete) => {
                Ok(vec![ResourceEvent::Deleted(ResourceDeleted {})])
            }
            (Some(resource), ResourceCommand::Put(wanted)) => {
                if resource.type_name != wanted.type_name {
                    return Err(ResourceRejection::TypeChanged);
                }
                resource.update(ResourceUpdated {
                    name: Some(wanted.name),
                    attributes: Some(wanted.attributes),
                    labels: Some(wanted.labels),
                    origin: wanted.origin,
                })
            }
            (Some(resource), ResourceCommand::Update(wanted)) => resource.update(wanted),
        }
    }
}

#[cfg(test)]
#[path = "resource_tests.rs"]
mod tests;
