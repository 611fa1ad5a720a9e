//! Whoever tries.
//!
//! Invariant: what is asked of a foreign id is asked of its twin as well, an id that never was, in
//! the same order and on the same terms; so two answers that differ tell something.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::{
    body::Filling,
    operation::{Document, Operation},
    tenant::{Belongings, Tenant, escaped},
};
use crate::harness::{Answer, Ask};

/// How many objects of one kind are tried.
const TRIED: usize = 4;

/// A request, but for the id in its path.
#[derive(Clone, Copy, Debug)]
struct Terms {
    /// Whether the victim's tokens, tags and keys are sent.
    borrowed: bool,
}

/// Somebody of another tenant.
pub struct Walker<'a> {
    pub cases: usize,
    pub unknown: usize,
    pub(super) document: &'a Document,
    pub(super) has: &'a Belongings,
    /// Ids of the victim that are ids of the walker's own objects by now, since it put them there.
    made: BTreeSet<String>,
    pub(super) me: Tenant,
    pub(super) victim: &'a Tenant,
}

impl<'a> Walker<'a> {
    pub fn new(
        document: &'a Document,
        victim: &'a Tenant,
        has: &'a Belongings,
        me: Tenant,
    ) -> Self {
        Self {
            cases: 0,
            unknown: 0,
            document,
            has,
            made: BTreeSet::new(),
            me,
            victim,
        }
    }

    /// Tries one operation in every way.
    pub async fn walk(&mut self, operation: &Operation) -> Result<()> {
        if operation.streams {
            return Ok(());
        }
        // A sign-in of long ago would be asked to prove itself before anything else is looked at.
        self.me.sign_in().await?;
        let both = [false, true].map(|borrowed| Terms { borrowed });
        let Some((list, member)) = operation.names() else {
            for terms in both {
                self.ask(operation, &operation.at(""), terms).await?;
            }
            return self.filters(operation, &operation.at("")).await;
        };
        let own = self.has.values.get(list).into_iter().flatten();
        let mut values: Vec<_> = own.take(TRIED).cloned().collect();
        if member == "id" {
            // Also where an id of another kind does not belong.
            values.push(self.victim.id.clone());
            let others = self.has.ids.iter().filter(|id| !values.contains(id));
            let others: Vec<_> = others.take(2).cloned().collect();
            values.extend(others);
        } else {
            values.push(self.victim.mark.clone());
        }
        for value in values {
            for terms in both {
                self.compare(operation, &value, terms).await?;
            }
            self.filters(operation, &operation.at(&escaped(&value)))
                .await?;
        }
        Ok(())
    }

    /// A foreign value in the path against one that never was.
    async fn compare(&mut self, operation: &Operation, value: &str, terms: Terms) -> Result<()> {
        let twin = twin(value);
        let never = self
            .ask(operation, &operation.at(&escaped(&twin)), terms)
            .await?;
        let foreign = self
            .ask(operation, &operation.at(&escaped(value)), terms)
            .await?;
        let told = (foreign.status, plain(&foreign, value));
        let expected = (never.status, plain(&never, &twin));
        ensure!(
            told == expected,
            "{}: a foreign id is told from none: {told:?} instead of {expected:?}",
            foreign.asked
        );
        if foreign.status < 300 && operation.secured {
            // What can be put anywhere was put into the walker's own tenant.
            ensure!(
                !operation.reads() || self.made.contains(value),
                "{} is shown",
                foreign.asked
            );
            self.made.insert(value.to_owned());
        }
        self.unknown += usize::from(foreign.status == 404);
        Ok(())
    }

    /// The victim's words, ids and cursors as parameters.
    async fn filters(&mut self, operation: &Operation, at: &str) -> Result<()> {
        let list = operation.path.clone();
        for name in &operation.query {
            let mut values = vec![self.victim.mark.clone(), self.victim.id.clone()];
            values.extend(self.has.ids.iter().take(2).cloned());
            values.push(self.has.since.to_string());
            if name == "cursor" {
                values.extend(self.has.cursors.get(&list).cloned());
                values.extend(self.has.cursors.values().take(2).cloned());
            }
            values.extend(self.pasts(name));
            let key = if name == "labels" {
                format!("labels[{}]", self.victim.mark)
            } else {
                name.clone()
            };
            for value in values {
                let limit = if name == "cursor" { "&limit=1" } else { "" };
                let path = format!("{at}?{key}={value}{limit}");
                let answer = self
                    .ask(operation, &path, Terms { borrowed: false })
                    .await?;
                ensure!(
                    name != "cursor" || answer.status >= 400,
                    "{}: a foreign cursor works",
                    answer.asked
                );
            }
        }
        Ok(())
    }

    /// Moments of the whole log, which are no tenant's, and all that can be asked about them.
    fn pasts(&self, parameter: &str) -> Vec<String> {
        let since = self.has.since;
        match parameter {
            "as_of" => vec![self.has.token.clone()],
            "diff" => vec!["..".to_owned(), format!("..{since}"), format!("{since}..")],
            "explain" => vec!["true".to_owned()],
            _ => Vec::new(),
        }
    }

    /// Asks, and holds that nothing is found.
    async fn ask(&mut self, operation: &Operation, path: &str, terms: Terms) -> Result<Answer> {
        let mut answer = self.request(operation, path, terms)?.send().await?;
        if operation.secured && is_stranger(&answer) {
            // It may have ended its own sign-in.
            self.me.sign_in().await?;
            answer = self.request(operation, path, terms)?.send().await?;
        }
        ensure!(
            answer.status < 500 && !(operation.secured && is_stranger(&answer)),
            "{}: {}",
            answer.asked,
            answer.text()
        );
        let mut heard = answer.text();
        // A refusal may repeat what was asked; whoever is shown something asked for nothing of it.
        let mark = &self.victim.mark;
        ensure!(
            answer.status >= 300 || !heard.contains(mark.as_str()),
            "{} shows a text of another tenant: {heard}",
            answer.asked
        );
        for (name, value) in &answer.headers {
            heard.push('\n');
            heard.push_str(name.as_str());
            heard.push_str(&String::from_utf8_lossy(value.as_bytes()));
        }
        self.hold(&answer.asked, path, &heard)?;
        Ok(answer)
    }

    fn request(&self, operation: &Operation, path: &str, terms: Terms) -> Result<Ask> {
        let filling = Filling {
            mark: &self.me.mark,
            id: &self.victim.id,
            count: self.cases,
        };
        let mut ask = self.me.api.ask(&operation.method, path)?;
        if let Some((kind, schema)) = &operation.body {
            let body = filling.body(self.document, schema);
            ask = ask
                .header("content-type", kind)
                .body(body.to_string().into_bytes());
        }
        if terms.borrowed {
            let tag = if operation.reads() {
                "if-none-match"
            } else {
                "if-match"
            };
            let key = format!("{}-{}", self.has.key, self.cases % 3);
            if operation.names().is_some() {
                ask = ask.header(tag, &self.has.etag);
            }
            ask = ask
                .header("consistency-token", &self.has.token)
                .header("prefer", "wait=10")
                .header("idempotency-key", &key)
                .header("last-event-id", &self.has.since.to_string());
        }
        Ok(ask)
    }

    /// Holds that nothing of the victim is in what was heard, but for what was asked.
    pub(super) fn hold(&mut self, asked: &str, said: &str, heard: &str) -> Result<()> {
        self.cases += 1;
        let heard = without_instance(heard, said);
        let mark = &self.victim.mark;
        let marked = heard.contains(mark.as_str()) && !said.contains(mark.as_str());
        ensure!(!marked, "{asked} tells a text of another tenant: {heard}");
        let ids = self.has.ids.iter().filter(|id| {
            // An id in a body of its own is the walker's own word.
            !said.contains(id.as_str()) && !self.made.contains(*id) && **id != self.victim.id
        });
        for id in ids {
            ensure!(
                !heard.contains(id.as_str()),
                "{asked} tells the id {id}: {heard}"
            );
        }
        Ok(())
    }
}

/// Whether whoever asked is not signed in, rather than asked to prove more.
fn is_stranger(answer: &Answer) -> bool {
    answer.status == 401 && answer.text().contains("AUTHENTICATION_REQUIRED")
}

/// A value that never was, of the same shape.
fn twin(value: &str) -> String {
    let is_id = value.len() == 36 && value.split('-').count() == 5;
    let turned = |c: char| c.to_digit(16).and_then(|n| char::from_digit(15 - n, 16));
    if is_id {
        let (kept, last) = value.split_at(24);
        let last: String = last.chars().filter_map(turned).collect();
        return format!("{kept}{last}");
    }
    value.chars().rev().collect()
}

/// The answer to a path in which `value` stood, without what differs from request to request.
fn plain(answer: &Answer, value: &str) -> Value {
    let text = answer
        .text()
        .replace(value, "ID")
        .replace(&escaped(value), "ID");
    let mut body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    forget(&mut body);
    body
}

fn forget(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(forget),
        Value::Object(members) => {
            members.remove("request_id");
            members.values_mut().for_each(forget);
        }
        // Instants, and texts that the walker counts.
        Value::String(text) if text.starts_with("20") && text.ends_with('Z') => text.clear(),
        Value::String(text) if text.starts_with("strangerb7-") => text.clear(),
        _ => {}
    }
}

/// A problem repeats the path that was asked, whose words are the walker's own.
fn without_instance(heard: &str, said: &str) -> String {
    let path = said.trim_start_matches('!');
    heard.replace(path.split('?').next().unwrap_or(path), "")
}
