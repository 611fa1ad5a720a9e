//! Where a follower goes on: a position of one list of this log, as one generation of the read
//! models told it.
//!
//! Invariant: the id of another log, tenant, collection or filter is known as such, at any gateway
//! of the installation; so nobody goes on where they never were.

use std::fmt::Write as _;

use projections::Generation;
use schemas::Position;

use super::Wanted;
use crate::app::App;

/// How much of the digest an id bears, in bytes.
const MAC_LEN: usize = 8;

/// The id of `position` in the list.
pub(super) fn id(app: &App, wanted: &Wanted, position: Position, generation: Generation) -> String {
    let sealed = mac(app, wanted, position, generation);
    format!("{position}-{}-{sealed}", generation.0)
}

/// What `id` stands for; none if it belongs to something else.
pub(super) fn read(app: &App, wanted: &Wanted, id: &str) -> Option<(Position, Generation)> {
    let (position, rest) = id.split_once('-')?;
    let (generation, sealed) = rest.split_once('-')?;
    let position = Position(position.parse().ok()?);
    let generation = Generation(generation.parse().ok()?);
    (sealed == mac(app, wanted, position, generation)).then_some((position, generation))
}

fn mac(app: &App, wanted: &Wanted, position: Position, generation: Generation) -> String {
    let (log, tenant, scope) = (&app.log.incarnation, wanted.tenant, &wanted.scope);
    let text = format!("live/{log}/{tenant}/{position}/{}/{scope}", generation.0);
    let digest = app.identity.keyed_digest(text.as_bytes());
    digest[..MAC_LEN]
        .iter()
        .fold(String::new(), |mut hex, byte| {
            let _infallible = write!(hex, "{byte:02x}");
            hex
        })
}
