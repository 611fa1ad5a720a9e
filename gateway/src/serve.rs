//! Serving the router on a socket.
//!
//! Invariant: no client can hold a connection by sending nothing or by reading nothing, and there
//! are never more of them than configured; on shutdown requests in flight are finished.

use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::Extension;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Layer as _;

use crate::{Services, extract::Peer, routes, write_timeout::WriteTimeout};

/// How long a client may take to send the head of a request.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// How long a client may leave unread what it was sent.
const READ_WITHIN: Duration = Duration::from_secs(20);
/// The most bytes of a request's head.
const HEAD_MAX: usize = 64 * 1024;
/// How long an ending gateway still accepts, so that whoever balances load sees it first.
const NOTICE: Duration = Duration::from_millis(300);
/// How long requests in flight may take to finish.
const FINISH_WITHIN: Duration = Duration::from_secs(10);
/// How long to wait after a failed accept, such as for lack of file descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// Serves on `listener` until `shutdown`, then finishes what is in flight.
pub async fn run(
    services: Services,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let address = listener.local_addr()?;
    tracing::info!(%address, "gateway listens");
    let connections_max = services.config.connections_max.get();
    let connections = Arc::new(Semaphore::new(connections_max as usize));
    let audit = services.audit.clone();
    let service = routes::router_until(services, shutdown.clone());
    let (finish, connections_open) = (CancellationToken::new(), TaskTracker::new());
    let end = async {
        shutdown.cancelled().await;
        tokio::time::sleep(NOTICE).await;
    };
    tokio::pin!(end);
    loop {
        let accepted = tokio::select! {
            () = &mut end => break,
            accepted = accept(&listener, &connections) => accepted,
        };
        let (stream, peer, permit) = match accepted {
            Ok(accepted) => accepted,
            Err(reason) => {
                tracing::warn!(%reason, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_AGAIN).await;
                continue;
            }
        };
        // Answers are written whole, so waiting to fill a packet only delays them.
        let _unsupported = stream.set_nodelay(true);
        let stream = TokioIo::new(WriteTimeout::new(stream, READ_WITHIN));
        let service = Extension(Peer(peer.ip())).layer(service.clone());
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WITHIN)
            .max_buf_size(HEAD_MAX)
            .serve_connection(stream, TowerToHyperService::new(service))
            .with_upgrades();
        let finish = finish.clone();
        connections_open.spawn(async move {
            let _permit = permit;
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = finish.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            // A client that breaks off is its own affair.
            if let Err(reason) = ended {
                tracing::debug!(%reason, "a connection broke");
            }
        });
    }
    drop(listener);
    finish.cancel();
    connections_open.close();
    if tokio::time::timeout(FINISH_WITHIN, connections_open.wait())
        .await
        .is_err()
    {
        tracing::warn!("requests were still in flight at the end");
    }
    audit.drain().await;
    Ok(())
}

/// The next connection, once there is room for one more.
async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = connections.clone().acquire_owned();
    let permit = permit.await.map_err(std::io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, permit))
}
