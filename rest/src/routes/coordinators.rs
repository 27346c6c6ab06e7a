//! Owns coordinators: `getCoordinator`. An account that never bonded, and that no escrow named, has a
//! clean record.

use ait_api::{accounts::CoordinatorAnswer, proof::Proved, routes::GET_COORDINATOR};
use ait_app::{
    address::Address,
    coordinators::record::Coordinator,
    state::{Key, View},
};
use axum::Json;

use super::{
    endpoint::Endpoint,
    extract::{PathOf, parse},
};
use crate::{error::ApiError, proofs::Reading};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get(GET_COORDINATOR.path, get_coordinator)]
}

async fn get_coordinator(
    reading: Reading,
    PathOf(address): PathOf<String>,
) -> Result<Json<Proved<CoordinatorAnswer>>, ApiError> {
    let committed = &reading.committed;
    let address: Address = parse(&address)?;
    let state = &committed.state;
    let record = state.get::<Coordinator>(&address)?;
    let record = record.unwrap_or_else(|| Coordinator::new(address));
    let proof = reading.proof(&Key::Coordinator(address))?;
    // Its key in the params, which also says whether a conviction still suspends it.
    let named = state.params().coordinators.key_of(&address);
    // The record's own count is of the epoch in which it minted last.
    let epoch_minted = record.minted_since(state.consensus()?.last_epoch_end);
    let suspended = named.is_some_and(|key| record.is_suspended(key));
    let answer = CoordinatorAnswer {
        address: record.address,
        pubkey: named.copied(),
        bond: record.bond,
        unbonding: record.unbonding,
        epoch_minted,
        opened: record.opened,
        settled: record.settled,
        released: record.released,
        cancelled: record.cancelled,
        expired: record.expired,
        suspended,
    };
    Ok(Json(Proved { answer, proof }))
}
