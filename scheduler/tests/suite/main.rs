//! Scheduler, worker and projector against a real nats-server and a real Postgres.
//!
//! Invariant: every test has servers of its own and judges by the log, read from its beginning.

mod attempts;
mod dependencies;
mod external;
mod extracts;
mod firing;
mod limits;
mod logs;
mod outages;
mod overlaps;
mod policies;
mod workers;
mod world;
