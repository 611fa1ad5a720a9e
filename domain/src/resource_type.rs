//! A resource type: a name and the JSON Schema that attributes of its resources must fit.
//!
//! Invariant: a type keeps its name for ever, since its id is derived from it; only the schema
//! changes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Aggregate, AggregateKind, Context, Decision, Name, Timestamp};

/// What can have happened to a resource type.
#[derive(Clone, Debug, PartialEq)]
pub enum ResourceTypeEvent {
    /// `resource_type.defined`
    Defined(ResourceTypeDefined),
    /// `resource_type.revised`
    Revised(ResourceTypeRevised),
}

/// A type came to be.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct ResourceTypeDefined {
    /// Its name, such as `package`.
    pub name: Name,
    /// The JSON Schema (2020-12) of its attributes.
    pub schema: serde_json::Value,
}

/// Its attributes must fit another schema now.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct ResourceTypeRevised {
    /// The new JSON Schema.
    pub schema: serde_json::Value,
}

/// A resource type as its events left it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResourceType {
    /// When it was defined.
    pub created_at: Timestamp,
    /// Its name.
    pub name: Name,
    /// The JSON Schema of its attributes.
    pub schema: serde_json::Value,
    /// When its schema last changed.
    pub updated_at: Timestamp,
}

/// What can be asked of a resource type.
#[derive(Clone, Debug)]
pub enum ResourceTypeCommand {
    /// Define it, or revise it if it is defined already.
    Put {
        /// Its name.
        name: Name,
        /// The JSON Schema of its attributes; whoever asks has checked that it is one.
        schema: serde_json::Value,
    },
}

/// Why a resource type may say no.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ResourceTypeRejection {
    /// The id belongs to another name.
    #[error("a resource type cannot change its name")]
    Renamed,
}

impl Aggregate for ResourceType {
    const KIND: AggregateKind = AggregateKind::ResourceType;
    type Event = ResourceTypeEvent;
    type Command = ResourceTypeCommand;
    type Rejection = ResourceTypeRejection;

    fn evolve(state: Option<Self>, event: &ResourceTypeEvent, at: Timestamp) -> Option<Self> {
        match (state, event) {
            (None, ResourceTypeEvent::Defined(ResourceTypeDefined { name, schema })) => {
                Some(Self {
                    created_at: at,
                    name: name.clone(),
                    schema: schema.clone(),
                    updated_at: at,
                })
            }
            (Some(kind), ResourceTypeEvent::Revised(ResourceTypeRevised { schema })) => {
                Some(Self {
                    schema: schema.clone(),
                    updated_at: at,
                    ..kind
                })
            }
            (state, _) => state,
        }
    }

    fn decide(state: Option<&Self>, command: &ResourceTypeCommand, _: &Context) -> Decision<Self> {
        let ResourceTypeCommand::Put { name, schema } = command.clone();
        match state {
            None => Ok(vec![ResourceTypeEvent::Defined(ResourceTypeDefined {
                name,
                schema,
            })]),
            Some(kind) if kind.name != name => Err(ResourceTypeRejection::Renamed),
            Some(kind) if kind.schema == schema => Ok(vec![]),
            Some(_) => Ok(vec![ResourceTypeEvent::Revised(ResourceTypeRevised {
                schema,
            })]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{given, name};
    use serde_json::{Value, json};

    fn put(text: &str, schema: Value) -> ResourceTypeCommand {
        ResourceTypeCommand::Put {
            name: name(text),
            schema,
        }
    }

    fn defined(schema: Value) -> ResourceTypeEvent {
        ResourceTypeEvent::Defined(ResourceTypeDefined {
            name: name("disk"),
            schema,
        })
    }

    #[test]
    fn is_defined_then_revised() {
        let (one, two) = (json!({"type": "object"}), json!({"required": ["size"]}));
        given::<ResourceType>([])
            .when(put("disk", one.clone()))
            .then([defined(one.clone())]);
        given::<ResourceType>([defined(one.clone())])
            .when(put("disk", one.clone()))
            .then([]);
        given::<ResourceType>([defined(one)])
            .when(put("disk", two.clone()))
            .then([ResourceTypeEvent::Revised(ResourceTypeRevised {
                schema: two,
            })]);
    }

    #[test]
    fn keeps_its_name() {
        given::<ResourceType>([defined(json!({}))])
            .when(put("disc", json!({})))
            .rejected(&ResourceTypeRejection::Renamed);
    }
}
