//! The rules of an API key, one scenario each.
//!
//! Invariant: every rule that can say no has a scenario in which it does.

use uuid::Uuid;

use super::*;
use crate::testing::{NOW, given};

fn wanted() -> ApiKeyCreated {
    ApiKeyCreated {
        expires_at: NOW.plus_ms(LIFE_MS),
        name: Sealed("n1".into()),
        owner: UserId::new(Uuid::from_u128(1)),
        prefix: "alm_1".into(),
        scopes: scopes(1),
    }
}

fn scopes(count: usize) -> BTreeSet<Scope> {
    let name = |n: usize| "x".repeat(n);
    let scope = |n| Scope::try_new(&name(n), Access::Read).expect("a scope");
    let few = (1..=count.min(50)).map(scope);
    let more = (51..=count).map(|n| Scope::try_new(&name(n - 50), Access::Write).expect("a scope"));
    few.chain(more).collect()
}

fn created() -> ApiKeyEvent {
    ApiKeyEvent::Created(wanted())
}

fn revoked() -> ApiKeyEvent {
    ApiKeyEvent::Revoked(ApiKeyRevoked {})
}

#[test]
fn is_created_once() {
    given::<ApiKey>([])
        .when(ApiKeyCommand::Create(wanted()))
        .then([created()]);
    given::<ApiKey>([created()])
        .when(ApiKeyCommand::Create(wanted()))
        .then([]);
    let other = ApiKeyCreated {
        scopes: scopes(2),
        ..wanted()
    };
    given::<ApiKey>([created()])
        .when(ApiKeyCommand::Create(other))
        .rejected(&ApiKeyRejection::AlreadyExists);
}

#[test]
fn lasts_a_year_at_most_and_not_for_ever() {
    let lasting = |ms| {
        ApiKeyCommand::Create(ApiKeyCreated {
            expires_at: NOW.plus_ms(ms),
            ..wanted()
        })
    };
    for life_ms in [-1, 0, LIFE_MAX_MS + 1, i64::MAX] {
        given::<ApiKey>([])
            .when(lasting(life_ms))
            .rejected(&ApiKeyRejection::Expiry);
    }
    for life_ms in [1, LIFE_MAX_MS] {
        let event = ApiKeyEvent::Created(ApiKeyCreated {
            expires_at: NOW.plus_ms(life_ms),
            ..wanted()
        });
        given::<ApiKey>([]).when(lasting(life_ms)).then([event]);
    }
}

#[test]
fn is_good_for_something() {
    for count in [0, SCOPES_MAX + 1] {
        let command = ApiKeyCommand::Create(ApiKeyCreated {
            scopes: scopes(count),
            ..wanted()
        });
        given::<ApiKey>([])
            .when(command)
            .rejected(&ApiKeyRejection::Scopes);
    }
    let most = ApiKeyCreated {
        scopes: scopes(SCOPES_MAX),
        ..wanted()
    };
    given::<ApiKey>([])
        .when(ApiKeyCommand::Create(most.clone()))
        .then([ApiKeyEvent::Created(most)]);
}

#[test]
fn is_revoked_for_good() {
    given::<ApiKey>([created()])
        .when(ApiKeyCommand::Revoke)
        .then([revoked()]);
    given::<ApiKey>([created(), revoked()])
        .when(ApiKeyCommand::Revoke)
        .then([]);
    given::<ApiKey>([])
        .when(ApiKeyCommand::Revoke)
        .rejected(&ApiKeyRejection::NotFound);
    let key = [created(), revoked(), created()]
        .iter()
        .fold(None, |key, event| ApiKey::evolve(key, event, NOW));
    assert_eq!(key.and_then(|key| key.revoked_at), Some(NOW));
}
