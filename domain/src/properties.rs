//! Random lives of every aggregate; of tasks, see their own tests.
//!
//! Invariant: whatever is asked of an aggregate, in whatever order, its laws hold at every step.

use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

use crate::{
    Attributes, Labels, Name, Origin, Sealed, Slug, TaskId, UserId,
    api_key::{Access, ApiKey, ApiKeyCommand, ApiKeyCreated, LIFE_MAX_MS, Scope},
    email_claim::{EmailClaim, EmailClaimCommand},
    identity_claim::{IdentityClaim, IdentityClaimCommand},
    job::{Job, JobCommand, JobCreated, JobPolicy, JobSlotsSkipped, JobUpdated, Misfire, Overlap},
    laws::live,
    log_checkpoint::{LogCheckpoint, LogCheckpointCommand, LogCheckpointSigned},
    operation::{
        Action, Counts, Operation, OperationCommand, OperationFinished, OperationProgressed,
        OperationStarted, TaskFilter,
    },
    parked_commit::{ParkedCommit, ParkedCommitCommand},
    resource::{Resource, ResourceCommand, ResourceCreated, ResourceUpdated},
    resource_type::{ResourceType, ResourceTypeCommand},
    schedule::Schedule,
    settings::{Settings, SettingsCommand},
    task::{SkipReason, TaskSpec},
    tenant::{Tenant, TenantCommand},
    testing::NOW,
    unique_key::{UniqueKey, UniqueKeyCommand},
    user::{LinkedIdentity, Role, User, UserCommand},
};

fn lives<T: std::fmt::Debug>(command: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<T>> {
    prop::collection::vec(command, 0..30)
}

fn name() -> impl Strategy<Value = Name> {
    prop::sample::select(vec!["one", "two"]).prop_map(|text| Name::try_new(text).expect("a name"))
}

fn sealed() -> impl Strategy<Value = Sealed> {
    prop::sample::select(vec!["s1", "s2"]).prop_map(|text| Sealed(text.into()))
}

fn role() -> impl Strategy<Value = Role> {
    prop::sample::select(vec![Role::Viewer, Role::Operator, Role::Admin])
}

fn schedule() -> impl Strategy<Value = Schedule> {
    prop::sample::select(vec![
        Schedule::Interval { every_ms: 1_000 },
        Schedule::Interval { every_ms: 1 },
        Schedule::Once { at: NOW },
        Schedule::cron("0 2 * * *", "UTC"),
        Schedule::cron("never", "UTC"),
    ])
}

fn origin() -> impl Strategy<Value = Option<Origin>> {
    let origin = prop::sample::select(vec![("a", "1"), ("a", "2"), ("b", "1")]);
    prop::option::of(origin.prop_map(|(source, reference)| Origin {
        source: source.into(),
        reference: reference.into(),
    }))
}

fn wanted_job() -> impl Strategy<Value = JobCreated> {
    let parts = (name(), schedule(), 0_u32..3, any::<bool>(), origin());
    parts.prop_map(
        |(name, schedule, max_attempts, enabled, origin)| JobCreated {
            name,
            schedule,
            task: TaskSpec {
                max_attempts,
                timeout_ms: 1_000,
                ..TaskSpec::new("echo", json!({}))
            },
            overlap: Overlap::Skip,
            misfire: Misfire::All,
            enabled,
            origin,
            policy: JobPolicy {
                max_runs: enabled.then_some(max_attempts),
                ..JobPolicy::default()
            },
        },
    )
}

fn job_command() -> impl Strategy<Value = JobCommand> {
    prop_oneof![
        wanted_job().prop_map(JobCommand::Create),
        wanted_job().prop_map(JobCommand::Put),
        wanted_job().prop_map(|job| JobCommand::Update(JobUpdated {
            schedule: Some(job.schedule),
            task: Some(job.task),
            ..JobUpdated::default()
        })),
        Just(JobCommand::Delete),
        Just(JobCommand::Pause { note: None }),
        Just(JobCommand::Resume),
        (0..30_i64, 0..5_i64).prop_map(|(from, length)| {
            JobCommand::SkipSlots(JobSlotsSkipped {
                from: NOW.plus_ms(from * 1_000),
                until: NOW.plus_ms((from + length) * 1_000),
                count: None,
                reason: SkipReason::Misfire,
            })
        }),
    ]
}

fn wanted_resource() -> impl Strategy<Value = ResourceCreated> {
    (name(), name(), any::<bool>(), origin()).prop_map(|(type_name, name, sized, origin)| {
        let attributes = sized
            .then(|| ("size".to_owned(), json!(1)))
            .into_iter()
            .collect::<Attributes>();
        ResourceCreated {
            type_name,
            name,
            attributes,
            labels: Labels::new(),
            origin,
        }
    })
}

fn resource_command() -> impl Strategy<Value = ResourceCommand> {
    prop_oneof![
        wanted_resource().prop_map(ResourceCommand::Create),
        wanted_resource().prop_map(ResourceCommand::Put),
        wanted_resource().prop_map(|resource| ResourceCommand::Update(ResourceUpdated {
            name: Some(resource.name),
            attributes: Some(resource.attributes),
            ..ResourceUpdated::default()
        })),
        Just(ResourceCommand::Delete),
    ]
}

fn user_command() -> impl Strategy<Value = UserCommand> {
    prop_oneof![
        (sealed(), sealed(), role()).prop_map(|(email, name, role)| UserCommand::Register {
            email,
            name,
            role
        }),
        (prop::option::of(sealed()), prop::option::of(role()))
            .prop_map(|(name, role)| UserCommand::Update { name, role }),
        sealed().prop_map(|email| UserCommand::ChangeEmail { email }),
        any::<u128>().prop_map(|id| UserCommand::ChangePassword {
            credential: Uuid::from_u128(id)
        }),
        (sealed(), 0_u128..3, sealed(), role()).prop_map(|(email, id, name, role)| {
            UserCommand::Invite {
                email,
                invitation: Uuid::from_u128(id),
                name,
                role,
            }
        }),
        (0_u128..3).prop_map(|id| UserCommand::RenewInvitation {
            invitation: Uuid::from_u128(id)
        }),
        (0_u128..3, 0_u128..3, prop::option::of(sealed())).prop_map(|(id, with, name)| {
            UserCommand::AcceptInvitation {
                credential: Uuid::from_u128(with),
                invitation: Uuid::from_u128(id),
                name,
            }
        }),
        Just(UserCommand::Disable),
        Just(UserCommand::DisableMfa),
        (0_u128..3).prop_map(|id| UserCommand::EnableMfa {
            credential: Uuid::from_u128(id)
        }),
        Just(UserCommand::Enable),
        Just(UserCommand::Erase),
        Just(UserCommand::GrantPlatform),
        Just(UserCommand::RevokePlatform),
        (sealed(), sealed(), role(), linked()).prop_map(|(email, name, role, linked)| {
            UserCommand::Join {
                email,
                name,
                role,
                linked,
            }
        }),
        linked().prop_map(UserCommand::LinkIdentity),
        linked().prop_map(|linked| UserCommand::UnlinkIdentity {
            identity: linked.identity
        }),
    ]
}

fn linked() -> impl Strategy<Value = LinkedIdentity> {
    (0_u128..3, prop::sample::select(vec!["p1", "p2"])).prop_map(|(identity, provider)| {
        LinkedIdentity {
            identity: Uuid::from_u128(identity),
            provider: provider.to_owned(),
        }
    })
}

fn identity_claim_command() -> impl Strategy<Value = IdentityClaimCommand> {
    (0_u128..3, any::<bool>()).prop_map(|(user, claim)| {
        let user_id = UserId::new(Uuid::from_u128(user));
        if claim {
            IdentityClaimCommand::Claim { user_id }
        } else {
            IdentityClaimCommand::Release { user_id }
        }
    })
}

fn log_checkpoint_command() -> impl Strategy<Value = LogCheckpointCommand> {
    (0_u64..4, 0_u64..6).prop_map(|(previous, size)| {
        LogCheckpointCommand::Sign(LogCheckpointSigned {
            frontier: vec![],
            keys: vec![],
            note: String::new(),
            previous,
            root: String::new(),
            size,
        })
    })
}

fn operation_command() -> impl Strategy<Value = OperationCommand> {
    (0_u128..4, 0_u64..3, 0_u8..3, any::<bool>()).prop_map(|(id, changed, which, flag)| {
        let counts = Counts {
            changed,
            refused: 0,
        };
        match which {
            0 => OperationCommand::Start(OperationStarted {
                action: if flag { Action::Cancel } else { Action::Replay },
                as_of: changed,
                filter: TaskFilter::default(),
            }),
            1 => OperationCommand::Progress(OperationProgressed {
                counts,
                reached: TaskId::new(Uuid::from_u128(id)),
            }),
            _ => OperationCommand::Finish(OperationFinished { counts }),
        }
    })
}

fn unique_key_command() -> impl Strategy<Value = UniqueKeyCommand> {
    (0_u128..3, prop::option::of(0_u128..3)).prop_map(|(task, ended)| {
        let id = |id| TaskId::new(Uuid::from_u128(id));
        UniqueKeyCommand::Claim {
            ended: ended.filter(|ended| *ended != task).map(id),
            task_id: id(task),
        }
    })
}

fn parked_commit_command() -> impl Strategy<Value = ParkedCommitCommand> {
    (1_u64..3, any::<bool>(), 0_usize..3).prop_map(|(position, retry, length)| {
        if retry {
            return ParkedCommitCommand::Retry { position };
        }
        ParkedCommitCommand::Skip {
            position,
            reason: "x".repeat(length),
        }
    })
}

fn api_key_command() -> impl Strategy<Value = ApiKeyCommand> {
    let scope = prop::sample::select(vec!["jobs", "tasks"])
        .prop_map(|collection| Scope::try_new(collection, Access::Read).expect("a scope"));
    let life_ms = prop::sample::select(vec![0, 1, LIFE_MAX_MS, LIFE_MAX_MS + 60_000]);
    let created = (sealed(), prop::collection::btree_set(scope, 0..3), life_ms);
    let created = created.prop_map(|(name, scopes, life_ms)| {
        ApiKeyCommand::Create(ApiKeyCreated {
            expires_at: NOW.plus_ms(life_ms),
            name,
            owner: UserId::new(Uuid::from_u128(1)),
            prefix: "alm_1".into(),
            scopes,
        })
    });
    prop_oneof![created, Just(ApiKeyCommand::Revoke)]
}

fn claim_command() -> impl Strategy<Value = EmailClaimCommand> {
    (0_u128..3, any::<bool>()).prop_map(|(user, claim)| {
        let user_id = UserId::new(Uuid::from_u128(user));
        if claim {
            EmailClaimCommand::Claim { user_id }
        } else {
            EmailClaimCommand::Release { user_id }
        }
    })
}

fn settings_command() -> impl Strategy<Value = SettingsCommand> {
    let name = prop::sample::select(vec!["api_key_days", "registration", "session_days", "none"]);
    let value = prop::sample::select(vec![
        json!(null),
        json!(0),
        json!(1),
        json!(30),
        json!(367),
        json!("closed"),
        json!("open"),
        json!("ajar"),
    ]);
    let values = prop::collection::hash_map(name.prop_map(str::to_owned), value, 0..4);
    values.prop_map(|values| SettingsCommand::Change {
        values: values.into_iter().collect(),
    })
}

fn tenant_command() -> impl Strategy<Value = TenantCommand> {
    let slug = |text: &str| Slug::try_new(text).expect("a slug");
    prop_oneof![
        (name(), "[a-z]{1,2}").prop_map(move |(name, text)| TenantCommand::Create {
            name,
            slug: slug(&text),
        }),
        name().prop_map(|name| TenantCommand::Rename { name }),
        name().prop_map(|reason| TenantCommand::Enter {
            reason,
            user_id: UserId::new(Uuid::from_u128(1)),
        }),
        Just(TenantCommand::Suspend),
        Just(TenantCommand::Resume),
    ]
}

fn type_command() -> impl Strategy<Value = ResourceTypeCommand> {
    (name(), 0..3).prop_map(|(name, version)| ResourceTypeCommand::Put {
        name,
        schema: json!({ "minProperties": version }),
    })
}

proptest! {
    #[test]
    fn of_jobs(commands in lives(job_command())) {
        live::<Job>(&commands)?;
    }

    #[test]
    fn of_resources(commands in lives(resource_command())) {
        live::<Resource>(&commands)?;
    }

    #[test]
    fn of_api_keys(commands in lives(api_key_command())) {
        live::<ApiKey>(&commands)?;
    }

    #[test]
    fn of_users(commands in lives(user_command())) {
        live::<User>(&commands)?;
    }

    #[test]
    fn of_email_claims(commands in lives(claim_command())) {
        live::<EmailClaim>(&commands)?;
    }

    #[test]
    fn of_identity_claims(commands in lives(identity_claim_command())) {
        live::<IdentityClaim>(&commands)?;
    }

    #[test]
    fn of_log_checkpoints(commands in lives(log_checkpoint_command())) {
        live::<LogCheckpoint>(&commands)?;
    }

    #[test]
    fn of_operations(commands in lives(operation_command())) {
        live::<Operation>(&commands)?;
    }

    #[test]
    fn of_unique_keys(commands in lives(unique_key_command())) {
        live::<UniqueKey>(&commands)?;
    }

    #[test]
    fn of_parked_commits(commands in lives(parked_commit_command())) {
        live::<ParkedCommit>(&commands)?;
    }

    #[test]
    fn of_settings(commands in lives(settings_command())) {
        live::<Settings>(&commands)?;
    }

    #[test]
    fn of_tenants(commands in lives(tenant_command())) {
        live::<Tenant>(&commands)?;
    }

    #[test]
    fn of_resource_types(commands in lives(type_command())) {
        live::<ResourceType>(&commands)?;
    }
}
