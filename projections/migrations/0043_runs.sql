-- The runs of a job, the latest first, however many other tasks there are.

create index tasks_by_run on tasks (tenant_id, job_id, created_at, id) where job_id is not null;
