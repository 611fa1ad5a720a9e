//! `almanac projections parked list`
//!
//! Invariant: every commit that others wait for is told with the reason, and every one that was
//! left out with who did so and why.

use std::{
    io::{IsTerminal as _, stdout},
    process::ExitCode,
};

use anyhow::Result;
use projections::parked::{self, Head, Parked, Skipped};
use serde_json::{Value, json};

use crate::cli::Place;

pub(super) async fn run(place: Place) -> Result<ExitCode> {
    let overview = super::overview(&place).await?;
    let heads = parked::heads(&overview).await?;
    let skipped = parked::skipped(&overview).await?;
    if stdout().is_terminal() {
        print!("{}", table(&heads.value, &skipped.value));
    } else {
        let heads: Vec<_> = heads.value.iter().map(head).collect();
        let told: Vec<_> = skipped.value.iter().map(left_out).collect();
        let reached = skipped.position.0;
        println!(
            "{}",
            json!({ "parked": heads, "position": reached, "skipped": told })
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn table(heads: &[Head], skipped: &[Skipped]) -> String {
    let nothing = heads.is_empty().then(|| "nothing is parked\n".to_owned());
    let heads = heads.iter().map(|Head { parked, behind }| {
        let (position, whose, reason) = (parked.position, whose(parked), &parked.reason);
        let since = parked.parked_at.map(|at| format!(" since {at}"));
        let since = since.unwrap_or_default();
        format!("{position}  {whose}{since}, {behind} behind: {reason}\n")
    });
    let skipped = skipped.iter().map(|skipped| {
        let Skipped { at, by, reason, .. } = skipped;
        let (position, whose) = (skipped.parked.position, whose(&skipped.parked));
        format!("{position}  {whose}, left out by {by} at {at}: {reason}\n")
    });
    nothing.into_iter().chain(heads).chain(skipped).collect()
}

fn head(Head { parked, behind }: &Head) -> Value {
    let mut told = described(parked);
    told["behind"] = json!(behind);
    told
}

fn left_out(skipped: &Skipped) -> Value {
    let mut told = described(&skipped.parked);
    told["skipped"] = json!({
        "at": skipped.at,
        "by": skipped.by,
        "position": skipped.decided,
        "reason": skipped.reason,
    });
    told
}

fn described(parked: &Parked) -> Value {
    json!({
        "id": parked.id,
        "kind": parked.kind,
        "position": parked.position,
        "reason": parked.reason,
        "since": parked.parked_at,
        "subject": parked.subject,
        "tenant": parked.tenant,
    })
}

/// Its aggregate, or where it was published.
fn whose(parked: &Parked) -> String {
    match (&parked.kind, parked.id, parked.tenant) {
        (Some(kind), Some(id), Some(tenant)) => format!("{kind} {id} of tenant {tenant}"),
        _ => parked.subject.clone().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;
    use schemas::Position;
    use uuid::Uuid;

    use super::*;

    fn parked(kind: Option<&str>) -> Parked {
        Parked {
            id: kind.map(|_| Uuid::nil()),
            kind: kind.map(str::to_owned),
            parked_at: None,
            position: Position(7),
            reason: "unknown event task.exploded".to_owned(),
            subject: Some("noise".to_owned()),
            tenant: kind.map(|_| domain::TenantId::new(Uuid::nil())),
        }
    }

    #[test]
    fn what_is_parked_and_what_was_left_out_have_a_line_each() {
        assert_eq!(table(&[], &[]), "nothing is parked\n");
        let head = Head {
            behind: 2,
            parked: parked(Some("task")),
        };
        let skipped = Skipped {
            at: Timestamp::from_unix_ms(0),
            by: "system:cli".to_owned(),
            decided: Position(9),
            parked: parked(None),
            reason: "void".to_owned(),
        };
        let nil = Uuid::nil();
        assert_eq!(
            table(&[head], &[skipped]),
            format!(
                "7  task {nil} of tenant {nil}, 2 behind: unknown event task.exploded\n\
                 7  noise, left out by system:cli at 1970-01-01T00:00:00.000Z: void\n"
            )
        );
    }
}
