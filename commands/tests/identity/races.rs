//! Registrations of two processes, one coming in between at each step of the other.
//!
//! Invariant: a user that exists has its secrets, and one that came to nothing leaves none.

use super::*;
use crate::staged::Staged;

const EMAIL: &str = "ann@example.org";
const PASSWORD: &str = "correct horse battery";

/// The calls that a registration makes: it looks for claim and user, looks again, and appends.
const CALLS: usize = 5;

impl World {
    fn vault_name(ask: &Ask, what: &str) -> String {
        format!("{}.user.{}.{what}", ask.tenant, UserId::new(ask.id))
    }

    /// Another process, in which `other` registers [`EMAIL`] after so many calls of its own log.
    async fn process(&self, full: bool, calls: usize, other: Ask) -> (Identity, Staged, Vault) {
        let log = Staged::new(&self.log, full);
        let ids = Ids::new(self.clock.clone());
        let commands = Commands::new(Arc::new(log.clone()), self.clock.clone(), ids);
        let vault = Vault::open(&self.log, &[7; 32]).await.expect("a vault");
        let opened = Identity::open(commands, vault.clone()).await;
        let first = self.identity.clone();
        let scene = async move {
            first.register(other, wanted(EMAIL)).await.expect("done");
        };
        log.after(calls, Box::pin(scene));
        (opened.expect("an identity"), log, vault)
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
        let (identity, log, vault) = world.process(false, calls, ask.clone()).await;
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
        let (identity, log, vault) = world.process(false, calls, rival.clone()).await;
        let answer = identity.register(ask.clone(), wanted(EMAIL)).await;
        let taken = matches!(answer, Err(RegisterError::EmailTaken));
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
    let (identity, log, vault) = world.process(true, CALLS - 1, ask.clone()).await;
    let failed = identity.register(ask.clone(), wanted(EMAIL)).await;
    assert!(log.is_over() && failed.is_err(), "{failed:?}");
    assert_eq!(world.secrets(&vault, &ask).await, [true; 2]);
    assert!(world.sign_in(EMAIL, PASSWORD).await.is_some());
}
