//! The client for workers in Python, against a gateway at a real socket.
//!
//! Invariant: whatever it does is judged by the log.

use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use axum::http::Method;
use commands::DEFAULT_TENANT;
use domain::{task::Priority, user::Role};
use serde_json::{Value, json};
use tokio::{net::TcpListener, process::Command};
use tokio_util::sync::CancellationToken;

use crate::world::{ADMIN, Client, World, on_world};

const PATIENCE: Duration = Duration::from_mins(1);

async fn waiting(world: &World, client: &Client, kind: &str, payload: Value) -> String {
    let wanted = json!({"kind": kind, "payload": payload});
    let id = client.post("/tasks", wanted).await.expect(201).id();
    world
        .hand_out(DEFAULT_TENANT, &id, kind, Priority::Normal)
        .await;
    id
}

async fn until(client: &Client, id: &str, status: &str) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let task = client.get(&format!("/tasks/{id}")).await;
        if task.status == 200 && task.body()["status"] == status {
            return task.body();
        }
        assert!(Instant::now() < deadline, "never {status}: {task:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The text of a key that lets a program work.
async fn key(world: &World) -> String {
    let body = json!({"email": ADMIN.0, "password": ADMIN.1});
    let session = world.stranger().post("/auth/login", body).await.expect(200);
    let token = session.body()["access_token"]
        .as_str()
        .expect("a token")
        .to_owned();
    let admin = world.stranger().with_bearer(&token);
    let wanted = json!({"name": "python", "scopes": ["workers:write"]});
    let made = admin.post("/api-keys", wanted).await.expect(201).body();
    made["key"].as_str().expect("a key").to_owned()
}

#[test]
fn a_worker_in_python_does_fails_stops_and_ends() {
    on_world(|world| async move {
        let client = world.signed_in(Role::Operator).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shutdown = CancellationToken::new();
        let serving = gateway::run(world.services.clone(), listener, shutdown.clone());
        let serving = tokio::spawn(serving);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/clients/python");
        let mut python = Command::new("python3")
            .args([
                "-B",
                "test_worker.py",
                &format!("http://{address}"),
                &key(world).await,
            ])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("Python 3 starts");

        let sum = waiting(world, &client, "py.sum", json!({"numbers": [1, 2, 39]})).await;
        let raised = waiting(world, &client, "py.fail", json!({"how": "raise"})).await;
        let failed = waiting(world, &client, "py.fail", json!({"how": "say"})).await;
        let wait = waiting(world, &client, "py.wait", json!({})).await;
        let done = until(&client, &sum, "succeeded").await;
        assert_eq!(done["output"], json!({"sum": 42}));
        let logs = client
            .get(&format!("/tasks/{sum}/logs?q=adds"))
            .await
            .expect(200);
        let lines = logs.body()["items"].as_array().expect("items").len();
        let progress = client
            .get(&format!("/tasks/{sum}/progress"))
            .await
            .expect(200);
        assert_eq!(
            (lines, &progress.body()["progress"]["done"]),
            (3, &json!(3))
        );
        let error = until(&client, &raised, "retrying").await["error"].clone();
        assert_eq!(error["code"], "ZeroDivisionError");
        let error = until(&client, &failed, "failed").await["error"].clone();
        assert_eq!(
            (&error["code"], &error["retryable"]),
            (&json!("out_of_paper"), &json!(false))
        );

        until(&client, &wait, "running").await;
        let cancel = format!("/tasks/{wait}/cancel");
        client.send(Method::PUT, &cancel, &[], "").await.expect(200);
        // It hears of that with its next heartbeat.
        until(&client, &wait, "cancelled").await;

        drop(python.stdin.take());
        let ended = tokio::time::timeout(PATIENCE, python.wait_with_output()).await;
        let ended = ended.expect("in time").expect("it ends");
        assert!(ended.status.success());
        assert_eq!(String::from_utf8_lossy(&ended.stdout).trim(), "ended");
        shutdown.cancel();
        serving.await.expect("no panic").expect("it served");
    });
}
