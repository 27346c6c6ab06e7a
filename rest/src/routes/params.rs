//! Owns the params: `getParams`, every one by its name, as they hold in the next block.

use std::{collections::BTreeMap, sync::Arc};

use ait_app::{params::table::ParamKey, state::Key};
use axum::{Json, extract::State};
use serde_json::{Map, Value, json};

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
    let params = snapshot.state.params();
    // By name ascending, the proofs in the same order.
    let keys: BTreeMap<&str, ParamKey> =
        ParamKey::ALL.iter().map(|key| (key.name(), *key)).collect();
    let mut answer = Map::new();
    for (name, key) in &keys {
        answer.insert((*name).to_owned(), json!(params.value(*key)));
    }
    if query.prove {
        let proofs = keys
            .into_values()
            .map(|key| prove(&snapshot, &Key::Param(key)))
            .collect::<Result<Vec<_>, _>>()?;
        answer.insert("proofs".into(), proofs.into());
    }
    Ok(Json(answer.into()))
}
