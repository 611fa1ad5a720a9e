//! A tenant: whoever everything else belongs to.
//!
//! Invariant: a tenant is created once and keeps its id; its name may change.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Aggregate, AggregateKind, Context, Decision, Name, Timestamp};

/// What can have happened to a tenant.
#[derive(Clone, Debug, PartialEq)]
pub enum TenantEvent {
    /// `tenant.created`
    Created(TenantCreated),
    /// `tenant.renamed`
    Renamed(TenantRenamed),
}

/// A tenant came to be.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct TenantCreated {
    /// What people call it.
    pub name: Name,
}

/// People call it otherwise now.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct TenantRenamed {
    /// The new name.
    pub name: Name,
}

/// A tenant as its events left it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tenant {
    /// When it was created.
    pub created_at: Timestamp,
    /// What people call it.
    pub name: Name,
}

/// What can be asked of a tenant.
#[derive(Clone, Debug)]
pub enum TenantCommand {
    /// Bring it to life.
    Create {
        /// What people will call it.
        name: Name,
    },
    /// Call it otherwise.
    Rename {
        /// The new name.
        name: Name,
    },
}

/// Why a tenant may say no.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TenantRejection {
    /// There is one with this id.
    #[error("the tenant exists already")]
    AlreadyExists,
    /// There is none with this id.
    #[error("there is no such tenant")]
    NotFound,
}

impl Aggregate for Tenant {
    const KIND: AggregateKind = AggregateKind::Tenant;
    type Event = TenantEvent;
    type Command = TenantCommand;
    type Rejection = TenantRejection;

    fn evolve(state: Option<Self>, event: &TenantEvent, at: Timestamp) -> Option<Self> {
        match (state, event) {
            (None, TenantEvent::Created(TenantCreated { name })) => Some(Self {
                created_at: at,
                name: name.clone(),
            }),
            (Some(tenant), TenantEvent::Renamed(TenantRenamed { name })) => Some(Self {
                name: name.clone(),
                ..tenant
            }),
            (state, _) => state,
        }
    }

    fn decide(state: Option<&Self>, command: &TenantCommand, _: &Context) -> Decision<Self> {
        match (state, command) {
            (None, TenantCommand::Create { name }) => {
                Ok(vec![TenantEvent::Created(TenantCreated {
                    name: name.clone(),
                })])
            }
            (Some(tenant), TenantCommand::Create { name } | TenantCommand::Rename { name })
                if tenant.name == *name =>
            {
                Ok(vec![])
            }
            (Some(_), TenantCommand::Create { .. }) => Err(TenantRejection::AlreadyExists),
            (Some(_), TenantCommand::Rename { name }) => {
                Ok(vec![TenantEvent::Renamed(TenantRenamed {
                    name: name.clone(),
                })])
            }
            (None, TenantCommand::Rename { .. }) => Err(TenantRejection::NotFound),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{given, name};

    fn created(text: &str) -> TenantEvent {
        TenantEvent::Created(TenantCreated { name: name(text) })
    }

    #[test]
    fn is_created_once() {
        given::<Tenant>([])
            .when(TenantCommand::Create { name: name("Acme") })
            .then([created("Acme")]);
        given::<Tenant>([created("Acme")])
            .when(TenantCommand::Create {
                name: name("Other"),
            })
            .rejected(&TenantRejection::AlreadyExists);
    }

    #[test]
    fn is_renamed_only_when_the_name_differs() {
        given::<Tenant>([created("Acme")])
            .when(TenantCommand::Rename { name: name("Apex") })
            .then([TenantEvent::Renamed(TenantRenamed { name: name("Apex") })]);
        given::<Tenant>([created("Acme")])
            .when(TenantCommand::Rename { name: name("Acme") })
            .then([]);
        given::<Tenant>([])
            .when(TenantCommand::Rename { name: name("Acme") })
            .rejected(&TenantRejection::NotFound);
    }
}
