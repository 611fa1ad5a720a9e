//! What somebody asks to follow.
//!
//! Invariant: whoever follows a list may read that list; its filter is read by the list's own
//! parameters.

use axum::http::Method;
use commands::{Credential, Principal};
use domain::TenantId;
use projections::live_query::LiveQuery;
use schemas::api::Code;

use crate::{
    extract::{FromParameters, Query},
    permission::{self, role_name},
    problem::{Error, Result},
};

/// The collections that can be followed.
const COLLECTIONS: [&str; 5] = ["jobs", "resource-types", "resources", "tasks", "users"];

/// A list that somebody may follow.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub tenant: TenantId,
    pub query: LiveQuery,
    /// Names the list: its collection and filter.
    pub scope: String,
}

impl Wanted {
    /// The list of `collection` that `parameters` narrow.
    pub fn try_new(
        principal: &Principal,
        collection: &str,
        parameters: Vec<(String, String)>,
    ) -> Result<Self> {
        if !COLLECTIONS.contains(&collection) {
            let listed = COLLECTIONS.join(", ");
            let detail = format!("is one of {listed}");
            return Err(Error::invalid_parameter("collection", detail));
        }
        let route = format!("/api/v1/{collection}");
        permit(principal, &route)?;
        let mut query = Query::of_pairs(route, parameters)?;
        let scope = query.scope();
        let asked = match collection {
            "jobs" => LiveQuery::Jobs(FromParameters::take(&mut query)?),
            "resources" => LiveQuery::Resources(FromParameters::take(&mut query)?),
            "tasks" => LiveQuery::Tasks(FromParameters::take(&mut query)?),
            "users" => LiveQuery::Users(FromParameters::take(&mut query)?),
            _ => LiveQuery::ResourceTypes,
        };
        query.end()?;
        Ok(Self {
            tenant: principal.tenant,
            query: asked,
            scope,
        })
    }
}

/// Refuses who may not read what is at `route`.
fn permit(principal: &Principal, route: &str) -> Result<()> {
    if let Credential::ApiKey(scopes) = &principal.credential
        && let Some(reason) = permission::against_key(scopes, &Method::GET, route)
    {
        return Err(Error::new(Code::Forbidden, reason));
    }
    match permission::least_role(&Method::GET, route) {
        Some(needed) if principal.role >= needed => Ok(()),
        Some(needed) => {
            let (needed, role) = (role_name(needed), role_name(principal.role));
            let detail = format!("this needs the role {needed}, yours is {role}");
            Err(Error::new(Code::Forbidden, detail))
        }
        None => Err(Error::new(Code::Forbidden, "nobody may do this")),
    }
}
