//! Owns escrows: `getEscrow`. One that is not there is answered with 404 and, if asked
//! for, the proof of it.

use ait_api::{proof::Proved, routes::GET_ESCROW};
use ait_app::{
    address::Address,
    escrow::record::Escrow,
    identifiers::JobId,
    state::{Key, View},
};
use axum::Json;

use super::{
    endpoint::Endpoint,
    extract::{PathOf, parse},
};
use crate::{
    error::{ApiError, RestCode},
    proofs::Reading,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get(GET_ESCROW.path, get_escrow)]
}

async fn get_escrow(
    reading: Reading,
    PathOf((client, job_id)): PathOf<(String, String)>,
) -> Result<Json<Proved<Escrow>>, ApiError> {
    let committed = &reading.committed;
    let client: Address = parse(&client)?;
    let job_id: JobId = parse(&job_id)?;
    let escrow = committed.state.get::<Escrow>(&(client, job_id.clone()))?;
    let proof = reading.proof(&Key::Escrow(client, job_id.clone()))?;
    let Some(escrow) = escrow else {
        let message = format!(
            "there is no escrow of {client} for the job {job_id}: it was never opened, or refunded \
             and deleted since"
        );
        return Err(ApiError::new(RestCode::NotFound, message).with_proof(proof));
    };
    Ok(Json(Proved {
        answer: escrow,
        proof,
    }))
}
