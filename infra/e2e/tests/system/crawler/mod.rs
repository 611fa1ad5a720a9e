//! One tenant tries everything that there is with what belongs to another.
//!
//! Every operation of the served document is walked as the administrator of a second tenant: with
//! the first one's ids in paths and bodies, its words and ids in filters, its cursors, `ETag`s,
//! `Consistency-Token`s, idempotency keys and positions.
//!
//! Invariant: nothing is found (no text and no id of the first tenant in any body, header or
//! stream), nothing is told (a foreign id is answered like one that never was) and nothing is
//! changed (what the first tenant is shown is the same before and after).

mod body;
mod follow;
mod lists;
mod operation;
mod tenant;
mod walker;

use anyhow::{Result, ensure};

use crate::shared;
use operation::Document;
use tenant::{Tenant, unchanged};
use walker::Walker;

/// As many requests must have been tried, or the walk has lost its way.
const CASES_MIN: usize = 900;
/// As many answers of an address with a foreign id must have been that there is none.
const UNKNOWN_MIN: usize = 200;

pub async fn another_tenant_finds_tells_and_changes_nothing() -> Result<()> {
    let platform = shared::admin().await?;
    let document = Document::served(&platform).await?;
    let victim = Tenant::create(&platform, "canarya5e1").await?;
    let stranger = Tenant::create(&platform, "strangerb7").await?;
    let has = victim.fill(&document).await?;
    let kinds = has.values.values().filter(|values| !values.is_empty());
    ensure!(kinds.count() >= 5, "little to find: {:?}", has.values);
    ensure!(has.cursors.len() >= 4, "few lists go on: {:?}", has.cursors);
    let first = victim.snapshot(&document, &has).await?;
    let text = format!("{first:?}");
    for part in [
        "name",
        "-0",
        "-1",
        "-admin@example.org",
        "-0@example.org",
        "\"output\"",
    ] {
        let there = text.contains(&format!("{}{part}", victim.mark)) || text.contains(part);
        ensure!(there, "nothing that the victim is shown has {part}");
    }
    let before = victim.snapshot(&document, &has).await?;

    let mut walker = Walker::new(&document, &victim, &has, stranger);
    for operation in &document.operations {
        walker.walk(operation).await?;
    }
    let after = victim.snapshot(&document, &has).await?;
    let same = unchanged([&first, &before], &after, "strangerb7")?;
    walker.follow().await?;
    let (cases, unknown) = (walker.cases, walker.unknown);
    println!(
        "crawler: {cases} requests to {} operations; {unknown} times there was no such object; \
         {same} answers to the victim are as before",
        document.operations.len()
    );
    ensure!(cases >= CASES_MIN, "only {cases} requests were tried");
    ensure!(
        unknown >= UNKNOWN_MIN,
        "only {unknown} foreign ids were unknown"
    );
    Ok(())
}
