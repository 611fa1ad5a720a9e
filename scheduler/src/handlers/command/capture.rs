//! The end of what a program prints.
//!
//! Invariant: memory stays bounded however much is printed, and the program is never held up.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio_util::task::AbortOnDropHandle;

use super::lines::Lines;

/// Reads a stream in the background and keeps its end.
pub struct Capture {
    kept: Arc<Mutex<Kept>>,
    reading: AbortOnDropHandle<()>,
}

#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    cut: bool,
}

impl Capture {
    /// Keeps at least the last `max` bytes of `stream`, and says its `lines` as they come.
    pub fn start(
        stream: Option<impl AsyncRead + Send + Unpin + 'static>,
        max: usize,
        mut lines: Lines,
    ) -> Self {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let into = Arc::clone(&kept);
        let reading = tokio::spawn(async move {
            let Some(mut stream) = stream else { return };
            let mut buffer = vec![0; 16 * 1024];
            while let Ok(read @ 1..) = stream.read(&mut buffer).await {
                lines.feed(&buffer[..read]);
                let mut kept = into.lock().unwrap_or_else(PoisonError::into_inner);
                kept.bytes.extend_from_slice(&buffer[..read]);
                if kept.bytes.len() > 2 * max {
                    let surplus = kept.bytes.len() - max;
                    kept.bytes.drain(..surplus);
                    kept.cut = true;
                }
            }
            lines.end();
        });
        Self {
            kept,
            reading: AbortOnDropHandle::new(reading),
        }
    }

    /// What was kept, once the stream ends or `at_most` has passed, and whether some is missing.
    pub async fn end(self, at_most: Duration) -> (Vec<u8>, bool) {
        let ended = tokio::time::timeout(at_most, self.reading).await.is_ok();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let cut = kept.cut || !ended;
        (std::mem::take(&mut kept.bytes), cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keeps_the_end_of_what_is_too_much() {
        let text: Vec<u8> = (0..100_000_u32).flat_map(u32::to_be_bytes).collect();
        let lines = Lines::new(domain::LogLevel::Info, crate::report::testing::report());
        let stream = Some(std::io::Cursor::new(text.clone()));
        let capture = Capture::start(stream, 1_000, lines);
        let (kept, cut) = capture.end(Duration::from_mins(1)).await;
        assert!(
            kept.len() >= 1_000 && kept.len() <= 20_000,
            "{}",
            kept.len()
        );
        assert!(text.ends_with(&kept));
        assert!(cut);
    }
}
