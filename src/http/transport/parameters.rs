//! The parameters of a GraphQL request, from a JSON body or a query string. Each error names the parameter and the
//! expected value.

use apollo_compiler::response::JsonValue as Value;
use serde_json::Number;
use url::form_urlencoded;

use crate::graphql::{DocumentId, RequestedDocument, Variables};

/// The parameters of a GraphQL request (GraphQL over HTTP, "Request Parameters" and "Persisted Document Request").
#[derive(Debug)]
pub(super) struct Parameters {
    pub(super) document: RequestedDocument,
    pub(super) operation_name: Option<String>,
    pub(super) variables: Variables,
    /// Whether the extension `cost` asks what the operation costs.
    pub(super) wants_cost: bool,
}

impl Parameters {
    /// Reads the JSON body of a POST.
    pub(super) fn from_json(body: &[u8]) -> Result<Self, String> {
        if body.is_empty() {
            return Err("the body must be a JSON object with a query, but it is empty".to_owned());
        }
        let body = serde_json::from_slice(body).map_err(|error| format!("the body is not JSON: {error}"))?;
        match body {
            Value::Object(members) => Self::from_members(members),
            Value::Array(_) => Err("the body must be a JSON object: batching is not supported".to_owned()),
            other => Err(format!("the body must be a JSON object, not {}", kind(&other))),
        }
    }

    /// Reads the query string of a GET, in which objects are JSON texts.
    pub(super) fn from_query(query: &str) -> Result<Self, String> {
        let mut members = Variables::new();
        for (name, text) in form_urlencoded::parse(query.as_bytes()) {
            let value = match &*name {
                // Some clients send an empty text for a parameter that they omit.
                "documentId" | "operationName" | "variables" | "extensions" if text.is_empty() => Value::Null,
                "query" | "documentId" | "operationName" => Value::String(text.into_owned().into()),
                "variables" | "extensions" => {
                    serde_json::from_str(&text).map_err(|error| format!("`{name}` is not JSON: {error}"))?
                }
                _ => continue,
            };
            if members.contains_key(&*name) {
                return Err(format!("`{name}` is repeated"));
            }
            members.insert(&*name, value);
        }
        Self::from_members(members)
    }

    fn from_members(mut members: Variables) -> Result<Self, String> {
        let mut take = |name: &str| members.remove(name).filter(|value| !value.is_null());
        let query = match take("query") {
            None => None,
            Some(Value::String(query)) => Some(query.as_str().to_owned()),
            Some(other) => return Err(format!("`query` must be a string, not {}", kind(&other))),
        };
        let document_id = match take("documentId") {
            None => None,
            Some(Value::String(id)) => Some(DocumentId::parse(id.as_str())?),
            Some(other) => return Err(format!("`documentId` must be a string, not {}", kind(&other))),
        };
        let operation_name = match take("operationName") {
            None => None,
            Some(Value::String(name)) => Some(name.as_str().to_owned()),
            Some(other) => return Err(format!("`operationName` must be a string, not {}", kind(&other))),
        };
        let variables = match take("variables") {
            None => Variables::default(),
            Some(Value::Object(variables)) => variables
                .into_iter()
                .map(|(name, value)| (name, whole(value)))
                .collect(),
            Some(other) => return Err(format!("`variables` must be an object, not {}", kind(&other))),
        };
        // The specification requires others than those that the service knows to be ignored.
        let extensions = match take("extensions") {
            None => Variables::default(),
            Some(Value::Object(extensions)) => extensions,
            Some(other) => return Err(format!("`extensions` must be an object, not {}", kind(&other))),
        };
        let wants_cost = extensions.get("cost") == Some(&Value::Bool(true));
        let id = match (document_id, persisted_query(&extensions)?) {
            (Some(_), Some(_)) => {
                return Err("send either `documentId` or `extensions.persistedQuery`".to_owned());
            }
            (document_id, persisted_query) => document_id.or(persisted_query),
        };
        let document = match (query, id) {
            (Some(text), id) => RequestedDocument::Text { text, id },
            (None, Some(id)) => RequestedDocument::Id(id),
            (None, None) => {
                return Err("`query` is missing: it must be a string, a GraphQL document".to_owned());
            }
        };
        Ok(Self {
            document,
            operation_name,
            variables,
            wants_cost,
        })
    }
}

/// The id in the extension of Apollo's protocol, "Automatic Persisted Queries".
fn persisted_query(extensions: &Variables) -> Result<Option<DocumentId>, String> {
    let Some(extension) = extensions.get("persistedQuery").filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let member = |name| extension.as_object().and_then(|members| members.get(name));
    match (member("version").and_then(Value::as_f64), member("sha256Hash")) {
        (Some(1.0), Some(Value::String(hash))) => Ok(Some(DocumentId::of_apollo(hash.as_str()))),
        _ => Err("`extensions.persistedQuery` must have `version`, 1, and `sha256Hash`, a string".to_owned()),
    }
}

/// The value with integers for numbers without a fraction: in JSON, 5.0 is 5.
fn whole(value: Value) -> Value {
    match value {
        Value::Number(number) => {
            let float = number.as_f64().filter(|_| number.is_f64());
            // Larger floats are not exact integers.
            let integer =
                float.filter(|float| float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_991.0);
            #[expect(clippy::cast_possible_truncation, reason = "an integer, and small enough")]
            Value::Number(integer.map_or(number, |integer| Number::from(integer as i64)))
        }
        Value::Array(items) => Value::Array(items.into_iter().map(whole).collect()),
        Value::Object(members) => {
            let members = members.into_iter().map(|(name, member)| (name, whole(member)));
            Value::Object(members.collect())
        }
        other => other,
    }
}

/// The type of a JSON value, in words.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
