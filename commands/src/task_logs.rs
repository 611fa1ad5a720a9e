//! What attempts said, line by line, and what is added for those that run elsewhere.
//!
//! Invariant: what is read is of the one task and tenant that was asked about, in the order in
//! which it was said; reading goes on after the last line that was seen, whoever is asked.

use std::{fmt, str::FromStr};

use domain::{LogLevel, TaskId, TenantId};
use event_log::SaidTogether;
use futures::Stream;
use schemas::{
    Position, TaskLogBatch,
    api::{TaskLogLine, TaskProgress},
};
use serde::{Deserialize, Serialize};

use crate::Failure;

/// How much one question looks through at most, in messages of up to 32 KiB.
const LOOKED_AT_MAX: usize = 256;

/// The logs of tasks.
#[derive(Clone)]
pub struct TaskLogs(event_log::TaskLogs);

/// Where a line stands.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct LineId {
    position: Position,
    index: u32,
}

/// Which lines are wanted.
#[derive(Clone, Debug, Default)]
pub struct LineFilter {
    /// Those of this attempt.
    pub attempt: Option<u32>,
    /// From this level up.
    pub level: Option<LogLevel>,
    /// With this text in them, however it is capitalised.
    pub text: Option<String>,
}

/// Lines, and where to go on.
#[derive(Debug, Default)]
pub struct Lines {
    /// The lines, the oldest first.
    pub items: Vec<(LineId, TaskLogLine)>,
    /// After which more may stand; none if these are all so far.
    pub next: Option<LineId>,
}

/// What stands after a line.
#[derive(Debug, Default)]
pub struct News {
    /// The lines that are wanted.
    pub items: Vec<TaskLogLine>,
    /// How far the task is, if anything was said of that.
    pub progress: Option<TaskProgress>,
    /// Where to go on.
    pub seen: LineId,
}

impl TaskLogs {
    /// The logs in `logs`.
    pub const fn new(logs: event_log::TaskLogs) -> Self {
        Self(logs)
    }

    /// At most `limit` wanted lines of `task` after `after`. Where they are rare there may be
    /// fewer although more follow.
    pub async fn page(
        &self,
        tenant: TenantId,
        task: TaskId,
        filter: &LineFilter,
        after: LineId,
        limit: usize,
    ) -> Result<Lines, Failure> {
        let (mut seen, mut found, mut looked_at) = (after, Vec::new(), 0);
        loop {
            let said = self.0.after(tenant, task, seen.before()).await?;
            looked_at += said.len();
            let (before, lines) = (seen, read(&said, &mut seen));
            found.extend(lines.filter(|(_, line)| filter.wants(line)));
            if found.len() > limit {
                found.truncate(limit);
                let next = found.last().map(|(id, _)| *id);
                return Ok(Lines { items: found, next });
            }
            let is_all = seen == before;
            if is_all || looked_at >= LOOKED_AT_MAX {
                let next = (!is_all).then_some(seen);
                return Ok(Lines { items: found, next });
            }
        }
    }

    /// What stands of `task` after `after`; nothing if there is nothing yet.
    pub async fn news(
        &self,
        tenant: TenantId,
        task: TaskId,
        filter: &LineFilter,
        after: LineId,
    ) -> Result<News, Failure> {
        let said = self.0.after(tenant, task, after.before()).await?;
        let mut seen = after;
        let items = read(&said, &mut seen).filter(|(_, line)| filter.wants(line));
        let items = items.map(|(_, line)| line).collect();
        let progress = said.last().filter(|_| seen > after).and_then(progress);
        Ok(News {
            items,
            progress,
            seen,
        })
    }

    /// How far `task` is, if anything was said of that lately.
    pub async fn progress(
        &self,
        tenant: TenantId,
        task: TaskId,
    ) -> Result<Option<TaskProgress>, Failure> {
        let last = self.0.last(tenant, task).await?;
        Ok(last.as_ref().and_then(progress))
    }

    /// A sign each time that something is said of `task`; a moment later it can be read.
    pub async fn signs(
        &self,
        tenant: TenantId,
        task: TaskId,
    ) -> Result<impl Stream<Item = ()> + Send + use<>, Failure> {
        Ok(self.0.signs(tenant, task).await?)
    }
}

/// The lines of `said` that stand after `seen`, which moves on behind all of them.
fn read(said: &[SaidTogether], seen: &mut LineId) -> std::vec::IntoIter<(LineId, TaskLogLine)> {
    let mut found = Vec::new();
    for together in said {
        let position = together.position;
        let Ok(batch) = serde_json::from_slice::<TaskLogBatch>(&together.payload) else {
            tracing::error!(%position, "what stands in the task logs cannot be read");
            *seen = LineId::end_of(position).max(*seen);
            continue;
        };
        for (index, line) in (0..).zip(batch.lines) {
            let id = LineId { position, index };
            if id > *seen {
                let line = TaskLogLine {
                    id: id.to_string(),
                    at: line.at,
                    attempt: batch.attempt,
                    level: line.level,
                    text: line.text,
                };
                found.push((id, line));
            }
        }
        *seen = LineId::end_of(position).max(*seen);
    }
    found.into_iter()
}

fn progress(said: &SaidTogether) -> Option<TaskProgress> {
    let batch: TaskLogBatch = serde_json::from_slice(&said.payload).ok()?;
    batch.progress
}

impl LineId {
    /// Behind all that was stored together at `position`.
    const fn end_of(position: Position) -> Self {
        Self {
            position,
            index: u32::MAX,
        }
    }

    /// After which the message stands that this line is in, of which more may be wanted.
    const fn before(self) -> Position {
        match self.index {
            u32::MAX => self.position,
            _ => Position(self.position.0.saturating_sub(1)),
        }
    }
}

impl fmt::Display for LineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.position, self.index)
    }
}

impl FromStr for LineId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let id = text.split_once('-').and_then(|(position, index)| {
            (plain(position) && plain(index)).then_some(())?;
            Some(Self {
                position: Position(position.parse().ok()?),
                index: index.parse().ok()?,
            })
        });
        id.ok_or_else(|| "is the id of a line, as in 4711-0".to_owned())
    }
}

impl LineFilter {
    fn wants(&self, line: &TaskLogLine) -> bool {
        let of_attempt = self.attempt.is_none_or(|attempt| line.attempt == attempt);
        let matters = self.level.is_none_or(|level| line.level >= level);
        let has = |text: &String| line.text.to_lowercase().contains(&text.to_lowercase());
        of_attempt && matters && self.text.as_ref().is_none_or(has)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;
    use schemas::TaskLogEntry;

    fn said(position: u64, texts: &[&str]) -> SaidTogether {
        let line = |text: &&str| TaskLogEntry {
            at: Timestamp::from_unix_ms(1),
            level: LogLevel::Info,
            text: (*text).to_owned(),
        };
        let batch = TaskLogBatch {
            attempt: 1,
            lines: texts.iter().map(line).collect(),
            progress: None,
        };
        SaidTogether {
            payload: serde_json::to_vec(&batch).expect("encodes"),
            position: Position(position),
        }
    }

    fn texts(said: &[SaidTogether], after: &str) -> Vec<String> {
        let mut seen = after.parse().expect("an id");
        read(said, &mut seen).map(|(_, line)| line.text).collect()
    }

    #[test]
    fn reading_goes_on_in_the_middle_of_what_was_said_together() {
        let said = [said(7, &["a", "b"]), said(9, &[]), said(12, &["c"])];
        assert_eq!(texts(&said, "0-0"), ["a", "b", "c"]);
        assert_eq!(texts(&said, "7-0"), ["b", "c"]);
        assert_eq!(texts(&said, "7-1"), ["c"]);
        let id: LineId = "7-1".parse().expect("an id");
        assert_eq!(
            id.before(),
            Position(6),
            "the rest of it is still to be read"
        );
        let mut seen = id;
        assert_eq!(read(&said, &mut seen).count(), 1);
        assert_eq!(seen.before(), Position(12));
    }

    #[test]
    fn what_cannot_be_read_is_passed_by() {
        let mut broken = said(8, &[]);
        broken.payload = b"no batch".to_vec();
        let said = [said(7, &["a"]), broken, said(9, &["b"])];
        assert_eq!(texts(&said, "0-0"), ["a", "b"]);
    }

    #[test]
    fn an_id_survives_text_and_nothing_else_is_one() {
        for text in ["4711-0", "1-4294967295"] {
            let id: LineId = text.parse().expect("an id");
            assert_eq!(id.to_string(), text);
        }
        for wrong in ["", "1", "-1", "1-", "+1-0", "1-0-0", "x-0", "1-4294967296"] {
            assert!(wrong.parse::<LineId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_filter_knows_attempt_level_and_text() {
        let mut seen = LineId::default();
        let (_, line) = read(&[said(7, &["Disk FULL"])], &mut seen)
            .next()
            .expect("a line");
        let wants = |change: fn(&mut LineFilter)| {
            let mut filter = LineFilter::default();
            change(&mut filter);
            filter.wants(&line)
        };
        assert!(wants(|_| {}));
        assert!(wants(|filter| filter.text = Some("disk f".to_owned())));
        assert!(!wants(|filter| filter.text = Some("empty".to_owned())));
        assert!(wants(|filter| filter.level = Some(LogLevel::Info)));
        assert!(!wants(|filter| filter.level = Some(LogLevel::Warn)));
        assert!(wants(|filter| filter.attempt = Some(1)));
        assert!(!wants(|filter| filter.attempt = Some(2)));
    }
}
