-- One row for each tenant and day, kept for as long as one likes. Days that are over do not change,
-- so only the latest day that is there and those after it are asked for again.
{{ config(unique_key=['tenant_id', 'day']) }}

select
    tenant_id,
    day,
    created,
    attempts,
    succeeded,
    failed + dead as failed,
    cancelled,
    success_ratio
from {{ source('almanac', 'daily_task_stats') }}
{% if is_incremental() %}
where day >= (select max(day) from {{ this }})
{% endif %}
