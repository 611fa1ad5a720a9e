//! `almanac projections parked retry | skip`
//!
//! Invariant: nothing is stored but about a commit that is parked, that waits for no other, and
//! about which everything that was decided before has been done; so what is left out was never
//! applied. What comes of it is told when the projector has done it, and not before.

use std::{
    io::{IsTerminal as _, stdout},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use commands::{Ask, CommandError, Commands};
use domain::{
    Actor, CommandId, ParkedCommitId, TenantId,
    parked_commit::{ParkedCommit, ParkedCommitCommand},
};
use projections::{
    Overview,
    parked::{self, Waiting},
};
use schemas::{Position, Version};
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::{
    cli::{Place, Retry, Skip},
    command::keys,
};

/// How long the projector may take.
const AT_MOST: Duration = Duration::from_secs(30);
/// How often to look.
const LOOK: Duration = Duration::from_millis(50);

/// What came of it.
#[derive(Debug)]
struct Outcome {
    /// How many commits were applied.
    applied: usize,
    /// Where in the log it stands.
    decided: Position,
    position: Position,
    /// The first that stays parked, the reason, and how many wait behind it.
    parked: Option<(Position, String, usize)>,
    skipped: bool,
}

pub(super) async fn retry(asked: Retry) -> Result<ExitCode> {
    let position = asked.position;
    let command = ParkedCommitCommand::Retry { position };
    Box::pin(decide(asked.place, position, command)).await
}

pub(super) async fn skip(asked: Skip) -> Result<ExitCode> {
    let Skip {
        position,
        reason,
        place,
    } = asked;
    let command = ParkedCommitCommand::Skip { position, reason };
    Box::pin(decide(place, position, command)).await
}

async fn decide(place: Place, position: u64, command: ParkedCommitCommand) -> Result<ExitCode> {
    let overview = super::overview(&place).await?;
    let (commands, _vault) = keys::owned(place).await?;
    let skipped = matches!(command, ParkedCommitCommand::Skip { .. });
    let position = Position(position);
    let (seen, waiting) = look(&commands, &overview, position).await?;
    let decided = store(&commands, position, seen, command).await?;
    reach(&overview, decided).await?;
    let still = parked::among(&overview, &waiting.positions).await?.value;
    let behind = still.len().saturating_sub(1);
    let outcome = Outcome {
        applied: waiting.positions.len() - still.len() - usize::from(skipped),
        decided,
        position,
        parked: still
            .into_iter()
            .next()
            .map(|(at, reason)| (at, reason, behind)),
        skipped,
    };
    if stdout().is_terminal() {
        println!("{}", outcome.line());
    } else {
        println!("{}", outcome.json());
    }
    Ok(ExitCode::from(u8::from(outcome.parked.is_some())))
}

/// What has been decided before, and what is parked once that has been done.
async fn look(
    commands: &Commands,
    overview: &Overview,
    position: Position,
) -> Result<(Version, Waiting)> {
    let id = ParkedCommitId::of_position(position.0).uuid();
    let before = commands.state::<ParkedCommit>(TenantId::MAIN, id).await?;
    let mut seen = Version(0);
    if let Some(before) = before {
        if let Some(reason) = before.state.skipped {
            bail!("position {position} is left out already: {reason}");
        }
        seen = before.version;
        reach(overview, before.position).await?;
    }
    let waiting = parked::of(overview, position)
        .await?
        .value
        .with_context(|| {
            format!("nothing is parked at position {position} → almanac projections parked list")
        })?;
    let head = waiting.head;
    if head != position {
        bail!("position {position} waits behind position {head} → decide about that one");
    }
    Ok((seen, waiting))
}

/// Where in the log the decision stands.
async fn store(
    commands: &Commands,
    position: Position,
    seen: Version,
    command: ParkedCommitCommand,
) -> Result<Position> {
    let id = ParkedCommitId::of_position(position.0).uuid();
    let asked = CommandId::new(commands.ids().next());
    let ask = Ask {
        expected: Some(seen),
        ..Ask::new(Actor::System("cli".to_owned()), TenantId::MAIN, id, asked)
    };
    match commands.execute::<ParkedCommit>(ask, command).await {
        Ok(receipt) => Ok(receipt.position),
        Err(CommandError::VersionMismatch { .. }) => {
            bail!("somebody else has just decided about position {position} → look again")
        }
        Err(other) => Err(other.into()),
    }
}

/// Waits until the read models are there.
async fn reach(overview: &Overview, position: Position) -> Result<()> {
    let mut reached = Position(0);
    let reaching = async {
        loop {
            reached = parked::among(overview, &[]).await?.position;
            if reached >= position {
                return Ok(());
            }
            sleep(LOOK).await;
        }
    };
    match timeout(AT_MOST, reaching).await {
        Ok(outcome) => outcome,
        Err(_) => bail!(
            "it is decided at position {position}, but the read models stay at {reached}: it is \
             done when a projector runs"
        ),
    }
}

impl Outcome {
    fn line(&self) -> String {
        let Self {
            applied, position, ..
        } = self;
        let applied = match applied {
            1 => "1 commit was applied".to_owned(),
            n => format!("{n} commits were applied"),
        };
        let left_out = if self.skipped {
            format!("position {position} is left out, ")
        } else {
            String::new()
        };
        match &self.parked {
            None => format!("✔ {left_out}{applied}"),
            Some((at, reason, behind)) => format!(
                "✖ {left_out}{applied}, position {at} stays parked with {behind} behind: {reason}"
            ),
        }
    }

    fn json(&self) -> serde_json::Value {
        let parked = self.parked.as_ref().map(
            |(at, reason, behind)| json!({ "behind": behind, "position": at, "reason": reason }),
        );
        json!({
            "applied": self.applied,
            "decided": self.decided,
            "parked": parked,
            "position": self.position,
            "skipped": self.skipped,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_it_is_one_sentence() {
        let mut outcome = Outcome {
            applied: 1,
            decided: Position(9),
            position: Position(7),
            parked: None,
            skipped: true,
        };
        assert_eq!(
            outcome.line(),
            "✔ position 7 is left out, 1 commit was applied"
        );
        outcome.skipped = false;
        outcome.applied = 0;
        outcome.parked = Some((Position(7), "unknown event x".to_owned(), 3));
        let told =
            "✖ 0 commits were applied, position 7 stays parked with 3 behind: unknown event x";
        assert_eq!(outcome.line(), told);
    }
}
