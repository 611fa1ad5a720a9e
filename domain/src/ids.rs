//! Identities: one type for each thing that has one, so that a task's id cannot be passed for a
//! job's.
//!
//! Invariant: ids that must be the same for the same cause (a job's slot, a type's name) are
//! derived by `UUIDv5` (RFC 9562 §5.5), never drawn.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Slug, Timestamp};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
            Deserialize,
            ToSchema,
        )]
        #[serde(transparent)]
        #[schema(value_type = String, format = Uuid)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps an identity that was assigned elsewhere.
            pub const fn new(id: Uuid) -> Self {
                Self(id)
            }

            /// The bare UUID, for keys and subjects.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

id!(
    /// Identifies an API key.
    ApiKeyId
);
id!(
    /// Identifies one command; it is what makes a retry recognisable for ever.
    CommandId
);
id!(
    /// Identifies a job.
    JobId
);
id!(
    /// Identifies an operation.
    OperationId
);
id!(
    /// Identifies what is decided about a parked commit; derived from its position.
    ParkedCommitId
);
id!(
    /// Identifies a resource.
    ResourceId
);
id!(
    /// Identifies a resource type; derived from its name, so a name is unique within a tenant.
    ResourceTypeId
);
id!(
    /// Identifies a task.
    TaskId
);
id!(
    /// Identifies a tenant.
    TenantId
);
id!(
    /// Identifies a uniqueness key; derived from the kind of task and the key.
    UniqueKeyId
);
id!(
    /// Identifies a user.
    UserId
);

impl ParkedCommitId {
    /// The one of the commit at `position` of the log, whosever that is.
    pub fn of_position(position: u64) -> Self {
        let name = format!("parked-commit/{position}");
        Self(Uuid::new_v5(&TenantId::MAIN.0, name.as_bytes()))
    }
}

impl ResourceTypeId {
    /// The id of the type called `name`, the same in every process.
    pub fn of_name(tenant: TenantId, name: &str) -> Self {
        Self(Uuid::new_v5(
            &tenant.0,
            format!("resource-type/{name}").as_bytes(),
        ))
    }
}

impl TenantId {
    /// The tenant that each installation begins with. Platform administrators are users of it, and
    /// whoever names no tenant means this one.
    pub const MAIN: Self = Self(Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0001));

    /// The tenant called `slug`: two of one name meet on one subject, and signing in needs no
    /// lookup.
    pub fn of_slug(slug: &Slug) -> Self {
        if slug.is_main() {
            return Self::MAIN;
        }
        let name = format!("tenant/{}", slug.as_str());
        Self(Uuid::new_v5(&Self::MAIN.0, name.as_bytes()))
    }
}

impl TaskId {
    /// The task at a place of those that a request creates together.
    pub fn of_batch(batch: Uuid, index: usize) -> Self {
        Self(Uuid::new_v5(&batch, format!("task/{index}").as_bytes()))
    }

    /// The one task that a job's slot may become. Whoever decides the slot first, by firing or by
    /// skipping it, takes this id, and the log refuses the second.
    pub fn of_slot(job: JobId, slot: Timestamp) -> Self {
        Self(Uuid::new_v5(
            &job.0,
            format!("slot/{}", slot.unix_ms()).as_bytes(),
        ))
    }
}

impl UniqueKeyId {
    /// The one of `key` among tasks of `kind`: two claims of one key meet on one subject.
    pub fn of(tenant: TenantId, kind: &str, key: &str) -> Self {
        let name = format!("unique-key/{}:{kind}/{key}", kind.len());
        Self(Uuid::new_v5(&tenant.0, name.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_has_one_tenant_and_the_first_keeps_its_id() {
        let of = |slug| TenantId::of_slug(&Slug::try_new(slug).expect("a slug"));
        assert_eq!(of("acme"), of("acme"));
        assert_ne!(of("acme"), of("acme-2"));
        assert_eq!(of("main"), TenantId::MAIN);
    }

    #[test]
    fn a_slot_has_one_task_id() {
        let job = JobId::new(Uuid::from_u128(7));
        let (noon, later) = (
            Timestamp::from_unix_ms(1_000),
            Timestamp::from_unix_ms(1_001),
        );
        assert_eq!(TaskId::of_slot(job, noon), TaskId::of_slot(job, noon));
        assert_ne!(TaskId::of_slot(job, noon), TaskId::of_slot(job, later));
    }
}
