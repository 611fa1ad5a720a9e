//! From an aggregate's state to what the API shows of it.
//!
//! Invariant: this is the only way to a view, on the write side from the state just decided and on
//! the read side from the state in the read model, so both show the same.

use domain::{
    JobId, OperationId, ResourceId, TaskId, TenantId,
    job::Job,
    operation::Operation,
    resource::Resource,
    resource_type::ResourceType,
    settings::{DEFINITIONS, InForce, Settings},
    task::Task,
    tenant::Tenant,
};

use crate::{
    Version,
    api::{
        AttemptView, JobView, OperationView, ResourceTypeView, ResourceView, SettingsView,
        TaskView, TenantView,
    },
};

/// A job as the API shows it.
pub fn job_view(id: JobId, version: Version, job: Job) -> JobView {
    JobView {
        id,
        name: job.name.into(),
        status: job.status,
        note: job.note,
        schedule: job.schedule,
        task: job.task,
        overlap: job.overlap,
        misfire: job.misfire,
        policy: job.policy,
        origin: job.origin,
        created_at: job.created_at,
        updated_at: job.updated_at,
        version: version.0,
    }
}

/// An operation as the API shows it.
pub fn operation_view(id: OperationId, version: Version, operation: Operation) -> OperationView {
    OperationView {
        id,
        action: operation.action,
        filter: operation.filter,
        as_of: operation.as_of,
        counts: operation.counts,
        started_at: operation.started_at,
        updated_at: operation.updated_at,
        finished_at: operation.finished_at,
        version: version.0,
    }
}

/// A resource as the API shows it.
pub fn resource_view(id: ResourceId, version: Version, resource: Resource) -> ResourceView {
    ResourceView {
        id,
        type_name: resource.type_name.into(),
        name: resource.name.into(),
        attributes: resource.attributes,
        labels: resource.labels,
        origin: resource.origin,
        created_at: resource.created_at,
        updated_at: resource.updated_at,
        version: version.0,
    }
}

/// A resource type as the API shows it.
pub fn resource_type_view(version: Version, kind: ResourceType) -> ResourceTypeView {
    ResourceTypeView {
        name: kind.name.into(),
        schema: kind.schema,
        created_at: kind.created_at,
        updated_at: kind.updated_at,
        version: version.0,
    }
}

/// The settings of `tenant` as the API shows them; also if it has never changed any.
pub fn settings_view(
    tenant: TenantId,
    version: Version,
    settings: Option<&Settings>,
) -> SettingsView {
    let in_force = InForce::new(settings, tenant);
    let name = |name: &str| name.to_owned();
    SettingsView {
        values: (DEFINITIONS.iter())
            .map(|setting| (name(setting.name), in_force.value(setting)))
            .collect(),
        defaults: (DEFINITIONS.iter())
            .filter(|setting| in_force.is_default(setting))
            .map(|setting| name(setting.name))
            .collect(),
        changed_at: settings.map(|settings| settings.changed_at),
        version: version.0,
    }
}

/// A task as the API shows it.
pub fn task_view(id: TaskId, version: Version, task: Task) -> TaskView {
    TaskView {
        id,
        status: task.status,
        kind: task.spec.kind,
        payload: task.spec.payload,
        priority: task.spec.priority,
        max_attempts: task.spec.max_attempts,
        timeout_ms: task.spec.timeout_ms,
        queue_timeout_ms: task.spec.queue_timeout_ms,
        total_timeout_ms: task.spec.total_timeout_ms,
        silence_timeout_ms: task.spec.silence_timeout_ms,
        retry: task.spec.retry,
        due_at: task.due_at,
        after: task.after,
        held: task.held,
        again_of: task.again_of,
        batch: task.batch,
        unique_key: task.unique_key,
        late_results: task.late,
        job_id: task.origin.map(|origin| origin.job_id),
        slot: task.origin.and_then(|origin| origin.slot),
        attempt: task.attempt.map(|attempt| AttemptView {
            number: attempt.number,
            worker: attempt.worker,
            started_at: attempt.started_at,
            ended_at: attempt.ended_at,
        }),
        cancel_requested: task.cancel_requested.is_some(),
        error: task.error,
        skipped: task.skipped,
        output: task.output,
        created_at: task.created_at,
        updated_at: task.updated_at,
        finished_at: task.finished_at,
        version: version.0,
    }
}

/// A tenant as the API shows it.
pub fn tenant_view(id: TenantId, version: Version, tenant: Tenant) -> TenantView {
    TenantView {
        id,
        slug: tenant.slug.into(),
        name: tenant.name.into(),
        suspended: tenant.suspended,
        created_at: tenant.created_at,
        version: version.0,
    }
}
