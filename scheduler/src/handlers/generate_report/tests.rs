//! Pages, and reports that cannot be made.
//!
//! Invariant: what Postgres has to say is tried on a real one, in the suite of this crate.

use serde_json::json;

use super::*;
use crate::handlers::testing::{attempt, code};

#[test]
fn whatever_is_shown_is_text() {
    let evil = "<script>alert('x')</script>\" onload=\"&";
    let mut page = Page::begin(Vec::new(), evil).expect("begun");
    page.section(evil, &[evil.to_owned()]).expect("written");
    page.row(&[evil.to_owned()]).expect("written");
    page.end_section(1).expect("written");
    let page = page
        .end(7, domain::Timestamp::from_unix_ms(0))
        .expect("written");
    let page = String::from_utf8(page).expect("text");
    let shown = "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot; onload=&quot;&amp;";
    assert_eq!(page.matches(shown).count(), 5, "{page}");
    assert!(
        !page.contains("<script") && !page.contains("\" onload"),
        "{page}"
    );
    assert!(
        page.contains("as of position 7") && page.ends_with("</html>\n"),
        "{page}"
    );
}

#[tokio::test]
async fn what_is_no_report_is_refused_and_what_another_worker_may_make_is_left_to_it() {
    let reports = GenerateReport::new(Clock::system(), None, None);
    let query = json!({"title": "one", "sql": "select 1 as n"});
    let many = vec![query.clone(); QUERIES_MAX + 1];
    for payload in [
        json!({"title": "none", "queries": []}),
        json!({"title": "many", "queries": many}),
        json!({"title": "rows", "queries": [query.clone()], "rows_max": 0}),
        json!({"title": "rows", "queries": [query.clone()], "rows_max": ROWS_MAX + 1}),
        json!({"queries": [query.clone()]}),
        json!({"title": "more", "queries": [query.clone()], "tenant": "other"}),
    ] {
        let outcome = reports.run(payload.clone(), &attempt()).await;
        assert_eq!(code(&outcome), ("invalid_payload", false), "{payload}");
    }
    let fine = json!({"title": "fine", "queries": [query]});
    let outcome = reports.run(fine, &attempt()).await;
    assert_eq!(code(&outcome), ("kind_unavailable", true));
}
