//! Owns blocks: `getBlock`, `getHead`. Blocks are CometBFT's; what they made of the state is ours, and so are their
//! entries, which CometBFT is asked for where our index does not have all of them.

use std::sync::Arc;

use ait_abci::{CommittedState, Reader};
use ait_api::{
    blocks::Head,
    routes::{GET_BLOCK, GET_HEAD},
};
use ait_app::{address::Address, engine::ConsensusAddress, quantity::MAX, state::View, tx::TxHash};
use ait_node::{
    comet::{BlockAnswer, Comet, CometError, CommitAnswer, Header},
    off_thread,
};
use axum::{
    Json,
    extract::{FromRef, State},
    http::header,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    endpoint::Endpoint,
    extract::{PathOf, QueryOf},
};
use crate::{
    error::{ApiError, RestCode},
    last_block::LastBlock,
    merkle,
    parts::Parts,
    shelf::{Made, Shelf, Title},
    views::{self, BlockFacts, Entries},
};

/// `block_id_flag` of a signature for the block.
const SIGNED: u8 = 2;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(GET_BLOCK.path, get_block),
        Endpoint::get(GET_HEAD.path, get_head),
    ]
}

async fn get_head(LastBlock(committed): LastBlock) -> Result<Json<Head>, ApiError> {
    let head = &committed.block;
    Ok(Json(Head {
        height: head.height,
        hash: head.block_hash.clone(),
        timestamp: head.time,
        state_root: head.app_hash.clone(),
    }))
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
    LastBlock(committed): LastBlock,
    State(sources): State<Sources>,
    State(shelf): State<Arc<Shelf>>,
    PathOf(id): PathOf<String>,
    QueryOf(query): QueryOf<BlockQuery>,
) -> Result<Response, ApiError> {
    let unknown = || ApiError::new(RestCode::NotFound, format!("this node has no block {id}"));
    let height = match BlockName::parse(&id)? {
        BlockName::Hash(hash) => sources.height_of(&hash).await?.ok_or_else(unknown)?,
        BlockName::Height(height) => height,
    };
    // CometBFT stores a block before it is executed.
    if height == 0 || height > committed.block.height {
        return Err(unknown());
    }
    let title = Title {
        height,
        entries: match query.txs {
            Some(Txs::Full) => Entries::Full,
            None => Entries::Hashes,
        },
        is_head: height == committed.block.height,
    };
    let make = sources.make(&committed, title.clone());
    let body = shelf.answer(title, make).await;
    let body = body.map_err(|error| {
        if error.is_not_found() {
            unknown()
        } else {
            error
        }
    })?;
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
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
                RestCode::InvalidRequest,
                "a block is named by its height, 1..=2^53-1, or its hash, 64 hex characters",
            )),
        }
    }
}

/// Where a block's parts come from.
struct Sources {
    reader: Reader,
    comet: Comet,
}

impl FromRef<Parts> for Sources {
    fn from_ref(parts: &Parts) -> Self {
        Self {
            reader: parts.reader.clone(),
            comet: parts.comet.clone(),
        }
    }
}

impl Sources {
    async fn height_of(&self, hash: &[u8; 32]) -> Result<Option<u64>, ApiError> {
        let found = self.comet.header_by_hash(hash).await;
        Ok(found_by_comet(found)?.and_then(|answer| Some(answer.header?.height)))
    }

    async fn make(&self, committed: &CommittedState, title: Title) -> Result<Made, ApiError> {
        let Title {
            height, entries, ..
        } = title;
        let (found, state_root) =
            tokio::join!(self.find(height), self.state_root(committed, height));
        let Found {
            hash,
            header,
            wires,
            commit,
        } = found?;
        let time = OffsetDateTime::parse(&header.time, &Rfc3339)
            .map_err(|error| malformed(&format!("its time: {error}")))?;
        let facts = BlockFacts {
            height,
            hash,
            parent: header.last_block_id.hash.clone(),
            time: time.unix_timestamp(),
            proposer: self.proposer(committed, &header),
            state_root: state_root?,
        };
        let is_final = title.is_head || commit.as_ref().is_some_and(|commit| commit.canonical);
        let signature = commit.and_then(|commit| signature_of(commit, &header.proposer_address));
        let body = off_thread(move || {
            let txs = wires.iter().map(|wire| entries.entry(wire)).collect();
            serde_json::to_vec(&views::block(facts, txs, signature))
        });
        Ok(Made {
            body: body.await?.map_err(ApiError::internal)?,
            is_final,
        })
    }

    async fn find(&self, height: u64) -> Result<Found, ApiError> {
        let commit = found_by_comet(self.comet.commit(height).await)?.flatten();
        if let Some(commit) = &commit
            && let Some(signed) = &commit.signed_header.commit
            && let Some(wires) = self.own_entries(&commit.signed_header.header).await?
        {
            return Ok(Found {
                hash: signed.block_id.hash.clone(),
                header: commit.signed_header.header.clone(),
                wires,
                commit: Some(commit.clone()),
            });
        }
        let gone = || ApiError::new(RestCode::NotFound, "there is no such block");
        let answer = found_by_comet(self.comet.block(height).await)?;
        let BlockAnswer { block_id, block } = answer.ok_or_else(gone)?;
        let block = block.ok_or_else(gone)?;
        let wires = block.data.txs.iter().map(|text| {
            let wire = STANDARD.decode(text);
            wire.map_err(|error| malformed(&format!("a transaction: {error}")))
        });
        Ok(Found {
            hash: block_id.hash,
            wires: wires.collect::<Result<_, _>>()?,
            header: block.header,
            commit,
        })
    }

    /// The entries of a block out of our own store, where that has each of them: those of a pruned block are gone.
    async fn own_entries(&self, header: &Header) -> Result<Option<Vec<Vec<u8>>>, ApiError> {
        let (reader, height) = (self.reader.clone(), header.height);
        let expected = hex::decode(&header.data_hash).unwrap_or_default();
        off_thread(move || {
            let entries = reader.entries_of(height).map_err(ApiError::internal)?;
            let hashes = entries.iter().map(|wire| TxHash::of(wire).0);
            let root = merkle::root(&hashes.collect::<Vec<_>>());
            Ok((root[..] == expected[..]).then_some(entries))
        })
        .await?
    }

    /// The app hash after a block: the next header has it, and for the head we have it ourselves.
    async fn state_root(
        &self,
        committed: &CommittedState,
        height: u64,
    ) -> Result<String, ApiError> {
        if height == committed.block.height {
            return Ok(committed.block.app_hash.clone());
        }
        if let Some(committed) = self.reader.at(height) {
            return Ok(committed.block.app_hash.clone());
        }
        let next = self.comet.header(height.saturating_add(1)).await?;
        let next = next.header.ok_or_else(|| malformed("no next header"))?;
        Ok(next.app_hash.to_ascii_lowercase())
    }

    /// The account that the block's fees went to.
    fn proposer(&self, committed: &CommittedState, header: &Header) -> Address {
        if let Some(committed) = self.reader.at(header.height) {
            return committed.block.proposer;
        }
        let bytes = hex::decode(&header.proposer_address).unwrap_or_default();
        let key = ConsensusAddress::from_slice(&bytes);
        let owner = key.and_then(|key| committed.state.key_owner(&key));
        owner.unwrap_or_else(Address::treasury)
    }
}

/// What CometBFT refuses to show was pruned, or is not stored yet.
fn found_by_comet<T>(answer: Result<T, CometError>) -> Result<Option<T>, ApiError> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(CometError::Refused { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A block, wherever it comes from.
struct Found {
    hash: String,
    header: Header,
    wires: Vec<Vec<u8>>,
    commit: Option<CommitAnswer>,
}

fn malformed(what: &str) -> ApiError {
    CometError::Malformed(format!("a block: {what}")).into()
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
