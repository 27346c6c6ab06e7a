//! Owns holding answers against `openapi.json`: that status and body are what it says of the route.

use reqwest::Method;
use serde_json::Value;

use super::Answer;

const DOCUMENT: &str = include_str!("../../../openapi.json");

/// Panics when an answer is not the documented one. Paths that are no route are not documented.
pub fn check(method: &Method, path: &str, answer: &Answer) {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let path = path.split('?').next().unwrap();
    let method = method.as_str().to_lowercase();
    let paths = document["paths"].as_object().unwrap();
    let Some((_, route)) = paths.iter().find(|(pattern, _)| matches(pattern, path)) else {
        return;
    };
    let operation = &route[&method];
    if operation.is_null() {
        return;
    }
    let response = &operation["responses"][answer.status.to_string()];
    let response = resolve(&document, response);
    assert!(
        response.is_object(),
        "{method} {path} has no documented {}: {}",
        answer.status,
        answer.text
    );
    let schema = &response["content"]["application/json"]["schema"];
    let kind = answer.header("content-type");
    let shown: Vec<(&Value, Value)> = if kind.starts_with("application/x-ndjson") {
        let described = &response["content"]["application/x-ndjson"];
        assert!(described.is_object(), "{method} {path} has lines");
        // A line is what an element of the list is.
        let lines = answer.text.lines();
        let lines = lines.map(|line| serde_json::from_str(line).unwrap());
        lines.map(|line| (&schema["items"], line)).collect()
    } else if schema.is_object() {
        vec![(schema, answer.json.clone())]
    } else {
        Vec::new()
    };
    for (schema, value) in shown {
        if let Err(why) = conforms(&document, schema, &value) {
            panic!("{method} {path}: {why}\n{}", answer.text);
        }
    }
}

fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<&str>, Vec<&str>) =
        (pattern.split('/').collect(), path.split('/').collect());
    pattern.len() == path.len()
        && pattern
            .iter()
            .zip(&path)
            .all(|(left, right)| left == right || (left.starts_with('{') && !right.is_empty()))
}

fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => document.pointer(&reference[1..]).unwrap(),
        None => value,
    }
}

/// As much of JSON Schema as the document uses.
fn conforms(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let schema = resolve(document, schema);
    if let Some(choices) = schema["oneOf"].as_array() {
        let fits = |choice| conforms(document, choice, value).is_ok();
        return choices
            .iter()
            .any(fits)
            .then_some(())
            .ok_or_else(|| format!("{value} is none of {choices:?}"));
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        return Err(format!("{value} is none of {allowed:?}"));
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().map(|one| one.as_str().unwrap()).collect(),
        _ => Vec::new(),
    };
    if !types.is_empty() && !types.iter().any(|kind| is(kind, value)) {
        return Err(format!("{value} is no {types:?}"));
    }
    if let Some(fields) = value.as_object() {
        object(document, schema, fields)?;
    }
    if let (Some(items), Some(schema)) = (value.as_array(), schema.get("items")) {
        for item in items {
            conforms(document, schema, item)?;
        }
    }
    Ok(())
}

fn object(
    document: &Value,
    schema: &Value,
    fields: &serde_json::Map<String, Value>,
) -> Result<(), String> {
    let required = schema["required"].as_array();
    for name in required.into_iter().flatten() {
        let name = name.as_str().unwrap();
        if !fields.contains_key(name) {
            return Err(format!("the field {name} is missing"));
        }
    }
    for (name, value) in fields {
        match schema["properties"].get(name) {
            Some(schema) => {
                conforms(document, schema, value).map_err(|why| format!("{name}: {why}"))?
            }
            None if schema["additionalProperties"] == false => {
                return Err(format!("the field {name} is not documented"));
            }
            None => {}
        }
    }
    Ok(())
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_u64() || value.is_i64(),
        other => panic!("the document uses the type {other}"),
    }
}
