//! The settings there are: one line for each.
//!
//! Invariant: a default is a value that the setting may have; what is refused says what it wants.

use serde_json::{Value, json};

use crate::{TenantId, api_key::LIFE_MAX_MS};

pub(super) const DAY_MS: i64 = 24 * 3_600_000;
/// How long a sign-in lasts at most, in days, whatever a tenant sets.
pub const SESSION_DAYS_MAX: i64 = 30;
/// As many tasks as count as no limit.
pub(super) const TASKS_MAX: i64 = 100_000;
const CLOSED: &str = "closed";
const OPEN: &str = "open";

/// How long an API key that is made from now on lasts at most.
pub const API_KEY_DAYS: Definition = Definition {
    name: "api_key_days",
    meaning: "How long an API key that is made from now on lasts at most, in days",
    form: Form::Whole {
        least: 1,
        most: LIFE_MAX_MS / DAY_MS,
    },
    default: |_| json!(LIFE_MAX_MS / DAY_MS),
};
/// Whether people may become users of the tenant by themselves.
pub const REGISTRATION: Definition = Definition {
    name: "registration",
    meaning: "Whether people may register by themselves, where the configuration is open as well",
    form: Form::Word(&[CLOSED, OPEN]),
    // In the main tenant the configuration alone decided before there were settings.
    default: |tenant| {
        json!(if tenant == TenantId::MAIN {
            OPEN
        } else {
            CLOSED
        })
    },
};
/// How long a sign-in lasts at most.
pub const SESSION_DAYS: Definition = Definition {
    name: "session_days",
    meaning: "How long a sign-in lasts at most, in days, also one that has begun",
    form: Form::Whole {
        least: 1,
        most: SESSION_DAYS_MAX,
    },
    default: |_| json!(SESSION_DAYS_MAX),
};

/// How many tasks run at a time.
pub const TASKS_AT_ONCE: Definition = Definition {
    name: "tasks_at_once",
    meaning: "How many of its tasks run at a time at most; the most means no limit",
    form: Form::Whole {
        least: 1,
        most: TASKS_MAX,
    },
    default: |_| json!(TASKS_MAX),
};
/// How many attempts begin in a minute.
pub const TASKS_PER_MINUTE: Definition = Definition {
    name: "tasks_per_minute",
    meaning: "How many attempts at its tasks begin in a minute at most; the most means no limit",
    form: Form::Whole {
        least: 1,
        most: TASKS_MAX,
    },
    default: |_| json!(TASKS_MAX),
};

/// Every setting, alphabetically.
pub const DEFINITIONS: [Definition; 5] = [
    API_KEY_DAYS,
    REGISTRATION,
    SESSION_DAYS,
    TASKS_AT_ONCE,
    TASKS_PER_MINUTE,
];

/// What a setting is.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// What it is called.
    pub name: &'static str,
    /// What it decides.
    pub meaning: &'static str,
    /// What it may be.
    pub form: Form,
    /// What it is in a tenant that has not set it.
    pub default: fn(TenantId) -> Value,
}

/// What values a setting may have.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// A number without a fraction, the bounds included.
    Whole {
        /// The least.
        least: i64,
        /// The most.
        most: i64,
    },
    /// One of some words.
    Word(&'static [&'static str]),
}

impl Definition {
    /// The setting called `name`.
    pub fn of(name: &str) -> Option<Self> {
        DEFINITIONS.into_iter().find(|known| known.name == name)
    }

    /// Refuses a value that it may not have, and says what it wants.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        match self.form {
            Form::Whole { least, most } => {
                let fits = |number| (least..=most).contains(&number);
                let fits = value.as_i64().is_some_and(fits);
                fits.then_some(())
                    .ok_or_else(|| format!("is a whole number from {least} to {most}"))
            }
            Form::Word(words) => {
                let fits = value.as_str().is_some_and(|word| words.contains(&word));
                fits.then_some(())
                    .ok_or_else(|| format!("is one of: {}", words.join(", ")))
            }
        }
    }

    /// Its JSON Schema (2020-12), with its default in `tenant`.
    pub fn schema(&self, tenant: TenantId) -> Value {
        let (default, description) = ((self.default)(tenant), self.meaning);
        match self.form {
            Form::Whole { least, most } => json!({
                "default": default, "description": description, "maximum": most,
                "minimum": least, "type": "integer",
            }),
            Form::Word(words) => json!({
                "default": default, "description": description, "enum": words,
                "type": "string",
            }),
        }
    }
}

/// The JSON Schema (2020-12) of all settings of `tenant`.
pub fn schema(tenant: TenantId) -> Value {
    let properties: serde_json::Map<_, _> = DEFINITIONS
        .iter()
        .map(|setting| (setting.name.to_owned(), setting.schema(tenant)))
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "additionalProperties": false,
        "properties": properties,
        "type": "object",
    })
}
