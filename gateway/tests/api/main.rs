//! The API as clients meet it, with a real log and real read models.
//!
//! Invariant: the tests share one installation and run at the same time, so none relies on being
//! alone: each makes objects of its own and looks for those only.

mod api_keys;
mod as_of;
mod asyncapi;
mod audit;
mod audit_whom;
mod auth;
mod authenticator;
mod bad_input;
mod caching;
mod consistency;
mod contract;
mod cors;
mod files;
mod invite;
mod jobs;
mod limits;
mod lists;
mod live;
mod live_query;
mod mfa;
mod oidc;
mod outage;
mod outside;
mod parked;
mod past;
mod preconditions;
mod python_client;
mod resources;
mod retries;
mod serving;
mod sessions;
mod settings;
mod site;
mod step_up;
mod task_logs;
mod tasks;
mod tenants;
mod told;
mod users;
mod workers;
mod world;
