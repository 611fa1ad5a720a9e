//! Lists that are followed while their rows are exchanged for others.
//!
//! Invariant: whoever was told rows that are no longer so is told so, wherever they are by then,
//! and nobody is told twice.

use std::cell::Cell;

use projections::editions::{rebuild, rollback, swap};

use super::{
    elsewhere,
    follower::{Follower, Way},
    socket,
};
use crate::world::{Client, on_own_world};

/// Makes tasks and reads each by its token, and by that of the answer, as long as `until` takes.
async fn busy<T>(client: &Client, until: impl Future<Output = T>) -> T {
    let is_done = Cell::new(false);
    let working = async {
        while !is_done.get() {
            let (id, made) = client.make_task("other").await;
            let fresh = [("consistency-token", made.token()), ("prefer", "wait=10")];
            let path = format!("/tasks/{id}");
            let read = client.get_with(&path, &fresh).await.expect(200);
            // Whoever was told a position never reads an earlier one.
            let told = read.token().to_owned();
            let again = [("consistency-token", told.as_str()), ("prefer", "wait=10")];
            client.get_with(&path, &again).await.expect(200);
        }
    };
    let exchanging = async {
        let done = until.await;
        is_done.set(true);
        done
    };
    let both = Box::pin(async { tokio::join!(exchanging, working) });
    both.await.0
}

#[test]
fn who_was_told_of_an_earlier_generation_begins_anew() {
    on_own_world(|world| async move {
        let client = world.operator().await;
        let there = elsewhere(&world, &client).await;
        let (socket, _shutdown) = socket::serve(world.services.clone()).await;
        let token = client.bearer.clone().expect("a token");
        let (first, made) = client.make_task("rebuilt").await;
        let fresh = [("consistency-token", made.token())];
        client.get_with("/tasks?limit=1", &fresh).await.expect(200);

        let mut followers: Vec<_> = (0..4)
            .map(|_| Follower::new("tasks", "kind=rebuilt"))
            .collect();
        for follower in &mut followers {
            follower.connect(Way::Sse(&client, &[])).await;
            follower.completes().await;
            assert_eq!(follower.rows.len(), 1);
        }
        followers[1].connect(Way::Socket(socket, &token)).await;
        followers[2].breaks_off();
        followers[3].breaks_off();

        let (log, owner, writer, overview) = world.editions().await;
        let swapping = async {
            let built = rebuild(&log, (&owner, &writer, &overview), 1, |_| {});
            let differ = built.await.expect("rebuilt").would_change;
            assert!(differ.is_empty(), "{differ}");
            swap(&log, &owner, &writer, |_| {}).await
        };
        let swapped = Box::pin(busy(&client, swapping)).await.expect("swapped");
        assert_eq!(swapped.generation, 1);
        for n in 1..=2 {
            followers[2].connect(Way::Sse(&client, &[])).await;
            followers[3].connect(Way::Sse(&there, &[])).await;
            for follower in &mut followers {
                follower.until(|follower| follower.resets == n).await;
                assert_eq!(follower.reason, "rebuilt");
                follower.completes().await;
                assert!(follower.rows.contains_key(&first));
                follower.is_as_listed(&client).await;
            }
            if n == 1 {
                followers[2].breaks_off();
                followers[3].breaks_off();
                let back = rollback(&log, &owner, &writer, |_| {});
                let back = Box::pin(busy(&client, back)).await.expect("rolled back");
                assert_eq!(back.generation, 2);
            }
        }

        // What is told now is gone on from, anywhere.
        let last = client.make_task("rebuilt").await.0;
        for follower in &mut followers {
            follower.sees(&last).await;
            follower.connect(Way::Sse(&there, &[])).await;
        }
        let last = client.make_task("rebuilt").await.0;
        for follower in &mut followers {
            follower.sees(&last).await;
            assert_eq!(follower.resets, 2);
        }
        world
    });
}
