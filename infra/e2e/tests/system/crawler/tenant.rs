//! A tenant and everything it has.
//!
//! Invariant: whatever of it could be told elsewhere bears its mark or is among its ids.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::{
    body::Filling,
    operation::{Document, Operation},
};
use crate::harness::{Answer, Api, until};

/// Objects of each kind: one that is left as it was made, and one that everything is done to.
const OBJECTS: usize = 2;
/// Lists that must not change by being looked at.
const STABLE: [&str; 6] = [
    "/api/v1/jobs",
    "/api/v1/resource-types",
    "/api/v1/resources",
    "/api/v1/tasks",
    "/api/v1/tenant",
    "/api/v1/users",
];

/// How long a sign-in may be put off.
const SIGNED_IN_WITHIN: Duration = Duration::from_mins(1);

/// What changes by itself, whoever looks: what is told a little later than it was done, and what
/// workers are at.
const MOVING: [&str; 2] = ["/api/v1/audit", "/api/v1/workers"];

/// A tenant, by its first administrator.
#[derive(Clone, Debug)]
pub struct Tenant {
    pub api: Api,
    pub id: String,
    pub mark: String,
    stranger: Api,
    user: String,
}

/// What a tenant has that another could try to use.
#[derive(Debug, Default)]
pub struct Belongings {
    /// Cursors, by list.
    pub cursors: BTreeMap<String, String>,
    pub etag: String,
    /// Every id that was ever answered.
    pub ids: BTreeSet<String>,
    pub key: String,
    /// The position before it had anything.
    pub since: u64,
    pub token: String,
    /// What the objects are called that each list shows.
    pub values: BTreeMap<String, Vec<String>>,
}

impl Tenant {
    /// Makes a tenant whose texts all bear `mark`.
    pub async fn create(platform: &Api, mark: &str) -> Result<Self> {
        let email = format!("{mark}-admin@example.org");
        let wanted = json!({
            "slug": mark, "name": format!("{mark} name"),
            "administrator": {"email": email, "name": format!("{mark} person"),
                "password": password(mark)},
        });
        let made = platform.post("/tenants", &wanted).await?.expect(201)?;
        let stranger = Api::at(platform.gateway())?;
        let mut tenant = Self {
            api: stranger.clone(),
            id: made.string("/id")?,
            mark: mark.to_owned(),
            stranger,
            user: String::new(),
        };
        tenant.sign_in().await?;
        Ok(tenant)
    }

    /// Signs its administrator in anew.
    pub async fn sign_in(&mut self) -> Result<()> {
        let email = format!("{}-admin@example.org", self.mark);
        let wanted = json!({"email": email, "password": password(&self.mark), "tenant": self.mark});
        let mut session = self.stranger.post("/auth/login", &wanted).await?;
        // Other tests register hundreds at once meanwhile; whoever is told to come back does.
        let began = Instant::now();
        while session.status == 429 && began.elapsed() < SIGNED_IN_WITHIN {
            let pause = session.header("retry-after")?.parse()?;
            tokio::time::sleep(Duration::from_secs(pause)).await;
            session = self.stranger.post("/auth/login", &wanted).await?;
        }
        let session = session.expect(200)?;
        self.user = session.string("/user/id")?;
        self.api = self.stranger.with_bearer(&session.string("/access_token")?);
        Ok(())
    }

    /// The same, signed in just now.
    pub async fn again(&self) -> Result<Self> {
        let mut again = self.clone();
        again.sign_in().await?;
        Ok(again)
    }

    /// Does everything that the document lets an administrator do, with marks in every text.
    pub async fn fill(&self, document: &Document) -> Result<Belongings> {
        let mut has = Belongings {
            key: format!("{}-key", self.mark),
            since: self.api.position_after_mark().await?,
            ..Belongings::default()
        };
        has.ids.extend([self.id.clone(), self.user.clone()]);
        let own = |one: &&Operation| {
            one.secured && !one.platform && !one.reads() && !one.path.contains("/auth/")
        };
        let writes: Vec<_> = document.operations.iter().filter(own).collect();
        for count in 0..OBJECTS {
            for operation in writes.iter().filter(|one| one.names().is_none()) {
                self.write(document, operation, "", count, &mut has).await?;
            }
        }
        self.look(document, &mut has).await?;
        for operation in writes.iter().filter(|one| one.method != "DELETE") {
            let Some((list, _)) = operation.names() else {
                continue;
            };
            let worn = has.values.get(list).and_then(|values| values.first());
            let worn = worn.filter(|worn| **worn != self.user).cloned();
            if let Some(value) = worn {
                self.write(document, operation, &value, OBJECTS, &mut has)
                    .await?;
            }
        }
        self.settle().await?;
        self.look(document, &mut has).await?;
        Ok(has)
    }

    async fn write(
        &self,
        document: &Document,
        operation: &Operation,
        value: &str,
        count: usize,
        has: &mut Belongings,
    ) -> Result<()> {
        let filling = Filling {
            mark: &self.mark,
            id: &self.user,
            count,
        };
        let key = format!("{}-{count}", has.key);
        let mut ask = self.api.ask(&operation.method, &operation.at(value))?;
        ask = ask.header("idempotency-key", &key);
        if let Some((kind, schema)) = &operation.body {
            let body = filling.body(document, schema);
            ask = ask
                .header("content-type", kind)
                .body(body.to_string().into_bytes());
        }
        let answer = ask.send().await?;
        let text = answer.text();
        ensure!(
            !text.contains("INVALID_BODY"),
            "{} wants a word in crawler/body.rs: {text}",
            operation.id
        );
        let refused = operation.names().is_none() && answer.status >= 300 && answer.status != 409;
        ensure!(
            !refused,
            "{} wants a word in crawler/body.rs: {text}",
            operation.id
        );
        ensure!(
            answer.status < 500 && !text.contains("AUTHENTICATION_REQUIRED"),
            "{} of its own: {text}",
            operation.id
        );
        if answer.status < 300 {
            has.keep(&answer);
        }
        Ok(())
    }

    /// Notes what its lists show, and the cursors of their second pages.
    async fn look(&self, document: &Document, has: &mut Belongings) -> Result<()> {
        for operation in &document.operations {
            let Some((list, member)) = operation.names().filter(|_| operation.secured) else {
                continue;
            };
            let shown = self.read(&format!("!{list}"), &has.token).await?;
            let Some(items) = shown.as_ref().and_then(items) else {
                continue;
            };
            let values = items.iter().filter_map(|item| item[member].as_str());
            let values: Vec<_> = values.map(str::to_owned).collect();
            if member == "id" {
                has.ids.extend(values.iter().cloned());
            }
            has.values.insert(list.to_owned(), values);
            let first = self.read(&format!("!{list}?limit=1"), &has.token).await?;
            let next = first.and_then(|page| page["page"]["next"].as_str().map(str::to_owned));
            if let Some(next) = next {
                has.cursors.insert(list.to_owned(), next);
            }
        }
        Ok(())
    }

    /// Waits until none of its tasks changes any more by itself.
    async fn settle(&self) -> Result<()> {
        until(
            "tasks to end",
            std::time::Duration::from_mins(1),
            async || {
                let open = "/tasks?status=queued,running,retrying&limit=1";
                let page = self.api.get(open).await?.expect(200)?.json()?;
                Ok(items(&page).is_some_and(<[Value]>::is_empty).then_some(()))
            },
        )
        .await
    }

    /// Everything that it is shown, by address, as it is when all it wrote is there.
    pub async fn snapshot(
        &self,
        document: &Document,
        has: &Belongings,
    ) -> Result<BTreeMap<String, Value>> {
        let mut shown = BTreeMap::new();
        let reads = |one: &&Operation| one.reads() && one.secured && !one.streams && !one.platform;
        for operation in document.operations.iter().filter(reads) {
            let limit = operation.query.iter().any(|name| name == "limit");
            let limit = if limit { "?limit=200" } else { "" };
            let values = match operation.names() {
                None => vec![String::new()],
                Some((list, _)) => has.values.get(list).cloned().unwrap_or_default(),
            };
            for value in values {
                let path = operation.at(&escaped(&value)) + limit;
                if let Some(mut found) = self.read(&path, &has.token).await? {
                    // How far the whole log is, tells nothing of the tenant.
                    found.as_object_mut().map(|found| found.remove("position"));
                    shown.insert(path, found);
                }
            }
        }
        Ok(shown)
    }

    /// What a read answers; none if it is no success in JSON.
    async fn read(&self, path: &str, token: &str) -> Result<Option<Value>> {
        let mut ask = self.api.ask("GET", path)?.header("prefer", "wait=10");
        if !token.is_empty() {
            ask = ask.header("consistency-token", token);
        }
        let answer = ask.send().await?;
        let refused = answer.status == 401 || answer.status >= 500;
        ensure!(!refused, "{} of its own: {}", answer.asked, answer.text());
        Ok((answer.status == 200).then(|| answer.json().ok()).flatten())
    }
}

impl Belongings {
    fn keep(&mut self, answer: &Answer) {
        if let Ok(token) = answer.token() {
            token.clone_into(&mut self.token);
        }
        if let Ok(etag) = answer.header("etag") {
            etag.clone_into(&mut self.etag);
        }
        if let Ok(id) = answer.string("/id") {
            self.ids.insert(id);
        }
    }
}

/// Holds that what a tenant is shown has not changed, and has no text of the `stranger`. What
/// changes by being looked at, such as a time of last use, is told by two looks `before`.
pub fn unchanged(
    before: [&BTreeMap<String, Value>; 2],
    after: &BTreeMap<String, Value>,
    stranger: &str,
) -> Result<usize> {
    let [first, second] = before;
    let stable: Vec<_> = first
        .iter()
        .filter(|(path, found)| {
            let moves = MOVING.iter().any(|part| path.contains(part));
            second.get(*path) == Some(found) && !moves
        })
        .collect();
    for list in STABLE {
        let listed =
            |(path, _): &&(&String, &Value)| path.trim_start_matches('!').starts_with(list);
        ensure!(
            stable.iter().any(|one| listed(&one)),
            "nothing stable is seen of {list}"
        );
    }
    for (path, found) in &stable {
        let now = after.get(*path);
        let now = now.with_context(|| format!("{path} is shown no more"))?;
        ensure!(
            now == *found,
            "{path} was changed by a stranger: {found} became {now}"
        );
    }
    for (path, found) in after {
        let theirs = found.to_string().contains(stranger);
        ensure!(!theirs, "{path} has a text of a stranger: {found}");
    }
    Ok(stable.len())
}

/// A value as one segment of a path.
pub fn escaped(value: &str) -> String {
    value.replace(' ', "%20")
}

fn items(page: &Value) -> Option<&[Value]> {
    let listed = page["items"].as_array().or_else(|| page.as_array());
    listed.map(Vec::as_slice)
}

/// What its people sign in with.
pub fn password(mark: &str) -> String {
    format!("{mark} is the secret")
}
