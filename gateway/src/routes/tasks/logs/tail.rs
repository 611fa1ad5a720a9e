//! The lines of a task as they come, over server-sent events.
//!
//! Invariant: each line is sent once, in order, with the id to go on after. The stream ends a
//! moment after the task has, and when its reader may no longer read.

use std::time::Duration;

use axum::response::{Response, sse::Event};
use commands::{LineFilter, LineId, Principal};
use domain::TaskId;
use futures::{FutureExt as _, StreamExt as _, stream};
use projections::tasks;
use schemas::api::{LiveEnd, TaskProgress};
use serde::Serialize;
use tokio::sync::mpsc;

use crate::{app::App, live::End, routes::live::sent};

/// How many messages wait for a slow reader.
const BACKLOG: usize = 256;
/// How often it is looked whether the task has ended, if nothing comes.
const LOOK: Duration = Duration::from_secs(1);
/// When to look after a sign: it may come before what it is of can be read.
const AFTER_SIGN_MS: [u64; 4] = [2, 20, 80, 200];
/// How long a reader should wait before it connects again.
const RECONNECT: Duration = Duration::from_secs(1);

struct Tail {
    app: App,
    filter: LineFilter,
    progress: Option<TaskProgress>,
    seen: LineId,
    task: TaskId,
    tenant: domain::TenantId,
    to: mpsc::Sender<Event>,
}

/// Why the tail ends.
enum Ended {
    /// Nobody reads any more.
    Alone,
    /// For this reason.
    Because(&'static str),
}

/// The answer that tells the lines of `task` until it has ended.
pub(super) fn follow(
    app: App,
    principal: Principal,
    task: TaskId,
    filter: LineFilter,
    after: Option<LineId>,
) -> Response {
    let (to, mut events) = mpsc::channel(BACKLOG);
    let tail = Tail {
        app: app.clone(),
        filter,
        progress: None,
        seen: after.unwrap_or_default(),
        task,
        tenant: principal.tenant,
        to,
    };
    let until = End::of(app, principal);
    tokio::spawn(tail.run(until));
    sent(stream::poll_fn(move |context| events.poll_recv(context)))
}

impl Tail {
    async fn run(mut self, until: impl Future<Output = End> + Send) {
        let closed = self.to.clone();
        let ended = {
            let told = self.tell();
            tokio::select! {
                ended = told => ended,
                end = until => Ended::Because(end.name()),
                () = closed.closed() => Ended::Alone,
            }
        };
        if let Ended::Because(reason) = ended {
            let reason = reason.to_owned();
            // Who has gone needs no last word.
            let _gone = self.send(named("end", &LiveEnd { reason })).await;
        }
    }

    async fn tell(&mut self) -> Ended {
        let Ok(signs) = self.app.task_logs.signs(self.tenant, self.task).await else {
            return Ended::Because("unavailable");
        };
        let mut signs = signs.boxed();
        let mut was_final = false;
        loop {
            if let Err(ended) = self.pass_on().await {
                return ended;
            }
            let sign = tokio::time::timeout(LOOK, signs.next()).await;
            if matches!(sign, Ok(Some(()))) {
                // Several that came together are one.
                while let Some(Some(())) = signs.next().now_or_never() {}
                if let Err(ended) = self.after_sign().await {
                    return ended;
                }
                continue;
            }
            if matches!(sign, Ok(None)) {
                return Ended::Because("unavailable");
            }
            if was_final {
                return match self.pass_on().await {
                    Ok(_) => Ended::Because("finished"),
                    Err(ended) => ended,
                };
            }
            was_final = self.is_final().await;
        }
    }

    async fn after_sign(&mut self) -> Result<(), Ended> {
        for wait_ms in AFTER_SIGN_MS {
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            if self.pass_on().await? {
                break;
            }
        }
        Ok(())
    }

    /// Sends all that can be read; says whether that was anything.
    async fn pass_on(&mut self) -> Result<bool, Ended> {
        let mut any = false;
        loop {
            let (logs, filter) = (&self.app.task_logs, &self.filter);
            let news = logs.news(self.tenant, self.task, filter, self.seen).await;
            // What cannot be read now is read when there is another sign, or a look.
            let Ok(news) = news else { return Ok(any) };
            if news.seen == self.seen {
                return Ok(any);
            }
            any = true;
            self.seen = news.seen;
            for line in &news.items {
                let event = named("line", line).retry(RECONNECT).id(&line.id);
                self.send(event).await?;
            }
            if news.progress.is_some() && news.progress != self.progress {
                self.progress = news.progress;
                self.send(named("progress", &self.progress)).await?;
            }
        }
    }

    async fn is_final(&self) -> bool {
        let found = tasks::get(&self.app.store, self.tenant, self.task, None).await;
        let row = found.ok().and_then(|found| found.value);
        row.is_some_and(|row| row.state.status.is_final())
    }

    async fn send(&self, event: Event) -> Result<(), Ended> {
        self.to.send(event).await.map_err(|_| Ended::Alone)
    }
}

fn named(name: &str, data: &impl Serialize) -> Event {
    let data = serde_json::to_string(data).unwrap_or_default();
    Event::default().event(name).data(data)
}
