//! Owns a transaction's way from here to CometBFT (PROTOCOL sections 3 and 9): canonical bytes, the
//! node's own judgement, the mempool, and the wait for its block. Signs nothing.

use std::{sync::Arc, time::Duration};

use ait_abci::{CommittedBlock, PendingTx, TxRecord, Verdict};
use ait_app::{
    Code, Refusal,
    state::View,
    tx::{MAX_WIRE_BYTES, TxHash, canonicalise},
};
use bytes::Bytes;
use serde_json::Value;
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Instant, MissedTickBehavior, interval, timeout_at},
};

use crate::{
    carrier::{Carrier, OneOfMany},
    comet::{BroadcastAnswer, CometError},
    stop::Stop,
    together::Gatherer,
    unanswered::{Unanswered, off_thread},
};

/// How often it is looked whether a transaction that is waited for is still there.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// How long a transaction that CometBFT is just checking for somebody else may take.
const CHECK_PATIENCE: Duration = Duration::from_secs(3);
/// How often it is looked whether that is done.
const CHECK_INTERVAL: Duration = Duration::from_millis(20);

/// Why a transaction was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// It is refused, by this node or by CheckTx.
    #[error("{0}")]
    Refused(Refusal),
    /// CometBFT does not take it now.
    #[error(transparent)]
    Comet(#[from] CometError),
    /// CheckTx answered a code that is none of this chain's.
    #[error("CheckTx answered code {code}: {log}")]
    UnknownCode {
        code: u32,
        /// Its words.
        log: String,
    },
    /// CometBFT has not forgotten a transaction that has left the mempool.
    #[error(
        "CometBFT remembers this transaction, and it is neither pending nor committed; send it again later"
    )]
    Remembered,
    /// It was not judged.
    #[error(transparent)]
    Unanswered(#[from] Unanswered),
}

/// Whether a transaction may take the place of a pending one of its sender with the same nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replacing {
    /// Where its fee is that much higher (PROTOCOL section 3.5).
    Allowed,
    /// It may not, whatever its fee: its sender took the nonce to be free.
    Refused,
}

/// What became of wire bytes that were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Submitted {
    /// The transaction.
    pub hash: TxHash,
    /// Whether it was pending or committed already.
    pub was_known: bool,
}

/// Where a transaction is.
#[derive(Debug, Clone)]
pub enum Found {
    /// In a block.
    Committed(TxRecord),
    /// In the mempool.
    Pending(PendingTx),
    /// It left the mempool, for this reason.
    Dropped(Refusal),
    /// Nowhere that this node knows of.
    Nowhere,
}

/// Sends transactions and follows them. Cloning is cheap.
#[derive(Clone)]
pub struct Submitter {
    pub(crate) carrier: Carrier,
    gatherer: Gatherer,
    stop: Stop,
}

impl Submitter {
    pub(crate) fn new(carrier: Carrier, gatherer: Gatherer, stop: Stop) -> Self {
        Self {
            carrier,
            gatherer,
            stop,
        }
    }

    /// The wire bytes of a transaction in any formatting, its key filled in where the account's record
    /// knows it.
    ///
    /// # Errors
    /// The refusal that names the field.
    pub fn wire_bytes(&self, text: &[u8]) -> Result<Vec<u8>, Refusal> {
        // The canonical form is never longer than the text. What is too large in it has no other fault worth naming.
        if text.len() > MAX_WIRE_BYTES
            && let Some(bytes) = compact_bytes(text)
            && bytes > MAX_WIRE_BYTES
        {
            let message = format!("the transaction has {bytes} bytes, more than {MAX_WIRE_BYTES}");
            return Err(Refusal::new(Code::TooLarge, message));
        }
        let committed = self.carrier.reader.newest();
        let known_key = |address: &_| {
            let account = committed.as_ref()?.state.account(address).ok()?;
            account.pubkey
        };
        canonicalise(text, known_key)
    }

    /// Hands wire bytes to CometBFT, unless this very transaction is pending or committed already: with those
    /// that come at the same time where there are some, else as they are.
    ///
    /// # Errors
    /// [`SubmitError`]. What only time could cure is refused here, at once (PROTOCOL section 3).
    pub async fn submit(
        &self,
        wire: Vec<u8>,
        replacing: Replacing,
    ) -> Result<Submitted, SubmitError> {
        let hash = TxHash::of(&wire);
        // CheckTx, which judges under the mempool's lock, sees bytes alone: it is told beside them until
        // it has answered.
        let _kept = match replacing {
            Replacing::Allowed => None,
            Replacing::Refused => Some(self.carrier.mempool.replace_nothing(hash)),
        };
        let wire = Bytes::from(wire);
        match self.gatherer.send(wire.clone()).await {
            OneOfMany::Submitted(submitted) => return Ok(submitted),
            OneOfMany::Refused(refusal) => return Err(SubmitError::Refused(refusal)),
            OneOfMany::Alone => {}
        }
        let (asked, bytes) = (self.clone(), wire.clone());
        let was_known = off_thread(move || asked.is_taken(&hash, &bytes)).await??;
        if was_known {
            return Ok(Submitted { hash, was_known });
        }
        match self.carrier.comet.broadcast_tx_sync(&wire).await {
            Ok(answer) => judge(answer)?,
            Err(error) if error.says("already exists in cache") => self.await_check(hash).await?,
            Err(error) => return Err(refused_by_mempool(error)),
        }
        Ok(Submitted { hash, was_known })
    }

    /// Waits until a transaction is in a block or was dropped, but no longer than `patience`: then it is
    /// still pending. `blocks` must be older than its submission.
    ///
    /// # Errors
    /// [`Unanswered::Stopped`] when the node stops, and what keeps it from looking.
    pub async fn wait(
        &self,
        hash: TxHash,
        mut blocks: Receiver<Arc<CommittedBlock>>,
        patience: Duration,
    ) -> Result<Found, Unanswered> {
        let deadline = Instant::now() + patience;
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
                () = self.stop.begun() => return Err(Unanswered::Stopped),
            };
            match next {
                Err(_) => return Ok(or_forgotten(self.find(hash).await?)),
                Ok(Some(Err(RecvError::Closed))) => return Err(Unanswered::Stopped),
                Ok(Some(Ok(block))) => {
                    if let Some(found) = find_in(&block, &hash) {
                        return Ok(Found::Committed(found));
                    }
                    continue;
                }
                Ok(Some(Err(RecvError::Lagged(_))) | None) => {}
            }
            // Between leaving the mempool and being on record lies a commit: one look is not proof enough.
            match self.find(hash).await? {
                Found::Pending(_) => missing = false,
                Found::Dropped(_) | Found::Nowhere if !missing => missing = true,
                found => return Ok(or_forgotten(found)),
            }
        }
    }

    /// Looks for a transaction, in the mempool first: it leaves that only once it is on record.
    ///
    /// # Errors
    /// [`Unanswered`] when the store can't be read.
    pub async fn find(&self, hash: TxHash) -> Result<Found, Unanswered> {
        let asked = self.clone();
        off_thread(move || {
            if let Some(pending) = asked.carrier.mempool.pending(&hash) {
                return Ok(Found::Pending(pending));
            }
            if let Some(record) = asked.carrier.reader.transaction(&hash)? {
                return Ok(Found::Committed(record));
            }
            Ok(match asked.carrier.mempool.dropped(&hash) {
                Some(reason) => Found::Dropped(reason),
                None => Found::Nowhere,
            })
        })
        .await?
    }

    /// Whether these bytes are pending or committed already. If not, CometBFT shall have them, unless the
    /// node refuses them here.
    fn is_taken(&self, hash: &TxHash, wire: &[u8]) -> Result<bool, SubmitError> {
        if self.carrier.is_known(hash).map_err(Unanswered::from)? {
            return Ok(true);
        }
        match self
            .carrier
            .mempool
            .preview(wire)
            .map_err(Unanswered::from)?
        {
            Verdict::Ready | Verdict::WaitsForAttestation => Ok(false),
            // It may have come in over P2P since we looked, or be the one that made this nonce used.
            Verdict::Refused(_) if self.carrier.is_known(hash).map_err(Unanswered::from)? => {
                Ok(true)
            }
            Verdict::Parked(refusal) | Verdict::Refused(refusal) => {
                Err(SubmitError::Refused(refusal))
            }
        }
    }

    /// CometBFT saw these bytes before: somebody else's CheckTx of them is under way, or they are gone
    /// from the mempool and CometBFT has not forgotten them yet.
    async fn await_check(&self, hash: TxHash) -> Result<(), SubmitError> {
        let deadline = Instant::now() + CHECK_PATIENCE;
        let mut looks = interval(CHECK_INTERVAL);
        while Instant::now() < deadline {
            looks.tick().await;
            let asked = self.clone();
            let known = off_thread(move || asked.carrier.is_known(&hash)).await?;
            if known.map_err(Unanswered::from)? {
                return Ok(());
            }
        }
        Err(SubmitError::Remembered)
    }
}

/// How long the text is without white space; `None` for what is no JSON.
fn compact_bytes(text: &[u8]) -> Option<usize> {
    let value: Value = serde_json::from_slice(text).ok()?;
    Some(value.to_string().len())
}

fn judge(answer: BroadcastAnswer) -> Result<(), SubmitError> {
    if answer.code == 0 {
        return Ok(());
    }
    Err(match Code::from_number(answer.code) {
        Some(code) => SubmitError::Refused(Refusal::new(code, answer.log)),
        None => SubmitError::UnknownCode {
            code: answer.code,
            log: answer.log,
        },
    })
}

fn refused_by_mempool(error: CometError) -> SubmitError {
    let refused = |code| SubmitError::Refused(Refusal::new(code, error.to_string()));
    if error.is_mempool_full() {
        return refused(Code::PoolFull);
    }
    if error.says("Tx too large") {
        return refused(Code::TooLarge);
    }
    error.into()
}

fn find_in(block: &CommittedBlock, hash: &TxHash) -> Option<TxRecord> {
    let (index, tx) = (0_u32..).zip(&block.txs).find(|(_, tx)| tx.hash == *hash)?;
    Some(TxRecord {
        height: block.info.height,
        index,
        result: tx.result.clone(),
        wire: tx.wire.to_vec(),
    })
}

/// One that was here and is nowhere was dropped, and the node no longer remembers why.
fn or_forgotten(found: Found) -> Found {
    match found {
        Found::Nowhere => Found::Dropped(Refusal::new(
            Code::Dropped,
            "the transaction left the pool without being committed",
        )),
        found => found,
    }
}
