//! What is told of a theft.
//!
//! Invariant: who was concerned is told, and no part of a token.

use std::{
    fmt::{Debug, Write as _},
    sync::Mutex,
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use super::*;

/// Every event of this thread, in words.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<String>>);

struct Words<'a>(&'a mut String);

impl Visit for Words<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{field}={value:?} ").expect("written");
    }
}

impl Subscriber for Told {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Words(&mut self.0.lock().expect("not poisoned")));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn a_token_that_is_used_again_is_told_of_without_the_token() {
    let told = Told::default();
    let _here = tracing::subscriber::set_default(told.clone());
    let world = world().await;
    let ask = world.ask();
    let user = UserId::new(ask.id);
    let made = world.identity.register(ask, wanted("ann@example.org"));
    made.await.expect("registered");
    let identity = &world.identity;
    let started = identity.start_session(DEFAULT_TENANT, user, Role::Operator);
    let first = started.await.expect("a session");
    let refresh = first.refresh.expose_secret();
    let next = identity.refresh(refresh, None).await.expect("asked");
    let next = next.expect("exchanged");
    let security = || {
        let told = told.0.lock().expect("not poisoned").clone();
        (told.contains("refresh_token_reused"), told)
    };
    assert!(!security().0, "nothing has happened");
    world.clock.set(world.clock.now().plus_ms(11_000));
    assert!(
        identity
            .refresh(refresh, None)
            .await
            .expect("asked")
            .is_none()
    );
    let (is_told, told) = security();
    assert!(is_told && told.contains(&format!("user={user}")), "{told}");
    let session = format!("session={}", next.principal.session);
    assert!(told.contains(&session), "{told}");
    let tokens = [&first.access, &first.refresh, &next.tokens.refresh];
    for token in tokens {
        let token = token.expose_secret();
        assert!(!told.contains(&token[token.len() - 20..]), "{told}");
    }
}
