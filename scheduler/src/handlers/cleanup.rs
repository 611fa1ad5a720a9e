//! `cleanup`: takes away files that were kept long enough.
//!
//! Lines of tasks' logs go by themselves, at the age that their stream has; what the log itself
//! says stays for ever, payloads and outputs of finished tasks included (decision 38).
//!
//! Invariant: only files of the task's own tenant go, and none that is younger than the
//! configuration says, whatever the payload says.

use async_trait::async_trait;
use files::Files;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{AttemptContext, Handler, Outcome, read, stored, unless_stopped};

const DAY_MS: i64 = 24 * 3_600_000;

/// The handler.
pub struct Cleanup {
    files: Option<Files>,
    keep_days: u32,
}

/// What it is given.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Payload {
    /// Says what would go, and leaves it.
    dry_run: bool,
    /// Keeps files for longer than the configuration says.
    keep_days: Option<u32>,
}

impl Cleanup {
    pub fn new(files: Option<Files>, keep_days: u32) -> Self {
        Self { files, keep_days }
    }

    async fn clean(&self, payload: Payload, context: &AttemptContext) -> Result<Value, Outcome> {
        let files = stored::place(self.files.as_ref())?;
        let keep_days = payload
            .keep_days
            .unwrap_or(self.keep_days)
            .max(self.keep_days);
        let now = files.now();
        let until = now.plus_ms(-i64::from(keep_days) * DAY_MS);
        let found = files
            .list(&context.tenant.to_string())
            .await
            .map_err(stored::failed)?;
        let (mut count, mut bytes, kept) = (0_u64, 0_u64, found.len());
        for file in found.into_iter().filter(|file| file.written_at < until) {
            if !payload.dry_run {
                files.remove(&file.key).await.map_err(stored::failed)?;
            }
            count += 1;
            bytes += file.bytes;
            context.report.progress(count, None, "files");
        }
        let unfinished = if payload.dry_run {
            0
        } else {
            // What was begun a day ago and never kept is nobody's any more.
            let swept = files.sweep(now.plus_ms(-DAY_MS)).await;
            swept.map_err(stored::failed)?
        };
        Ok(json!({
            "dry_run": payload.dry_run,
            "keep_days": keep_days,
            "kept": kept as u64 - count,
            "removed": {"bytes": bytes, "count": count, "unfinished": unfinished},
        }))
    }
}

#[async_trait]
impl Handler for Cleanup {
    async fn run(&self, payload: Value, context: &AttemptContext) -> Outcome {
        let payload = if payload.is_null() {
            json!({})
        } else {
            payload
        };
        let cleaned = async { self.clean(read(payload)?, context).await };
        unless_stopped(context, cleaned).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handlers::testing::{attempt, code};
    use domain::{TaskId, TenantId};
    use runtime::Clock;
    use std::io::Write as _;
    use uuid::Uuid;

    /// Files that were written now, seen from so many days later.
    struct Later {
        clock: Clock,
        files: Files,
        _folder: tempfile::TempDir,
    }

    impl Later {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let config = runtime::Files {
                folder: Some(folder.path().to_owned()),
                ..runtime::Files::default()
            };
            let clock = Clock::manual(Clock::system().now());
            let files = Files::open(&config, clock.clone()).expect("opened");
            Self {
                clock,
                files: files.expect("a place"),
                _folder: folder,
            }
        }

        async fn write(&self, tenant: TenantId) {
            let mut writing = self.files.begin().expect("begun");
            writing.write_all(b"text").expect("written");
            let task = TaskId::new(Uuid::from_u128(5));
            let name = "a.txt".parse().expect("a name");
            writing.keep_for(tenant, task, name).await.expect("kept");
        }

        async fn clean(&self, payload: Value) -> Value {
            let cleanup = Cleanup::new(Some(self.files.clone()), 30);
            match cleanup.run(payload, &attempt()).await {
                Outcome::Done(output) => output,
                other => panic!("{other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn only_what_is_old_and_of_the_tenant_goes() {
        let later = Later::new();
        let other = TenantId::new(Uuid::from_u128(77));
        later.write(attempt().tenant).await;
        later.write(other).await;
        let began = later.clock.now();
        let early = later.clean(json!({"keep_days": 0})).await;
        assert_eq!(
            (&early["kept"], &early["removed"]["count"]),
            (&json!(1), &json!(0))
        );
        later.clock.set(began.plus_ms(31 * DAY_MS));
        let longer = later.clean(json!({"keep_days": 60})).await;
        assert_eq!(longer["removed"]["count"], 0);
        let dry = later.clean(json!({"dry_run": true})).await;
        assert_eq!(dry["removed"]["count"], 1);
        let done = later.clean(Value::Null).await;
        assert_eq!(
            done["removed"],
            json!({"bytes": 4, "count": 1, "unfinished": 0})
        );
        let left = later.files.list("").await.expect("listed");
        assert_eq!(left.len(), 1);
        assert!(left[0].key.as_str().starts_with(&other.to_string()));
    }

    #[tokio::test]
    async fn without_files_there_is_nothing_to_clean() {
        let outcome = Cleanup::new(None, 30).run(json!({}), &attempt()).await;
        assert_eq!(code(&outcome), ("files_unavailable", false));
    }
}
