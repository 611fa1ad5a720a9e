//! `almanac events check`
//!
//! Invariant: no server is asked unless that is wished.

use std::{
    io::{IsTerminal as _, stdout},
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use event_log::{EventLog as _, Position};

use super::export::{summary, told};
use crate::{
    cli::{CheckExport, Place},
    command::{log::file, progress::Progress},
    events::{
        bounds::Span, check::check, encode::Output, export::encode, manifest::Manifest, plan::cuts,
    },
};

pub(super) async fn run(asked: CheckExport) -> Result<ExitCode> {
    let keys = asked.key.as_deref().map_or(Ok(Vec::new()), file::keys)?;
    let manifest = Manifest::read(&asked.folder)?;
    let mut progress = Progress::begin();
    let watch = |at, of| progress.tell(at, of);
    let report = check(&asked.folder, &manifest, &keys, watch);
    progress.end();
    let mut findings = report.findings;
    let unlisted = report.findings_total - findings.len() as u64;
    if asked.against_log {
        findings.extend(differing(&asked.place, &manifest).await?);
    }
    let total = findings.len() as u64 + unlisted;
    if stdout().is_terminal() {
        for finding in &findings {
            println!("✖ {finding}");
        }
        if unlisted > 0 {
            println!("✖ and {unlisted} more");
        }
        let mark = if total == 0 { '✔' } else { '✖' };
        println!("{mark} {}: {total} findings", told(&manifest));
        if let Some(root) = report.root {
            println!("  root {root}");
        }
    } else {
        let mut summary = summary(&manifest);
        summary["findings"] = findings.into();
        summary["findings_total"] = total.into();
        // As it was computed, not as it is claimed.
        summary["root"] = report.root.map(|root| root.to_string()).into();
        println!("{summary}");
    }
    Ok(ExitCode::from(u8::from(total > 0)))
}

/// The files that the log would give otherwise now.
async fn differing(place: &Place, manifest: &Manifest) -> Result<Vec<String>> {
    let log = super::open(place).await?;
    let head = log.head().await?;
    let mut findings = Vec::new();
    if head.incarnation != manifest.log {
        findings.push(format!("it is of another log, almanac/{}", manifest.log));
    }
    let span = Span {
        after: Position(manifest.first.0.saturating_sub(1)),
        until: manifest.last.min(head.position),
    };
    if span.until < manifest.last {
        let (head, last) = (head.position, manifest.last);
        findings.push(format!("the log ends at {head}, the export at {last}"));
    }
    let mut progress = Progress::begin();
    for (cut, file) in cuts(span, manifest.per_file).zip(&manifest.files) {
        let watch = |at: Position| progress.tell(at.0, span.until.0);
        let found = encode(&log, manifest, cut, Output::new(None), None, watch).await;
        let found = found.with_context(|| format!("comparing {}", file.name))?;
        if found.sha256.to_string() != file.sha256 {
            let by = written_by(manifest);
            findings.push(format!("{}: the log says something else{by}", file.name));
        }
    }
    progress.end();
    Ok(findings)
}

/// What may be another reason for other bytes.
fn written_by(manifest: &Manifest) -> String {
    let ours = env!("CARGO_PKG_VERSION");
    match manifest.program.as_str() {
        same if same == ours => String::new(),
        other => format!(", or version {other}, which wrote it, says it in other words"),
    }
}
