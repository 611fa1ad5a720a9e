//! What would break clients of an `OpenAPI` document that changed.
//!
//! Invariant: whoever asked and read as the old document says can go on under one with no breaking
//! change. Requests may be asked for less and answers may tell more, never the other way round.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Whose side a schema is on.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Side {
    Answer,
    Request,
}

/// Two documents, and what was found in them.
struct Comparison<'a> {
    found: Vec<String>,
    new: &'a Value,
    old: &'a Value,
}

/// Each change from `old` to `new` that would break clients, with its place.
pub fn breaking_api_changes(old: &Value, new: &Value) -> Vec<String> {
    let mut comparison = Comparison {
        found: Vec::new(),
        new,
        old,
    };
    for (path, operations) in members(&old["paths"]) {
        for (method, operation) in members(operations) {
            let place = format!("{} {path}", method.to_uppercase());
            match new["paths"][path].get(method) {
                Some(now) => comparison.operation(&place, operation, now),
                None => comparison.found.push(format!("{place}: removed")),
            }
        }
    }
    comparison.found
}

impl Comparison<'_> {
    fn operation(&mut self, at: &str, old: &Value, new: &Value) {
        self.parameters(at, &old["parameters"], &new["parameters"]);
        let must = |of: &Value| of["requestBody"]["required"] == true;
        if must(new) && !must(old) {
            self.found.push(format!("{at}: a body became required"));
        }
        let (before, now) = (
            &old["requestBody"]["content"],
            &new["requestBody"]["content"],
        );
        self.contents(&format!("{at} body"), before, now, Side::Request);
        for (status, answer) in members(&old["responses"]) {
            let at = format!("{at} {status}");
            let Some(now) = new["responses"].get(status) else {
                // A client that knows of a refusal loses nothing when it does not come.
                if !status.starts_with(['4', '5']) {
                    self.found.push(format!("{at}: removed"));
                }
                continue;
            };
            self.contents(&at, &answer["content"], &now["content"], Side::Answer);
        }
    }

    fn parameters(&mut self, at: &str, old: &Value, new: &Value) {
        let (old, new) = (by_name(old), by_name(new));
        for name in old.keys().filter(|name| !new.contains_key(*name)) {
            // Unknown parameters are errors.
            self.found.push(format!("{at}: {name} removed"));
        }
        for (name, required) in &new {
            if *required && old.get(name) != Some(&true) {
                self.found.push(format!("{at}: {name} became required"));
            }
        }
    }

    fn contents(&mut self, at: &str, old: &Value, new: &Value, side: Side) {
        for (kind, content) in members(old) {
            match new.get(kind) {
                Some(now) => {
                    let (old, new) = (&content["schema"], &now["schema"]);
                    self.schema(at, old, new, side, &mut BTreeSet::new());
                }
                None => self.found.push(format!("{at}: {kind} removed")),
            }
        }
    }

    /// `seen` has the names that are being compared, which may contain themselves.
    fn schema(
        &mut self,
        at: &str,
        old: &Value,
        new: &Value,
        side: Side,
        seen: &mut BTreeSet<(String, String)>,
    ) {
        let names = [old, new].map(|schema| schema["$ref"].as_str().unwrap_or_default());
        let names = (names[0].to_owned(), names[1].to_owned());
        let by_name = !names.0.is_empty() || !names.1.is_empty();
        if by_name && !seen.insert(names) {
            return;
        }
        let (old, new) = (resolved(self.old, old), resolved(self.new, new));
        if old["type"] != new["type"] {
            let (old, new) = (&old["type"], &new["type"]);
            self.found
                .push(format!("{at}: the type {old} became {new}"));
        }
        let (before, now) = (required(old), required(new));
        let (more, fewer) = (now.difference(&before), before.difference(&now));
        match side {
            Side::Answer => self.each(fewer, |name| format!("{at}/{name}: may be absent now")),
            Side::Request => self.each(more, |name| format!("{at}/{name}: became required")),
        }
        for (name, old) in members(&old["properties"]) {
            let at = format!("{at}/{name}");
            match new["properties"].get(name) {
                Some(new) => self.schema(&at, old, new, side, seen),
                None => self.found.push(format!("{at}: removed")),
            }
        }
        self.schema_if(at, (old, new), "items", side, seen);
        for keyword in ["allOf", "anyOf", "oneOf"] {
            let (old, new) = (list(&old[keyword]), list(&new[keyword]));
            for (old, new) in old.iter().zip(new) {
                self.schema(at, old, new, side, seen);
            }
            if old.len() > new.len() && side == Side::Request {
                self.found.push(format!("{at}: {keyword} takes less"));
            }
        }
    }

    fn schema_if(
        &mut self,
        at: &str,
        (old, new): (&Value, &Value),
        keyword: &str,
        side: Side,
        seen: &mut BTreeSet<(String, String)>,
    ) {
        if let (Some(old), Some(new)) = (old.get(keyword), new.get(keyword)) {
            self.schema(&format!("{at}/{keyword}"), old, new, side, seen);
        }
    }

    fn each<'a>(&mut self, names: impl Iterator<Item = &'a String>, told: impl Fn(&str) -> String) {
        self.found.extend(names.map(|name| told(name)));
    }
}

fn members(of: &Value) -> impl Iterator<Item = (&String, &Value)> {
    of.as_object().into_iter().flatten()
}

fn list(of: &Value) -> &[Value] {
    of.as_array().map_or(&[], Vec::as_slice)
}

fn required(schema: &Value) -> BTreeSet<String> {
    let names = list(&schema["required"]).iter();
    names.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Whether each parameter must be given, by place and name.
fn by_name(parameters: &Value) -> BTreeMap<String, bool> {
    let word = |of: &Value, key: &str| of[key].as_str().unwrap_or_default().to_owned();
    let named = list(parameters).iter().map(|one| {
        let name = format!("{} parameter {}", word(one, "in"), word(one, "name"));
        (name, one["required"] == true)
    });
    named.collect()
}

/// What a reference within `document` stands for.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let pointer = schema["$ref"].as_str().and_then(|at| at.strip_prefix('#'));
    pointer.map_or(schema, |at| document.pointer(at).unwrap_or(&Value::Null))
}

#[cfg(test)]
#[path = "api_compatibility_tests.rs"]
mod tests;
