//! A connection as one of the server's users.
//!
//! Invariant: what the server refuses to a user is told, once for each kind of subject; whoever
//! asked hears only that nobody answered.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_nats::{ConnectOptions, Event, ServerError};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::watch;

use super::OpenError;
use crate::{Role, subject};

/// How the server begins to tell of a refusal.
const VIOLATION: &str = "Permissions Violation for ";
/// From this length on a part of a subject is an id.
const ID_LEN_MIN: usize = 22;

/// A connection as one of the server's users.
pub(crate) struct Connection {
    pub client: async_nats::Client,
    /// Counts connections, so that who follows the log notices a new one.
    pub count: watch::Receiver<u64>,
    /// What the server refuses.
    pub refusals: Arc<Refusals>,
    /// Where it goes, with the login.
    pub server: async_nats::ServerAddr,
    /// Who signed in, if it was by a name.
    pub user: Option<String>,
}

/// What the server has refused, each told once.
#[derive(Default)]
pub(crate) struct Refusals {
    /// How many there were.
    count: watch::Sender<u64>,
    told: Mutex<BTreeSet<String>>,
    /// Whether the rights of the user have been found to be those of its role.
    trusted: AtomicBool,
}

/// A connection with the login that `url` holds, which the client itself would ignore.
pub(super) async fn connect(url: &SecretString, role: Role) -> Result<Connection, OpenError> {
    let unreachable = |reason: String| OpenError::Unreachable(reason);
    let server: async_nats::ServerAddr = url
        .expose_secret()
        .parse()
        .map_err(|reason: std::io::Error| unreachable(reason.to_string()))?;
    let login = server.username().zip(server.password());
    let user = login.map(|(user, _)| user.to_owned());
    let options = match login {
        Some((user, password)) => {
            ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned())
        }
        None => ConnectOptions::new(),
    };
    let sender = watch::Sender::new(0_u64);
    let refusals = Arc::new(Refusals::default());
    let count = sender.subscribe();
    let tell = refusals.clone();
    let client = options
        .name(format!("almanac {}", role.name()))
        .custom_inbox_prefix(subject::inbox(role.user()))
        .event_callback(move |event| {
            match event {
                Event::Connected => sender.send_modify(|count| *count += 1),
                Event::ServerError(ServerError::Other(words)) => tell.hear(role, &words),
                _ => {}
            }
            std::future::ready(())
        })
        .retry_on_initial_connect()
        .connection_timeout(Duration::from_secs(2))
        .connect(server.clone())
        .await
        .map_err(|reason| unreachable(reason.to_string()))?;
    Ok(Connection {
        client,
        count,
        refusals,
        server,
        user,
    })
}

impl Refusals {
    /// Waits for the first; whoever waits will tell of it.
    pub async fn first(&self) {
        let mut count = self.count.subscribe();
        // The sender is this, so it cannot be gone.
        let _refused = count.wait_for(|count| *count > 0).await;
    }

    /// From now on a refusal is a surprise, and told in the log.
    pub fn trust(&self) {
        self.trusted.store(true, Ordering::Relaxed);
    }

    fn hear(&self, role: Role, words: &str) {
        let Some(refused) = refused(words) else {
            return;
        };
        self.count.send_modify(|count| *count += 1);
        if !self.trusted.load(Ordering::Relaxed) {
            return;
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.insert(refused.clone()) {
            tracing::error!(
                role = role.name(),
                %refused,
                "nats-server refuses what this part must be able to do: give its user the rights \
                 that `almanac nats-users` prints"
            );
        }
    }
}

/// What was refused, ids left out; none if the words tell of something else.
fn refused(words: &str) -> Option<String> {
    let (_, refused) = words.split_once(VIOLATION)?;
    let (what, subject) = refused.split_once(' ')?;
    let subject = subject.strip_prefix("to ")?;
    let subject = subject.trim_matches(['"', '\'']);
    let parts = subject.split('.');
    let parts: Vec<_> = parts
        .map(|part| if part.len() < ID_LEN_MIN { part } else { "*" })
        .collect();
    Some(format!("{} {}", what.to_lowercase(), parts.join(".")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_without_ids() {
        let id = "0192c3a4-0000-7000-8000-000000000001";
        let words = format!("Permissions Violation for Publish to \"events.{id}.task.{id}\"");
        assert_eq!(refused(&words).as_deref(), Some("publish events.*.task.*"));
        let words = "Permissions Violation for Subscription to \"cancel.*\"";
        assert_eq!(refused(words).as_deref(), Some("subscription cancel.*"));
        assert_eq!(refused("Maximum Payload Violation"), None);
    }
}
