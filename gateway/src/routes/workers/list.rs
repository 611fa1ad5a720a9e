//! `GET /workers`
//!
//! Invariant: of another tenant's tasks nothing is told, and of the load of Almanac's own workers
//! only the main tenant hears; workers outside are seen by their own tenant.

use axum::{Json, extract::State};
use commands::{DEFAULT_TENANT, Seen};
use domain::TenantId;
use schemas::api::{RunningView, WorkerView, WorkersView};

use crate::{
    app::App,
    extract::{Caller, Nothing, Parameters},
    problem::Result,
};

/// List the workers that are there.
///
/// As they say of themselves: each at least every 15 s, or it is not there.
#[utoipa::path(
    get, path = "/api/v1/workers", tag = "workers",
    responses((status = 200, description = "By name", body = WorkersView)),
)]
pub(super) async fn list_workers(
    State(app): State<App>,
    caller: Caller,
    Parameters(Nothing): Parameters<Nothing>,
) -> Result<Json<WorkersView>> {
    let tenant = caller.tenant();
    let all = app.workers.all().await?.into_iter();
    let items = all.filter_map(|seen| view(seen, tenant)).collect();
    Ok(Json(WorkersView { items }))
}

/// What `tenant` is told of a worker; none if it is another tenant's.
fn view(seen: Seen, tenant: TenantId) -> Option<WorkerView> {
    let Seen { entry, seen_at } = seen;
    if entry.tenant.is_some_and(|whose| whose != tenant) {
        return None;
    }
    let external = entry.tenant.is_some();
    let whole = external || tenant == DEFAULT_TENANT;
    let own = entry.running.iter().filter(|one| one.tenant == tenant);
    let own = own.map(|one| RunningView {
        task_id: one.task,
        attempt: one.attempt,
    });
    let busy = u32::try_from(entry.running.len()).unwrap_or(u32::MAX);
    Some(WorkerView {
        name: entry.name,
        external,
        kinds: entry.kinds,
        slots: entry.slots.filter(|_| whole),
        busy: Some(busy).filter(|_| whole),
        running: own.collect(),
        version: entry.version,
        zone: entry.zone,
        draining: entry.draining,
        memory_bytes: entry.memory_bytes.filter(|_| whole),
        started_at: entry.started_at,
        seen_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{TaskId, Timestamp};
    use schemas::{RunningAttempt, WorkerEntry};
    use uuid::Uuid;

    fn seen(whose: Option<TenantId>, running: &[TenantId]) -> Seen {
        let attempt = |tenant: &TenantId| RunningAttempt {
            tenant: *tenant,
            task: TaskId::new(tenant.uuid()),
            attempt: 1,
        };
        let at = Timestamp::from_unix_ms(1);
        Seen {
            entry: WorkerEntry {
                name: "w".to_owned(),
                kinds: vec!["echo".to_owned()],
                slots: Some(10),
                running: running.iter().map(attempt).collect(),
                version: None,
                zone: None,
                draining: false,
                memory_bytes: Some(1),
                started_at: at,
                tenant: whose,
            },
            seen_at: at,
        }
    }

    #[test]
    fn nobody_is_told_of_the_tasks_of_others_and_only_the_main_tenant_of_the_load() {
        let [one, other] = [1, 2].map(|n| TenantId::new(Uuid::from_u128(n)));
        let running = [one, other, DEFAULT_TENANT];
        let told = view(seen(None, &running), one).expect("a worker of all");
        let tasks: Vec<_> = told.running.iter().map(|own| own.task_id.uuid()).collect();
        assert_eq!(tasks, [one.uuid()]);
        assert_eq!(
            (told.busy, told.slots, told.memory_bytes),
            (None, None, None)
        );
        let told = view(seen(None, &running), DEFAULT_TENANT).expect("a worker of all");
        assert_eq!((told.busy, told.running.len()), (Some(3), 1));
        assert!(view(seen(Some(one), &[one]), other).is_none());
        assert!(view(seen(Some(one), &[one]), DEFAULT_TENANT).is_none());
        let own = view(seen(Some(one), &[one]), one).expect("their own");
        assert!(own.external && own.busy == Some(1));
    }
}
