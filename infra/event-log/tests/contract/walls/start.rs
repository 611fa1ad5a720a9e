//! What a process finds out at its start, and what it hears of later.
//!
//! Invariant: a user that may do more than its role, or less, opens nothing.

use std::time::Duration;

use event_log::{JetStreamLog, OpenError, Options, Role, WorkItem, WorkQueue};
use local::{Nats, NatsOptions};
use secrecy::SecretString;

use super::{server, told::Told};
use crate::fixture::{open, options};

async fn refusal(options: Options) -> String {
    match JetStreamLog::open(&options).await {
        Err(refused @ OpenError::Rights { .. }) => refused.to_string(),
        Err(other) => panic!("refused for another reason: {other}"),
        Ok(_) => panic!("nothing was refused"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_role_opens_the_log_with_its_own_user_and_with_no_other() {
    let server = server().await;
    for role in Role::ALL {
        open(&server, role).await;
        let mut urls = vec![server.url()];
        for other in Role::ALL.into_iter().filter(|other| *other != role) {
            urls.push(server.url_of(other.user()).expect("a password"));
        }
        for url in urls {
            let login = url.clone();
            let wrong = Options {
                url: SecretString::from(url),
                ..options(&server, role)
            };
            let words = refusal(wrong).await;
            let remedy = format!("sign the {} in as {}", role.name(), role.user());
            assert!(words.contains(&remedy), "{words}");
            let (_, login) = login.split_once("//").expect("an address");
            let (login, _) = login.split_once('@').expect("a login");
            let (_, password) = login.split_once(':').expect("a password");
            assert!(!words.contains(password), "{words}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_asks_nobody_who_they_are_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Nats::start(NatsOptions::new(folder.path().join("nats"))).expect("it starts");
    let words = refusal(options(&server, Role::Owner)).await;
    assert!(words.contains("may publish to everything"), "{words}");
}

/// Servers after 2.15 acknowledge by subjects of another form.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_is_acknowledged_in_the_newer_form_as_well() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut wanted = NatsOptions::new(folder.path().join("nats"));
    wanted.password = true;
    wanted.more = "feature_flags { js_ack_fc_v2: true }".to_owned();
    let server = Nats::start(wanted).expect("it starts");
    let dispatcher = WorkQueue::new(&open(&server, Role::Scheduler).await);
    let worker = WorkQueue::new(&open(&server, Role::Worker).await);
    let priority = domain::task::Priority::High;
    let item = WorkItem {
        attempt: 1,
        kind: "echo".to_owned(),
        task: domain::TaskId::new(uuid::Uuid::from_u128(1)),
        tenant: domain::TenantId::new(uuid::Uuid::from_u128(2)),
        version: event_log::Version(1),
    };
    dispatcher.push(priority, &item).await.expect("pushed");
    let pulled = worker.pull(priority, Duration::from_secs(5)).await;
    let delivery = pulled.expect("pulled").expect("a delivery");
    // Whoever may answer whoever asks may answer once; a delivery is spoken of more often.
    delivery.in_progress().await.expect("said");
    delivery.done().await.expect("acknowledged");
}

/// A worker is asked by another, which hears nothing but that answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_answer_each_other() {
    use futures::StreamExt as _;
    let server = server().await;
    let [asked, asking] = [
        open(&server, Role::Worker).await,
        open(&server, Role::Worker).await,
    ];
    let [asked, asking] = [asked, asking].map(|log| WorkQueue::new(&log));
    let item = WorkItem {
        attempt: 1,
        kind: "echo".to_owned(),
        task: domain::TaskId::new(uuid::Uuid::from_u128(1)),
        tenant: domain::TenantId::new(uuid::Uuid::from_u128(2)),
        version: event_log::Version(1),
    };
    let mut inquiries = Box::pin(asked.inquiries("worker-1").await.expect("heard"));
    let answering = async {
        for _ in 0..3 {
            let inquiry = inquiries.next().await.expect("a question");
            inquiry.answer(true).await;
        }
    };
    let inquiring = async {
        // The subscription may not have reached the server yet.
        let began = std::time::Instant::now();
        let mut heard = 0;
        while heard < 3 {
            assert!(began.elapsed() < Duration::from_secs(20), "no answer");
            heard += u32::from(asking.is_at("worker-1", &item).await);
        }
    };
    tokio::join!(answering, inquiring);
}

/// Told is what was refused, whom, and what to do; once, and without ids.
#[tokio::test]
async fn a_right_that_is_lost_later_is_told_once() {
    use event_log::{EventLog as _, Leases};
    let folder = tempfile::tempdir().expect("a folder");
    let mut wanted = NatsOptions::new(folder.path().join("nats"));
    wanted.password = true;
    let server = Nats::start(wanted).expect("it starts");
    let told = Told::default();
    let _here = tracing::subscriber::set_default(told.clone());
    let log = open(&server, Role::Scheduler).await;
    let leases = Leases::open(&log).await.expect("leases");
    assert_eq!(told.text(), "", "told before anything was refused");

    let config = folder.path().join("nats/nats.conf");
    let before = std::fs::read_to_string(&config).expect("its configuration");
    let after = before.replace("\"$KV.leases.>\"", "");
    assert_ne!(before, after);
    std::fs::write(&config, after).expect("written");
    let pid = server.pid().expect("it runs").to_string();
    let reloaded = std::process::Command::new("kill")
        .args(["-HUP", &pid])
        .status();
    assert!(reloaded.expect("asked").success());

    let began = std::time::Instant::now();
    let refusal = "refused=publish $KV.leases.chair";
    while !told.text().contains(refusal) {
        assert!(began.elapsed() < Duration::from_mins(1), "{}", told.text());
        let asked = leases.acquire("chair", "ann");
        let _refused = tokio::time::timeout(Duration::from_millis(500), asked).await;
    }
    let asked = leases.acquire("chair", "ann");
    let _refused = tokio::time::timeout(Duration::from_millis(500), asked).await;
    log.head().await.expect("what it still may");
    let text = told.text();
    assert_eq!(text.matches(refusal).count(), 1, "{text}");
    assert!(
        text.contains("role=\"scheduler\"") && text.contains("almanac nats-users"),
        "{text}"
    );
}
