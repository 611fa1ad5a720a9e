//! Files that tasks made, as clients get them.
//!
//! Invariant: the task that made them is ended as its worker would, in the log.

use std::io::Write as _;

use axum::http::Method;
use commands::Ask;
use domain::{
    Actor, CommandId, TaskId, TenantId,
    task::{Task, TaskCommand},
    user::Role,
};
use files::FileRef;
use schemas::api::Code;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{World, on_world};

async fn write(world: &World, task: TaskId, name: &str, text: &str) -> FileRef {
    let files = world.services.files.as_ref().expect("a place");
    let mut writing = files.begin().expect("begun");
    writing.write_all(text.as_bytes()).expect("written");
    let name = name.parse().expect("a name");
    let kept = writing.keep_for(TenantId::MAIN, task, name).await;
    kept.expect("kept")
}

/// Makes `output` what came of the task, and waits until that can be read.
async fn succeed(world: &World, task: TaskId, output: Value) {
    let (attempt, worker) = (1, "w".to_owned());
    let start = TaskCommand::Start {
        attempt,
        worker: worker.clone(),
    };
    let end = TaskCommand::Succeed {
        attempt,
        output,
        worker,
    };
    let commands = &world.services.commands;
    let mut position = None;
    for command in [start, end] {
        let id = CommandId::new(commands.ids().next());
        let actor = Actor::System("worker".to_owned());
        let ask = Ask::new(actor, TenantId::MAIN, task.uuid(), id);
        let done = commands.execute::<Task>(ask, command).await;
        position = Some(done.expect("the task agrees").position);
    }
    world
        .services
        .freshness
        .wait_for(
            position.expect("a commit"),
            std::time::Duration::from_secs(20),
        )
        .await
        .expect("projected");
}

#[test]
fn a_file_is_downloaded_by_whoever_may_see_its_task() {
    on_world(|world| async move {
        let operator = world.operator().await;
        let (id, _) = operator.make_task("echo").await;
        let task = TaskId::new(id.parse::<Uuid>().expect("an id"));
        let html = "<script>alert(1)</script>";
        let page = write(world, task, "page.html", html).await;
        let mut users = write(world, task, "users.csv", "a\n").await;
        users.admins_only = true;
        succeed(world, task, json!({"files": [page, users]})).await;

        let path = format!("/tasks/{id}/files/page.html");
        let got = operator.get(&path).await.expect(200);
        assert_eq!(got.bytes, html);
        assert_eq!(
            got.header("content-disposition"),
            "attachment; filename=\"page.html\""
        );
        assert_eq!(got.header("x-content-type-options"), "nosniff");
        assert_eq!(
            got.header("content-security-policy"),
            "sandbox; default-src 'none'"
        );
        assert_eq!(got.header("content-length"), html.len().to_string());
        let tag = got.header("etag").to_owned();
        assert_eq!(tag, format!("\"{}\"", page.sha256));
        let has = [("if-none-match", tag.as_str())];
        operator.get_with(&path, &has).await.expect(304);

        let of_users = format!("/tasks/{id}/files/users.csv");
        operator.get(&of_users).await.problem(Code::Forbidden);
        world
            .signed_in(Role::Admin)
            .await
            .get(&of_users)
            .await
            .expect(200);
        for unknown in ["other.csv", "..%2fpage.html", "page.html%00", "%2e%2e"] {
            let path = format!("/tasks/{id}/files/{unknown}");
            operator.get(&path).await.problem(Code::NotFound);
        }
        let nobody = operator.send(Method::POST, &path, &[], "").await;
        nobody.problem(Code::MethodNotAllowed);
    });
}

#[test]
fn an_output_that_claims_anothers_file_gets_none() {
    on_world(|world| async move {
        let operator = world.operator().await;
        let (one, _) = operator.make_task("echo").await;
        let (other, _) = operator.make_task("echo").await;
        let task = |id: &str| TaskId::new(id.parse::<Uuid>().expect("an id"));
        let file = write(world, task(&one), "a.csv", "a\n").await;
        succeed(world, task(&other), json!({"file": file})).await;
        let claimed = operator.get(&format!("/tasks/{other}/files/a.csv")).await;
        claimed.problem(Code::NotFound);

        // What was cleaned up is gone, and said to be.
        succeed(world, task(&one), json!({"file": file})).await;
        let path = format!("/tasks/{one}/files/a.csv");
        operator.get(&path).await.expect(200);
        let files = world.services.files.as_ref().expect("a place");
        files.remove(&file.key).await.expect("removed");
        operator.get(&path).await.problem(Code::NotFound);
    });
}
