//! Owns holding a node's answers against its contract: status and body are what the OpenAPI document says of
//! the route.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use jsonschema::Validator;
use serde_json::{Value, json};

static DOCUMENT: LazyLock<Value> = LazyLock::new(ait_api::document::openapi);

/// Schemas that were looked at before, by their place in the document.
static SEEN: Mutex<Option<HashMap<String, Arc<Validator>>>> = Mutex::new(None);

/// An answer, and to what.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// `GET` or `POST`.
    pub method: &'a str,
    /// With its query, if there is one.
    pub path: &'a str,
    /// The HTTP status.
    pub status: u16,
    /// The header `content-type`; empty without one.
    pub content_type: &'a str,
    /// The body.
    pub text: &'a str,
}

impl Answered<'_> {
    /// Holds it against the contract. What is asked by a path or method that is no route has none.
    ///
    /// # Panics
    /// When it is not what the contract says.
    pub fn check(&self) {
        let path = self.path.split('?').next().unwrap_or_default();
        let routes = DOCUMENT["paths"].as_object().expect("paths");
        // A path without anything that varies goes before one with.
        let exact = routes.get_key_value(path);
        let Some((pattern, route)) =
            exact.or_else(|| routes.iter().find(|(pattern, _)| fits(pattern, path)))
        else {
            return;
        };
        let method = self.method.to_lowercase();
        if route.get(&method).is_none() {
            return;
        }
        let status = self.status.to_string();
        let place = format!("/paths/{}/{method}/responses/{status}", escaped(pattern));
        let response = DOCUMENT.pointer(&place);
        let response = response.unwrap_or_else(|| {
            panic!("{method} {path}: {status} is not documented: {}", self.text)
        });
        let Some(content) = response["content"].as_object() else {
            return;
        };
        let kind = self.content_type.split(';').next().unwrap_or_default();
        assert!(
            content.contains_key(kind) || content.contains_key("*/*"),
            "{method} {path}: {kind} is not documented"
        );
        let schema = format!("{place}/content/application~1json/schema");
        match kind {
            "application/json" => self.fits_schema(&schema, self.text),
            // A line is what an element of the list is.
            "application/x-ndjson" => self
                .text
                .lines()
                .for_each(|line| self.fits_schema(&format!("{schema}/items"), line)),
            _ => {}
        }
    }

    fn fits_schema(&self, place: &str, text: &str) {
        let value: Value = serde_json::from_str(text).expect("JSON");
        let faults: Vec<String> = validator(place)
            .iter_errors(&value)
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect();
        assert!(
            faults.is_empty(),
            "{} {} is not what the contract says: {faults:#?}\n{text}",
            self.method,
            self.path
        );
    }
}

/// Whether a JSON value fits a schema of the contract, by its name.
pub fn fits_named(name: &str, value: &Value) -> Result<(), String> {
    let validator = validator(&format!("/components/schemas/{name}"));
    validator.validate(value).map_err(|fault| fault.to_string())
}

fn validator(place: &str) -> Arc<Validator> {
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = seen.get_or_insert_default();
    if let Some(validator) = known.get(place) {
        return validator.clone();
    }
    let schema = json!({
        "$ref": format!("#{}", place.replace('{', "%7B").replace('}', "%7D")),
        "components": DOCUMENT["components"],
        "paths": DOCUMENT["paths"],
    });
    let made = jsonschema::draft202012::new(&schema);
    let made = Arc::new(made.unwrap_or_else(|fault| panic!("{place}: {fault}")));
    known.insert(place.to_owned(), made.clone());
    made
}

fn escaped(pattern: &str) -> String {
    pattern.replace('~', "~0").replace('/', "~1")
}

fn fits(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<&str>, Vec<&str>) =
        (pattern.split('/').collect(), path.split('/').collect());
    pattern.len() == path.len()
        && pattern
            .iter()
            .zip(&path)
            .all(|(left, right)| left == right || (left.starts_with('{') && !right.is_empty()))
}
