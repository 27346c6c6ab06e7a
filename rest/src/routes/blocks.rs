//! Owns blocks: `getBlock`, `getHead`. Blocks are CometBFT's; what they made of the state is ours.

use std::sync::Arc;

use ait_abci::Snapshot;
use ait_app::{address::Address, engine::ConsensusAddress, quantity::MAX, state::View, tx::TxHash};
use axum::{Json, extract::State};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    Endpoint,
    extract::{PathOf, QueryOf},
};
use crate::{
    comet::{BlockAnswer, CometError, CommitAnswer, Header},
    context::Context,
    error::{ApiError, Reason},
    views::{self, BlockFacts, Entries},
};

/// `block_id_flag` of a signature for the block.
const SIGNED: u8 = 2;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/rpc/getBlock/{heightOrHash}", get_block),
        Endpoint::get("/rpc/getHead", get_head),
    ]
}

async fn get_head(State(context): State<Arc<Context>>) -> Result<Json<Value>, ApiError> {
    let snapshot = context.snapshot()?;
    let head = &snapshot.head;
    Ok(Json(json!({
        "height": head.height,
        "hash": head.block_hash,
        "timestamp": head.time,
        "stateRoot": head.app_hash,
    })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BlockQuery {
    txs: Option<Txs>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Txs {
    Full,
}

async fn get_block(
    State(context): State<Arc<Context>>,
    PathOf(id): PathOf<String>,
    QueryOf(query): QueryOf<BlockQuery>,
) -> Result<Json<Value>, ApiError> {
    let snapshot = context.snapshot()?;
    let unknown = || ApiError::new(Reason::NotFound, format!("this node has no block {id}"));
    let found = match BlockName::parse(&id)? {
        BlockName::Hash(hash) => context.comet.block_by_hash(&hash).await,
        BlockName::Height(height) if height == 0 || height > snapshot.head.height => {
            return Err(unknown());
        }
        BlockName::Height(height) => context.comet.block(height).await,
    };
    let answer = match found {
        Ok(answer) => answer,
        // Pruned, or not stored yet.
        Err(CometError::Refused { .. }) => return Err(unknown()),
        Err(error) => return Err(error.into()),
    };
    let Some(block) = &answer.block else {
        return Err(unknown());
    };
    // CometBFT stores a block before it is executed.
    if block.header.height > snapshot.head.height {
        return Err(unknown());
    }
    let entries = match query.txs {
        Some(Txs::Full) => Entries::Full,
        None => Entries::Hashes,
    };
    let view = view(&context, &snapshot, &answer, &block.header, entries).await?;
    Ok(Json(view))
}

enum BlockName {
    Height(u64),
    Hash([u8; 32]),
}

impl BlockName {
    fn parse(text: &str) -> Result<Self, ApiError> {
        if let Some(TxHash(hash)) = TxHash::parse(text) {
            return Ok(Self::Hash(hash));
        }
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        let plain = digits && (text == "0" || !text.starts_with('0'));
        match text.parse() {
            Ok(height) if plain && height <= MAX => Ok(Self::Height(height)),
            _ => Err(ApiError::new(
                Reason::InvalidRequest,
                "a block is named by its height, 1..=2^53-1, or its hash, 64 hex characters",
            )),
        }
    }
}

async fn view(
    context: &Context,
    snapshot: &Snapshot,
    answer: &BlockAnswer,
    header: &Header,
    entries: Entries,
) -> Result<Value, ApiError> {
    let height = header.height;
    let (commit, state_root) = tokio::join!(
        context.comet.commit(height),
        state_root(context, snapshot, height)
    );
    let commit = match commit {
        Ok(commit) => commit,
        Err(CometError::Refused { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let time = OffsetDateTime::parse(&header.time, &Rfc3339)
        .map_err(|error| malformed(&format!("its time: {error}")))?;
    let facts = BlockFacts {
        height,
        hash: answer.block_id.hash.clone(),
        parent: header.last_block_id.hash.clone(),
        time: time.unix_timestamp(),
        proposer: proposer(context, snapshot, header),
        state_root: state_root?,
    };
    let listed = answer.block.iter().flat_map(|block| &block.data.txs);
    let txs = listed
        .map(|text| {
            let wire = STANDARD.decode(text);
            let wire = wire.map_err(|error| malformed(&format!("a transaction: {error}")))?;
            Ok(entries.entry(&wire))
        })
        .collect::<Result<Vec<_>, ApiError>>()?;
    let signature = commit.and_then(|commit| signature_of(commit, &header.proposer_address));
    Ok(views::block(&facts, txs, signature))
}

fn malformed(what: &str) -> ApiError {
    CometError::Malformed(format!("a block: {what}")).into()
}

/// The app hash after a block: the next header has it, and for the head we have it ourselves.
async fn state_root(
    context: &Context,
    snapshot: &Snapshot,
    height: u64,
) -> Result<String, ApiError> {
    if height == snapshot.head.height {
        return Ok(snapshot.head.app_hash.clone());
    }
    if let Some(snapshot) = context.node.snapshot_at(height) {
        return Ok(snapshot.head.app_hash.clone());
    }
    let next = context.comet.header(height.saturating_add(1)).await?;
    let next = next.header.ok_or_else(|| malformed("no next header"))?;
    Ok(next.app_hash.to_ascii_lowercase())
}

/// The account that the block's fees went to.
fn proposer(context: &Context, snapshot: &Snapshot, header: &Header) -> Address {
    if let Some(snapshot) = context.node.snapshot_at(header.height) {
        return snapshot.head.proposer;
    }
    let bytes = hex::decode(&header.proposer_address).unwrap_or_default();
    let key = ConsensusAddress::from_slice(&bytes);
    let owner = key.and_then(|key| snapshot.state.key_owner(&key));
    owner.unwrap_or_else(Address::treasury)
}

/// The proposer's signature, once the next block has made the commit final.
fn signature_of(answer: CommitAnswer, proposer: &str) -> Option<String> {
    let commit = answer.signed_header.commit.filter(|_| answer.canonical)?;
    let own = commit.signatures.into_iter().find(|signature| {
        signature.block_id_flag == SIGNED
            && signature.validator_address.eq_ignore_ascii_case(proposer)
    })?;
    let bytes = STANDARD.decode(own.signature?).ok()?;
    (!bytes.is_empty()).then(|| hex::encode(bytes))
}
