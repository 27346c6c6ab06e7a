//! Owns what holds for every schema of the document: an object has the fields that it names and no others,
//! and one that nothing refers to is not there.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::operation::Schemas;

/// Closes every object that does not say that it is open.
pub(super) fn close_objects(schemas: &mut Schemas) {
    for schema in schemas.values_mut() {
        close(schema);
    }
}

/// Leaves out what neither the paths nor a schema that stays refers to; those named in `also` stay.
pub(super) fn prune(schemas: &mut Schemas, paths: &Schemas, also: &[&str]) {
    let mut found: Vec<String> = also.iter().map(|name| (*name).to_owned()).collect();
    paths.values().for_each(|path| references(path, &mut found));
    let mut used = BTreeSet::new();
    while let Some(name) = found.pop() {
        if let Some(schema) = schemas.get(&name)
            && used.insert(name)
        {
            references(schema, &mut found);
        }
    }
    schemas.retain(|name, _| used.contains(name));
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            let named = fields.get("$ref").and_then(Value::as_str);
            found.extend(
                named
                    .and_then(|name| name.rsplit('/').next())
                    .map(str::to_owned),
            );
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.values_mut().for_each(close);
            let is_object = fields.get("type") == Some(&json!("object"));
            // One without named fields is open, unless it says otherwise.
            if is_object && fields.contains_key("properties") {
                fields.entry("additionalProperties").or_insert(json!(false));
            }
        }
        Value::Array(list) => list.iter_mut().for_each(close),
        _ => {}
    }
}
