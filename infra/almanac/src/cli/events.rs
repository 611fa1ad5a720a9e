//! What can be asked about events.
//!
//! Invariant: what changes something says so in its first words.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use domain::{Actor, AggregateKind};
use uuid::Uuid;

use super::Place;
use crate::events::{
    encode::Format,
    filter::{Bound, Filter, TenantRef, TypeName},
    plan,
};

#[derive(Debug, Subcommand)]
pub enum Events {
    /// Check an export, without any server; exit code 1 if something is wrong with it.
    Check(CheckExport),
    /// Write events into a folder: files, and a manifest that says what is in them.
    Export(ExportEvents),
    /// Write an exported log into an empty one, commit by commit, as the owner
    ///
    /// The commits come out byte for byte, at the same positions: the same digests, the same root.
    /// What is no part of the log has to be moved by itself: the bucket `vault` and the master key,
    /// without which nobody can sign in and no name or address can be read, and the audit. Read
    /// models are built anew.
    #[command(verbatim_doc_comment)]
    Import(ImportEvents),
    /// List events, the oldest first; CloudEvents, one in a line, where the output is no terminal.
    List(ListEvents),
    /// Show one commit whole, and whether its digest and its chain hold; exit code 1 if not.
    Show(ShowCommit),
    /// List the last events, and with -f those that come.
    Tail(TailEvents),
}

/// Which events.
#[derive(Args, Clone, Debug)]
pub struct Filters {
    /// Of this tenant.
    #[arg(long, value_name = "SLUG|ID")]
    pub tenant: Option<TenantRef>,
    /// Of aggregates of this kind, such as task.
    #[arg(long)]
    pub kind: Option<AggregateKind>,
    /// Of the aggregate with this id.
    #[arg(long)]
    pub id: Option<Uuid>,
    /// Of this type, such as task.created or task.created.v1. May be given more than once.
    #[arg(long = "type", value_name = "TYPE")]
    pub types: Vec<TypeName>,
    /// Of commands of this actor, such as user:<id> or system:scheduler.
    #[arg(long)]
    pub actor: Option<Actor>,
    /// Of what belongs together.
    #[arg(long, value_name = "ID")]
    pub correlation: Option<Uuid>,
    /// From this position or RFC 3339 time on.
    #[arg(long, value_name = "POSITION|TIME")]
    pub from: Option<Bound>,
    /// Up to this position or RFC 3339 time, and with it.
    #[arg(long, value_name = "POSITION|TIME")]
    pub to: Option<Bound>,
}

#[derive(Args, Debug)]
pub struct CheckExport {
    /// The folder.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Hold it against the log as well: what is exported again must have the same bytes.
    #[arg(long)]
    pub against_log: bool,
    /// The public keys, one of which must have signed the checkpoint, as `almanac log keys` prints
    /// them.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    #[command(flatten)]
    pub place: Place,
}

#[derive(Args, Debug)]
pub struct ExportEvents {
    /// Where to. If an earlier run of the same began there, this one goes on.
    #[arg(long, alias = "to-dir", value_name = "DIR")]
    pub out: PathBuf,
    /// How to write them.
    #[arg(long, value_enum, default_value = "ndjson")]
    pub format: Format,
    /// How many positions a file stands for.
    #[arg(long, value_name = "N", default_value_t = plan::PER_FILE)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub per_file: u64,
    #[command(flatten)]
    pub filters: Filters,
    #[command(flatten)]
    pub place: Place,
}

#[derive(Args, Debug)]
pub struct ImportEvents {
    /// The folder of a whole export, without conditions, as ndjson.
    #[arg(value_name = "DIR")]
    pub from: PathBuf,
    #[command(flatten)]
    pub place: Place,
}

#[derive(Args, Debug)]
pub struct ListEvents {
    /// No more than these.
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    #[command(flatten)]
    pub filters: Filters,
    #[command(flatten)]
    pub place: Place,
}

#[derive(Args, Debug)]
pub struct ShowCommit {
    /// Which commit.
    #[arg(value_name = "POSITION", value_parser = clap::value_parser!(u64).range(1..))]
    pub position: u64,
    #[command(flatten)]
    pub place: Place,
}

#[derive(Args, Debug)]
pub struct TailEvents {
    /// Go on with those that come, until interrupted.
    #[arg(long, short)]
    pub follow: bool,
    /// How many of those that are there.
    #[arg(long, short = 'n', value_name = "N", default_value = "10")]
    pub lines: usize,
    #[command(flatten)]
    pub filters: Filters,
    #[command(flatten)]
    pub place: Place,
}

impl From<Filters> for Filter {
    fn from(of: Filters) -> Self {
        Self {
            actor: of.actor,
            correlation: of.correlation,
            from: of.from,
            id: of.id,
            kind: of.kind,
            tenant: of.tenant.map(|TenantRef(id)| id),
            to: of.to,
            types: of.types,
        }
    }
}
