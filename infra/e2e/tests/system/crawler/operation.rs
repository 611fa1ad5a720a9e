//! What the served document says can be asked.
//!
//! Invariant: nothing is known of a route but what the document says, so that one added later is
//! walked without touching this.

use anyhow::{Context as _, Result};
use serde_json::{Map, Value};

use crate::harness::Api;

/// One operation.
#[derive(Clone, Debug)]
pub struct Operation {
    pub method: String,
    /// With `{…}` where it names an object.
    pub path: String,
    pub id: String,
    /// Names of parameters in the query.
    pub query: Vec<String>,
    /// Media type and schema of its body.
    pub body: Option<(String, Value)>,
    /// Whether it wants a signed-in user.
    pub secured: bool,
    /// Whether it is for platform administrators.
    pub platform: bool,
    /// Whether its answer has no end.
    pub streams: bool,
}

/// The document.
#[derive(Debug)]
pub struct Document {
    pub operations: Vec<Operation>,
    schemas: Map<String, Value>,
}

impl Document {
    /// As it is served.
    pub async fn served(api: &Api) -> Result<Self> {
        let document = api.get("!/api/openapi.json").await?.expect(200)?.json()?;
        let paths = document["paths"].as_object().context("paths")?;
        let mut operations = Vec::new();
        for (path, methods) in paths {
            for (method, value) in methods.as_object().context("methods")? {
                operations.push(Operation::of(method, path, value)?);
            }
        }
        // Lists are asked for before anything of the walker's own could repeat what it asked. What
        // can be put anywhere is put when all else has been tried there, and what could end the
        // walker's own sign-in comes last.
        operations.sort_by_key(|one: &Operation| {
            let own = one.path.starts_with("/api/v1/auth/");
            (
                own,
                one.method == "PUT",
                !one.reads(),
                one.names().is_some(),
            )
        });
        let schemas = document["components"]["schemas"].as_object();
        Ok(Self {
            operations,
            schemas: schemas.context("schemas")?.clone(),
        })
    }

    /// `schema`, or what it refers to.
    pub fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let name = schema["$ref"].as_str();
        let name = name.and_then(|path| path.strip_prefix("#/components/schemas/"));
        let found = name.and_then(|name| self.schemas.get(name));
        found.map_or(schema, |found| self.resolve(found))
    }
}

impl Operation {
    fn of(method: &str, path: &str, value: &Value) -> Result<Self> {
        let parameters = value["parameters"].as_array().into_iter().flatten();
        let query = parameters
            .filter(|parameter| parameter["in"] == "query")
            .filter_map(|parameter| parameter["name"].as_str().map(str::to_owned));
        let content = value["requestBody"]["content"].as_object();
        let body = content.and_then(|content| content.iter().next());
        let answers = value["responses"]["200"]["content"].as_object();
        let security = value["security"].as_array();
        Ok(Self {
            method: method.to_uppercase(),
            path: path.to_owned(),
            id: value["operationId"].as_str().context("an id")?.to_owned(),
            query: query.collect(),
            body: body.map(|(kind, body)| (kind.clone(), body["schema"].clone())),
            secured: security.is_some_and(|security| !security.is_empty()),
            platform: value["x-platform"] == true,
            streams: answers.is_some_and(|kinds| kinds.contains_key("text/event-stream")),
        })
    }

    /// Whether it only shows.
    pub fn reads(&self) -> bool {
        self.method == "GET"
    }

    /// Where the objects are listed that its path names, and by which of their members.
    pub fn names(&self) -> Option<(&str, &str)> {
        let (list, rest) = self.path.split_once("/{")?;
        Some((list, rest.split_once('}')?.0))
    }

    /// Its path with `value` for what it leaves open.
    pub fn at(&self, value: &str) -> String {
        match (self.path.find('{'), self.path.find('}')) {
            (Some(from), Some(to)) => {
                format!("!{}{value}{}", &self.path[..from], &self.path[to + 1..])
            }
            _ => format!("!{}", self.path),
        }
    }
}
