//! Owns `/openapi.json`, the description of every route (OpenAPI 3.1). It is kept by hand beside this crate;
//! the test here holds it against the router's own list, in both directions.

use axum::{http::header, response::IntoResponse};

use super::Endpoint;

const DOCUMENT: &str = include_str!("../../openapi.json");

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get("/openapi.json", document)]
}

async fn document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ait_app::{code::Code, tx::Payload};
    use serde_json::Value;

    use super::*;

    fn document() -> Value {
        serde_json::from_str(DOCUMENT).unwrap()
    }

    #[test]
    fn the_document_lists_every_route_and_no_other() {
        let document = document();
        let documented: BTreeSet<(String, String)> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, methods)| {
                let methods = methods.as_object().unwrap().keys();
                methods.map(|method| (path.clone(), method.clone()))
            })
            .collect();
        let served: BTreeSet<(String, String)> = super::super::endpoints()
            .iter()
            .map(|endpoint| (endpoint.path.to_owned(), endpoint.method.to_owned()))
            .collect();
        assert_eq!(documented, served);
    }

    #[test]
    fn the_document_names_every_type_and_codespace() {
        let document = document();
        let listed = |pointer: &str| -> BTreeSet<String> {
            let names = document.pointer(pointer).unwrap().as_array().unwrap();
            let names = names.iter().map(|name| name.as_str().unwrap().to_owned());
            names.collect()
        };
        let kinds = Payload::KINDS.iter().map(|kind| (*kind).to_owned());
        assert_eq!(listed("/components/schemas/TxType/enum"), kinds.collect());
        let of_the_chain = Code::ALL.iter().map(|code| code.codespace());
        let codespaces = of_the_chain.chain(["rest"]).map(str::to_owned);
        let error = "/components/schemas/Error/properties/error/properties/codespace/enum";
        assert_eq!(listed(error), codespaces.collect());
    }

    #[test]
    fn every_reference_in_the_document_leads_somewhere() {
        fn walk(value: &Value, document: &Value) {
            match value {
                Value::Object(fields) => {
                    if let Some(Value::String(reference)) = fields.get("$ref") {
                        let pointer = reference.strip_prefix('#').unwrap();
                        assert!(document.pointer(pointer).is_some(), "{reference}");
                    }
                    fields.values().for_each(|value| walk(value, document));
                }
                Value::Array(values) => values.iter().for_each(|value| walk(value, document)),
                _ => {}
            }
        }
        let document = document();
        walk(&document, &document);
    }

    #[test]
    fn every_route_says_what_it_does_and_names_its_path_variables() {
        let document = document();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                assert!(operation["summary"].is_string(), "{method} {path}");
                let named: BTreeSet<&str> = operation["parameters"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|parameter| match parameter["$ref"].as_str() {
                        Some(reference) => document.pointer(&reference[1..]).unwrap(),
                        None => parameter,
                    })
                    .filter(|parameter| parameter["in"] == "path")
                    .map(|parameter| parameter["name"].as_str().unwrap())
                    .collect();
                let variables: BTreeSet<&str> = path
                    .split('/')
                    .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
                    .collect();
                assert_eq!(named, variables, "{method} {path}");
            }
        }
    }
}
