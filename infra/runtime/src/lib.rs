//! What every process needs before it can begin: configuration, telemetry, shutdown, time and
//! chance.
//!
//! Invariant: this is the only place that reads the clock, draws a random number or makes an id, so
//! everywhere else the same input gives the same output.

mod background;
mod clock;
mod config;
mod files;
mod ids;
mod limits;
mod notices;
mod oidc;
mod origin;
mod pages;
pub mod random;
mod secrets;
mod servers;
mod shutdown;
mod task_logs;
mod telemetry;
mod wire;
mod work_limits;

pub use background::in_background;
pub use clock::Clock;
pub use config::{Audit, Config, ConfigError, Gateway, Registration, Scheduler, Telemetry, Worker};
pub use files::{Files, InvalidFiles, S3};
pub use ids::Ids;
pub use limits::{InvalidLimit, Limit, Limits};
pub use notices::{InvalidNotice, Smtp, SmtpSecurity, Webhook};
pub use oidc::{CreateUsers, InvalidOidc, OidcProvider};
pub use origin::{InvalidOrigin, Origin};
pub use pages::prefer_small_pages;
pub use secrets::Secrets;
pub use servers::{Nats, Postgres, Rebuild};
pub use shutdown::shutdown_on_signal;
pub use task_logs::TaskLogs;
pub use telemetry::{TelemetryGuard, init_telemetry, install_crypto, traceparent};
pub use work_limits::{WorkLimit, WorkLimits};
