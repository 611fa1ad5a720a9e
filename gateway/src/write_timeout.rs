//! A connection whose client must read.
//!
//! Invariant: while there are bytes to send, some of them are taken within the limit, or the
//! connection breaks.

use std::{
    future::Future as _,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// A stream that breaks if nothing can be written to it for too long.
pub(crate) struct WriteTimeout<S> {
    limit: Duration,
    /// Since when nothing was taken; none if the last write went well.
    stalled: Option<Pin<Box<Sleep>>>,
    stream: S,
}

impl<S: Unpin> WriteTimeout<S> {
    pub fn new(stream: S, limit: Duration) -> Self {
        Self {
            limit,
            stalled: None,
            stream,
        }
    }

    /// Makes `write`, and an error of it if none has gone well for too long.
    fn watch<T>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let this = self.get_mut();
        let written = write(Pin::new(&mut this.stream), cx);
        if written.is_ready() {
            this.stalled = None;
            return written;
        }
        let stalled = this
            .stalled
            .get_or_insert_with(|| Box::pin(sleep(this.limit)));
        stalled
            .as_mut()
            .poll(cx)
            .map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteTimeout<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteTimeout<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.watch(cx, |stream, cx| stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.watch(cx, |stream, cx| stream.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.watch(cx, AsyncWrite::poll_flush)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.watch(cx, AsyncWrite::poll_shutdown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    const LIMIT: Duration = Duration::from_millis(500);

    #[tokio::test]
    async fn whoever_reads_nothing_is_cut_off_and_whoever_reads_slowly_is_not() {
        let (near, _far) = duplex(8);
        let mut near = WriteTimeout::new(near, LIMIT);
        let broken = near.write_all(&[0; 64]).await.expect_err("nobody reads");
        assert_eq!(broken.kind(), io::ErrorKind::TimedOut);

        let (near, mut far) = duplex(8);
        let mut near = WriteTimeout::new(near, LIMIT);
        let reader = async {
            for _ in 0..8 {
                sleep(LIMIT / 5).await;
                far.read_exact(&mut [0; 8]).await.expect("read");
            }
        };
        let (written, ()) = tokio::join!(near.write_all(&[0; 64]), reader);
        written.expect("somebody reads");
    }
}
