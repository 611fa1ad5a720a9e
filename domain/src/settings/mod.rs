//! What a tenant decides for itself: how some things are in it, within what the installation
//! allows.
//!
//! Its id is that of its tenant. A setting is added as a line of the table in `definition`.
//!
//! Invariant: what is set is a setting that is defined, with a value that its definition allows; an
//! event holds what changed and nothing else.

mod definition;
mod in_force;
#[cfg(test)]
mod tests;

pub use definition::{
    API_KEY_DAYS, DEFINITIONS, Definition, Form, REGISTRATION, SESSION_DAYS, SESSION_DAYS_MAX,
    TASKS_AT_ONCE, TASKS_PER_MINUTE, schema,
};
pub use in_force::InForce;

use definition::{DAY_MS, TASKS_MAX};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Aggregate, AggregateKind, Attributes, Context, Decision, Timestamp};

/// What can have happened to settings.
#[derive(Clone, Debug, PartialEq)]
pub enum SettingsEvent {
    /// `settings.changed`
    Changed(SettingsChanged),
}

/// Some settings are different now.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct SettingsChanged {
    /// Those that changed, and no others; null where the default holds again.
    pub values: Attributes,
}

/// The settings of a tenant as their events left them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// When they last changed.
    pub changed_at: Timestamp,
    /// What is set; of the rest the defaults hold.
    pub values: Attributes,
}

/// What can be asked of settings.
#[derive(Clone, Debug)]
pub enum SettingsCommand {
    /// Be different.
    Change {
        /// What is to be set; null where the default is to hold again.
        values: Attributes,
    },
}

/// Why settings may say no.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SettingsRejection {
    /// Some cannot be so.
    #[error("{} settings cannot be so", .0.len())]
    Invalid(Vec<InvalidSetting>),
}

/// A setting that cannot be so.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InvalidSetting {
    /// What it is called.
    pub name: String,
    /// What it wants.
    pub reason: String,
}

impl Aggregate for Settings {
    const KIND: AggregateKind = AggregateKind::Settings;
    type Event = SettingsEvent;
    type Command = SettingsCommand;
    type Rejection = SettingsRejection;

    fn evolve(state: Option<Self>, event: &SettingsEvent, at: Timestamp) -> Option<Self> {
        let SettingsEvent::Changed(changed) = event;
        let mut values = state.map(|settings| settings.values).unwrap_or_default();
        for (name, value) in &changed.values {
            if value.is_null() {
                values.remove(name);
            } else {
                values.insert(name.clone(), value.clone());
            }
        }
        Some(Self {
            changed_at: at,
            values,
        })
    }

    fn decide(state: Option<&Self>, command: &SettingsCommand, _: &Context) -> Decision<Self> {
        let SettingsCommand::Change { values } = command;
        let invalid: Vec<_> = (values.iter())
            .filter_map(|(name, value)| refused(name, value))
            .collect();
        if !invalid.is_empty() {
            return Err(SettingsRejection::Invalid(invalid));
        }
        let was = |name: &str| state.and_then(|settings| settings.values.get(name));
        let values: Attributes = (values.iter())
            .filter(|(name, value)| was(name) != Some(*value).filter(|value| !value.is_null()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if values.is_empty() {
            return Ok(vec![]);
        }
        Ok(vec![SettingsEvent::Changed(SettingsChanged { values })])
    }
}

/// Why `name` cannot be `value`, if it cannot.
fn refused(name: &str, value: &serde_json::Value) -> Option<InvalidSetting> {
    let reason = match Definition::of(name) {
        None => "there is no such setting".to_owned(),
        Some(_) if value.is_null() => return None,
        Some(known) => known.check(value).err()?,
    };
    Some(InvalidSetting {
        name: name.to_owned(),
        reason,
    })
}
