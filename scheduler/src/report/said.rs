//! What one attempt has said and nobody has stored yet.
//!
//! Invariant: it takes no more than [`WAITING_MAX`]; where lines were left out, a line stands in
//! their place.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::LogLevel;
use runtime::Clock;
use schemas::{TaskLogBatch, TaskLogEntry, api::TaskProgress};
use tokio::sync::{Notify, mpsc};

use super::Reporter;
use crate::handlers::text::head;

/// How much is stored together, in bytes of text.
pub const BATCH_MAX: usize = 32 * 1024;
/// How much may wait.
const WAITING_MAX: usize = 256 * 1024;
/// How much is kept of one attempt, so that none that prints for ever takes the room of others.
const ATTEMPT_MAX: usize = 16 * 1024 * 1024;
/// How long a line may be, and a note of progress.
const LINE_MAX: usize = 8 * 1024;
const NOTE_MAX: usize = 500;
/// What a line takes beside its text.
const OVERHEAD: usize = 64;

/// What one attempt has said.
#[derive(Debug)]
pub struct Said {
    clock: Clock,
    full: Arc<Notify>,
    level: LogLevel,
    ready: mpsc::UnboundedSender<Arc<Said>>,
    pub(super) reporter: Reporter,
    waiting: Mutex<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    bytes: usize,
    /// Whether the writer has been told that something waits.
    is_announced: bool,
    /// How much was ever said; none once there is no room for more of it.
    in_all: Option<usize>,
    /// Lines that there was no room for, since the last that there was.
    left_out: u64,
    lines: VecDeque<TaskLogEntry>,
    progress: Option<TaskProgress>,
    progress_is_new: bool,
}

/// Something to be stored.
#[derive(Debug, PartialEq)]
pub struct Batch {
    pub lines: u64,
    pub payload: Vec<u8>,
}

impl Said {
    pub fn new(
        reporter: Reporter,
        clock: Clock,
        level: LogLevel,
        ready: mpsc::UnboundedSender<Arc<Self>>,
        full: Arc<Notify>,
    ) -> Self {
        Self {
            clock,
            full,
            level,
            ready,
            reporter,
            waiting: Mutex::new(Waiting {
                bytes: 0,
                in_all: Some(0),
                is_announced: false,
                left_out: 0,
                lines: VecDeque::new(),
                progress: None,
                progress_is_new: false,
            }),
        }
    }

    pub fn log(this: &Arc<Self>, level: LogLevel, text: &str) {
        if level < this.level {
            return;
        }
        let (mut text, cut) = head(text.as_bytes(), LINE_MAX);
        if cut {
            text.push('…');
        }
        let mut waiting = this.waiting();
        let in_all = waiting.in_all;
        match in_all {
            None => return,
            Some(said) if said > ATTEMPT_MAX => {
                waiting.in_all = None;
                let words = "the rest is left out: no more than 16 MiB is kept of an attempt";
                this.put(&mut waiting, LogLevel::Warn, words.to_owned());
                return this.announce(waiting);
            }
            Some(said) => waiting.in_all = Some(said + text.len() + OVERHEAD),
        }
        if waiting.bytes + text.len() + OVERHEAD > WAITING_MAX {
            waiting.left_out += 1;
            return;
        }
        this.admit_what_was_left_out(&mut waiting);
        this.put(&mut waiting, level, text);
        this.announce(waiting);
    }

    pub fn progress(this: &Arc<Self>, done: u64, total: Option<u64>, note: &str) {
        let (note, _) = head(note.as_bytes(), NOTE_MAX);
        let mut waiting = this.waiting();
        waiting.progress = Some(TaskProgress {
            at: this.clock.now(),
            attempt: this.reporter.attempt,
            done,
            total,
            note: Some(note).filter(|note| !note.is_empty()),
        });
        waiting.progress_is_new = true;
        this.announce(waiting);
    }

    /// The oldest that waits; none if nothing does, and then the writer is told of the next.
    pub fn take(&self) -> Option<Batch> {
        let mut waiting = self.waiting();
        let (mut lines, mut bytes) = (Vec::new(), 0);
        while let Some(line) = waiting.lines.front() {
            let size = line.text.len() + OVERHEAD;
            if bytes + size > BATCH_MAX && !lines.is_empty() {
                break;
            }
            bytes += size;
            lines.extend(waiting.lines.pop_front());
        }
        waiting.bytes = if waiting.lines.is_empty() {
            0
        } else {
            waiting.bytes.saturating_sub(bytes)
        };
        if waiting.lines.is_empty() && waiting.left_out > 0 {
            self.admit_what_was_left_out(&mut waiting);
            lines.extend(waiting.lines.drain(..));
            waiting.bytes = 0;
        }
        if lines.is_empty() && !waiting.progress_is_new {
            waiting.is_announced = false;
            return None;
        }
        waiting.progress_is_new = false;
        let batch = TaskLogBatch {
            attempt: self.reporter.attempt,
            lines,
            progress: waiting.progress.clone(),
        };
        Some(Batch {
            lines: batch.lines.len() as u64,
            payload: serde_json::to_vec(&batch).expect("lines always encode"),
        })
    }

    /// Counts what was taken and could not be stored.
    pub fn lost(&self, batch: &Batch) {
        let mut waiting = self.waiting();
        waiting.left_out += batch.lines;
        waiting.progress_is_new = waiting.progress.is_some();
    }

    fn admit_what_was_left_out(&self, waiting: &mut Waiting) {
        let left_out = std::mem::take(&mut waiting.left_out);
        if left_out > 0 {
            let text = format!("{left_out} lines were left out here: there was no room for them");
            self.put(waiting, LogLevel::Warn, text);
        }
    }

    fn put(&self, waiting: &mut Waiting, level: LogLevel, text: String) {
        let at = self.clock.now();
        waiting.bytes += text.len() + OVERHEAD;
        waiting.lines.push_back(TaskLogEntry { at, level, text });
    }

    fn announce(self: &Arc<Self>, mut waiting: MutexGuard<'_, Waiting>) {
        if waiting.bytes >= BATCH_MAX {
            self.full.notify_one();
        }
        if !std::mem::replace(&mut waiting.is_announced, true) {
            // Without a writer it waits for nothing, and takes no more than it may.
            let _nobody = self.ready.send(Arc::clone(self));
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub fn waiting_lines(&self) -> Vec<(LogLevel, String)> {
        let waiting = self.waiting();
        let lines = waiting.lines.iter();
        lines.map(|line| (line.level, line.text.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::report;

    fn read(batch: &Batch) -> TaskLogBatch {
        serde_json::from_slice(&batch.payload).expect("a batch")
    }

    #[test]
    fn what_there_is_no_room_for_is_counted_where_it_is_missing() {
        let report = report();
        let kilobyte = "x".repeat(1024);
        for _ in 0..300 {
            report.log(LogLevel::Info, &kilobyte);
        }
        let mut lines = Vec::new();
        let first = report.said.take().expect("a batch");
        assert!(first.payload.len() < BATCH_MAX + 8 * 1024);
        lines.extend(read(&first).lines);
        report.log(LogLevel::Info, "after");
        while let Some(batch) = report.said.take() {
            lines.extend(read(&batch).lines);
        }
        let kept = lines.iter().filter(|line| line.text == kilobyte).count();
        let [.., said, after] = lines.as_slice() else {
            panic!("lines");
        };
        assert_eq!(after.text, "after");
        assert!(
            said.text.starts_with(&format!("{} lines", 300 - kept)),
            "{said:?}"
        );
        assert!((200..256).contains(&kept), "{kept}");
    }

    #[test]
    fn of_one_that_prints_for_ever_so_much_is_kept() {
        let report = report();
        let line = "x".repeat(4 * 1024);
        let mut kept = 0;
        for _ in 0..8_000 {
            report.log(LogLevel::Info, &line);
            while let Some(batch) = report.said.take() {
                kept += batch.payload.len();
            }
        }
        report.log(LogLevel::Error, "too late");
        assert!((ATTEMPT_MAX..2 * ATTEMPT_MAX).contains(&kept), "{kept}");
        assert_eq!(report.said.take(), None);
    }

    #[test]
    fn what_could_not_be_stored_is_said() {
        let report = report();
        report.log(LogLevel::Info, "one");
        report.progress(3, Some(4), "");
        let batch = report.said.take().expect("a batch");
        report.said.lost(&batch);
        let told = read(&report.said.take().expect("what was lost"));
        assert!(told.lines[0].text.starts_with("1 lines were left out"));
        let progress = told.progress.expect("progress");
        assert_eq!((progress.done, progress.total), (3, Some(4)));
        assert_eq!(report.said.take(), None);
    }

    #[test]
    fn only_the_latest_progress_is_kept_and_it_goes_with_later_lines() {
        let report = report();
        for done in 0..1_000 {
            report.progress(done, None, "counting");
        }
        let batch = read(&report.said.take().expect("a batch"));
        assert_eq!(batch.progress.as_ref().map(|it| it.done), Some(999));
        assert_eq!(report.said.take(), None);
        report.log(LogLevel::Info, "later");
        let later = read(&report.said.take().expect("a batch"));
        assert_eq!(later.progress, batch.progress);
    }

    #[test]
    fn a_long_line_is_cut_and_the_writer_is_told_once() {
        let (ready, mut told) = mpsc::unbounded_channel();
        let of = report().said.reporter;
        let said = Said::new(of, Clock::system(), LogLevel::Info, ready, Arc::default());
        let said = Arc::new(said);
        Said::log(&said, LogLevel::Debug, "below what is kept");
        assert!(told.try_recv().is_err());
        Said::log(&said, LogLevel::Info, &"ä".repeat(LINE_MAX));
        Said::log(&said, LogLevel::Info, "second");
        assert!(told.try_recv().is_ok() && told.try_recv().is_err());
        let line = &said.waiting_lines()[0].1;
        assert!(line.ends_with('…') && line.len() <= LINE_MAX + '…'.len_utf8());
        while said.take().is_some() {}
        Said::log(&said, LogLevel::Info, "third");
        assert!(told.try_recv().is_ok());
    }
}
