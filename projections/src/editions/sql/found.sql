select position, generation, reached_at, filled_at,
    (select coalesce(max(position), 0) from event_log) as mirrored
from checkpoint
