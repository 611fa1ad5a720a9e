//! The rules of settings, one scenario each.
//!
//! Invariant: every rule that can say no has a scenario in which it does.

use serde_json::{Value, json};

use super::*;
use crate::{
    TenantId,
    testing::{NOW, fold, given},
};

fn values(values: Value) -> Attributes {
    serde_json::from_value(values).expect("an object")
}

fn change(to: Value) -> SettingsCommand {
    SettingsCommand::Change { values: values(to) }
}

fn changed(to: Value) -> SettingsEvent {
    SettingsEvent::Changed(SettingsChanged { values: values(to) })
}

#[test]
fn what_changed_is_told_and_nothing_else() {
    given::<Settings>([])
        .when(change(json!({"session_days": 7, "registration": "closed"})))
        .then([changed(
            json!({"session_days": 7, "registration": "closed"}),
        )]);
    given::<Settings>([changed(json!({"session_days": 7}))])
        .when(change(json!({"session_days": 7, "registration": "open"})))
        .then([changed(json!({"registration": "open"}))]);
    given::<Settings>([changed(json!({"session_days": 7}))])
        .when(change(json!({"session_days": 7})))
        .then([]);
    given::<Settings>([]).when(change(json!({}))).then([]);
}

#[test]
fn null_lets_the_default_hold_again() {
    given::<Settings>([changed(json!({"session_days": 7, "registration": "open"}))])
        .when(change(json!({"session_days": null})))
        .then([changed(json!({"session_days": null}))]);
    given::<Settings>([changed(json!({"registration": "open"}))])
        .when(change(json!({"session_days": null})))
        .then([]);
    let history = [
        changed(json!({"session_days": 7, "registration": "open"})),
        changed(json!({"session_days": null})),
    ];
    let settings = fold::<Settings>(None, &history).expect("settings");
    assert_eq!(settings.values, values(json!({"registration": "open"})));
}

#[test]
fn everything_that_cannot_be_so_is_named_at_once() {
    let invalid = |name: &str, reason: &str| InvalidSetting {
        name: name.to_owned(),
        reason: reason.to_owned(),
    };
    let wanted = json!({"colour": null, "registration": "ajar", "session_days": 31,
        "api_key_days": 7});
    given::<Settings>([])
        .when(change(wanted))
        .rejected(&SettingsRejection::Invalid(vec![
            invalid("colour", "there is no such setting"),
            invalid("registration", "is one of: closed, open"),
            invalid("session_days", "is a whole number from 1 to 30"),
        ]));
    for wrong in [json!(0), json!(-1), json!(1.5), json!("7"), json!([7])] {
        assert!(SESSION_DAYS.check(&wrong).is_err(), "{wrong}");
    }
    for right in [1, 30] {
        assert_eq!(SESSION_DAYS.check(&json!(right)), Ok(()));
    }
}

#[test]
fn the_table_is_in_order_and_its_defaults_are_allowed() {
    let names: Vec<_> = DEFINITIONS.iter().map(|one| one.name).collect();
    assert!(names.is_sorted_by(|one, next| one < next), "{names:?}");
    for tenant in [TenantId::MAIN, TenantId::new(uuid::Uuid::from_u128(1))] {
        for setting in DEFINITIONS {
            let default = (setting.default)(tenant);
            assert_eq!(setting.check(&default), Ok(()), "{}", setting.name);
            assert_eq!(setting.schema(tenant)["default"], default);
        }
    }
}

#[test]
fn what_is_not_set_or_no_more_allowed_is_the_default() {
    let tenant = TenantId::new(uuid::Uuid::from_u128(1));
    let none = InForce::new(None, tenant);
    assert_eq!(none.session_ms(), 30 * DAY_MS);
    assert_eq!(none.api_key_ms(), 366 * DAY_MS);
    assert_eq!(
        (none.tasks_at_once(), none.tasks_per_minute()),
        (None, None)
    );
    assert!(!none.is_registration_open());
    assert!(InForce::new(None, TenantId::MAIN).is_registration_open());
    let event = changed(
        json!({"api_key_days": 1, "registration": "open", "session_days": 99,
        "tasks_at_once": 7}),
    );
    let settings = Settings::evolve(None, &event, NOW);
    let set = InForce::new(settings.as_ref(), tenant);
    assert_eq!(set.api_key_ms(), DAY_MS);
    assert!(set.is_registration_open() && !set.is_default(&REGISTRATION));
    assert!(set.is_default(&SESSION_DAYS));
    assert_eq!(set.tasks_at_once(), Some(7));
    assert_eq!(set.value(&SESSION_DAYS), json!(30));
}
