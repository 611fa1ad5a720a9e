//! Lists, a page at a time.
//!
//! Invariant: following keys visits what existed throughout exactly once, in order, whatever is
//! added meanwhile.

use projections::{Sort, SortKey};

use crate::{database::Database, world::World};

/// Every page of a list, from the first on.
macro_rules! pages {
    ($sort:expr, $limit:expr, |$request:ident| $ask:expr) => {{
        let mut rows = Vec::new();
        let mut after = None;
        loop {
            let request = PageRequest::try_new($sort, $limit, after).expect("its own key");
            let $request = &request;
            let page = $ask.await.expect("a page").value;
            assert!(page.items.len() <= $limit as usize);
            rows.extend(page.items);
            match page.next {
                // Through the wire and back, as a cursor does.
                Some(key) => {
                    let text = serde_json::to_string(&key).expect("encoded");
                    after = Some(serde_json::from_str(&text).expect("decoded"));
                }
                None => break rows,
            }
        }
    }};
}

mod api_keys;
mod jobs_types_users;
mod resources;
mod tasks;

fn orders<K: SortKey>() -> impl Iterator<Item = Sort<K>> {
    K::ALL.iter().flat_map(|key| {
        [true, false].map(|descending| Sort {
            key: *key,
            descending,
        })
    })
}

async fn filled(commits: u64) -> (World, Database) {
    let world = World::random(3, commits).await;
    let database = Database::new().await;
    database.project(&world, 500).await;
    (world, database)
}
