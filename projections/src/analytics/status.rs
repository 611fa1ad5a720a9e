//! How fresh the views are, what they mean, and what the audit does not know.
//!
//! Invariant: the catalogue lists every view with every column, itself included.

use super::{
    PUBLISHED,
    objects::INSTANT,
    view::{View, column, elapsed_ms, literal},
};

pub(super) fn projection_status() -> View {
    let columns = vec![
        column(
            "projection",
            "text",
            "'read_models'",
            "What stands there: read_models.",
        ),
        column(
            "position",
            "bigint",
            "position",
            "The last commit that all views hold; 0 before the first.",
        ),
        column(
            "reached_at",
            INSTANT,
            "reached_at",
            "When that commit was written.",
        ),
        column(
            "age_ms",
            "bigint",
            &elapsed_ms("reached_at", "clock_timestamp()"),
            "How long ago that was, in milliseconds; while nobody changes anything it grows, \
             without anything lagging.",
        ),
        column(
            "parked_commits",
            "bigint",
            "(select count(*) from parked)",
            "How many commits could not be applied, and are in no view.",
        ),
    ];
    let description = "How far the views follow the log: all of them stand at one position.";
    View::new("projection_status", description, "checkpoint", columns)
}

pub(super) fn unaudited() -> View {
    let columns = vec![
        column("tenant_id", "uuid", "e.tenant_id", "The tenant."),
        column(
            "position",
            "bigint",
            "e.position",
            "The place in the log of the commit.",
        ),
        column(
            "occurred_at",
            INSTANT,
            "e.occurred_at",
            "When it was committed.",
        ),
        column("actor", "text", "e.actor", "Who caused it.").pseudonym(),
        column(
            "command_id",
            "uuid",
            "e.command_id",
            "The command that caused it.",
        ),
        column("aggregate_kind", "text", "e.kind", "What it happened to."),
        column(
            "aggregate_id",
            "uuid",
            "e.id",
            "The one that it happened to.",
        )
        .pseudonym(),
        column("type", "text", "e.type", "What happened."),
    ];
    let description = "Events that people caused and that no record of the audit speaks of: what \
                       a gateway did that was killed before it could say so, and what is from \
                       before there was an audit or from longer ago than it is kept.";
    let from = "event_log e where e.actor not like 'system:%' and not exists (
    select from audit a where a.tenant_id = e.tenant_id and a.command_id = e.command_id)";
    View::new("unaudited", description, from, columns)
}

/// What `others` and the catalogue itself mean. Views and columns both have a line.
pub(super) fn catalog(others: &[View]) -> View {
    let columns = vec![
        column("object", "text", "object", "The view."),
        column(
            "column",
            "text",
            "\"column\"",
            "The column; null for the view itself.",
        ),
        column(
            "type",
            "text",
            "type",
            "The type of the column, as Postgres calls it.",
        ),
        column(
            "description",
            "text",
            "description",
            "What it means, and its unit.",
        ),
        column(
            "pii_class",
            "text",
            "pii_class",
            "none; pseudonym: the id of a person; free_text: written by somebody, and may tell of \
             anybody.",
        ),
        column(
            "since_version",
            "text",
            "since_version",
            "The version of Almanac since which it is there.",
        ),
    ];
    let description = "Every view here and every column, with what they mean.";
    let mut view = View::new("catalog", description, "", columns);
    let mut lines: Vec<_> = others.iter().flat_map(lines).collect();
    lines.extend(self::lines(&view));
    lines.sort();
    view.from = format!(
        "(values\n    {}\n) as c (object, \"column\", type, description, pii_class, since_version)",
        lines.join(",\n    ")
    );
    view
}

fn lines(view: &View) -> Vec<String> {
    let since = |column: &str| {
        let line = PUBLISHED
            .lines()
            .map(|line| line.split('\t').collect::<Vec<_>>());
        let mut line = line.filter(|line| line[0] == view.name);
        let found = line.find(|line| column.is_empty() || line[1] == column);
        found.map_or(env!("CARGO_PKG_VERSION"), |line| line[3])
    };
    let line = |column: Option<&str>, kind: Option<&str>, description: &str, personal: &str| {
        let null = || "null".to_owned();
        format!(
            "({}, {}, {}, {}, {}, {})",
            literal(&view.name),
            column.map_or_else(null, literal),
            kind.map_or_else(null, literal),
            literal(description),
            literal(personal),
            literal(since(column.unwrap_or_default())),
        )
    };
    let whole = line(None, None, &view.description, "none");
    let columns = view.columns.iter().map(|column| {
        let personal = column.personal.name();
        line(
            Some(&column.name),
            Some(column.kind),
            &column.description,
            personal,
        )
    });
    [whole].into_iter().chain(columns).collect()
}
