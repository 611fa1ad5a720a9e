//! Attributes of a resource against the JSON Schema of its type.
//!
//! Invariant: a type that is not defined allows anything; one that is defined is always obeyed, as
//! of the moment the command was asked. Schemas refer to nothing outside themselves.

use domain::{Attributes, ResourceTypeId, TenantId, resource_type::ResourceType};
use serde_json::Value;

use crate::{Commands, Failure};

/// What is wrong with which part.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Violation {
    /// What is wrong.
    pub detail: String,
    /// A JSON Pointer into what was checked.
    pub pointer: String,
}

/// Why attributes were not accepted.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AttributesError {
    /// The type could not be read.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// They do not fit the type.
    #[error("the attributes do not fit the resource type")]
    Invalid(Vec<Violation>),
}

impl Commands {
    /// Checks `attributes` against the type called `type_name`, if there is one.
    pub async fn check_attributes(
        &self,
        tenant: TenantId,
        type_name: &str,
        attributes: &Attributes,
    ) -> Result<(), AttributesError> {
        let id = ResourceTypeId::of_name(tenant, type_name);
        let Some(found) = self.state::<ResourceType>(tenant, id.uuid()).await? else {
            return Ok(());
        };
        let validator = validator(&found.state.schema)
            .map_err(|violation| Failure::Corrupt(violation.detail))?;
        let attributes = Value::Object(attributes.clone());
        let violations: Vec<_> = validator
            .iter_errors(&attributes)
            .map(|error| Violation {
                detail: error.to_string(),
                pointer: error.instance_path().to_string(),
            })
            .collect();
        if violations.is_empty() {
            Ok(())
        } else {
            Err(AttributesError::Invalid(violations))
        }
    }
}

/// Whether `schema` is a JSON Schema that can be checked against.
pub fn check_schema(schema: &Value) -> Result<(), Violation> {
    validator(schema).map(drop)
}

fn validator(schema: &Value) -> Result<jsonschema::Validator, Violation> {
    jsonschema::draft202012::new(schema).map_err(|error| Violation {
        detail: error.to_string(),
        pointer: error.instance_path().to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_schema_is_checked_before_it_is_kept() {
        assert_eq!(check_schema(&json!({"type": "object"})), Ok(()));
        assert!(check_schema(&json!({"type": "no such type"})).is_err());
        assert!(check_schema(&json!({"$ref": "https://example.org/s.json"})).is_err());
    }
}
