//! Starting, starting again, and not starting.
//!
//! Invariant: whatever prevents a start is told in one line that says what to do.

use std::{collections::BTreeMap, net::TcpListener, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::harness::{Answer, Api, DataDir, Dev, DevJson, Stream, almanac, almanac_with};

/// How long what must come may take.
const LIMIT: Duration = Duration::from_secs(20);

pub async fn a_second_start_goes_on() -> Result<()> {
    let data = DataDir::new()?;
    let first = Dev::start("starts", &data, &[]).await?;
    let admin = first.json.admin.clone();
    let session = json!({"email": admin.email, "password": admin.password});
    let session = first
        .stranger()?
        .post("/auth/login", &session)
        .await?
        .expect(200)?;
    let refresh = json!({"refresh_token": session.string("/refresh_token")?});
    let api = first.admin().await?;
    let wanted = json!({"type": "kept", "name": "k1", "attributes": {"n": 1}});
    let kept = api.post("/resources", &wanted).await?.expect(201)?;
    let path = format!("/resources/{}", kept.string("/id")?);
    let later = json!({"kind": "echo", "not_before": "2999-01-01T00:00:00Z"});
    let task = api.post("/tasks", &later).await?.expect(201)?;
    let task = format!("/tasks/{}", task.string("/id")?);
    first.stop().await?;

    let second = Dev::start("starts", &data, &[]).await?;
    let folder = data.path().display().to_string();
    let keys = almanac(&["keys", "list", "--data-dir", &folder]).await?;
    let keys = keys.succeeded().context("the keys of a running system")?;
    ensure!(keys.stdout.contains("\"kid\""), "no keys: {keys:?}");
    ensure!(
        second.json.admin == admin,
        "another administrator: {:?}",
        second.json.admin
    );
    let api = second.admin().await?;
    // A token of before the restart still stands for a position of this log.
    let read = api.get_after(&path, &kept).await?.expect(200)?;
    ensure!(
        read.body == kept.body,
        "kept {}, found {}",
        kept.text(),
        read.text()
    );
    api.get(&task).await?.expect(200)?;
    second
        .stranger()?
        .post("/auth/refresh", &refresh)
        .await?
        .expect(200)?;
    api.post("/resources", &wanted).await?.expect(201)?;
    second.finish().await?;

    let third = Dev::start("starts", &data, &["--reset"]).await?;
    let api = third.admin().await?;
    api.get(&path).await?.problem(404, "NOT_FOUND")?;
    let mark = api
        .post("/resources", &json!({"type": "mark", "name": "m"}))
        .await?
        .expect(201)?;
    let left = api.list_after("/resources", &mark).await?;
    ensure!(left.len() == 1, "left after a reset: {left:?}");
    third.finish().await
}

/// The rows of a list, as they are told.
#[derive(Debug, Default)]
struct Followed {
    rows: BTreeMap<String, Value>,
    /// The id of the last message from which one can go on.
    resume: Option<String>,
    /// Whether all rows were told from the first on.
    snapshots: usize,
}

impl Followed {
    const LIST: &str = "/resources?type=followed";

    async fn open(&self, api: &Api) -> Result<Stream> {
        let path = "/stream?collection=resources&type=followed";
        Stream::follow(api, path, self.resume.as_deref()).await
    }

    /// Takes in what comes until the rows are those of the list, as it is after `last`.
    async fn until_listed(&mut self, stream: &mut Stream, api: &Api, last: &Answer) -> Result<()> {
        let listed = api.list_after(Self::LIST, last).await?;
        let named = |row: &Value| Some((row["id"].as_str()?.to_owned(), row.clone()));
        let listed: BTreeMap<_, _> = listed.iter().filter_map(named).collect();
        while self.resume.is_none() || self.rows != listed {
            let message = stream.next(LIMIT).await.with_context(|| {
                format!(
                    "the list is {listed:?}, what was told makes {:?}",
                    self.rows
                )
            })?;
            match message.event.as_str() {
                "snapshot" => self.snapshots += 1,
                "complete" | "delta" => self.resume = message.id,
                other => bail!("{other} is told: {}", message.data),
            }
            for id in message.data["left"].as_array().into_iter().flatten() {
                let id = id.as_str().context("an id")?;
                ensure!(self.rows.remove(id).is_some(), "{id} was not there");
            }
            for row in message.data["rows"].as_array().into_iter().flatten() {
                let id = row["id"].as_str().context("an id")?.to_owned();
                let before = self.rows.insert(id, row["object"].clone());
                ensure!(before.as_ref() != Some(&row["object"]), "twice: {row}");
            }
        }
        Ok(())
    }
}

pub async fn a_list_is_followed_across_a_kill() -> Result<()> {
    let data = DataDir::new()?;
    let dev = Dev::start("resumed", &data, &[]).await?;
    let api = dev.admin().await?;
    let make = async |api: &Api, name: &str| {
        let wanted = json!({"type": "followed", "name": name});
        api.post("/resources", &wanted).await?.expect(201)
    };
    let (first, second) = (make(&api, "first").await?, make(&api, "second").await?);
    let mut resources = vec![first, second];
    // Rows that can be read already come as a snapshot, others as they come.
    api.list_after(Followed::LIST, &resources[1]).await?;
    let mut followed = Followed::default();
    let mut stream = followed.open(&api).await?;
    followed
        .until_listed(&mut stream, &api, &resources[1])
        .await?;
    resources.push(make(&api, "told").await?);
    followed
        .until_listed(&mut stream, &api, &resources[2])
        .await?;
    ensure!(followed.snapshots > 0, "{followed:?}");

    // It is killed with changes that nobody was told of.
    drop(stream);
    resources.push(make(&api, "untold").await?);
    let gone = format!("/resources/{}", resources[0].string("/id")?);
    api.ask("DELETE", &gone)?.send().await?.expect(204)?;
    dev.kill().await?;

    let snapshots = followed.snapshots;
    let dev = Dev::start("resumed", &data, &[]).await?;
    let api = dev.admin().await?;
    let mut stream = followed.open(&api).await?;
    let last = make(&api, "last").await?;
    followed.until_listed(&mut stream, &api, &last).await?;
    ensure!(followed.rows.len() == 4, "{followed:?}");
    ensure!(
        followed.snapshots == snapshots,
        "all was told again: {followed:?}"
    );
    dev.finish().await
}

pub async fn what_cannot_start_says_why() -> Result<()> {
    let data = DataDir::new()?;
    let dev = Dev::start("refused-starts", &data, &[]).await?;
    let folder = data.path().display().to_string();
    let quiet = ["--no-demo", "--no-open"];

    let args = [
        "dev",
        "--data-dir",
        &folder,
        "--port",
        "0",
        quiet[0],
        quiet[1],
    ];
    let run = almanac(&args).await?;
    let line = run.one_line().context("a second process on one folder")?;
    ensure!(
        line.contains(&dev.json.pid.to_string()),
        "does not name the process: {line}"
    );

    let other = DataDir::new()?;
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let port = taken.local_addr()?.port().to_string();
    let folder = other.path().display().to_string();
    let args = [
        "dev",
        "--data-dir",
        &folder,
        "--port",
        &port,
        quiet[0],
        quiet[1],
    ];
    let run = almanac(&args).await?;
    let line = run.one_line().context("a port in use")?;
    ensure!(line.contains(&port), "does not name the port: {line}");
    let holder = std::process::id().to_string();
    ensure!(
        line.contains(&holder),
        "does not name who holds the port: {line}"
    );

    let run = almanac(&["import", "inventory", "--data-dir", &folder]).await?;
    run.one_line().context("an import into nothing")?;
    let run = almanac(&["gateway", "--config", "no-such-file.toml"]).await?;
    let line = run
        .one_line()
        .context("a configuration that is not there")?;
    ensure!(
        line.contains("no-such-file.toml"),
        "does not name the file: {line}"
    );
    let run = almanac(&["dev", "--no-such-flag"]).await?;
    ensure!(
        run.code == 2 && run.stderr.contains("--no-such-flag"),
        "{run:?}"
    );

    a_part_as_somebody_else(&dev.json).await?;

    // None of this disturbed the one that runs.
    Api::at(&dev.json.gateway)?
        .get("!/readyz")
        .await?
        .expect(200)?;
    dev.finish().await
}

/// The analyst may read the log, which is less and more than a gateway needs.
async fn a_part_as_somebody_else(running: &DevJson) -> Result<()> {
    let key = "5a".repeat(32);
    let told = [
        ("ALMANAC_LOG", "off"),
        ("ALMANAC__NATS__URL", running.nats.as_str()),
        ("ALMANAC__NATS__MONITOR_URL", &running.monitor),
        ("ALMANAC__POSTGRES__URL", &running.analyst),
        ("ALMANAC__SECRETS__MASTER_KEY", &key),
    ];
    let run = almanac_with(&["gateway"], &told).await?;
    let line = run.one_line().context("a gateway as the analyst")?;
    ensure!(
        line.contains("signs in as analyst") && line.contains("almanac_gateway"),
        "does not name who signs in, and who should: {line}"
    );
    Ok(())
}
