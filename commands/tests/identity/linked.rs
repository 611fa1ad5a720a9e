//! Signing in by an identity that an issuer vouches for.
//!
//! Invariant: an address alone gives nobody the account of another.

use std::time::Duration;

use commands::{Asserted, IdentityError, PasswordChange, Terms};
use domain::user::UserRejection;
use event_log::ReadFrom;
use schemas::StreamId;

use super::*;

const CLOSED: Terms = Terms {
    create: None,
    trust_email: false,
};
const OPEN: Terms = Terms {
    create: Some(Role::Viewer),
    trust_email: false,
};
const TRUSTED: Terms = Terms {
    create: None,
    trust_email: true,
};
const ISSUER: &str = "https://id.example.org";

fn asserted(subject: &str, email: Option<&str>) -> Asserted {
    Asserted {
        email: email.map(str::to_owned),
        issuer: ISSUER.to_owned(),
        name: Some("Ann Example".to_owned()),
        provider: "desk".to_owned(),
        subject: subject.to_owned(),
    }
}

impl World {
    async fn by(&self, asserted: &Asserted, terms: Terms) -> Result<UserId, IdentityError> {
        let identity = &self.identity;
        let command = CommandId::new(self.commands.ids().next());
        let found = identity.sign_in_by_identity(DEFAULT_TENANT, asserted, terms, command);
        found.await.map(|(user, _)| user)
    }

    async fn member(&self, email: &str) -> UserId {
        let ask = self.ask();
        let user = UserId::new(ask.id);
        let made = self.identity.register(ask, wanted(email)).await;
        made.expect("registered");
        user
    }

    fn about(&self, user: UserId) -> Ask {
        let command = CommandId::new(self.commands.ids().next());
        Ask::new(Actor::User(user), DEFAULT_TENANT, user.uuid(), command)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_becomes_a_user_only_where_that_is_allowed_and_has_no_password() {
    let world = world().await;
    let ann = asserted("a", Some("Ann@Example.org"));
    let refused = world.by(&ann, CLOSED).await;
    assert!(
        matches!(refused, Err(IdentityError::Unknown)),
        "{refused:?}"
    );
    let nameless = asserted("a", None);
    let refused = world.by(&nameless, OPEN).await;
    assert!(
        matches!(refused, Err(IdentityError::Unknown)),
        "{refused:?}"
    );
    let user = world.by(&ann, OPEN).await.expect("made");
    assert_eq!(world.by(&nameless, CLOSED).await.expect("known"), user);
    let other = asserted("b", Some("bob@example.org"));
    assert_ne!(world.by(&other, OPEN).await.expect("made"), user);
    for password in ["", "password", "correct horse battery"] {
        assert_eq!(world.sign_in("ann@example.org", password).await, None);
    }
    let ask = world.ask();
    let taken = world.identity.register(ask, wanted("ann@example.org"));
    assert!(matches!(taken.await, Err(AccountError::EmailTaken)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_alone_takes_over_nobody() {
    let world = world().await;
    let ann = world.member("ann@example.org").await;
    let claims = asserted("mallory", Some("ann@example.org"));
    for terms in [CLOSED, OPEN] {
        let refused = world.by(&claims, terms).await;
        assert!(
            matches!(refused, Err(IdentityError::NotLinked)),
            "{refused:?}"
        );
    }
    let unverified = asserted("mallory", None);
    let refused = world.by(&unverified, TRUSTED).await;
    assert!(
        matches!(refused, Err(IdentityError::Unknown)),
        "{refused:?}"
    );
    assert_eq!(world.by(&claims, TRUSTED).await.expect("trusted"), ann);
    assert_eq!(world.by(&unverified, CLOSED).await.expect("linked"), ann);
    assert_eq!(
        world
            .sign_in("ann@example.org", "correct horse battery")
            .await,
        Some(ann)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_identity_is_linked_to_one_user_and_can_be_given_up() {
    let world = world().await;
    let ann = world.member("ann@example.org").await;
    let bob = world.member("bob@example.org").await;
    let hers = asserted("a", None);
    let link = |user| world.identity.link_identity(world.about(user), &hers);
    assert!(link(ann).await.expect("linked").changed);
    assert!(!link(ann).await.expect("linked already").changed);
    let taken = link(bob).await;
    assert!(
        matches!(taken, Err(AccountError::IdentityTaken)),
        "{taken:?}"
    );
    assert_eq!(world.by(&hers, CLOSED).await.expect("linked"), ann);
    let unlink = |user| world.identity.unlink_identity(world.about(user), "desk");
    assert!(unlink(ann).await.expect("unlinked").changed);
    assert!(!unlink(ann).await.expect("unlinked already").changed);
    let refused = world.by(&hers, CLOSED).await;
    assert!(
        matches!(refused, Err(IdentityError::Unknown)),
        "{refused:?}"
    );
    assert!(link(bob).await.expect("free").changed);
    assert_eq!(world.by(&hers, CLOSED).await.expect("linked"), bob);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_only_way_in_is_not_given_up() {
    let world = world().await;
    let ann = asserted("a", Some("ann@example.org"));
    let user = world.by(&ann, OPEN).await.expect("made");
    let unlink = || world.identity.unlink_identity(world.about(user), "desk");
    let refused = unlink().await.expect_err("refused");
    let AccountError::Command(commands::CommandError::Rejected(reason)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(reason, UserRejection::LastWayIn);
    let change = PasswordChange {
        session: None,
        current: None,
        new: SecretString::from("a way in of her own"),
    };
    let set = world.identity.change_password(world.about(user), change);
    set.await.expect("set");
    assert!(unlink().await.expect("unlinked").changed);
    let again = world.sign_in("ann@example.org", "a way in of her own");
    assert_eq!(again.await, Some(user));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_disabled_stays_out_and_who_is_erased_leaves_the_identity_free() {
    let world = world().await;
    let ann = asserted("a", Some("ann@example.org"));
    let user = world.by(&ann, OPEN).await.expect("made");
    let disabled = world.identity.disable(world.about(user)).await;
    disabled.expect("disabled");
    let again = asserted("b", Some("ann@example.org"));
    for (asserted, terms) in [(&ann, OPEN), (&again, TRUSTED)] {
        let refused = world.by(asserted, terms).await;
        assert!(
            matches!(refused, Err(IdentityError::Disabled)),
            "{refused:?}"
        );
    }
    let erased = world.identity.erase(world.about(user)).await;
    assert!(erased.expect("erased").changed);
    let next = world.by(&ann, OPEN).await.expect("free");
    assert_ne!(next, user);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_first_sign_ins_of_one_identity_make_one_user() {
    let world = Arc::new(world().await);
    let rivals = (0..16).map(|_| {
        let world = Arc::clone(&world);
        async move {
            let ann = asserted("a", Some("ann@example.org"));
            world.by(&ann, OPEN).await
        }
    });
    let mut users: Vec<_> = join_all(rivals)
        .await
        .into_iter()
        .map(|user| user.expect("signed in"))
        .collect();
    users.dedup();
    assert_eq!(users.len(), 1, "{users:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_tells_neither_issuer_nor_subject() {
    let world = world().await;
    let ann = asserted("subject-like-no-other", Some("ann@example.org"));
    let user = world.by(&ann, OPEN).await.expect("made");
    let stream = StreamId {
        tenant: DEFAULT_TENANT,
        kind: domain::AggregateKind::User,
        id: user.uuid(),
    };
    let history = world.log.load(stream, Position(0), ReadFrom::Leader);
    let mut told = String::new();
    for commit in history.await.expect("read") {
        told += &String::from_utf8_lossy(&commit.payload);
    }
    assert!(told.contains("user.identity_linked"), "{told}");
    for personal in ["subject-like-no-other", "id.example.org", "ann@", "Ann"] {
        assert!(!told.contains(personal), "{personal} in {told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_be_used_once_is() {
    let world = world().await;
    let once = |what| world.identity.use_once(what, Duration::from_mins(1));
    let all = join_all((0..8).map(|_| once(b"a"))).await;
    let first = all.into_iter().filter(|used| *used == Ok(true)).count();
    assert_eq!(first, 1);
    assert_eq!(once(b"b").await, Ok(true));
}
