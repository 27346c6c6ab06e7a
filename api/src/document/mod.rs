//! Owns the OpenAPI 3.1 document: it is made from the types and routes of this crate alone.

mod operation;
mod paths;
mod tidy;
mod transaction;

use operation::note;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::{node::LiveEvent, schema::TxType};

/// The document.
pub fn openapi() -> Value {
    let mut schemas = Map::new();
    let mut paths = Map::new();
    for operation in paths::operations() {
        let route = operation.route;
        let described = operation.finish(&mut schemas);
        if let Some(methods) = paths
            .entry(route.path)
            .or_insert_with(|| json!({}))
            .as_object_mut()
        {
            methods.insert(route.method.word().into(), described);
        }
    }
    note::<LiveEvent>(&mut schemas);
    transaction::describe(&mut schemas);
    tidy::close_objects(&mut schemas);
    tidy::prune(&mut schemas, &paths, &[&LiveEvent::name(), &TxType::name()]);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "AIT node",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "REST of an AIT chain node",
            "description": "Amounts are integer counts of uait (1 AIT = 1,000,000 uait). Reads come from the \
                committed state. docs/PROTOCOL.md has the rules, docs/state.md the records.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The node that serves this document"}],
        "tags": [
            {"name": "transactions", "description": "Send and follow"},
            {"name": "blocks", "description": "Blocks as they were committed"},
            {"name": "state", "description": "The committed state, with proofs"},
            {"name": "node", "description": "The node itself"},
            {"name": "admin", "description": "For administrators"},
            {"name": "devnet", "description": "On development networks"},
            {"name": "page", "description": "The web page"},
        ],
        "security": [],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"adminToken": {"type": "http", "scheme": "bearer"}},
        },
    })
}
