//! Owns the params: `getParams`, every one by its name, as they hold in the next block.

use std::sync::Arc;

use ait_app::state::Key;
use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::{Endpoint, extract::QueryOf};
use crate::{
    context::Context,
    error::ApiError,
    proofs::{ProveQuery, prove},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get("/rpc/getParams", get_params)]
}

async fn get_params(
    State(context): State<Arc<Context>>,
    QueryOf(query): QueryOf<ProveQuery>,
) -> Result<Json<Value>, ApiError> {
    let snapshot = context.snapshot()?;
    let entries = snapshot.state.params().entries()?;
    let mut answer = json!(entries);
    if query.prove {
        let proofs = entries
            .into_keys()
            .map(|name| prove(&snapshot, &Key::Param(name)))
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(fields) = answer.as_object_mut() {
            fields.insert("proofs".into(), proofs.into());
        }
    }
    Ok(Json(answer))
}
