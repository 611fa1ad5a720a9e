//! A tenant: whoever everything else belongs to.
//!
//! ```text
//! create ─→ open ⇄ suspended
//! ```
//!
//! Invariant: a tenant is created once and keeps its id and its slug; its name may change. The one
//! that the installation began with is never suspended, since it is where that could be undone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, AggregateKind, CommandId, Context, Decision, Name, Slug, TenantId, Timestamp, UserId,
};

/// What can have happened to a tenant.
#[derive(Clone, Debug, PartialEq)]
pub enum TenantEvent {
    /// `tenant.created`
    Created(TenantCreated),
    /// `tenant.entered`
    Entered(TenantEntered),
    /// `tenant.renamed`
    Renamed(TenantRenamed),
    /// `tenant.resumed`
    Resumed(TenantResumed),
    /// `tenant.suspended`
    Suspended(TenantSuspended),
}

/// A tenant came to be.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct TenantCreated {
    /// What people call it.
    pub name: Name,
    /// What it is called when signing in. The first tenant was created before there were slugs.
    #[serde(default = "Slug::main", skip_serializing_if = "Slug::is_main")]
    pub slug: Slug,
}

/// A platform administrator was let in, for ten minutes.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct TenantEntered {
    /// By which command; the same for a retry.
    pub command: CommandId,
    /// Why.
    pub reason: Name,
    /// Who, a user of the main tenant.
    pub user_id: UserId,
}

/// People call it otherwise now.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct TenantRenamed {
    /// The new name.
    pub name: Name,
}

/// Its users may sign in again.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct TenantResumed {}

/// None of its users may sign in any more, nor stay signed in.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct TenantSuspended {}

/// A tenant as its events left it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tenant {
    /// When it was created.
    pub created_at: Timestamp,
    /// By which command a platform administrator was let in last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entered: Option<CommandId>,
    /// What people call it.
    pub name: Name,
    /// What it is called when signing in.
    #[serde(default = "Slug::main", skip_serializing_if = "Slug::is_main")]
    pub slug: Slug,
    /// Whether its users may not sign in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspended: bool,
}

/// What can be asked of a tenant.
#[derive(Clone, Debug)]
pub enum TenantCommand {
    /// Bring it to life.
    Create {
        /// What people will call it.
        name: Name,
        /// What it will be called when signing in; its id is derived from it.
        slug: Slug,
    },
    /// Let a platform administrator in.
    Enter {
        /// Why.
        reason: Name,
        /// Who.
        user_id: UserId,
    },
    /// Call it otherwise.
    Rename {
        /// The new name.
        name: Name,
    },
    /// Let its users sign in again.
    Resume,
    /// Let none of its users sign in.
    Suspend,
}

/// Why a tenant may say no.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TenantRejection {
    /// There is one with this id.
    #[error("the tenant exists already")]
    AlreadyExists,
    /// Platform administrators are in it already, and it must stay open to them.
    #[error("this is the main tenant: it is not entered, nor suspended")]
    Main,
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
        let Some(tenant) = state else {
            return match event {
                TenantEvent::Created(TenantCreated { name, slug }) => Some(Self {
                    created_at: at,
                    entered: None,
                    name: name.clone(),
                    slug: slug.clone(),
                    suspended: false,
                }),
                _ => None,
            };
        };
        Some(match event {
            TenantEvent::Created(_) => tenant,
            TenantEvent::Entered(TenantEntered { command, .. }) => Self {
                entered: Some(*command),
                ..tenant
            },
            TenantEvent::Renamed(TenantRenamed { name }) => Self {
                name: name.clone(),
                ..tenant
            },
            TenantEvent::Resumed(TenantResumed {}) => Self {
                suspended: false,
                ..tenant
            },
            TenantEvent::Suspended(TenantSuspended {}) => Self {
                suspended: true,
                ..tenant
            },
        })
    }

    fn decide(state: Option<&Self>, command: &TenantCommand, context: &Context) -> Decision<Self> {
        match (state, command) {
            (None, TenantCommand::Create { name, slug }) => {
                Ok(vec![TenantEvent::Created(TenantCreated {
                    name: name.clone(),
                    slug: slug.clone(),
                })])
            }
            (None, _) => Err(TenantRejection::NotFound),
            (Some(tenant), TenantCommand::Create { name, slug }) => {
                if (&tenant.name, &tenant.slug) != (name, slug) {
                    return Err(TenantRejection::AlreadyExists);
                }
                Ok(vec![])
            }
            (Some(tenant), command) => tenant.change(command, context),
        }
    }
}

impl Tenant {
    fn change(&self, command: &TenantCommand, context: &Context) -> Decision<Self> {
        let is_main = context.tenant == TenantId::MAIN;
        let event = match command {
            TenantCommand::Enter { .. } | TenantCommand::Suspend if is_main => {
                return Err(TenantRejection::Main);
            }
            TenantCommand::Create { .. } => None,
            TenantCommand::Enter { reason, user_id } => (self.entered != Some(context.command))
                .then(|| {
                    TenantEvent::Entered(TenantEntered {
                        command: context.command,
                        reason: reason.clone(),
                        user_id: *user_id,
                    })
                }),
            TenantCommand::Rename { name } => (self.name != *name)
                .then(|| TenantEvent::Renamed(TenantRenamed { name: name.clone() })),
            TenantCommand::Resume => {
                (self.suspended).then_some(TenantEvent::Resumed(TenantResumed {}))
            }
            TenantCommand::Suspend => {
                (!self.suspended).then_some(TenantEvent::Suspended(TenantSuspended {}))
            }
        };
        Ok(event.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::testing::{NOW, context, given, name};

    fn slug(text: &str) -> Slug {
        Slug::try_new(text).expect("a slug")
    }

    fn create(text: &str) -> TenantCommand {
        TenantCommand::Create {
            name: name(text),
            slug: slug("acme"),
        }
    }

    fn created(text: &str) -> TenantEvent {
        TenantEvent::Created(TenantCreated {
            name: name(text),
            slug: slug("acme"),
        })
    }

    fn enter() -> TenantCommand {
        TenantCommand::Enter {
            reason: name("ticket 7"),
            user_id: UserId::new(Uuid::from_u128(3)),
        }
    }

    #[test]
    fn is_created_once() {
        given::<Tenant>([])
            .when(create("Acme"))
            .then([created("Acme")]);
        given::<Tenant>([created("Acme")])
            .when(create("Other"))
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

    #[test]
    fn is_suspended_and_resumed() {
        let suspended = TenantEvent::Suspended(TenantSuspended {});
        given::<Tenant>([created("Acme")])
            .when(TenantCommand::Suspend)
            .then([suspended.clone()]);
        given::<Tenant>([created("Acme"), suspended])
            .when(TenantCommand::Resume)
            .then([TenantEvent::Resumed(TenantResumed {})]);
        given::<Tenant>([created("Acme")])
            .when(TenantCommand::Resume)
            .then([]);
    }

    #[test]
    fn tells_who_was_let_in_once_for_each_command() {
        let entered = TenantEvent::Entered(TenantEntered {
            command: context(NOW).command,
            reason: name("ticket 7"),
            user_id: UserId::new(Uuid::from_u128(3)),
        });
        given::<Tenant>([created("Acme")])
            .when(enter())
            .then([entered.clone()]);
        let tenant = [created("Acme"), entered]
            .iter()
            .fold(None, |tenant, event| Tenant::evolve(tenant, event, NOW));
        let mut other = context(NOW);
        other.command = CommandId::new(Uuid::from_u128(100));
        let again = Tenant::decide(tenant.as_ref(), &enter(), &other);
        assert_eq!(again.map(|events| events.len()), Ok(1));
    }

    #[test]
    fn the_main_tenant_is_neither_entered_nor_suspended() {
        let main = Tenant::evolve(None, &created("Main"), NOW);
        let mut context = context(NOW);
        context.tenant = TenantId::MAIN;
        for command in [enter(), TenantCommand::Suspend] {
            let said = Tenant::decide(main.as_ref(), &command, &context);
            assert_eq!(said, Err(TenantRejection::Main), "{command:?}");
        }
    }

    #[test]
    fn what_was_created_before_there_were_slugs_is_main_and_stays_as_it_was_written() {
        let old = r#"{"name":"Main"}"#;
        let event: TenantCreated = serde_json::from_str(old).expect("it decodes");
        assert!(event.slug.is_main());
        assert_eq!(serde_json::to_string(&event).expect("it encodes"), old);
        let row = r#"{"created_at":"2027-01-15T08:00:00.000Z","name":"Main"}"#;
        let tenant: Tenant = serde_json::from_str(row).expect("it decodes");
        assert_eq!(serde_json::to_string(&tenant).expect("it encodes"), row);
    }
}
