//! What is said over one socket.
//!
//! Invariant: each list is told in order, and what waits to be sent is a few messages, however many
//! lists are followed; a client that sends too much, reads nothing or falls silent is cut off.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use commands::Principal;
use futures::FutureExt as _;
use schemas::api::{Code, LiveCommand, LiveMessage, LiveReset};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::{sync::mpsc, time::interval};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use super::{End, Subscriber, Told, Wanted};
use crate::{
    app::App,
    problem::{Error, Refusal, Result},
};

/// The largest message of a client, in bytes.
pub(crate) const MESSAGE_MAX: usize = 16 * 1024;
/// How many lists one socket follows.
const SUBSCRIPTIONS_MAX: usize = 16;
/// How long what a client calls a list may be, in bytes.
const NAME_MAX: usize = 64;
/// How many messages wait to be sent.
const WAITING_MAX: usize = 4;
/// How often the client is asked whether it is there.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How many messages a client may send between two of them.
const MESSAGES_MAX: u32 = 60;
/// After how many of them a client that says nothing is gone.
const SILENT_MAX: u32 = 3;

const GOING_AWAY: u16 = 1001;
const UNSUPPORTED: u16 = 1003;
const POLICY: u16 = 1008;
const TOO_LARGE: u16 = 1009;
const TOKEN_EXPIRED: u16 = 4001;
const ACCESS_CHANGED: u16 = 4003;

/// One socket.
pub(crate) struct Socket {
    app: App,
    /// Counts subscriptions, so that what is left of an earlier one of the same name is not told.
    generation: u64,
    principal: Principal,
    request: Uuid,
    sender: mpsc::Sender<(u64, Told)>,
    subscriptions: HashMap<String, Subscription>,
    told: mpsc::Receiver<(u64, Told)>,
}

struct Subscription {
    generation: u64,
    _follows: AbortOnDropHandle<()>,
}

/// A message whose data was written before, for all who hear it.
#[derive(Serialize)]
struct Written<'a> {
    r#type: &'a str,
    subscription: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    resume: Option<&'a str>,
    data: &'a RawValue,
}

/// Why the conversation is over: a close code and a reason.
type Over = (u16, &'static str);

impl Socket {
    /// A socket that nothing was said over; `request` is the id of the request that opened it.
    pub fn new(app: App, principal: Principal, request: Uuid) -> Self {
        let (sender, told) = mpsc::channel(WAITING_MAX);
        Self {
            app,
            generation: 0,
            principal,
            request,
            sender,
            subscriptions: HashMap::new(),
            told,
        }
    }

    /// Talks until one side ends, or the client may no longer.
    pub async fn serve(mut self, mut socket: WebSocket) {
        let ended = End::of(self.app.clone(), self.principal.clone()).boxed();
        let over = tokio::select! {
            over = self.talk(&mut socket) => over,
            end = ended => Some(match end {
                End::Changed => (ACCESS_CHANGED, end.name()),
                End::Expired => (TOKEN_EXPIRED, end.name()),
                End::Shutdown => (GOING_AWAY, end.name()),
            }),
        };
        self.subscriptions.clear();
        if let Some((code, reason)) = over {
            let reason = reason.into();
            let close = Message::Close(Some(CloseFrame { code, reason }));
            // Whoever reads nothing is not waited for; the rest of the handshake is the client's.
            let _closed = tokio::time::timeout(HEARTBEAT, async {
                socket.send(close).await?;
                while let Some(Ok(_)) = socket.recv().await {}
                Ok::<_, axum::Error>(())
            })
            .await;
        }
    }

    /// Why it is over; none if the client has gone.
    async fn talk(&mut self, socket: &mut WebSocket) -> Option<Over> {
        let mut heartbeat = interval(HEARTBEAT);
        // The first is at once.
        heartbeat.tick().await;
        let (mut said, mut silent) = (0, 0);
        loop {
            tokio::select! {
                heard = socket.recv() => {
                    silent = 0;
                    said += 1;
                    let text = match heard? {
                        Err(reason) => return is_too_large(&reason),
                        Ok(Message::Close(_)) => return None,
                        Ok(_) if said > MESSAGES_MAX => return Some((POLICY, "too many messages")),
                        Ok(Message::Binary(_)) => return Some((UNSUPPORTED, "not text")),
                        Ok(Message::Ping(_) | Message::Pong(_)) => continue,
                        Ok(Message::Text(text)) => text,
                    };
                    if let Some(answer) = self.answer(&text) {
                        send(socket, &answer).await?;
                    }
                }
                Some((generation, told)) = self.told.recv() => {
                    if let Some(text) = self.tell(generation, &told) {
                        socket.send(Message::Text(text.into())).await.ok()?;
                    }
                }
                _ = heartbeat.tick() => {
                    (said, silent) = (0, silent + 1);
                    if silent > SILENT_MAX {
                        return Some((POLICY, "silent for too long"));
                    }
                    socket.send(Message::Ping(Vec::new().into())).await.ok()?;
                }
            }
        }
    }

    /// What a message of the client is answered with, if anything.
    fn answer(&mut self, text: &str) -> Option<LiveMessage> {
        let command = match serde_json::from_str(text) {
            Ok(command) => command,
            Err(reason) => {
                let error = Error::new(Code::InvalidBody, format!("not a message: {reason}"));
                return Some(self.refusal(None, error));
            }
        };
        match command {
            LiveCommand::Ping {} => Some(LiveMessage::Pong {}),
            LiveCommand::Subscribe {
                subscription,
                collection,
                filter,
                resume,
            } => {
                let done = self.subscribe(&subscription, &collection, filter, resume);
                done.err()
                    .map(|error| self.refusal(Some(subscription), error))
            }
            LiveCommand::Unsubscribe { subscription } => {
                if self.subscriptions.remove(&subscription).is_some() {
                    return Some(LiveMessage::Unsubscribed { subscription });
                }
                let error = Error::not_found("subscription");
                Some(self.refusal(Some(subscription), error))
            }
        }
    }

    fn subscribe(
        &mut self,
        name: &str,
        collection: &str,
        filter: BTreeMap<String, String>,
        resume: Option<String>,
    ) -> Result<()> {
        if name.is_empty() || name.len() > NAME_MAX {
            let detail = format!("has 1 to {NAME_MAX} bytes");
            return Err(Error::invalid_field("/subscription", detail));
        }
        if self.subscriptions.contains_key(name) {
            let detail = "is followed already; unsubscribe first";
            return Err(Error::invalid_field("/subscription", detail));
        }
        if self.subscriptions.len() >= SUBSCRIPTIONS_MAX {
            let detail = format!("one socket follows up to {SUBSCRIPTIONS_MAX} lists");
            return Err(Error::new(Code::TooManyRequests, detail));
        }
        let parameters = filter.into_iter().collect();
        let wanted = Wanted::try_new(&self.principal, collection, parameters)?;
        let mut subscriber = Subscriber::new(&self.app, wanted, resume);
        self.generation += 1;
        let (generation, sender) = (self.generation, self.sender.clone());
        let follows = tokio::spawn(async move {
            while sender
                .send((generation, subscriber.next().await))
                .await
                .is_ok()
            {}
        });
        let subscription = Subscription {
            generation,
            _follows: AbortOnDropHandle::new(follows),
        };
        self.subscriptions.insert(name.to_owned(), subscription);
        Ok(())
    }

    /// What is told to a subscription, if it is still there.
    fn tell(&self, generation: u64, told: &Told) -> Option<String> {
        let mut names = self.subscriptions.iter();
        let (name, _) = names.find(|(_, one)| one.generation == generation)?;
        let subscription = name.clone();
        let text = match told {
            Told::Snapshot { json } => written("snapshot", name, None, json),
            Told::Delta { id, json } => written("delta", name, Some(id), json),
            Told::Complete { id, data } => json(&LiveMessage::Complete {
                subscription,
                resume: id.to_string(),
                data: *data,
            }),
            Told::Reset { reason } => json(&LiveMessage::Reset {
                subscription,
                data: LiveReset { reason: *reason },
            }),
        };
        Some(text)
    }

    fn refusal(&self, subscription: Option<String>, error: Error) -> LiveMessage {
        let refusal = Refusal::from(error);
        let problem = refusal.problem("/api/v1/ws", self.request.to_string());
        LiveMessage::Error {
            subscription,
            problem,
        }
    }
}

async fn send(socket: &mut WebSocket, message: &LiveMessage) -> Option<()> {
    socket.send(Message::Text(json(message).into())).await.ok()
}

fn written(kind: &str, subscription: &str, resume: Option<&str>, data: &str) -> String {
    let Ok(data) = serde_json::from_str::<&RawValue>(data) else {
        return String::new();
    };
    json(&Written {
        r#type: kind,
        subscription,
        resume,
        data,
    })
}

/// Messages have string keys, so they encode.
fn json(of: &impl Serialize) -> String {
    serde_json::to_string(of).unwrap_or_default()
}

/// Whether the client has sent more than it may, rather than gone.
fn is_too_large(reason: &axum::Error) -> Option<Over> {
    let text = reason.to_string();
    text.contains("too long")
        .then_some((TOO_LARGE, "too large a message"))
}
