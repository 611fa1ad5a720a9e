//! Which records are asked for.
//!
//! Invariant: an address is looked for by its digests; it is in no statement.

use std::net::IpAddr;

use domain::{TenantId, Timestamp};
use projections::audit::Filter;
use schemas::api::AuditResult;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::{
    app::App,
    extract::{Query, word},
    problem::Result,
};

/// Which records are asked for.
pub(super) struct Wanted {
    address: Option<IpAddr>,
    pub filter: Filter,
}

/// The parameters that narrow the audit.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "only the document is made from it; the extractor reads a query"
)]
pub(super) struct FilterParameters {
    /// Who: `user:<id>`, `anonymous` or `several`.
    actor: Option<String>,
    /// From this address.
    address: Option<String>,
    /// Answered with this code, such as `FORBIDDEN`.
    code: Option<String>,
    /// Of this command.
    command_id: Option<Uuid>,
    /// Not before this instant.
    from: Option<String>,
    /// By this method.
    method: Option<String>,
    /// Any of these, between commas: `allowed`, `dropped`, `failed`, `refused`.
    result: Option<String>,
    /// Of this route, as the documentation has it: `/api/v1/tasks/{id}`.
    route: Option<String>,
    /// By this sign-in.
    session_id: Option<Uuid>,
    /// Any of these statuses, between commas.
    status: Option<String>,
    /// About the object with this id.
    target_id: Option<String>,
    /// About objects of this kind, such as `tasks`.
    target_kind: Option<String>,
    /// Before this instant.
    to: Option<String>,
}

impl Wanted {
    pub fn take(query: &mut Query) -> Result<Self> {
        let uuid = |text: &str| -> Result<Uuid, String> {
            text.parse().map_err(|_| format!("{text:?} is no UUID"))
        };
        let instant = |text: &str| -> Result<Timestamp, String> {
            text.parse()
                .map_err(|_| "is an instant such as 2027-01-01T00:00:00Z".to_owned())
        };
        let address = |text: &str| text.parse().map_err(|_| "is an IP address".to_owned());
        let status = |text: &str| {
            text.parse()
                .map_err(|_| format!("{text:?} is no HTTP status"))
        };
        Ok(Self {
            address: query.parsed("address", address)?,
            filter: Filter {
                actor: query.one("actor")?,
                address: None,
                code: query.one("code")?,
                command: query.parsed("command_id", uuid)?,
                from: query.parsed("from", instant)?,
                method: query.one("method")?,
                results: query.several("result", word(&AuditResult::ALL, AuditResult::name))?,
                route: query.one("route")?,
                session: query.parsed("session_id", uuid)?,
                statuses: query.several("status", status)?,
                target: query.one("target_id")?,
                target_kind: query.one("target_kind")?,
                to: query.parsed("to", instant)?,
            },
        })
    }

    /// The same as the rows can be asked.
    pub async fn of(self, app: &App, tenant: TenantId) -> Result<Filter> {
        let mut filter = self.filter;
        if let Some(address) = self.address {
            filter.address = Some(app.audit.digests(tenant, address).await?);
        }
        Ok(filter)
    }
}
