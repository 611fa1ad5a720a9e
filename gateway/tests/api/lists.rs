//! Lists: pages, filters, orders, cursors.
//!
//! Invariant: following `next` shows every object once, and no cursor leads into another list.

use std::collections::BTreeSet;

use domain::user::Role;
use schemas::api::Code;
use serde_json::json;

use crate::world::{Client, on_world};

/// The ids of all pages from `path` on.
async fn walk(client: &Client, path: &str, token: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut next = Some(path.to_owned());
    while let Some(path) = next {
        let page = client
            .get_with(&path, &[("consistency-token", token)])
            .await
            .expect(200);
        let body = page.body();
        let items = body["items"].as_array().expect("items").clone();
        found.extend(
            items
                .iter()
                .map(|item| item["id"].as_str().expect("an id").to_owned()),
        );
        next = page.headers.get("link").map(|link| {
            let link = link.to_str().expect("text");
            let (path, rest) = link
                .trim_start_matches('<')
                .split_once('>')
                .expect("a link");
            assert_eq!(rest, "; rel=\"next\"");
            let cursor = body["page"]["next"].as_str().expect("a cursor");
            assert!(path.ends_with(&format!("cursor={cursor}")));
            path.to_owned()
        });
        assert_eq!(body["page"]["has_more"], next.is_some());
    }
    found
}

#[test]
fn pages_show_everything_once() {
    on_world(|world| async move {
        let client = world.operator().await;
        let mut made = BTreeSet::new();
        let mut token = String::new();
        for n in 0..7 {
            let body = json!({"type": "paged", "name": format!("p {n}"),
                "labels": {"half": if n < 3 { "a" } else { "b" }}});
            let answer = client.post("/resources", body).await.expect(201);
            token = answer.token().to_owned();
            made.insert(answer.id());
        }
        for sort in ["name", "-name", "created_at", "-updated_at"] {
            let path = format!("/resources?type=paged&limit=2&sort={sort}");
            let found = walk(&client, &path, &token).await;
            assert_eq!(found.len(), 7, "{sort}");
            assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), made, "{sort}");
        }
        let of_a = walk(&client, "/resources?type=paged&labels[half]=a", &token).await;
        assert_eq!(of_a.len(), 3);
        let named = walk(&client, "/resources?type=paged&q=P%205", &token).await;
        assert_eq!(named.len(), 1);
    });
}

#[test]
fn a_cursor_fits_one_list_only() {
    on_world(|world| async move {
        let client = world.operator().await;
        let mut token = String::new();
        for _ in 0..3 {
            token = client.make_task("cursor").await.1.token().to_owned();
        }
        let fresh = [("consistency-token", token.as_str())];
        let first = client
            .get_with("/tasks?kind=cursor&limit=1", &fresh)
            .await
            .expect(200);
        let cursor = first.body()["page"]["next"]
            .as_str()
            .expect("a cursor")
            .to_owned();
        let good = format!("/tasks?kind=cursor&cursor={cursor}");
        client.get(&good).await.expect(200);
        let mut altered = cursor.clone();
        let last = altered.pop().expect("text");
        altered.push(if last == 'A' { 'Q' } else { 'A' });
        for path in [
            format!("/tasks?cursor={cursor}"),
            format!("/tasks?kind=cursor&sort=created_at&cursor={cursor}"),
            format!("/tasks?kind=cursor&cursor={altered}"),
            format!("/tasks?kind=cursor&cursor=x{cursor}"),
            "/tasks?kind=cursor&cursor=".to_owned(),
            format!("/jobs?cursor={cursor}"),
        ] {
            client.get(&path).await.problem(Code::CursorMismatch);
        }
        let history = format!("/tasks/{}/events", client.make_task("cursor").await.0);
        let foreign = client.get(&format!("{history}?cursor={cursor}")).await;
        foreign.problem(Code::CursorMismatch);
    });
}

#[test]
fn histories_have_pages() {
    on_world(|world| async move {
        let client = world.operator().await;
        let (id, _) = client.make_task("paged").await;
        let mut token = String::new();
        for action in ["cancel", "retry", "cancel", "retry"] {
            let method = if action == "cancel" { "PUT" } else { "POST" };
            let method = method.parse().expect("a method");
            let path = format!("/tasks/{id}/{action}");
            let done = client.send(method, &path, &[], "").await.expect(200);
            token = done.token().to_owned();
        }
        let found = walk(&client, &format!("/tasks/{id}/events?limit=2"), &token).await;
        assert_eq!(found.len(), 5);
        assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), 5);
    });
}

#[test]
fn every_filter_of_every_list_is_understood() {
    on_world(|world| async move {
        let admin = world.signed_in(Role::Admin).await;
        for path in [
            "/tasks?status=queued,running&kind=a,b&priority=high,low&sort=due_at",
            "/tasks?job_id=0199a000-0000-7000-8000-000000000000",
            "/jobs?status=active,paused&q=x&sort=-updated_at",
            "/resources?type=a,b&q=%25_&labels[a]=b&sort=-created_at",
            "/resource-types?sort=-name",
            "/users?role=admin,viewer&sort=created_at",
            "/stats",
        ] {
            let answer = admin.get(path).await.expect(200);
            assert!(!answer.token().is_empty(), "{path}");
        }
    });
}
