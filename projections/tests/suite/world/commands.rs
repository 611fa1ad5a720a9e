//! What is asked at random.
//!
//! Invariant: every command of every aggregate can come up, of a few aggregates each, so that lives
//! cross and come back.

use schemas::{
    StreamId,
    domain::{
        AggregateKind, JobId, Name, ResourceTypeId, Sealed, Slug, TaskId, TenantId, UserId,
        api_key::{Access, ApiKey, ApiKeyCommand, ApiKeyCreated, LIFE_MS, Scope},
        email_claim::{EmailClaim, EmailClaimCommand},
        identity_claim::{IdentityClaim, IdentityClaimCommand},
        job::{Job, JobCommand, JobCreated, JobPolicy, JobUpdated, Misfire, Overlap},
        operation::{
            Action, Counts, Operation, OperationCommand, OperationFinished, OperationProgressed,
            OperationStarted, TaskFilter,
        },
        resource::{Resource, ResourceCommand, ResourceCreated, ResourceUpdated},
        resource_type::{ResourceType, ResourceTypeCommand},
        schedule::Schedule,
        settings::{Settings, SettingsCommand},
        task::{
            AttemptResult, Dependency, JobSlot, Limit, Priority, SkipReason, Task,
            TaskCancelRequested, TaskCommand, TaskCreated, TaskError, TaskSpec, When,
        },
        tenant::{Tenant, TenantCommand},
        user::{LinkedIdentity, Role, User, UserCommand},
    },
};
use serde_json::json;
use uuid::Uuid;

use super::{TENANTS, World};

impl World {
    /// Something happens, or is refused.
    pub async fn step(&mut self) {
        self.now_ms += self.random.below(5_000) as i64;
        let tenant = TENANTS[self.random.below(2) as usize];
        match self.random.below(23) {
            0 => drop(
                self.ask::<Tenant>(tenant, tenant.uuid(), &self.tenant_command())
                    .await,
            ),
            1 | 2 => {
                let id = self.id(1, 6);
                let command = self.user_command();
                self.ask::<User>(tenant, id, &command).await;
            }
            3 => self.claim(tenant).await,
            4 => {
                let name = self.name();
                let id = ResourceTypeId::of_name(tenant, name.as_str()).uuid();
                let schema = json!({ "x": self.random.odd() });
                self.ask::<ResourceType>(tenant, id, &ResourceTypeCommand::Put { name, schema })
                    .await;
            }
            5..=8 => {
                let id = self.id(3, 9);
                let command = self.resource_command();
                self.ask::<Resource>(tenant, id, &command).await;
            }
            9..=11 => {
                let id = self.id(4, 6);
                let command = self.job_command();
                self.ask::<Job>(tenant, id, &command).await;
            }
            12 => {
                let id = self.id(6, 6);
                let command = self.api_key_command();
                self.ask::<ApiKey>(tenant, id, &command).await;
            }
            13 => {
                let command = self.settings_command();
                self.ask::<Settings>(tenant, tenant.uuid(), &command).await;
            }
            14 | 15 => {
                let id = self.id(7, 4);
                let command = self.operation_command();
                self.ask::<Operation>(tenant, id, &command).await;
            }
            _ => {
                let id = self.id(5, 40);
                let command = self.task_command(tenant, id);
                self.ask::<Task>(tenant, id, &command).await;
            }
        }
    }

    async fn claim(&mut self, tenant: TenantId) {
        let id = self.id(2, 3);
        let user_id = UserId::new(self.id(1, 6));
        let claims = self.random.chance(2);
        if self.random.chance(3) {
            let command = if claims {
                IdentityClaimCommand::Claim { user_id }
            } else {
                IdentityClaimCommand::Release { user_id }
            };
            self.ask::<IdentityClaim>(tenant, id, &command).await;
        } else {
            let command = if claims {
                EmailClaimCommand::Claim { user_id }
            } else {
                EmailClaimCommand::Release { user_id }
            };
            self.ask::<EmailClaim>(tenant, id, &command).await;
        }
    }

    fn operation_command(&mut self) -> OperationCommand {
        let counts = Counts {
            changed: self.random.below(9),
            refused: self.random.below(2),
        };
        match self.random.below(6) {
            0 => OperationCommand::Finish(OperationFinished { counts }),
            1 | 2 => OperationCommand::Progress(OperationProgressed {
                counts,
                reached: TaskId::new(self.id(5, 40)),
            }),
            _ => OperationCommand::Start(OperationStarted {
                action: Action::Replay,
                as_of: 1,
                filter: TaskFilter::default(),
            }),
        }
    }

    fn api_key_command(&mut self) -> ApiKeyCommand {
        if self.random.chance(3) {
            return ApiKeyCommand::Revoke;
        }
        let scopes = [("tasks", Access::Read), ("jobs", Access::Write)];
        let scope = |(name, access)| Scope::try_new(name, access).expect("a scope");
        let count = 1 + self.random.below(2) as usize;
        ApiKeyCommand::Create(ApiKeyCreated {
            expires_at: self.now().plus_ms(LIFE_MS),
            name: Sealed(format!("sealed-n{}", self.random.below(9)).into()),
            owner: UserId::new(self.id(1, 6)),
            prefix: format!("alm_{}", self.random.below(9)),
            scopes: scopes.into_iter().take(count).map(scope).collect(),
        })
    }

    fn settings_command(&mut self) -> SettingsCommand {
        let wanted = match self.random.below(5) {
            0 => json!({"session_days": null, "api_key_days": 7}),
            1 => json!({"registration": "closed", "api_key_days": null}),
            2 => json!({"colour": "red"}),
            days => json!({"session_days": days}),
        };
        let values = wanted.as_object().cloned().unwrap_or_default();
        SettingsCommand::Change { values }
    }

    fn tenant_command(&self) -> TenantCommand {
        let name = Name::try_new(&format!("tenant {}", self.now_ms % 7)).expect("a name");
        let slug = Slug::try_new(&format!("t{}", self.now_ms % 3)).expect("a slug");
        match self.now_ms % 6 {
            0 => TenantCommand::Suspend,
            1 => TenantCommand::Resume,
            2 | 3 => TenantCommand::Create { name, slug },
            _ => TenantCommand::Rename { name },
        }
    }

    fn user_command(&mut self) -> UserCommand {
        let sealed = |text: String| Sealed(text.into());
        let role = [Role::Viewer, Role::Operator, Role::Admin][self.random.below(3) as usize];
        match self.random.below(14) {
            0 => UserCommand::Update {
                name: Some(sealed(format!("sealed-n{}", self.random.below(9)))),
                role: Some(role),
            },
            1 => UserCommand::Disable,
            2 => UserCommand::Enable,
            3 => UserCommand::ChangeEmail {
                email: sealed(format!("sealed-e{}", self.random.below(9))),
            },
            4 => UserCommand::Erase,
            5 => UserCommand::EnableMfa {
                credential: self.id(6, 2),
            },
            6 => UserCommand::DisableMfa,
            7 => UserCommand::Invite {
                email: sealed(format!("sealed-e{}", self.random.below(9))),
                invitation: self.id(7, 2),
                name: sealed(format!("sealed-n{}", self.random.below(9))),
                role,
            },
            8 => UserCommand::RenewInvitation {
                invitation: self.id(7, 2),
            },
            9 => UserCommand::AcceptInvitation {
                credential: self.id(8, 2),
                invitation: self.id(7, 2),
                name: None,
            },
            10 => UserCommand::LinkIdentity(LinkedIdentity {
                identity: Uuid::from_u128(u128::from(self.random.below(3))),
                provider: "desk".to_owned(),
            }),
            11 => UserCommand::UnlinkIdentity {
                identity: Uuid::from_u128(u128::from(self.random.below(3))),
            },
            _ => UserCommand::Register {
                email: sealed(format!("sealed-e{}", self.random.below(9))),
                name: sealed(format!("sealed-n{}", self.random.below(9))),
                role,
            },
        }
    }

    fn resource_command(&mut self) -> ResourceCommand {
        let labels = [
            ("env", "prod"),
            ("env", "test"),
            ("team", "a\u{e9}\u{1F600}"),
        ];
        let (label, value) = labels[self.random.below(3) as usize];
        let labels = [(label.to_owned(), value.to_owned())].into();
        let attributes = [
            ("size".to_owned(), self.random.odd()),
            ("b".to_owned(), self.random.odd()),
        ];
        let created = ResourceCreated {
            type_name: Name::try_new(["disk", "host"][self.random.below(2) as usize])
                .expect("a name"),
            name: self.name(),
            attributes: attributes.into_iter().collect(),
            labels,
            origin: None,
        };
        match self.random.below(5) {
            0 => ResourceCommand::Create(created),
            1 => ResourceCommand::Delete,
            2 => ResourceCommand::Update(ResourceUpdated {
                name: Some(created.name),
                attributes: Some(created.attributes),
                ..ResourceUpdated::default()
            }),
            _ => ResourceCommand::Put(created),
        }
    }

    fn job_command(&mut self) -> JobCommand {
        let created = JobCreated {
            name: self.name(),
            schedule: Schedule::Interval {
                every_ms: 1_000 + self.random.below(3),
            },
            task: self.spec(),
            overlap: Overlap::Skip,
            misfire: Misfire::All,
            enabled: self.random.chance(2),
            origin: None,
            policy: JobPolicy::default(),
        };
        match self.random.below(7) {
            0 => JobCommand::Create(created),
            1 => JobCommand::Delete,
            2 => JobCommand::Pause {
                note: Some("for \"now\"".into()),
            },
            3 => JobCommand::Resume,
            4 => JobCommand::Update(JobUpdated {
                name: Some(self.name()),
                ..JobUpdated::default()
            }),
            _ => JobCommand::Put(created),
        }
    }

    fn task_command(&mut self, tenant: TenantId, id: Uuid) -> TaskCommand {
        let stream = StreamId {
            tenant,
            kind: AggregateKind::Task,
            id,
        };
        let begun = self.state::<Task>(stream).map_or(0, |task| task.attempts());
        let (attempt, worker) = (begun, "w1".to_owned());
        let origin = self.random.chance(2).then(|| self.slot());
        match self.random.below(12) {
            0 => TaskCommand::Cancel(TaskCancelRequested::because(Some("enough".into()))),
            1 => TaskCommand::ConfirmCancel {
                attempt,
                forced: true,
                worker,
            },
            2 => TaskCommand::Fail {
                attempt,
                error: self.error(),
                id: TaskId::new(id),
                worker,
            },
            3 => TaskCommand::HandBack { attempt, worker },
            4 => TaskCommand::Requeue,
            5 => TaskCommand::SkipSlot {
                origin: self.slot(),
                reason: SkipReason::Overlap,
            },
            6 => TaskCommand::Succeed {
                attempt,
                output: self.random.odd(),
                worker,
            },
            7 => TaskCommand::Create(TaskCreated {
                not_before: self.random.chance(3).then(|| self.now().plus_ms(7_000)),
                origin,
                after: self.after(),
                batch: self.random.chance(3).then(|| self.id(8, 2)),
                ..TaskCreated::new(self.spec())
            }),
            8 => TaskCommand::Release,
            9 => TaskCommand::RefuseResult {
                attempt,
                result: AttemptResult::Failed(self.error()),
                worker: "w2".into(),
            },
            10 => TaskCommand::TimeOut(Limit::Total),
            _ => TaskCommand::Start {
                attempt: begun + 1,
                worker,
            },
        }
    }

    fn error(&mut self) -> TaskError {
        TaskError {
            code: "timeout".into(),
            message: "took \\ too long".into(),
            retryable: self.random.chance(2),
            retry_after_ms: self.random.chance(2).then_some(5),
        }
    }

    fn slot(&mut self) -> JobSlot {
        let slot = self
            .random
            .chance(2)
            .then(|| self.now().plus_ms(self.random.below(1_000) as i64));
        JobSlot {
            job_id: JobId::new(self.id(4, 6)),
            slot,
            run: None,
        }
    }

    fn spec(&mut self) -> TaskSpec {
        TaskSpec {
            priority: Priority::ALL[self.random.below(4) as usize],
            max_attempts: 2,
            timeout_ms: 1_000,
            total_timeout_ms: self.random.chance(3).then_some(9_000),
            ..TaskSpec::new(
                ["echo", "sleep"][self.random.below(2) as usize],
                self.random.odd(),
            )
        }
    }

    fn after(&mut self) -> Vec<Dependency> {
        let waits = self.random.chance(4);
        let task = TaskId::new(self.id(9, 3));
        let when = When::Ended;
        waits
            .then_some(Dependency { task, when })
            .into_iter()
            .collect()
    }

    fn name(&mut self) -> Name {
        let name = ["alpha", "Beta", "\u{e9}t\u{e9}", "100%_x"][self.random.below(4) as usize];
        Name::try_new(&format!("{name} {}", self.random.below(4))).expect("a name")
    }

    fn id(&mut self, kind: u128, among: u64) -> Uuid {
        Uuid::from_u128(kind << 64 | u128::from(self.random.below(among)))
    }
}
