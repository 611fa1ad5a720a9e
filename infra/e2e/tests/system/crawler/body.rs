//! Bodies made from their schemas, with a mark in every text that is free.
//!
//! Invariant: every member that a schema names is there, optional ones included. What a schema does
//! not say is in [`WORDS`]; a route whose body is refused as invalid wants a word there.

use serde_json::{Map, Value, json};

use super::operation::Document;

/// Members whose text is not free, and what they may be.
const WORDS: &[(&str, &str)] = &[
    ("expression", "0 2 1 1 *"),
    ("kind", "echo"),
    ("scopes", "tasks:read"),
    ("timezone", "UTC"),
];
/// Members that are left out: what they ask for is not what is tried here.
const LEFT_OUT: &[&str] = &[
    "after",
    "current_password",
    "expires_at",
    "not_before",
    "statuses",
    "unique_key",
];

/// What goes into a body.
#[derive(Clone, Copy, Debug)]
pub struct Filling<'a> {
    /// In every free text; lower-case letters and digits.
    pub mark: &'a str,
    /// Wherever an id is asked for.
    pub id: &'a str,
    /// Makes addresses differ.
    pub count: usize,
}

impl Filling<'_> {
    /// A body as `schema` wants it.
    pub fn body(&self, document: &Document, schema: &Value) -> Value {
        self.value(document, "", schema)
    }

    fn value(&self, document: &Document, name: &str, schema: &Value) -> Value {
        let schema = document.resolve(schema);
        if let Some(variants) = ["oneOf", "anyOf", "allOf"]
            .iter()
            .find_map(|word| schema[*word].as_array())
        {
            let real = variants.iter().find(|variant| variant["type"] != "null");
            return self.value(document, name, real.unwrap_or(&Value::Null));
        }
        if let Some(word) = schema["enum"].as_array().and_then(|words| words.first()) {
            return word.clone();
        }
        match kind(schema) {
            "array" => json!([self.value(document, name, &schema["items"])]),
            "boolean" => json!(true),
            "integer" | "number" => number(schema),
            "string" => json!(self.text(name, schema)),
            "null" => Value::Null,
            _ => self.object(document, schema),
        }
    }

    fn object(&self, document: &Document, schema: &Value) -> Value {
        if let Some(members) = schema["properties"].as_object() {
            let members = members
                .iter()
                .filter(|(name, _)| !LEFT_OUT.contains(&name.as_str()))
                .map(|(name, member)| (name.clone(), self.value(document, name, member)));
            return Value::Object(members.collect::<Map<_, _>>());
        }
        if schema["additionalProperties"] == false {
            return json!({});
        }
        let of_text = schema["additionalProperties"].is_object();
        let key = if of_text { self.mark } else { "description" };
        json!({key: self.mark})
    }

    fn text(&self, name: &str, schema: &Value) -> String {
        if let Some((_, word)) = WORDS.iter().find(|(known, _)| *known == name) {
            return (*word).to_owned();
        }
        let Self { mark, id, count } = self;
        let text = match schema["format"].as_str() {
            Some("date-time") => "2099-01-01T00:00:00.000Z".to_owned(),
            Some("email") => format!("{mark}-{count}@example.org"),
            Some("password") => format!("{mark} is long enough"),
            Some("uri") => format!("https://{mark}.example.org/"),
            Some("uuid") => (*id).to_owned(),
            _ => format!("{mark}-{count}"),
        };
        let most = schema["maxLength"].as_u64().unwrap_or(u64::MAX);
        text.chars()
            .take(usize::try_from(most).unwrap_or(usize::MAX))
            .collect()
    }
}

/// The type of a schema that is not null.
fn kind(schema: &Value) -> &str {
    let one = schema["type"].as_str();
    let several = schema["type"].as_array().into_iter().flatten();
    let several = several
        .filter_map(Value::as_str)
        .find(|kind| *kind != "null");
    one.or(several).unwrap_or("object")
}

/// The one by default, or a small one; milliseconds want more.
fn number(schema: &Value) -> Value {
    if schema["default"].is_number() {
        return schema["default"].clone();
    }
    let least = schema["minimum"].as_u64().unwrap_or(1);
    let most = schema["maximum"].as_u64().unwrap_or(u64::MAX);
    json!(if most >= 100_000 { 60_000 } else { least })
}
