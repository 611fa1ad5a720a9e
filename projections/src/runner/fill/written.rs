//! The sessions that write what was folded, each beside the folding.
//!
//! Invariant: what is sent to a session is written in that order, in transactions of its own; the
//! first failure ends it, and whoever sends finds that out.

use std::future::Future;

use sqlx::{Connection as _, PgConnection};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use crate::{
    Writer,
    runner::{RunError, folds::Rewritten, mirror::Mirror, moments::Moments, park::Changes},
};

/// How many batches may wait to be written.
const WAITING: usize = 2;

/// What the session that writes rows is told.
pub(super) enum Step {
    Rows(Box<Rewritten>, Moments),
    /// What is parked or was left out at the end.
    Parked(Changes),
    /// To answer when all before is written.
    Written(oneshot::Sender<()>),
}

/// A session that does not wait for the disk: what is filled is begun anew if it does not end.
pub(super) async fn session(writer: &Writer) -> Result<PgConnection, RunError> {
    let mut connection = writer.connection().await?;
    sqlx::query("set synchronous_commit = off")
        .execute(&mut connection)
        .await?;
    Ok(connection)
}

/// A task that writes what it is sent, one after the other, until there is no more or one fails.
pub(super) fn written_by<T, Writing>(
    connection: PgConnection,
    write: impl Fn(PgConnection, T) -> Writing + Send + 'static,
) -> (mpsc::Sender<T>, JoinHandle<Result<(), sqlx::Error>>)
where
    T: Send + 'static,
    Writing: Future<Output = Result<PgConnection, sqlx::Error>> + Send,
{
    let (sender, mut receiver) = mpsc::channel(WAITING);
    let task = tokio::spawn(async move {
        let mut connection = connection;
        while let Some(next) = receiver.recv().await {
            connection = write(connection, next).await?;
        }
        connection.close().await
    });
    (sender, task)
}

pub(super) async fn write_step(
    mut connection: PgConnection,
    step: Step,
) -> Result<PgConnection, sqlx::Error> {
    let (mut rows, moments) = match step {
        Step::Rows(rows, moments) => (rows, moments),
        Step::Parked(changes) => {
            let mut transaction = connection.begin().await?;
            changes.write(&mut transaction).await?;
            transaction.commit().await?;
            return Ok(connection);
        }
        Step::Written(tell) => {
            // Who asked has given up if nobody listens.
            let _ = tell.send(());
            return Ok(connection);
        }
    };
    let mut transaction = connection.begin().await?;
    rows.fill(&mut transaction).await?;
    moments.write(&mut transaction).await?;
    transaction.commit().await?;
    Ok(connection)
}

pub(super) async fn write_mirror(
    mut connection: PgConnection,
    mirror: Mirror,
) -> Result<PgConnection, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    mirror.fill(&mut transaction).await?;
    transaction.commit().await?;
    Ok(connection)
}
