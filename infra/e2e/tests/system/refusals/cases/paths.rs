//! Addresses that lead nowhere.
//!
//! Invariant: nothing tells whether an object that one may not see exists.

use super::{super::Ground, Case, PARAMETER};

/// A UUID that nothing has.
const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

/// Paths of nothing, and methods that are not there.
pub fn nowhere(ground: &Ground) -> Vec<Case> {
    let missing =
        |name, method, path: String| Case::new(name, method, path).refused(404, "NOT_FOUND");
    let unknown = |name, path: &str| Case::new(name, "GET", path).refused(404, "ROUTE_NOT_FOUND");
    let not_so = |name, method, path: &str| {
        let case = Case::new(name, method, path).refused(405, "METHOD_NOT_ALLOWED");
        case.answers("allow")
    };
    let events = format!("{}/events", ground.task);
    let foreign = ground.resource.replace("resources", "tasks");
    let mut all = vec![
        unknown("an unknown route", "/teapots"),
        unknown("an unknown version", "!/api/v2/tasks"),
        unknown("the bare API", "!/api"),
        unknown("a slash too many", "/tasks/"),
        unknown("up and away", "!/api/v1/..%2f..%2fetc%2fpasswd"),
        unknown("an unknown asset", "!/assets/no-such-file.js"),
        not_so("stats cannot be deleted", "DELETE", "/stats"),
        not_so("tasks cannot be put", "PUT", "/tasks"),
        not_so("history cannot be posted", "POST", &events),
        not_so("a method of one's own", "FROB", "/tasks"),
        missing("an id that is none", "GET", "/tasks/17".to_owned()),
        missing("an id with more", "GET", format!("/tasks/{NOBODY}0")),
        missing("NUL in a path", "GET", "/tasks/%00".to_owned()),
        missing(
            "a cancelled nobody",
            "PUT",
            format!("/tasks/{NOBODY}/cancel"),
        ),
        missing("a deleted nobody", "DELETE", format!("/jobs/{NOBODY}")),
        missing("a resource as task", "GET", foreign),
    ];
    for list in ["tasks", "jobs", "resources", "users"] {
        all.push(missing("nobody", "GET", format!("/{list}/{NOBODY}")));
        all.push(missing(
            "nobody's past",
            "GET",
            format!("/{list}/{NOBODY}/events"),
        ));
    }
    all
}

/// Query parameters.
pub fn parameters(ground: &Ground) -> Vec<Case> {
    let wrong = |(name, path, word)| {
        Case::new(name, "GET", path)
            .refused(400, PARAMETER)
            .says(word)
    };
    let cursor = |name, list: &str, cursor: &str| {
        let case = Case::new(name, "GET", format!("{list}cursor={cursor}"));
        case.refused(400, "CURSOR_MISMATCH")
    };
    let all = [
        ("an unknown parameter", "/tasks?colour=red", "colour"),
        ("a parameter where none is", "/stats?x=1", "x"),
        ("twice", "/tasks?limit=1&limit=2", "limit"),
        ("no page", "/tasks?limit=0", "limit"),
        ("a page too large", "/tasks?limit=201", "limit"),
        ("an unknown status", "/tasks?status=queued,odd", "odd"),
        ("an unknown order", "/tasks?sort=colour", "sort"),
        ("no job's id", "/tasks?job_id=7", "job_id"),
        ("NUL in a parameter", "/resources?q=a%00b", "NUL"),
    ];
    let mut all: Vec<Case> = all.into_iter().map(wrong).collect();
    let honest = &ground.cursor;
    let cut = &honest[1..];
    let swapped: String = honest.chars().rev().collect();
    all.extend([
        cursor("no cursor", "/resources?", "abc"),
        cursor("a cursor cut short", "/resources?limit=1&", cut),
        cursor("a cursor turned around", "/resources?limit=1&", &swapped),
        cursor(
            "a cursor of another filter",
            "/resources?type=ground&",
            honest,
        ),
        cursor(
            "a cursor of another order",
            "/resources?sort=-name&",
            honest,
        ),
        cursor("a cursor of another list", "/tasks?", honest),
    ]);
    all
}
