//! Signing in by an issuer, on a system that its configuration alone has told of it.
//!
//! Invariant: the issuer is a server of its own, and the browser keeps cookies and follows
//! addresses as browsers do.

#[expect(
    dead_code,
    reason = "what it can do wrong is for the gateway's own tests"
)]
#[path = "../../../../gateway/tests/api/oidc/issuer.rs"]
mod issuer;

use anyhow::{Context, Result, ensure};
use reqwest::{Client, Response, redirect::Policy};
use serde_json::json;

use crate::harness::Roles;
use issuer::{CLIENT, Issuer, SECRET, visit};

pub async fn who_signs_in_by_an_issuer_is_signed_in() -> Result<()> {
    let issuer = Issuer::start().await;
    let provider = format!(
        "[[gateway.oidc]]\nname = \"desk\"\nissuer = \"{}\"\nclient_id = \"{CLIENT}\"\n\
         client_secret = \"{SECRET}\"\ncreate_users = \"open\"\n\
         allowed_domains = [\"example.org\"]\n",
        issuer.url
    );
    let roles = Roles::start_with("oidc", &provider).await?;
    let stranger = roles.stranger()?;
    let listed = stranger.get("/auth/oidc").await?.expect(200)?.json()?;
    ensure!(listed["items"] == json!([{"name": "desk"}]), "{listed}");

    let browser = Client::builder().no_proxy().redirect(Policy::none());
    let browser = browser.build()?;
    let start = format!("{}/api/v1/auth/oidc/desk/start", roles.gateway());
    let start = browser.get(start + "?return_to=/tasks").send().await?;
    ensure!(start.status() == 303, "{start:?}");
    let back = visit(header(&start, "location")?).await;
    ensure!(back.as_str().starts_with(roles.gateway()), "{back}");
    let back = browser
        .get(back)
        .header("sec-fetch-site", "cross-site")
        .header("cookie", cookie(&start, "almanac_oidc")?);
    let back = back.send().await?;
    ensure!(back.status() == 303, "{back:?}");
    ensure!(header(&back, "location")? == "/tasks", "{back:?}");

    let refresh = stranger.ask("POST", "/auth/refresh")?;
    let refresh = refresh
        .header("sec-fetch-site", "same-origin")
        .header("cookie", &cookie(&back, "almanac_refresh")?);
    let session = refresh.json(&json!({})).send().await?.expect(200)?;
    let ann = stranger.with_bearer(&session.string("/access_token")?);
    let me = ann.get("/auth/me").await?.expect(200)?.json()?;
    ensure!(me["email"] == "ann@example.org", "{me}");
    ensure!(me["providers"] == json!(["desk"]), "{me}");
    ensure!(me["role"] == "viewer", "{me}");
    roles.finish().await
}

fn header<'a>(answer: &'a Response, name: &str) -> Result<&'a str> {
    let value = answer.headers().get(name);
    Ok(value.with_context(|| format!("no {name}"))?.to_str()?)
}

/// The cookie of that name, as a browser sends it back.
fn cookie(answer: &Response, name: &str) -> Result<String> {
    let set = answer.headers().get_all("set-cookie").iter();
    let set = set.filter_map(|value| value.to_str().ok());
    let pairs = set.filter_map(|text| text.split(';').next());
    let prefix = format!("{name}=");
    let found = pairs.rev().find(|pair| pair.starts_with(&prefix));
    Ok(found
        .with_context(|| format!("no cookie {name}"))?
        .to_owned())
}
