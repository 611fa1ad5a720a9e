//! The read side against a real Postgres.
//!
//! Invariant: one server for all tests, one database for each.

mod analytics;
mod audit;
mod database;
mod difference;
mod editions;
mod extracts;
mod faults;
mod feed;
mod freshness;
mod gate;
mod halt;
mod health;
mod lists;
mod live_query;
mod mending;
mod poison;
mod proof;
mod queries;
mod replay;
mod seen;
mod slots;
mod time_travel;
mod walls;
mod what_if;
mod world;
