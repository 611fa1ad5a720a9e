//! `as_of`, `diff` and `explain`: which moment is asked about, and what of it.
//!
//! Invariant: a moment is one position of the log before anything is read, and the read models hold
//! every commit up to it. So an answer about it is the same whenever it is asked for.

use domain::Timestamp;
use projections::moments;
use schemas::{Position, api::Code};

use super::{FromParameters, Query, Reading, token};
use crate::{
    app::App,
    log_end::{self, Unusable},
    problem::{Error, Result},
};

/// How long a `Consistency-Token` is, which no position is and no time.
const TOKEN_LEN: usize = 22;

/// A moment, as a client names it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum AsOf {
    /// After the commit at this position; 0 is before the first.
    Position(Position),
    /// After the last commit at or before this time.
    Time(Timestamp),
    /// After the commit that this token was given for.
    Token(String),
}

/// How to look at one object.
pub(crate) struct Look {
    /// The moment to show it as of, and the parameter that names it.
    moment: Option<(&'static str, AsOf)>,
    /// The moment that a diff begins with; none for before the first commit.
    since: Option<AsOf>,
    /// What is asked of it; the object itself if nothing is.
    pub told: Option<Told>,
}

/// What can be asked of how an object came to be.
pub(crate) enum Told {
    /// What has changed between two moments.
    Diff,
    /// What set each field.
    Explanation,
}

impl FromParameters for Look {
    fn take(query: &mut Query) -> Result<Self> {
        let as_of = query.as_of()?;
        let diff = query.parsed("diff", range)?;
        let explains = query.parsed("explain", |text| {
            match text {
                "true" => Ok(true),
                "false" => Ok(false),
                _ => Err("is true or false"),
            }
            .map_err(str::to_owned)
        })?;
        let explains = explains.unwrap_or_default();
        let Some((from, to)) = diff else {
            return Ok(Self {
                moment: as_of.map(|as_of| ("as_of", as_of)),
                since: None,
                told: explains.then_some(Told::Explanation),
            });
        };
        if as_of.is_some() {
            let detail = "names both of its moments: leave out as_of";
            return Err(Error::invalid_parameter("diff", detail));
        }
        if explains {
            let detail = "says what changed, and by what: leave out explain";
            return Err(Error::invalid_parameter("diff", detail));
        }
        Ok(Self {
            moment: to.map(|to| ("diff", to)),
            since: from,
            told: Some(Told::Diff),
        })
    }
}

/// Two moments, each of which may be left out.
fn range(text: &str) -> Result<(Option<AsOf>, Option<AsOf>), String> {
    let (from, to) = text
        .split_once("..")
        .ok_or("is two moments with .. between them")?;
    let end = |text: &str| (!text.is_empty()).then(|| AsOf::read(text)).transpose();
    Ok((end(from)?, end(to)?))
}

impl AsOf {
    /// What `text` names.
    pub fn read(text: &str) -> Result<Self, String> {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let position = text.parse().map(Position);
            return position
                .map(Self::Position)
                .map_err(|_| "is beyond the end of the log".to_owned());
        }
        if let Ok(time) = text.parse() {
            return Ok(Self::Time(time));
        }
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if text.len() == TOKEN_LEN && text.bytes().all(is_token) {
            return Ok(Self::Token(text.to_owned()));
        }
        Err("is a position, a time in RFC 3339, or a Consistency-Token".to_owned())
    }
}

impl Query {
    /// `as_of`, if it is given.
    pub fn as_of(&mut self) -> Result<Option<AsOf>> {
        self.parsed("as_of", AsOf::read)
    }
}

impl Reading {
    /// The same read of the moments that are looked at, or of now.
    pub async fn of(mut self, app: &App, look: &Look) -> Result<Self> {
        if let Some((name, as_of)) = &look.moment {
            self.moment = Some(self.position(app, name, as_of).await?);
        }
        if let Some(since) = &look.since {
            self.since = self.position(app, "diff", since).await?;
        }
        if self.moment.is_some_and(|moment| self.since > moment) {
            let detail = "its first moment is after its second";
            return Err(Error::invalid_parameter("diff", detail));
        }
        Ok(self)
    }

    /// The position that the parameter `name` names by `as_of`. The read models have reached it.
    pub async fn position(&self, app: &App, name: &str, as_of: &AsOf) -> Result<Position> {
        match as_of {
            AsOf::Position(position) => self.reach(app, name, *position).await,
            AsOf::Time(time) => self.last_at(app, name, *time).await,
            AsOf::Token(text) => {
                let position = token::position(app, text).map_err(|_| {
                    let detail = "the token is altered, or belongs to another log";
                    Error::invalid_parameter(name, detail)
                })?;
                self.reach(app, name, position).await
            }
        }
    }

    /// Waits for `position`, unless the log ends before it.
    async fn reach(&self, app: &App, name: &str, position: Position) -> Result<Position> {
        if position > app.freshness.position() {
            let head = end_of_log(app).await?;
            if position > head {
                let detail = format!("is beyond the end of the log, which is position {head}");
                return Err(Error::invalid_parameter(name, detail));
            }
            app.freshness.wait_for(position, self.at_most).await?;
        }
        Ok(position)
    }

    /// The last commit at or before `time`. What the read models do not hold yet may be that: they
    /// are waited for, unless they hold a commit from then or later.
    async fn last_at(&self, app: &App, name: &str, time: Timestamp) -> Result<Position> {
        if time > app.commands.clock().now() {
            return Err(Error::invalid_parameter(name, "has not come yet"));
        }
        let known = moments::at(&app.store, time).await?;
        if known.is_past {
            return Ok(known.position);
        }
        let head = end_of_log(app).await?;
        app.freshness.wait_for(head, self.at_most).await?;
        Ok(moments::at(&app.store, time).await?.position)
    }
}

/// Where the log ends now.
async fn end_of_log(app: &App) -> Result<Position> {
    log_end::head(app).await.map_err(|unusable| match unusable {
        Unusable::Behind(behind) => behind.into(),
        Unusable::Silent => {
            let detail = "The log does not say where it ends; try again in a moment.";
            Error::new(Code::Unavailable, detail).with_retry()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_position_a_time_or_a_token() {
        let token = "AAAAAAAAAAEkqx8-_0a1Bw";
        assert_eq!(AsOf::read("0"), Ok(AsOf::Position(Position(0))));
        assert_eq!(AsOf::read("42"), Ok(AsOf::Position(Position(42))));
        assert_eq!(AsOf::read(token), Ok(AsOf::Token(token.to_owned())));
        let time = AsOf::read("2027-01-01T01:00:00+01:00");
        let expected = "2027-01-01T00:00:00Z".parse().expect("a time");
        assert_eq!(time, Ok(AsOf::Time(expected)));
        for wrong in [
            "",
            "-1",
            "1.5",
            "yesterday",
            "2027-01-01",
            "18446744073709551616",
        ] {
            assert!(AsOf::read(wrong).is_err(), "{wrong}");
        }
        assert!(AsOf::read(&token.replace('-', "+")).is_err());
    }

    #[test]
    fn either_side_of_a_range_may_be_left_out() {
        let at = |position| Some(AsOf::Position(Position(position)));
        assert_eq!(range("1..2"), Ok((at(1), at(2))));
        assert_eq!(range("..2"), Ok((None, at(2))));
        assert_eq!(range("1.."), Ok((at(1), None)));
        assert_eq!(range(".."), Ok((None, None)));
        for wrong in ["", "1", "1.2", "1...2", "a..b", "1..2..3"] {
            assert!(range(wrong).is_err(), "{wrong}");
        }
    }
}
