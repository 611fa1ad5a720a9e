//! Which events are listed, exported and shown.
//!
//! Invariant: what is expected is picked out of all events by the test itself.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::{ask, files, lines};
use crate::{harness::Api, shared};

type Fits<'a> = Box<dyn Fn(&Value) -> bool + 'a>;

/// A tenant of its own with a resource, and its id.
async fn neighbour(admin: &Api, slug: &str) -> Result<String> {
    let wanted = json!({
        "slug": slug, "name": "A neighbour",
        "administrator": {"email": format!("{slug}@example.org"), "name": "Neighbour",
            "password": "the password of a neighbour"},
    });
    admin
        .post("/tenants", &wanted)
        .await?
        .expect(201)?
        .string("/id")
}

pub async fn filters_cut_what_they_should() -> Result<()> {
    let admin = shared::admin().await?;
    let since = admin.position_after_mark().await?.to_string();
    let theirs = neighbour(&admin, "events-neighbour").await?;
    let task = json!({"kind": "echo", "payload": {"say": "events"}});
    let task = admin.post("/tasks", &task).await?.expect(201)?;
    let task = task.string("/id")?;
    let end = admin.position_after_mark().await?.to_string();
    let all = lines(&ask(&["list", "--from", &since, "--to", &end]).await?)?;
    let subject = format!("task/{task}");
    let first = all
        .iter()
        .find(|event| event["subject"] == subject.as_str());
    let first = first.context("the task is not listed")?;
    let word = |name: &str| first[name].as_str().unwrap_or_default();
    let (time, actor, correlation) = (word("time"), word("actorid"), word("correlationid"));
    let of_theirs = |event: &Value| event["source"] == format!("/tenants/{theirs}");
    let cases: Vec<(Vec<&str>, Fits<'_>)> = vec![
        (vec!["--tenant", &theirs], Box::new(of_theirs)),
        (vec!["--tenant", "events-neighbour"], Box::new(of_theirs)),
        (
            vec!["--tenant", "main", "--kind", "task", "--id", &task],
            Box::new(|event| event["subject"] == subject.as_str()),
        ),
        (
            vec!["--type", "task.created", "--type", "tenant.created.v1"],
            Box::new(|event| {
                event["type"] == "task.created.v1" || event["type"] == "tenant.created.v1"
            }),
        ),
        (vec!["--type", "task.created.v9"], Box::new(|_| false)),
        (
            vec!["--actor", actor],
            Box::new(|event| event["actorid"] == actor),
        ),
        (
            vec!["--correlation", correlation],
            Box::new(|event| event["correlationid"] == correlation),
        ),
        // A time, which names no position.
        (
            vec!["--from", time],
            Box::new(|event| event["time"].as_str() >= Some(time)),
        ),
    ];
    for (asked, fits) in &cases {
        holds(&all, [&since, &end], asked, fits).await?;
    }
    alone(&theirs, &end, of_theirs).await?;
    let shown: Value = serde_json::from_str(&ask(&["show", word("sequence")]).await?)?;
    ensure!(
        shown["hash_holds"] == true && shown["chain_holds"] == true,
        "{shown}"
    );
    let say = &shown["events"][0]["data"]["payload"]["say"];
    ensure!(say == "events", "{shown}");
    Ok(())
}

/// What is listed under these conditions is what of all events fits, and not all of them.
async fn holds(all: &[Value], span: [&str; 2], asked: &[&str], fits: &Fits<'_>) -> Result<()> {
    let [from, to] = span;
    let mut args = vec!["list", "--to", to];
    if !asked.contains(&"--from") {
        args.extend(["--from", from]);
    }
    args.extend(asked);
    let found = lines(&ask(&args).await?)?;
    let wanted: Vec<_> = all.iter().filter(|event| fits(event)).cloned().collect();
    ensure!(found == wanted, "{asked:?}: {found:#?}\n{wanted:#?}");
    ensure!(found.len() < all.len(), "{asked:?} cuts nothing");
    Ok(())
}

/// An export of one tenant holds something, and nothing of others.
async fn alone(tenant: &str, end: &str, fits: impl Fn(&Value) -> bool) -> Result<()> {
    let kept = tempfile::tempdir()?;
    let folder = kept.path().join("export").display().to_string();
    ask(&["export", "--out", &folder, "--to", end, "--tenant", tenant]).await?;
    let mut count = 0;
    for (name, bytes) in files(Path::new(&folder))? {
        if name != "manifest.json" {
            let found = lines(&String::from_utf8(bytes)?)?;
            ensure!(found.iter().all(&fits), "{found:#?}");
            count += found.len();
        }
    }
    ensure!(count > 0, "nothing is in it");
    let said = ask(&["check", &folder]).await?;
    ensure!(said.contains("\"findings\":[]"), "{said}");
    Ok(())
}
