//! One suite that every log must pass: the one in memory, and the one on a real nats-server.
//!
//! Invariant: a promise of `EventLog` is tested here or it is not a promise.

mod clauses;
mod fixture;
mod leases;
mod restored;
mod sealed;
mod server;
mod task_logs;
mod walls;

use event_log::MemoryLog;

macro_rules! contract {
    ($($clause:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test]
            async fn $clause() {
                super::clauses::$clause(&super::MemoryLog::new("memory")).await;
            })*
        }

        mod jetstream {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $clause() {
                super::clauses::$clause(&super::fixture::jetstream().await).await;
            })*
        }
    };
}

/// What only holds of a log that is empty at first.
macro_rules! anew {
    ($($clause:ident),* $(,)?) => {
        mod memory_anew {
            $(#[tokio::test]
            async fn $clause() {
                super::restored::$clause(&super::MemoryLog::new("memory")).await;
            })*
        }

        mod jetstream_anew {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $clause() {
                let server = local::Nats::scratch().expect("a nats-server starts");
                let log = super::fixture::open(&server, event_log::Role::Owner).await;
                super::restored::$clause(&log).await;
            })*
        }
    };
}

anew! {
    a_log_is_restored_at_the_same_places,
    nothing_is_restored_where_it_does_not_belong,
}

contract! {
    a_batch_is_stored_as_a_whole,
    a_batch_with_one_stale_member_is_rejected_as_a_whole,
    a_batch_holds_at_most_a_thousand,
    a_batch_holds_one_commit_of_an_aggregate,
    a_command_is_known_again_whatever_it_expects,
    a_commit_too_large_fails_nobody_else,
    a_long_history_is_loaded_whole,
    a_stale_command_never_fails_its_neighbours,
    an_aggregate_is_loaded_from_any_position,
    an_unexpected_predecessor_is_a_conflict,
    following_sees_every_position_once_in_order,
    no_commit_is_stored_twice,
    of_many_writers_with_one_expectation_one_wins,
    parallel_batches_all_arrive,
    positions_tell_what_stands_there,
    scanning_gives_what_following_does,
    the_largest_commit_is_stored,
    two_tenants_may_use_one_command_id,
}
