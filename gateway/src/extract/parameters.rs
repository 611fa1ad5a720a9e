//! Query parameters.
//!
//! Invariant: a parameter that the route does not know is an error, never ignored: a filter with a
//! typing mistake would otherwise show everything.

use axum::{extract::FromRequestParts, http::request::Parts};
use domain::Labels;
use projections::{ForeignKey, Key, PageRequest, Sort, SortKey};

use super::{Cursors, Reading, as_of::AsOf};
use crate::{
    app::App,
    problem::{Error, Result},
};

/// How many objects a page has unless the client says otherwise.
const LIMIT: u32 = 50;
/// The most objects that a page may have.
const LIMIT_MAX: u32 = 200;

/// The parameters of a route.
pub(crate) struct Parameters<T>(pub T);

/// Parameters that can be taken out of a query.
pub(crate) trait FromParameters: Sized {
    fn take(query: &mut Query) -> Result<Self>;
}

/// No parameters.
pub(crate) struct Nothing;

/// The parameters of an object's history, which has one order only.
pub(crate) struct History(pub Paging<()>);

/// A query, as pairs that are taken out one by one.
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
    /// Path and raw query, for links to other pages.
    path: String,
    raw: String,
}

/// Where in a list, and in which order.
pub(crate) struct Paging<K> {
    as_of: Option<AsOf>,
    pub limit: u32,
    pub sort: Sort<K>,
    cursor: Option<String>,
    /// Path and raw query without the cursor.
    link: String,
    /// What a cursor is bound to.
    pub scope: String,
}

impl<S: Send + Sync, T: FromParameters> FromRequestParts<S> for Parameters<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let mut query = Query::read(parts)?;
        let value = T::take(&mut query)?;
        query.end()?;
        Ok(Self(value))
    }
}

impl FromParameters for Nothing {
    fn take(_: &mut Query) -> Result<Self> {
        Ok(Self)
    }
}

impl FromParameters for History {
    fn take(query: &mut Query) -> Result<Self> {
        query.plain_paging().map(Self)
    }
}

impl Query {
    fn read(parts: &Parts) -> Result<Self> {
        let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|reason| Error::invalid_parameter("query", reason))?;
        let query = Self::of_pairs(parts.uri.path().to_owned(), pairs.0)?;
        Ok(Self {
            raw: parts.uri.query().unwrap_or_default().to_owned(),
            ..query
        })
    }

    /// The parameters `pairs` of what is at `path`.
    pub fn of_pairs(path: String, pairs: Vec<(String, String)>) -> Result<Self> {
        let stored =
            |(name, value): &&(String, String)| name.contains('\0') || value.contains('\0');
        if let Some((name, _)) = pairs.iter().find(stored) {
            let name = name.replace('\0', "");
            return Err(Error::invalid_parameter(&name, "NUL is no text"));
        }
        Ok(Self {
            pairs,
            path,
            raw: String::new(),
        })
    }

    /// What is left, as parameters of something else.
    pub fn rest(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.pairs)
    }

    /// Refuses what is left.
    pub fn end(&self) -> Result<()> {
        match self.pairs.first() {
            None => Ok(()),
            Some((name, _)) => Err(Error::invalid_parameter(name, "is not a parameter here")),
        }
    }

    /// Takes no notice of what is left: another standard says that more may be sent.
    pub fn ignore_others(&mut self) {
        self.pairs.clear();
    }

    /// The value of `name`, if it is given once.
    pub fn one(&mut self, name: &str) -> Result<Option<String>> {
        let found = self.pairs.iter().position(|(given, _)| given == name);
        let value = found.map(|at| self.pairs.remove(at).1);
        if self.pairs.iter().any(|(given, _)| given == name) {
            return Err(Error::invalid_parameter(name, "is given twice"));
        }
        Ok(value)
    }

    /// The value of `name`, made of its text by `parse`, which says what the text should have been.
    pub fn parsed<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>> {
        let text = self.one(name)?;
        text.map(|text| parse(&text).map_err(|reason| Error::invalid_parameter(name, reason)))
            .transpose()
    }

    /// The values of `name`, between commas.
    pub fn several<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<T>> {
        let list = |text: &str| text.split(',').map(&parse).collect();
        Ok(self.parsed(name, list)?.unwrap_or_default())
    }

    /// The entries of `name[key]=value`.
    pub fn entries(&mut self, name: &str) -> Result<Labels> {
        let prefix = format!("{name}[");
        let key_of = |given: &str| {
            let key = given.strip_prefix(&prefix)?.strip_suffix(']')?;
            Some(key.to_owned())
        };
        let mut entries = Labels::new();
        for (given, value) in std::mem::take(&mut self.pairs) {
            match key_of(&given) {
                None => self.pairs.push((given, value)),
                Some(key) => {
                    if entries.insert(key, value).is_some() {
                        return Err(Error::invalid_parameter(&given, "is given twice"));
                    }
                }
            }
        }
        Ok(entries)
    }

    /// `limit`, `cursor`, `sort` and `as_of`. To be taken first: what is left binds the cursor.
    pub fn paging<K: SortKey>(&mut self) -> Result<Paging<K>> {
        let limit = self.limit()?;
        let cursor = self.one("cursor")?;
        let sort: Sort<K> = self.parsed("sort", sort)?.unwrap_or_default();
        // Made before `as_of` is taken: a cursor is of the moment that was asked for.
        let scope = format!("{} {}", self.scope(), sort.word());
        Ok(Paging {
            as_of: self.as_of()?,
            limit,
            sort,
            cursor,
            link: self.link(),
            scope,
        })
    }

    /// `limit` and `cursor` of a list that has one order only.
    pub fn plain_paging(&mut self) -> Result<Paging<()>> {
        Ok(Paging {
            as_of: None,
            limit: self.limit()?,
            sort: Sort {
                key: (),
                descending: false,
            },
            cursor: self.one("cursor")?,
            link: self.link(),
            scope: self.scope(),
        })
    }

    fn limit(&mut self) -> Result<u32> {
        let limit = self.parsed("limit", |text| {
            let limit = text.parse().ok();
            let within = limit.filter(|limit| (1..=LIMIT_MAX).contains(limit));
            within.ok_or_else(|| format!("is a number from 1 to {LIMIT_MAX}"))
        })?;
        Ok(limit.unwrap_or(LIMIT))
    }

    /// What is left, in one order whatever the client's.
    pub fn scope(&self) -> String {
        let mut filter = self.pairs.clone();
        filter.sort();
        format!("{} {filter:?}", self.path)
    }

    fn link(&self) -> String {
        let kept = self
            .raw
            .split('&')
            .filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
        let query: String = kept.flat_map(|pair| [pair, "&"]).collect();
        format!("{}?{query}", self.path)
    }
}

impl<K> Paging<K> {
    /// The key to go on after, if a cursor was sent.
    pub fn after<Key: serde::de::DeserializeOwned>(
        &self,
        cursors: &Cursors<'_>,
    ) -> Result<Option<Key>> {
        self.cursor
            .as_deref()
            .map(|cursor| cursors.decode(cursor))
            .transpose()
    }

    /// The address of the page at `cursor`, as a `Link` header has it.
    pub fn next_link(&self, cursor: &str) -> String {
        format!("<{}cursor={cursor}>; rel=\"next\"", self.link)
    }

    /// Whether this is a page other than the first.
    pub fn goes_on(&self) -> bool {
        self.cursor.is_some()
    }
}

impl<K: SortKey> Paging<K> {
    /// What to ask the read side for. The first page says which position a time is; the others go
    /// on as of that one.
    pub async fn request(
        &self,
        app: &App,
        reading: &Reading,
        cursors: &Cursors<'_>,
    ) -> Result<PageRequest<K>> {
        let after: Option<Key> = self.after(cursors)?;
        let moment = match (&self.as_of, &after) {
            (None, _) => None,
            (Some(_), Some(key)) => Some(AsOf::Position(key.as_of().ok_or(ForeignKey)?)),
            (Some(as_of), None) => Some(as_of.clone()),
        };
        let request = PageRequest::try_new(self.sort, self.limit, after)?;
        Ok(match moment {
            None => request,
            Some(as_of) => request.as_of(reading.position(app, "as_of", &as_of).await?),
        })
    }
}

fn sort<K: SortKey>(text: &str) -> Result<Sort<K>, String> {
    text.parse().map_err(|_| {
        let names: Vec<_> = K::ALL.iter().map(|key| key.name()).collect();
        let names = names.join(", ");
        format!("is one of {names}, with - before it for the other direction")
    })
}

/// Reads a word of an enum by its names on the wire.
pub(crate) fn word<T: Copy>(
    all: &'static [T],
    name: impl Fn(T) -> &'static str,
) -> impl Fn(&str) -> Result<T, String> {
    move |text| {
        let found = all.iter().copied().find(|one| name(*one) == text);
        found.ok_or_else(|| {
            let names: Vec<_> = all.iter().map(|one| name(*one)).collect();
            format!("{text:?} is none of {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;
    use schemas::api::Code;

    fn query(text: &str) -> Query {
        let request = Request::builder().uri(format!("/api/v1/things?{text}"));
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        Query::read(&parts).expect("a query")
    }

    #[tokio::test]
    async fn unknown_parameters_are_named() {
        let request = Request::builder().uri("/x?colour=red");
        let (mut parts, ()) = request.body(()).expect("a request").into_parts();
        let refused = Parameters::<Nothing>::from_request_parts(&mut parts, &()).await;
        let error = refused.err().expect("refused");
        assert_eq!(error.refusal().code, Code::InvalidParameter);
        assert!(error.refusal().detail.starts_with("colour: "));
    }

    #[test]
    fn parameters_are_taken_once() {
        assert!(query("a=1&a=2").one("a").is_err());
        let mut labels = query("labels[env]=prod&q=x&labels%5Bteam%5D=a%20b");
        let found = labels.entries("labels").expect("entries");
        assert_eq!(found["env"], "prod");
        assert_eq!(found["team"], "a b");
        assert_eq!(labels.one("q").expect("one").as_deref(), Some("x"));
        assert!(query("labels[a]=1&labels[a]=2").entries("labels").is_err());
    }

    #[test]
    fn limits_are_bounded_and_orders_are_known() {
        for wrong in ["0", "201", "-1", "x", "99999999999"] {
            assert!(
                query(&format!("limit={wrong}")).plain_paging().is_err(),
                "{wrong}"
            );
        }
        assert_eq!(query("").plain_paging().expect("paging").limit, LIMIT);
        let paging = query("sort=-created_at").paging::<projections::tasks::SortBy>();
        let paging = paging.expect("paging");
        assert!(paging.sort.descending);
        assert_eq!(paging.sort.key.name(), "created_at");
        assert!(
            query("sort=colour")
                .paging::<projections::tasks::SortBy>()
                .is_err()
        );
    }

    #[test]
    fn the_next_page_has_the_same_filter() {
        let paging = query("status=a,b&cursor=old&limit=5").plain_paging();
        let link = paging.expect("paging").next_link("new");
        let expected = "</api/v1/things?status=a,b&limit=5&cursor=new>; rel=\"next\"";
        assert_eq!(link, expected);
    }

    #[test]
    fn nul_never_reaches_the_database() {
        let request = Request::builder().uri("/x?q=a%00b");
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        assert!(Query::read(&parts).is_err());
    }
}
