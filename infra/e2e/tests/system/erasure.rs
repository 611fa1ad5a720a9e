//! Where a person can still be read after they were erased: nowhere.
//!
//! Invariant: the search finds what is there. A name that is nobody's secret goes the same ways and
//! must be found in the files of both servers.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Result, bail, ensure};
use memchr::memmem;
use serde_json::{Value, json};

use crate::{
    harness::{Api, almanac, build_dir, until},
    shared,
};

const PERSONAL: [&str; 5] = [
    "quilliam.vantongeren",
    "Quilliam Vantongeren",
    "q.vantongeren",
    "a-password-like-no-other",
    AGENT,
];
/// What the person's client calls itself; the audit knows it sealed only.
const AGENT: &str = "quilliams-own-client/7.3";
const PLAIN: &str = "plainly-visible-marker";

pub async fn who_is_erased_can_be_read_nowhere() -> Result<()> {
    let admin = shared::admin().await?;
    // Runs before this one wrote to the same log.
    let log = build_dir()?.join("e2e").join("shared.log");
    let before = fs::read(&log)?.len();
    let since = admin.position_after_mark().await?.to_string();
    let [first, name, second, password, agent] = PERSONAL;
    let person = json!({
        "email": format!("{first}@example.org"), "name": name, "password": password,
        "role": "operator",
    });
    let made = admin.post("/users", &person).await?.expect(201)?;
    let user = format!("/users/{}", made.string("/id")?);
    let email = json!({"email": format!("{second}@example.org")});
    let email = admin.ask("PUT", &format!("{user}/email"))?.json(&email);
    let email = email.send().await?.expect(200)?;
    ensure!(email.text().contains(second), "{}", email.text());
    admin.get_after(&user, &email).await?.expect(200)?;
    let target = made.string("/id")?;
    sign_in(&format!("{second}@example.org"), password, agent, &target).await?;
    let marked = json!({"type": "mark", "name": PLAIN});
    admin.post("/resources", &marked).await?.expect(201)?;
    let erased = admin.post(&format!("{user}/erase"), &json!({})).await?;
    let erased = erased.expect(200)?;
    let shown = admin.get_after(&user, &erased).await?.expect(200)?.json()?;
    ensure!(
        shown["email"].is_null() && shown["name"].is_null(),
        "{shown}"
    );
    let history = admin.get(&format!("{user}/events")).await?.expect(200)?;

    let (_, data) = shared::told().await?;
    let servers = [data.join("nats"), data.join("postgres")];
    for server in &servers {
        let what = format!("{PLAIN} in {}", server.display());
        let found = async || Ok((!holding(server, &[PLAIN])?.is_empty()).then_some(()));
        until(&what, Duration::from_secs(20), found).await?;
    }
    let found = holding(&data, &PERSONAL)?;
    ensure!(found.is_empty(), "still to be read in {found:?}");
    let logged = fs::read(&log)?;
    let found = logged
        .get(before..)
        .is_some_and(|logged| holds(logged, &PERSONAL));
    ensure!(!found, "still to be read in {}", log.display());
    let told = PERSONAL.iter().find(|text| history.text().contains(**text));
    ensure!(told.is_none(), "its history tells {told:?}");
    events_tell_nothing(&data, &since).await?;
    audit_tells_nothing(&admin, &target).await
}

/// What is exported of the log has what was done since, and nothing of the person.
async fn events_tell_nothing(data: &Path, since: &str) -> Result<()> {
    let kept = tempfile::tempdir()?;
    let folder = kept.path().join("export");
    let (out, data) = (folder.display().to_string(), data.display().to_string());
    let args = ["events", "export", "--from", since, "--out", &out];
    let args = [&args[..], &["--data-dir", &data]].concat();
    almanac(&args).await?.succeeded()?;
    let found = holding(&folder, &[PLAIN])?;
    ensure!(!found.is_empty(), "the export has no {PLAIN}");
    let found = holding(&folder, &PERSONAL)?;
    ensure!(found.is_empty(), "still to be read in {found:?}");
    Ok(())
}

/// What is exported of the audit still says that the person signed in, and not from where. What
/// was asked by nobody in particular is nobody's.
async fn audit_tells_nothing(admin: &Api, user: &str) -> Result<()> {
    let export = admin.get("/audit/export").await?.expect(200)?.text();
    let (mut theirs, mut of_nobody) = (0, 0);
    for line in export.lines() {
        let record: Value = serde_json::from_str(line)?;
        let told = PERSONAL.iter().find(|text| line.contains(**text));
        if record["actor"] == "anonymous" {
            ensure!(told.is_none_or(|text| *text == AGENT), "{line}");
            of_nobody += usize::from(told.is_some());
            continue;
        }
        ensure!(told.is_none(), "the audit tells {told:?}: {line}");
        if record["actor"] == format!("user:{user}") {
            let from = (&record["address"], &record["user_agent"]);
            ensure!(from.0.is_null() && from.1.is_null(), "{line}");
            theirs += 1;
        }
    }
    // Else what is looked for could not be found at all.
    ensure!(
        theirs > 0 && of_nobody > 0,
        "{theirs} of theirs, {of_nobody} of nobody"
    );
    Ok(())
}

/// Signs in rightly and wrongly, which the audit then tells of, and from which client.
async fn sign_in(email: &str, password: &str, agent: &str, user: &str) -> Result<()> {
    let admin = shared::admin().await?;
    let stranger = Api::at(admin.gateway())?;
    let try_in = async |password: &str, status: u16| {
        let body = json!({"email": email, "password": password});
        let asked = stranger.ask("POST", "/auth/login")?.json(&body);
        let answer = asked.header("user-agent", agent).send().await?;
        answer.expect(status)
    };
    let told = async |filter: &str| {
        let filter = format!("/audit?route=/api/v1/auth/login&{filter}");
        let page = admin.get(&filter).await?.expect(200)?;
        Ok(page.text().contains(agent).then_some(()))
    };
    try_in(password, 200).await?;
    let right = format!("actor=user:{user}");
    until(
        "the sign-in in the audit",
        Duration::from_secs(20),
        async || told(&right).await,
    )
    .await?;
    // What others refused from the same address fail at within 10 s is counted with theirs.
    let wrong = "actor=anonymous&result=refused";
    for _ in 0..7 {
        try_in("not the one", 401).await?;
        let limit = Duration::from_secs(11);
        let known = until("the refusal in the audit", limit, async || {
            told(wrong).await
        });
        if known.await.is_ok() {
            return Ok(());
        }
    }
    bail!("no refusal of this client is in the audit")
}

/// The files at `place` that hold any of `texts`.
pub fn holding(place: &Path, texts: &[&str]) -> Result<Vec<PathBuf>> {
    if place.is_dir() {
        let mut found = Vec::new();
        for entry in fs::read_dir(place)? {
            found.extend(holding(&entry?.path(), texts)?);
        }
        return Ok(found);
    }
    // Servers remove files while they are looked at.
    let Ok(bytes) = fs::read(place) else {
        return Ok(Vec::new());
    };
    let found = holds(&bytes, texts).then(|| place.to_owned());
    Ok(found.into_iter().collect())
}

/// Whether any of `texts` is there, in one byte to a character or in two.
pub fn holds(bytes: &[u8], texts: &[&str]) -> bool {
    texts.iter().any(|text| {
        let wide: Vec<u8> = text.bytes().flat_map(|byte| [byte, 0]).collect();
        let has = |needle: &[u8]| memmem::find(bytes, needle).is_some();
        has(text.as_bytes()) || has(&wide)
    })
}
