//! Lists of resources.
//!
//! Invariant: a search finds letters of any case and takes no character for a wildcard.

use projections::{PageRequest, Row, Sort, resources};
use schemas::domain::resource::Resource;

use super::filled;
use crate::{database::Database, world::TENANTS};

async fn list(database: &Database, filter: resources::Filter) -> Vec<Row<Resource>> {
    let (store, tenant) = (&database.store, TENANTS[1]);
    pages!(Sort::default(), 3, |page| resources::list(
        store, tenant, &filter, page
    ))
}

#[tokio::test]
async fn names_labels_and_types_select() {
    let (_, database) = filled(900).await;
    let all = list(&database, resources::Filter::default()).await;
    let among = |keep: &dyn Fn(&Resource) -> bool| all.iter().filter(|r| keep(&r.state)).count();
    for (q, name) in [
        ("BETA", "Beta"),
        ("%_X", "100%_x"),
        ("\u{c9}t", "\u{e9}t\u{e9}"),
    ] {
        let filter = resources::Filter {
            q: Some(q.into()),
            ..Default::default()
        };
        let wanted = among(&|resource| resource.name.as_str().starts_with(name));
        assert_eq!(list(&database, filter).await.len(), wanted, "{q}");
    }
    for (label, value) in [("env", "prod"), ("team", "a\u{e9}\u{1F600}")] {
        let labels = [(label.to_owned(), value.to_owned())].into();
        let filter = resources::Filter {
            labels,
            ..Default::default()
        };
        let wanted = among(&|r| r.labels.get(label).is_some_and(|found| found == value));
        assert_eq!(
            list(&database, filter).await.len(),
            wanted,
            "{label}={value}"
        );
    }
    let types = resources::Filter {
        types: vec!["disk".into()],
        ..Default::default()
    };
    let wanted = among(&|resource| resource.type_name.as_str() == "disk");
    assert!(wanted > 0, "no disks in this history; choose another seed");
    assert_eq!(list(&database, types).await.len(), wanted);
    let nothing = resources::Filter {
        q: Some("no such name".into()),
        ..Default::default()
    };
    assert!(list(&database, nothing).await.is_empty());
}
