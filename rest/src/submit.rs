//! Owns a transaction's way from a user to CometBFT (PROTOCOL sections 3 and 9): canonical bytes, the
//! node's own judgement, the mempool, and the wait for its block. Signs nothing: `wallet` does.

use std::{sync::Arc, time::Duration};

use ait_abci::{CommittedBlock, Node, Verdict};
use ait_api::tx::TxView;
use ait_app::{
    Code, Refusal,
    state::View,
    tx::{MAX_WIRE_BYTES, TxHash, canonicalise},
};
use serde_json::Value;
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    task::spawn_blocking,
    time::{Instant, MissedTickBehavior, interval, timeout_at},
};

use crate::{
    comet::{BroadcastAnswer, CometError},
    context::Context,
    error::{ApiError, RestCode},
    views,
};

/// How often a waiting request looks whether its transaction is still there.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// How long a transaction that CometBFT is just checking for somebody else may take.
const CHECK_PATIENCE: Duration = Duration::from_secs(3);

/// Why a transaction was not taken.
#[derive(Debug)]
pub enum SubmitError {
    /// It is refused; what a wallet reads to choose another nonce.
    Refused(Refusal),
    /// It was not judged.
    Failed(ApiError),
}

impl From<SubmitError> for ApiError {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Refused(refusal) => refusal.into(),
            SubmitError::Failed(error) => error,
        }
    }
}

impl From<ApiError> for SubmitError {
    fn from(error: ApiError) -> Self {
        Self::Failed(error)
    }
}

impl From<CometError> for SubmitError {
    fn from(error: CometError) -> Self {
        Self::Failed(error.into())
    }
}

/// Whether a transaction may take the place of a pending one of its sender with the same nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replacing {
    /// Where its fee is that much higher (PROTOCOL section 3.5).
    Allowed,
    /// It may not, whatever its fee: its sender took the nonce to be free.
    Refused,
}

impl Replacing {
    /// As `?replace=` says; allowed where it says nothing.
    pub fn of(query: Option<bool>) -> Self {
        match query {
            Some(false) => Self::Refused,
            Some(true) | None => Self::Allowed,
        }
    }
}

/// What became of wire bytes that were taken.
pub struct Submitted {
    /// The transaction.
    pub hash: TxHash,
    /// Whether it was pending or committed already.
    pub was_known: bool,
}

/// What came of waiting.
pub enum Waited {
    /// It is in a block, or left the pool; getTx's answer.
    Ended(TxView),
    /// It still waits; getTx's answer.
    Pending(TxView),
}

/// The wire bytes of a transaction in any formatting, its key filled in where the account's record knows it.
///
/// # Errors
/// The refusal that names the field.
pub fn wire_bytes(context: &Context, text: &[u8]) -> Result<Vec<u8>, ApiError> {
    // The canonical form is never longer than the text. What is too large in it has no other fault worth naming.
    if text.len() > MAX_WIRE_BYTES
        && let Some(bytes) = compact_bytes(text)
        && bytes > MAX_WIRE_BYTES
    {
        let message = format!("the transaction has {bytes} bytes, more than {MAX_WIRE_BYTES}");
        return Err(Refusal::new(Code::TooLarge, message).into());
    }
    let snapshot = context.node.snapshot();
    let known_key = |address: &_| {
        let account = snapshot.as_ref()?.state.account(address).ok()?;
        account.pubkey
    };
    Ok(canonicalise(text, known_key)?)
}

/// How long the text is without white space; `None` for what is no JSON.
fn compact_bytes(text: &[u8]) -> Option<usize> {
    let value: Value = serde_json::from_slice(text).ok()?;
    Some(value.to_string().len())
}

/// Hands wire bytes to CometBFT, unless this very transaction is pending or committed already.
///
/// # Errors
/// What the node or CheckTx refuses. What only time could cure is refused here, at once (PROTOCOL section 3).
pub async fn submit(
    context: &Context,
    wire: Vec<u8>,
    replacing: Replacing,
) -> Result<Submitted, SubmitError> {
    let hash = TxHash::of(&wire);
    // CheckTx, which judges under the pool's lock, sees bytes alone: it is told beside them until it has answered.
    let _kept = match replacing {
        Replacing::Allowed => None,
        Replacing::Refused => Some(context.node.replace_nothing(hash)),
    };
    let wire: Arc<[u8]> = wire.into();
    let (node, bytes) = (context.node.clone(), wire.clone());
    let was_known = off_thread(move || is_taken(&node, &hash, &bytes)).await??;
    if was_known {
        return Ok(Submitted { hash, was_known });
    }
    match context.comet.broadcast_tx_sync(&wire).await {
        Ok(answer) => judge(answer)?,
        Err(error) if error.says("already exists in cache") => {
            await_check(context, hash).await?;
        }
        Err(error) => return Err(refused_by_mempool(error)),
    }
    Ok(Submitted { hash, was_known })
}

/// Runs what checks signatures, reads the disk or waits for the pool, which a commit holds: nothing for the
/// threads that serve all sockets.
pub async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    spawn_blocking(work).await.map_err(ApiError::internal)
}

/// Whether these bytes are pending or committed already. If not, CometBFT shall have them, unless the node
/// refuses them here.
fn is_taken(node: &Node, hash: &TxHash, wire: &[u8]) -> Result<bool, SubmitError> {
    if is_known(node, hash)? {
        return Ok(true);
    }
    match node.preview(wire) {
        Verdict::Ready | Verdict::WaitsForAttestation => Ok(false),
        // It may have come in over P2P since we looked, or be the one that made this nonce used.
        Verdict::Refused(_) if is_known(node, hash)? => Ok(true),
        Verdict::Parked(refusal) | Verdict::Refused(refusal) => Err(SubmitError::Refused(refusal)),
    }
}

fn is_known(node: &Node, hash: &TxHash) -> Result<bool, ApiError> {
    if node.pending(hash).is_some() {
        return Ok(true);
    }
    let record = node.transaction(hash).map_err(ApiError::internal)?;
    Ok(record.is_some())
}

fn judge(answer: BroadcastAnswer) -> Result<(), SubmitError> {
    if answer.code == 0 {
        return Ok(());
    }
    Err(match Code::from_number(answer.code) {
        Some(code) => SubmitError::Refused(Refusal::new(code, answer.log)),
        None => SubmitError::Failed(ApiError::new(
            RestCode::CometRefused,
            format!("CheckTx answered code {}: {}", answer.code, answer.log),
        )),
    })
}

fn refused_by_mempool(error: CometError) -> SubmitError {
    if error.is_mempool_full() {
        return SubmitError::Refused(Refusal::new(Code::PoolFull, error.to_string()));
    }
    if error.says("Tx too large") {
        return SubmitError::Refused(Refusal::new(Code::TooLarge, error.to_string()));
    }
    error.into()
}

/// CometBFT saw these bytes before: somebody else's CheckTx of them is under way, or they are gone from the pool
/// and CometBFT has not forgotten them yet.
async fn await_check(context: &Context, hash: TxHash) -> Result<(), SubmitError> {
    let deadline = Instant::now() + CHECK_PATIENCE;
    let mut looks = interval(Duration::from_millis(20));
    while Instant::now() < deadline {
        looks.tick().await;
        let node = context.node.clone();
        if off_thread(move || is_known(&node, &hash)).await?? {
            return Ok(());
        }
    }
    Err(SubmitError::Failed(
        ApiError::new(
            RestCode::CometRefused,
            "CometBFT remembers this transaction, and it is neither pending nor committed; \
             send it again later",
        )
        .retry_after(5),
    ))
}

/// Waits until a transaction is in a block or was dropped. `blocks` must be older than its submission.
///
/// # Errors
/// 503 when the node stops.
pub async fn wait_for_commit(
    context: &Context,
    hash: TxHash,
    mut blocks: Receiver<Arc<CommittedBlock>>,
) -> Result<Waited, ApiError> {
    let deadline = Instant::now() + context.commit_wait;
    let mut looks = interval(LOOK_INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut missing = false;
    loop {
        let next = async {
            tokio::select! {
                block = blocks.recv() => Some(block),
                _ = looks.tick() => None,
            }
        };
        let next = tokio::select! {
            next = timeout_at(deadline, next) => next,
            () = context.stopped() => {
                return Err(ApiError::new(RestCode::ShuttingDown, "the node stops; the transaction is kept"));
            }
        };
        let Ok(event) = next else {
            return still_pending(context, hash).await;
        };
        if let Some(Ok(block)) = &event
            && let Some(found) = find(block, &hash)
        {
            return Ok(Waited::Ended(found));
        }
        if let Some(Err(RecvError::Closed)) = event {
            return Err(ApiError::new(RestCode::ShuttingDown, "the node stops"));
        }
        if let Some(Ok(_)) = event {
            continue;
        }
        // Between leaving the pool and being on record lies a commit: one look is not proof enough.
        match look(context, hash).await? {
            Found::Committed(view) => return Ok(Waited::Ended(view)),
            Found::Pending(_) => missing = false,
            Found::Dropped(view) if missing => return Ok(Waited::Ended(view)),
            Found::Nothing if missing => return Ok(Waited::Ended(forgotten(hash))),
            Found::Dropped(_) | Found::Nothing => missing = true,
        }
    }
}

fn find(block: &CommittedBlock, hash: &TxHash) -> Option<TxView> {
    let (index, tx) = (0_u32..).zip(&block.txs).find(|(_, tx)| tx.hash == *hash)?;
    let height = block.head.height;
    Some(views::committed(hash, height, index, &tx.result, &tx.wire))
}

/// Where a transaction is.
pub enum Found {
    /// In a block; getTx's answer.
    Committed(TxView),
    /// In the pool; getTx's answer.
    Pending(TxView),
    /// It left the pool; getTx's answer.
    Dropped(TxView),
    /// Nowhere that this node knows of.
    Nothing,
}

/// Looks for a transaction, in the pool first: it leaves that only once it is on record.
///
/// # Errors
/// 500 when the store can't be read.
pub async fn look(context: &Context, hash: TxHash) -> Result<Found, ApiError> {
    let node = context.node.clone();
    off_thread(move || {
        if let Some(pending) = node.pending(&hash) {
            return Ok(Found::Pending(views::pending(&hash, &pending.wire)));
        }
        if let Some(record) = node.transaction(&hash).map_err(ApiError::internal)? {
            let (height, index) = (record.height, record.index);
            let view = views::committed(&hash, height, index, &record.result, &record.wire);
            return Ok(Found::Committed(view));
        }
        Ok(match node.dropped(&hash) {
            Some(reason) => Found::Dropped(views::dropped(&hash, &reason)),
            None => Found::Nothing,
        })
    })
    .await?
}

async fn still_pending(context: &Context, hash: TxHash) -> Result<Waited, ApiError> {
    Ok(match look(context, hash).await? {
        Found::Committed(view) | Found::Dropped(view) => Waited::Ended(view),
        Found::Pending(view) => Waited::Pending(view),
        Found::Nothing => Waited::Ended(forgotten(hash)),
    })
}

/// It was here, and the node no longer remembers why it went.
fn forgotten(hash: TxHash) -> TxView {
    let message = "the transaction left the pool without being committed";
    views::dropped(&hash, &Refusal::new(Code::Dropped, message))
}
