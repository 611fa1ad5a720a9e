//! Reports and exports on real servers: what they make is what a tenant may see.
//!
//! Invariant: files are read from the store, and other tenants have rows that must not be in them.

use commands::Ask;
use domain::{
    Actor, CommandId, TaskId, TenantId,
    task::{Task, TaskCommand, TaskCreated, TaskStatus},
};
use files::{FileRef, Files};
use futures::TryStreamExt as _;
use projections::Extracts;
use runtime::{Clock, Worker};
use scheduler::handlers::Means;
use serde_json::{Value, json};

use crate::world::{TENANT, World, spec};

/// A world, its worker's files, and a task of another tenant.
struct Setting {
    files: Files,
    other: TaskId,
    world: World,
    _folder: tempfile::TempDir,
    _parts: (crate::world::Part, crate::world::Part),
}

impl Setting {
    async fn new() -> Self {
        let world = World::start(Clock::system()).await;
        let folder = tempfile::tempdir().expect("a folder");
        let config = runtime::Files {
            folder: Some(folder.path().to_owned()),
            ..runtime::Files::default()
        };
        let files = Files::open(&config, world.clock.clone()).expect("opened");
        let url = world
            .servers
            .postgres
            .url_of(local::Role::Worker, "almanac");
        let postgres = runtime::Postgres {
            accept_plaintext: false,
            connections: 1,
            url: url.expect("a password").into(),
        };
        let means = Means {
            extracts: Some(Extracts::connect(&postgres).await.expect("connected")),
            files: files.clone(),
            ..Means::default()
        };
        let scheduler = world.scheduler().await;
        let worker = world.worker_with(Worker::default(), means).await;
        let other = other_tenants_task(&world).await;
        Self {
            files: files.expect("a place"),
            other,
            world,
            _folder: folder,
            _parts: (scheduler, worker),
        }
    }

    /// Runs a task to its end, once the read models hold all before.
    async fn run(&self, kind: &str, payload: &Value) -> (TaskId, Task) {
        self.world.until_projected().await;
        let id = self.world.create_task(spec(kind, payload)).await;
        let done = self
            .world
            .until(id, "an end", |task| task.status.is_final())
            .await;
        (id, done)
    }

    /// The content of a file that the task has made.
    async fn content(&self, id: TaskId, task: &Task, name: &str) -> (FileRef, Vec<u8>) {
        let output = task.output.as_ref().expect("an output");
        let file = files::named(output, name).unwrap_or_else(|| panic!("{name}: {output}"));
        let key = file.key_of(TENANT, id).expect("a key");
        let reading = self.files.read(&key).await.expect("read");
        let parts: Vec<_> = reading.parts.try_collect().await.expect("read");
        (file, parts.concat())
    }
}

async fn other_tenants_task(world: &World) -> TaskId {
    let id = TaskId::new(world.ids.next());
    let tenant = TenantId::new(uuid::Uuid::from_u128(43));
    let actor = Actor::System("test".into());
    let ask = Ask::new(actor, tenant, id.uuid(), CommandId::new(world.ids.next()));
    let created = TaskCreated::new(spec("echo", &json!("<secret of another>")));
    let made = world
        .commands
        .execute::<Task>(ask, TaskCommand::Create(created));
    made.await.expect("made");
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_shows_the_tenant_its_own_rows_as_text() {
    let setting = Setting::new().await;
    let evil = json!("<script>alert(1)</script>");
    let task = setting.world.create_task(spec("echo", &evil)).await;
    setting
        .world
        .until_status(task, TaskStatus::Succeeded)
        .await;
    let payload = json!({"title": "Tasks & more", "queries": [
        {"title": "All", "sql": "select task_id, kind, payload from tasks order by created_at;"},
        {"title": "People", "sql": "select user_id from users -- none are told of"},
    ]});
    let (id, done) = setting.run("generate-report", &payload).await;
    assert_eq!(done.status, TaskStatus::Succeeded, "{:?}", done.error);
    let output = done.output.as_ref().expect("an output");
    assert_eq!(output["queries"][1]["rows"], 0);
    let (file, page) = setting.content(id, &done, "report.html").await;
    let page = String::from_utf8(page).expect("text");
    assert_eq!(file.bytes, page.len() as u64);
    assert!(page.contains("<h1>Tasks &amp; more</h1>"), "{page}");
    assert!(
        page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"),
        "{page}"
    );
    assert!(
        !page.contains("<script") && !page.contains("secret of another"),
        "{page}"
    );
    let (_, sheet) = setting.content(id, &done, "report-1.csv").await;
    let sheet = String::from_utf8(sheet).expect("text");
    assert!(sheet.starts_with("task_id,kind,payload\r\n"), "{sheet}");
    assert!(sheet.contains(&task.to_string()), "{sheet}");
    assert!(!sheet.contains(&setting.other.to_string()), "{sheet}");

    let wrong =
        json!({"title": "x", "queries": [{"title": "Bad", "sql": "select colour from tasks"}]});
    let (_, done) = setting.run("generate-report", &wrong).await;
    let error = done.error.expect("an error");
    assert_eq!(
        (error.code.as_str(), error.retryable),
        ("query_refused", false)
    );
    assert!(
        error.message.contains("Bad: ") && error.message.contains("colour"),
        "{error:?}"
    );
    let many = json!({"title": "x", "rows_max": 1, "queries": [
        {"title": "Many", "sql": "select generate_series(1, 2) as n"}]});
    let (_, done) = setting.run("generate-report", &many).await;
    assert_eq!(done.error.expect("an error").code, "too_many_rows");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_holds_a_collection_as_of_one_position() {
    let setting = Setting::new().await;
    for n in 0..3 {
        let task = setting.world.create_task(spec("echo", &json!(n))).await;
        setting
            .world
            .until_status(task, TaskStatus::Succeeded)
            .await;
    }
    for format in ["ndjson", "csv", "parquet"] {
        let payload = json!({"collection": "tasks", "format": format});
        let (id, done) = setting.run("export", &payload).await;
        assert_eq!(done.status, TaskStatus::Succeeded, "{:?}", done.error);
        let (file, content) = setting.content(id, &done, &format!("tasks.{format}")).await;
        let (_, manifest) = setting.content(id, &done, "tasks.manifest.json").await;
        let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
        assert_eq!(manifest["sha256"], file.sha256);
        assert_eq!(manifest["bytes"], content.len());
        assert!(manifest["position"].as_u64() > Some(0), "{manifest}");
        assert!(!file.admins_only);
        if format == "ndjson" {
            let text = String::from_utf8(content).expect("text");
            assert_eq!(manifest["rows"], text.lines().count());
            let first: Value =
                serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
            assert_eq!(first["tenant_id"], TENANT.to_string());
            assert!(!text.contains(&setting.other.to_string()), "{text}");
        }
    }
    for collection in ["events", "jobs", "resource-types", "resources", "users"] {
        let (id, done) = setting
            .run("export", &json!({"collection": collection}))
            .await;
        assert_eq!(
            done.status,
            TaskStatus::Succeeded,
            "{collection}: {:?}",
            done.error
        );
        let (file, _) = setting
            .content(id, &done, &format!("{collection}.ndjson"))
            .await;
        let is_of_people = matches!(collection, "events" | "users");
        assert_eq!(file.admins_only, is_of_people, "{collection}");
    }
}
