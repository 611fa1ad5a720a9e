//! Registrations of two processes, one coming in between at each step of the other.
//!
//! Invariant: a user that exists has its secrets, and one that came to nothing leaves none.

use super::*;
use crate::staged::{Fate, Staged};

const EMAIL: &str = "ann@example.org";
const PASSWORD: &str = "correct horse battery";

/// The calls that a registration makes: it looks for claim and user, looks again, and appends.
const CALLS: usize = 5;

impl World {
    fn vault_name(ask: &Ask, what: &str) -> String {
        format!("{}.user.{}.{what}", ask.tenant, UserId::new(ask.id))
    }

    /// Another process, whose batches fare as `fate` says.
    pub async fn process(&self, fate: Fate) -> (Identity, Staged, Vault) {
        let log = Staged::new(&self.log, fate);
        let ids = Ids::new(self.clock.clone());
        let commands = Commands::new(Arc::new(log.clone()), self.clock.clone(), ids);
        let vault = Vault::open(&self.log, &[7; 32]).await.expect("a vault");
        let opened = Box::pin(Identity::open(commands, vault.clone())).await;
        (opened.expect("an identity"), log, vault)
    }

    /// Lets `other` register [`EMAIL`] in the first process after so many calls of the second.
    fn interpose(&self, log: &Staged, calls: usize, other: Ask) {
        let first = self.identity.clone();
        let scene = async move {
            first.register(other, wanted(EMAIL)).await.expect("done");
        };
        log.after(calls, Box::pin(scene));
    }

    /// Whether the vault has key and password of whom `ask` is about.
    async fn secrets(&self, vault: &Vault, ask: &Ask) -> [bool; 2] {
        let key = vault.get(&Self::vault_name(ask, "key")).await;
        let password = vault.get(&Self::vault_name(ask, "password")).await;
        [key, password].map(|found| found.expect("read").is_some())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_twin_of_another_process_makes_the_same_user() {
    for calls in 0..CALLS {
        let world = world().await;
        let ask = world.ask();
        let (identity, log, vault) = world.process(Fate::Stored).await;
        world.interpose(&log, calls, ask.clone());
        let answer = identity.register(ask.clone(), wanted(EMAIL)).await;
        let receipt = answer.unwrap_or_else(|reason| panic!("after {calls}: {reason}"));
        assert!(log.is_over() && receipt.replayed, "after {calls}");
        assert_eq!(world.secrets(&vault, &ask).await, [true; 2]);
        assert!(world.sign_in(EMAIL, PASSWORD).await.is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_too_late_for_an_address_leaves_nothing_behind() {
    for calls in 0..CALLS {
        let world = world().await;
        let (ask, rival) = (world.ask(), world.ask());
        let (identity, log, vault) = world.process(Fate::Stored).await;
        world.interpose(&log, calls, rival.clone());
        let answer = identity.register(ask.clone(), wanted(EMAIL)).await;
        let taken = matches!(answer, Err(AccountError::EmailTaken));
        assert!(log.is_over() && taken, "after {calls}: {answer:?}");
        assert_eq!(world.secrets(&vault, &ask).await, [false; 2]);
        assert_eq!(world.secrets(&vault, &rival).await, [true; 2]);
        assert!(world.sign_in(EMAIL, PASSWORD).await.is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_takes_nothing_from_the_user_a_twin_has_made() {
    let world = world().await;
    let ask = world.ask();
    let (identity, log, vault) = world.process(Fate::Full).await;
    world.interpose(&log, CALLS - 1, ask.clone());
    let failed = identity.register(ask.clone(), wanted(EMAIL)).await;
    assert!(log.is_over() && failed.is_err(), "{failed:?}");
    assert_eq!(world.secrets(&vault, &ask).await, [true; 2]);
    assert!(world.sign_in(EMAIL, PASSWORD).await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registration_that_was_stored_unheard_is_not_said_to_be_undone() {
    let world = world().await;
    let ask = world.ask();
    let (identity, _log, vault) = world.process(Fate::Lost).await;
    let outcome = identity.register(ask.clone(), wanted(EMAIL)).await;
    assert!(
        matches!(
            outcome,
            Err(AccountError::Command(commands::CommandError::Failed(
                commands::Failure::Unknown(_)
            )))
        ),
        "{outcome:?}"
    );
    assert_eq!(world.secrets(&vault, &ask).await, [true; 2]);
    assert!(world.sign_in(EMAIL, PASSWORD).await.is_some());
}
