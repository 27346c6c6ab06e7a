//! Owns how one route is described.

use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::{
    error::{ErrorAnswer, PassedOn},
    proof::ProofBundle,
    routes::Route,
    schema,
};

/// Schemas by their names.
pub(super) type Schemas = Map<String, Value>;

/// What the document says of a route.
pub(super) struct Operation {
    pub(super) route: Route,
    fields: Map<String, Value>,
    parameters: Vec<Value>,
    responses: Map<String, Value>,
    schemas: Schemas,
}

impl Operation {
    /// A route without parameters or answers. Any may be refused for its form, its rate, or while the node
    /// is not ready.
    pub(super) fn new(route: Route, tag: &str, summary: &str) -> Self {
        let mut fields = Map::new();
        fields.insert("operationId".into(), route.operation.into());
        fields.insert("tags".into(), json!([tag]));
        fields.insert("summary".into(), summary.into());
        let operation = Self {
            route,
            fields,
            parameters: Vec::new(),
            responses: Map::new(),
            schemas: Map::new(),
        };
        operation.refuses(&[429, 503])
    }

    pub(super) fn says(mut self, description: &str) -> Self {
        self.fields.insert("description".into(), description.into());
        self
    }

    /// For administrators.
    pub(super) fn guarded(mut self) -> Self {
        self.fields
            .insert("security".into(), json!([{"adminToken": []}, {}]));
        self.refuses(&[401, 403])
    }

    /// A part of the path.
    pub(super) fn path<T: ToSchema>(mut self, name: &str, description: &str) -> Self {
        let schema = self.known::<T>();
        self.parameters.push(json!({
            "name": name, "in": "path", "required": true, "description": description, "schema": schema,
        }));
        self.refuses(&[400])
    }

    /// A part of the path that is any text.
    pub(super) fn text(mut self, name: &str, description: &str) -> Self {
        self.parameters.push(json!({
            "name": name, "in": "path", "required": true, "description": description,
            "schema": {"type": "string", "minLength": 1},
        }));
        self
    }

    /// A part of the query, which may be missing.
    pub(super) fn query(mut self, name: &str, schema: Value, description: &str) -> Self {
        self.parameters.push(json!({
            "name": name, "in": "query", "required": false, "description": description, "schema": schema,
        }));
        self.refuses(&[400])
    }

    /// `?prove=true` and `?height=`.
    pub(super) fn proves(mut self) -> Self {
        let what = "Adds proofs of presence or absence, of the same height as the answer: the block before the last \
                    unless `height` names another, since the header of the next block has the app hash";
        let height = self.known::<schema::Height>();
        self.query("prove", json!({"type": "boolean", "default": false}), what)
            .query(
                "height",
                height,
                "The state after this block; the last 100 are there",
            )
            .refuses(&[404])
    }

    /// Its body is JSON of this kind.
    pub(super) fn takes<T: ToSchema>(mut self, description: &str) -> Self {
        let schema = self.known::<T>();
        self.body(description, json!({"application/json": {"schema": schema}}))
    }

    /// Its body has one of these contents.
    pub(super) fn body(mut self, description: &str, content: Value) -> Self {
        let body = json!({"required": true, "description": description, "content": content});
        self.fields.insert("requestBody".into(), body);
        self.refuses(&[400, 408, 413])
    }

    /// It answers JSON of this kind.
    pub(super) fn answers<T: ToSchema>(mut self, status: u16, description: &str) -> Self {
        let schema = self.known::<T>();
        self.answers_with(
            status,
            description,
            json!({"application/json": {"schema": schema}}),
        )
    }

    /// It answers 200 with JSON of this kind and, if asked for, its proof.
    pub(super) fn answers_proved<T: ToSchema>(mut self, description: &str) -> Self {
        self.known::<T>();
        let proof = self.known::<ProofBundle>();
        let name = format!("Proved{}", T::name());
        let mut schema = self
            .schemas
            .get(T::name().as_ref())
            .cloned()
            .unwrap_or_default();
        schema["properties"]["proof"] = proof;
        self.schemas.insert(name.clone(), schema);
        let content = json!({"application/json": {"schema": reference(&name)}});
        self.proves().answers_with(200, description, content)
    }

    /// It answers one of these contents.
    pub(super) fn answers_with(mut self, status: u16, description: &str, content: Value) -> Self {
        let response = json!({"description": description, "content": content});
        self.responses.insert(status.to_string(), response);
        self
    }

    /// It answers, without a body.
    pub(super) fn becomes(mut self, status: u16, description: &str) -> Self {
        let response = json!({"description": description});
        self.responses.insert(status.to_string(), response);
        self
    }

    /// It may be refused with these statuses.
    pub(super) fn refuses(mut self, statuses: &[u16]) -> Self {
        let schema = self.known::<ErrorAnswer>();
        for status in statuses {
            let response = json!({
                "description": why(*status),
                "content": {"application/json": {"schema": schema}},
            });
            self.responses.entry(status.to_string()).or_insert(response);
        }
        self
    }

    /// It may pass on what another server refuses, in that one's own words.
    pub(super) fn passes_on(mut self, statuses: &[u16]) -> Self {
        let (ours, theirs) = (self.known::<ErrorAnswer>(), self.known::<PassedOn>());
        for status in statuses {
            let schema = json!({"anyOf": [ours, theirs]});
            let response = json!({
                "description": why(*status),
                "content": {"application/json": {"schema": schema}},
            });
            self.responses.insert(status.to_string(), response);
        }
        self
    }

    /// A reference to a schema, which is noted with all that it names.
    pub(super) fn known<T: ToSchema>(&mut self) -> Value {
        note::<T>(&mut self.schemas)
    }

    /// Its entry in `paths`; the schemas go to `schemas`.
    pub(super) fn finish(mut self, schemas: &mut Schemas) -> Value {
        schemas.append(&mut self.schemas);
        if !self.parameters.is_empty() {
            self.fields
                .insert("parameters".into(), self.parameters.into());
        }
        self.fields
            .insert("responses".into(), self.responses.into());
        self.fields.into()
    }
}

/// A reference to a schema by its name.
pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// Notes a schema and all that it names; gives the reference to it.
pub(super) fn note<T: ToSchema>(schemas: &mut Schemas) -> Value {
    let mut named = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut named);
    for (name, schema) in named {
        schemas.entry(name).or_insert_with(|| json!(schema));
    }
    reference(&T::name())
}

const fn why(status: u16) -> &'static str {
    match status {
        400 => "Malformed; the message names the field and the limit",
        401 => "The admin token is missing or wrong",
        403 => "Not allowed to this sender or client",
        404 => "There is no such thing; of a transaction, no such escrow",
        408 => "The body did not arrive in time",
        409 => {
            "The nonce is used, skipped or taken, rivals wait for the same, or the receipt is claimed or refused already"
        }
        413 => "The body is over 64 KiB (of sendTxs 16 MiB), or the transaction over 16 KiB",
        422 => "Refused by the state",
        429 => {
            "Too many requests, or no room for more of this kind in the mempool; see Retry-After"
        }
        _ => {
            "CometBFT is away, or the node is starting, stopping, busy or lacks what the route needs"
        }
    }
}
