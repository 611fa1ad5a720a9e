//! Settings as the API takes and shows them.
//!
//! Invariant: which settings there are, and what they may be, is said by their definitions alone;
//! what is said of them in the document is made from those.

use std::borrow::Cow;

use domain::{
    Attributes, TenantId, Timestamp,
    settings::{DEFINITIONS, Definition, Form},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr, Schema,
        schema::{Object, ObjectBuilder, SchemaType, Type},
    },
};

/// What is to be different of a tenant's settings; null lets the default hold again.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(transparent)]
pub struct PatchSettings(pub Attributes);

/// The settings of a tenant.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct SettingsView {
    /// What holds, by setting.
    #[schema(value_type = Object)]
    pub values: Attributes,
    /// Those of them that the tenant has not set.
    pub defaults: Vec<String>,
    /// When they last changed; null if they never did.
    pub changed_at: Option<Timestamp>,
    /// Counts the changes; the `ETag`.
    pub version: u64,
}

impl PartialSchema for PatchSettings {
    fn schema() -> RefOr<Schema> {
        let patch = ObjectBuilder::new().description(Some(
            "What is to be different of a tenant's settings; null lets the default hold again.",
        ));
        let patch = DEFINITIONS.iter().fold(patch, |patch, setting| {
            patch.property(setting.name, property(setting))
        });
        patch.into()
    }
}

impl ToSchema for PatchSettings {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("PatchSettings")
    }
}

/// What a patch may have for `setting`. Which word holds by default differs from tenant to tenant.
fn property(setting: &Definition) -> Object {
    let property = ObjectBuilder::new().description(Some(setting.meaning));
    let or_null = |of: Type| SchemaType::from_iter([of, Type::Null]);
    match setting.form {
        Form::Whole { least, most } => property
            .schema_type(or_null(Type::Integer))
            .default(Some((setting.default)(TenantId::MAIN)))
            .minimum(Some(least))
            .maximum(Some(most)),
        Form::Word(words) => property
            .schema_type(or_null(Type::String))
            .enum_values(Some(
                (words.iter().copied().map(Value::from)).chain([Value::Null]),
            )),
    }
    .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::settings::schema;
    use serde_json::json;

    #[test]
    fn what_the_schema_says_is_what_is_checked() {
        let schema = schema(TenantId::MAIN);
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        let tried = [
            json!(null),
            json!(-1),
            json!(0),
            json!(1),
            json!(30),
            json!(31),
            json!(366),
            json!(367),
            json!(1.5),
            json!("1"),
            json!("open"),
            json!("closed"),
            json!("Open"),
            json!(["open"]),
        ];
        for setting in DEFINITIONS {
            let allowed = tried.iter().filter(|value| {
                let checked = setting.check(value).is_ok();
                let valid = validator.is_valid(&json!({ setting.name: value }));
                assert_eq!(valid, checked, "{}: {value}", setting.name);
                checked
            });
            assert!(allowed.count() >= 2, "{}", setting.name);
        }
        assert!(!validator.is_valid(&json!({"colour": 1})));
    }

    #[test]
    fn the_document_names_every_setting() {
        let document = serde_json::to_value(PatchSettings::schema()).expect("it encodes");
        let properties = document["properties"].as_object().expect("properties");
        assert_eq!(properties.len(), DEFINITIONS.len());
        for setting in DEFINITIONS {
            let said = &properties[setting.name];
            let types = said["type"].as_array().expect("types");
            assert!(types.contains(&json!("null")), "{said}");
            assert_eq!(said["description"], setting.meaning);
        }
    }
}
