//! Signing the log, on a real log and a real vault.
//!
//! Invariant: what the notary signs whoever looks can check, also when keys change, when others
//! sign at the same time, and when a person was forgotten.

use std::{sync::Arc, time::Duration};

use commands::{Ask, Commands, DEFAULT_TENANT, Failure, Identity, Notary, Registration};
use domain::{
    Actor, CommandId, ResourceTypeId, Timestamp, UserId,
    resource_type::{ResourceType, ResourceTypeCommand},
    user::Role as UserRole,
};
use event_log::{
    Against, EventLog as _, JetStreamLog, Options, Position, Proof, Role, SignedNote, Vault, prove,
    receipt,
};
use futures::{StreamExt as _, future::join_all};
use local::{Nats, Scratch};
use runtime::{Clock, Ids};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

struct World {
    clock: Clock,
    commands: Commands,
    looking: JetStreamLog,
    notary: Notary,
    owner: JetStreamLog,
    vault: Vault,
    _server: Scratch<Nats>,
}

async fn world() -> World {
    let server = Nats::scratch().expect("a nats-server starts");
    let open = async |role: Role| {
        let options = Options {
            accept_interval_sync: false,
            group_commit: true,
            monitor_url: server.monitor_url(),
            replicas: 1,
            role,
            url: SecretString::from(server.url_of(role.user()).expect("a password")),
        };
        JetStreamLog::open(&options).await.expect("the log opens")
    };
    let owner = open(Role::Owner).await;
    let (log, looking) = (open(Role::Gateway).await, open(Role::Analyst).await);
    let clock = Clock::manual(Timestamp::from_unix_ms(1_800_000_000_000));
    let vault = Vault::open(&log, &[7; 32]).await.expect("a vault");
    let commands = Commands::new(Arc::new(log), clock.clone(), Ids::new(clock.clone()));
    World {
        clock,
        notary: Notary::new(commands.clone(), vault.clone()),
        commands,
        looking,
        owner,
        vault,
        _server: server,
    }
}

impl World {
    /// Something happens.
    async fn happen(&self) -> Position {
        let command = self.commands.ids().next();
        let name = domain::Name::try_new(&format!("type-{command}")).expect("a name");
        let id = ResourceTypeId::of_name(DEFAULT_TENANT, name.as_str()).uuid();
        let schema = serde_json::json!({});
        let ask = Ask::new(
            Actor::System("test".into()),
            DEFAULT_TENANT,
            id,
            CommandId::new(command),
        );
        let put = ResourceTypeCommand::Put { name, schema };
        let receipt = self.commands.execute::<ResourceType>(ask, put).await;
        receipt.expect("written").position
    }

    async fn sign(&self) -> Option<u64> {
        let signed = self.notary.sign().await.expect("signed");
        signed.map(|receipt| receipt.state.expect("a checkpoint").last.size)
    }

    async fn proven(&self, against: &Against) -> Proof {
        let proof = prove(&self.looking, against, |_, _| {}).await;
        proof.expect("walked")
    }

    async fn trusted(&self) -> Against {
        Against {
            checkpoints: Vec::new(),
            keys: self.notary.keys().await.expect("keys"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happened_is_signed_once_and_idleness_is_not() {
    let world = world().await;
    assert_eq!(world.sign().await, None, "an empty log");
    world.happen().await;
    world.happen().await;
    assert_eq!(world.sign().await, Some(2));
    // All there is to sign now is the checkpoint.
    assert_eq!(world.sign().await, None);
    world.happen().await;
    // Another process, which has nothing in memory, goes on from the log.
    let another = Notary::new(world.commands.clone(), world.vault.clone());
    let signed = another.sign().await.expect("signed").expect("news");
    assert_eq!(signed.state.expect("a checkpoint").last.previous, 2);
    let proof = world.proven(&world.trusted().await).await;
    assert!(proof.holds(), "{:#?}", proof.findings);
    assert_eq!((proof.checkpoints, proof.covered), (2, Position(4)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_notaries_that_sign_at_once_the_log_takes_whole_checkpoints() {
    let world = world().await;
    for round in 1..=5 {
        world.happen().await;
        let others = (0..4).map(|_| Notary::new(world.commands.clone(), world.vault.clone()));
        let others: Vec<_> = others.collect();
        let signed = join_all(others.iter().map(Notary::sign)).await;
        let signed = signed.into_iter().filter_map(|one| one.expect("signed"));
        assert_eq!(signed.count(), 1, "round {round}");
    }
    let proof = world.proven(&world.trusted().await).await;
    assert!(
        proof.holds() && proof.checkpoints == 5,
        "{:#?}",
        proof.findings
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_key_is_vouched_for_by_the_old_one() {
    let world = world().await;
    world.happen().await;
    world.sign().await.expect("signed");
    let old = world.trusted().await;
    world.notary.rotate().await.expect("rotated");
    for _ in 0..2 {
        world.happen().await;
        world.sign().await.expect("signed");
    }
    let both = world.trusted().await;
    assert_eq!(both.keys.len(), 2);
    assert_eq!(both.keys[1], old.keys[0]);
    for against in [old, both] {
        let proof = world.proven(&against).await;
        assert!(
            proof.holds() && proof.checkpoints == 3,
            "{:#?}",
            proof.findings
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_was_restored_is_signed_on() {
    let old = world().await;
    old.happen().await;
    old.sign().await.expect("signed");
    old.happen().await;
    let trusted = old.trusted().await;
    let new = world().await;
    let end = old.looking.head().await.expect("a head").position;
    let mut parts = old.looking.scan(Position(0), end).await.expect("scanned");
    while let Some(part) = parts.next().await {
        let restored = new.owner.restore(part.expect("read")).await;
        restored.expect("restored");
    }
    let keys = old
        .vault
        .get("log_keys")
        .await
        .expect("read")
        .expect("keys");
    let moved = new.vault.create("log_keys", &keys.value).await;
    moved.expect("moved");
    assert_eq!(new.sign().await, Some(end.0));
    new.happen().await;
    new.sign().await.expect("signed");
    // Those of the new name, and of the old one.
    assert_eq!(new.trusted().await.keys.len(), 2);
    for against in [Against::default(), trusted, new.trusted().await] {
        let proof = new.proven(&against).await;
        assert!(
            proof.holds() && proof.checkpoints == 3,
            "{:#?}",
            proof.findings
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_does_not_go_on_from_what_it_did_not_sign() {
    let world = world().await;
    world.happen().await;
    world.sign().await.expect("signed");
    // The keys are others: whoever signed the last checkpoint, it was not this notary.
    world.vault.delete("log_keys").await.expect("forgotten");
    world.happen().await;
    let refused = world.notary.sign().await;
    assert!(matches!(refused, Err(Failure::Corrupt(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_signs_now_and_then_and_ends_when_asked() {
    let world = world().await;
    world.happen().await;
    let (end, notary) = (CancellationToken::new(), world.notary.clone());
    let until = end.clone();
    let running = tokio::spawn(async move { notary.run(Duration::from_millis(50), until).await });
    let signed = async |checkpoints: u64| {
        loop {
            let proof = world.proven(&Against::default()).await;
            if proof.checkpoints >= checkpoints {
                return proof.checkpoints;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let soon = Duration::from_secs(20);
    let first = tokio::time::timeout(soon, signed(1)).await;
    assert_eq!(first.expect("it signs"), 1);
    // By the clock no time has passed since, so what happens now waits.
    world.happen().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(world.proven(&Against::default()).await.checkpoints, 1);
    world.clock.set(Timestamp::from_unix_ms(1_800_000_100_000));
    let second = tokio::time::timeout(soon, signed(2)).await;
    assert_eq!(second.expect("it signs again"), 2);
    end.cancel();
    let ended = tokio::time::timeout(soon, running).await;
    ended.expect("it ends").expect("in good order");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_erased_stays_proven() {
    let world = world().await;
    let opened = Identity::open(world.commands.clone(), world.vault.clone());
    let identity = Box::pin(opened).await.expect("an identity");
    let id = world.commands.ids().next();
    let actor = Actor::User(UserId::new(id));
    let ask = Ask::new(actor, DEFAULT_TENANT, id, CommandId::new(id));
    let wanted = Registration {
        email: "ann@example.org".to_owned(),
        name: "Ann Example".to_owned(),
        password: SecretString::from("correct horse battery"),
        role: UserRole::Operator,
    };
    let registered = identity.register(ask.clone(), wanted).await;
    let position = registered.expect("registered").position;
    world.sign().await.expect("signed");
    let old = receipt(&world.looking, position).await.expect("a receipt");
    let kept: SignedNote = old.checkpoint.parse().expect("a note");
    let erase = Ask {
        command: CommandId::new(world.commands.ids().next()),
        ..ask
    };
    identity.erase(erase).await.expect("erased");
    world.sign().await.expect("signed");
    let trusted = world.trusted().await;
    assert!(old.check(&trusted.keys).is_ok());
    let text = serde_json::to_string(&old).expect("text");
    assert!(
        !text.contains("Ann") && !text.contains("example.org"),
        "{text}"
    );
    let again = receipt(&world.looking, position).await.expect("a receipt");
    assert_eq!(again, old);
    let against = Against {
        checkpoints: vec![kept],
        ..trusted
    };
    let proof = world.proven(&against).await;
    assert!(
        proof.holds() && proof.checkpoints == 3,
        "{:#?}",
        proof.findings
    );
}
