//! How long it is kept what attempts say while they run, and how much of it.
//!
//! Invariant: there is always an end to it, by age and by room, so that a task that prints for ever
//! fills no disk.

use std::{num::NonZeroU32, time::Duration};

use domain::LogLevel;
use serde::{Deserialize, Deserializer, de::Error as _};

/// The least room: what some hundred tasks print at most before they are held up.
const MIN_BYTES: u64 = 16 << 20;

/// What is kept of what attempts say.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TaskLogs {
    /// For how many days.
    pub keep_days: NonZeroU32,
    /// From which level up.
    pub level: LogLevel,
    /// The most bytes; beyond them the oldest lines give way before their time.
    #[serde(deserialize_with = "room")]
    pub max_bytes: u64,
}

impl TaskLogs {
    /// How long it is kept.
    pub fn keep(&self) -> Duration {
        Duration::from_hours(24 * u64::from(self.keep_days.get()))
    }
}

impl Default for TaskLogs {
    fn default() -> Self {
        Self {
            keep_days: NonZeroU32::MIN.saturating_add(13),
            level: LogLevel::Debug,
            max_bytes: 2 << 30,
        }
    }
}

fn room<'de, D: Deserializer<'de>>(value: D) -> Result<u64, D::Error> {
    let bytes = u64::deserialize(value)?;
    if (MIN_BYTES..=i64::MAX as u64).contains(&bytes) {
        Ok(bytes)
    } else {
        Err(D::Error::custom(
            "task_logs.max_bytes must be from 16777216 (16 MiB) up",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(key: &str, value: u64) -> Result<TaskLogs, config::ConfigError> {
        let builder = config::Config::builder().set_override(key, value)?;
        builder.build()?.try_deserialize()
    }

    #[test]
    fn there_is_an_end_to_what_is_kept() {
        assert_eq!(
            TaskLogs::default().keep(),
            Duration::from_hours(14 * 24),
            "what README says"
        );
        assert_eq!(
            read("max_bytes", 16 << 20).expect("room").max_bytes,
            16 << 20
        );
        assert!(read("max_bytes", 1 << 20).is_err());
        assert!(read("keep_days", 0).is_err());
    }
}
