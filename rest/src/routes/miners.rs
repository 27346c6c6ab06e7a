//! Owns miners' records: `getMiner`. An account that never claimed has a clean one.

use ait_abci::CommittedState;
use ait_api::{accounts::MinerAnswer, proof::Proved, routes::GET_MINER};
use ait_app::{
    InvariantViolation,
    address::Address,
    receipts::record::Miner,
    state::{Key, View},
};
use axum::Json;

use super::{
    endpoint::Endpoint,
    extract::{PathOf, parse},
};
use crate::{error::ApiError, proofs::Reading};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get(GET_MINER.path, get_miner)]
}

/// A miner's record, its score brought up to date: the stored one is as of the epoch in which it was
/// written last (PROTOCOL section 6.3). `None` for one without a record.
///
/// # Errors
/// [`InvariantViolation`].
pub(super) fn miner_today(
    committed: &CommittedState,
    address: &Address,
) -> Result<Option<Miner>, InvariantViolation> {
    let Some(mut miner) = committed.state.get::<Miner>(address)? else {
        return Ok(None);
    };
    let consensus = committed.state.consensus()?;
    miner.roll(consensus.epochs, &consensus.decays);
    Ok(Some(miner))
}

async fn get_miner(
    reading: Reading,
    PathOf(address): PathOf<String>,
) -> Result<Json<Proved<MinerAnswer>>, ApiError> {
    let committed = &reading.committed;
    let address: Address = parse(&address)?;
    let state = &committed.state;
    let miner = match miner_today(committed, &address)? {
        Some(miner) => miner,
        None => Miner::new(address, state.consensus()?.epochs),
    };
    let proof = reading.proof(&Key::Miner(address))?;
    // The record keeps the end of the latest ban for ever; a past one bars nothing.
    let next_block = state.height().next();
    let ban = miner
        .banned_until
        .filter(|_| miner.is_banned_in(next_block));
    let answer = MinerAnswer {
        address: miner.address,
        score: miner.score,
        epoch_units: miner.epoch_units,
        units_total: miner.units_total,
        receipts: miner.receipts,
        offences: miner.offences,
        banned_until: ban.unwrap_or_default(),
    };
    Ok(Json(Proved { answer, proof }))
}
