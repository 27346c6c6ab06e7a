//! Owns `abci_query`: the stored value under a state path, at the head or one of the last 100
//! heights, with its ICS-23 proofs (PROTOCOL section 7); and without proofs at those that are kept on disk.

use ait_app::{
    InvariantViolation,
    state::{Key, State},
};
use tendermint_proto::v0_38::{
    abci::{RequestQuery, ResponseQuery},
    crypto::{ProofOp, ProofOps},
};

use crate::Reader;

/// The path is none of the state's.
const INVALID_PATH: u32 = 1;
/// The height is not among those still readable.
const HEIGHT_UNAVAILABLE: u32 = 2;

/// Answers a query. An absent record has an empty value, and with `prove` the proof of its absence.
///
/// # Errors
/// [`InvariantViolation`] when the record can't be read.
pub(crate) fn answer(
    reader: &Reader,
    request: &RequestQuery,
) -> Result<ResponseQuery, InvariantViolation> {
    let key = match Key::parse(&request.path) {
        Ok(key) => key,
        Err(refusal) => return Ok(refused(INVALID_PATH, &refusal.message)),
    };
    let committed = match u64::try_from(request.height) {
        Ok(0) => reader.newest(),
        Ok(height) => reader.at(height),
        Err(_) => None,
    };
    let Some(committed) = committed else {
        return earlier(reader, request, &key);
    };
    let state = &committed.state;
    let value = state.bytes(&key)?.unwrap_or_default();
    let proof_ops = match request.prove {
        true => prove(state, &key)?,
        false => None,
    };
    Ok(ResponseQuery {
        key: key.to_bytes().into(),
        value: value.into(),
        height: i64::try_from(state.height().get()).unwrap_or(i64::MAX),
        proof_ops,
        ..ResponseQuery::default()
    })
}

/// The value at a height whose state is not in memory any more.
fn earlier(
    reader: &Reader,
    request: &RequestQuery,
    key: &Key,
) -> Result<ResponseQuery, InvariantViolation> {
    let height = u64::try_from(request.height).unwrap_or_default();
    let Some(value) = reader.value_at(key, height)? else {
        let message = format!(
            "height {height} is not readable: the node answers for the last 100 heights since it started, and for those \
             that STATE_HISTORY keeps"
        );
        return Ok(refused(HEIGHT_UNAVAILABLE, &message));
    };
    if request.prove {
        let message = format!(
            "height {height} is too old for a proof: the node proves what was at the last 100 heights since it started"
        );
        return Ok(refused(HEIGHT_UNAVAILABLE, &message));
    }
    Ok(ResponseQuery {
        key: key.to_bytes().into(),
        value: value.unwrap_or_default().into(),
        height: request.height,
        ..ResponseQuery::default()
    })
}

/// The steps from the record, or its absence, to the app hash.
fn prove(state: &State, key: &Key) -> Result<Option<ProofOps>, InvariantViolation> {
    let Some(ops) = state.prove(key)? else {
        return Ok(None);
    };
    let ops = ops.into_iter().map(|op| ProofOp {
        r#type: op.kind.into(),
        key: op.key,
        data: op.data,
    });
    Ok(Some(ProofOps { ops: ops.collect() }))
}

fn refused(code: u32, message: &str) -> ResponseQuery {
    ResponseQuery {
        code,
        codespace: "query".into(),
        log: message.to_owned(),
        ..ResponseQuery::default()
    }
}
