//! Servers go and come back; nothing that was owed is forgotten.
//!
//! Invariant: nobody has to be restarted.

use domain::{
    job::{JobCreated, Misfire},
    task::{Task, TaskStatus},
};
use runtime::{Clock, Worker};

use crate::world::{World, echo_every, eventually, steps};

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_away_gets_every_slot_and_every_end() {
    let mut world = World::start(Clock::system()).await;
    let _scheduler = world.scheduler().await;
    let _worker = world.worker(Worker::default()).await;
    let job = world
        .create_job(JobCreated {
            misfire: Misfire::All,
            ..echo_every(200)
        })
        .await;
    let before = world.until_slots(job, 3).await.len();
    let nats = tokio::task::spawn_blocking(move || {
        world.servers.nats.kill();
        world.servers.nats.restart().expect("it starts again");
        world
    });
    let world = nats.await.expect("no panic");
    let slots = eventually("more successes", async || {
        let slots = world.slots(job).await;
        let done = |task: &&Task| task.status == TaskStatus::Succeeded;
        (slots.values().filter(done).count() >= before + 20).then_some(slots)
    })
    .await;
    assert!(
        steps(&slots).iter().all(|step| *step == 200),
        "{:?}",
        steps(&slots)
    );
}
