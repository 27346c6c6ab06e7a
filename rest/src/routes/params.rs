//! Owns the params: `getParams`, every one by its name, as they hold in the next block.

use std::collections::BTreeMap;

use ait_api::{params::Params, routes::GET_PARAMS};
use ait_app::{params::table::ParamKey, state::Key};
use axum::Json;

use super::endpoint::Endpoint;
use crate::{error::ApiError, proofs::Reading};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get(GET_PARAMS.path, get_params)]
}

async fn get_params(reading: Reading) -> Result<Json<Params>, ApiError> {
    let committed = &reading.committed;
    let params = committed.state.params();
    // By name ascending, the proofs in the same order.
    let all = ParamKey::all_of(committed.state.protocol().version);
    let keys: BTreeMap<&str, ParamKey> = all.map(|key| (key.name(), key)).collect();
    let values = keys
        .iter()
        .map(|(name, key)| ((*name).to_owned(), params.value(*key)));
    Ok(Json(Params {
        values: values.collect(),
        proofs: reading.proofs(keys.values().copied().map(Key::Param))?,
        signed_block: reading.signed_block(),
    }))
}
