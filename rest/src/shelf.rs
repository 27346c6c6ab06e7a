//! Owns the answers that are large and the same for everybody: blocks. Each is made once however many ask for
//! it, few are made at once, and all that are in memory, kept for later or on their way to a client, share one
//! bound in bytes.

use std::{sync::Arc, time::Duration};

use axum::body::Bytes;
use quick_cache::{Weighter, sync::Cache};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit},
    time::timeout,
};

use crate::{
    error::{ApiError, RestCode},
    views::Entries,
};

/// Answers that are made at once. Making one takes a processor for as long as reading a block does.
const MADE_AT_ONCE: usize = 2;
/// How long one waits for its turn.
const TURN: Duration = Duration::from_secs(5);
/// How long one waits for an answer that somebody else is making.
const PATIENCE: Duration = Duration::from_secs(15);
/// Answers that are expected. More fit, but for so few the cache is of one piece: of several, each would have its
/// part of the bytes, in which the largest answers find no place.
const ANSWERS: usize = 16;
/// The unit of [`Bounds`]: a permit each.
const UNIT: usize = 1024;
/// When a client that found no room shall come again.
const COME_AGAIN_SECONDS: u64 = 2;

/// Bounds of what is in memory, KiB each.
#[derive(Clone, Copy)]
struct Bounds {
    /// Kept for later.
    kept: u32,
    /// All, what clients still read included.
    all: u32,
    /// What the largest may have.
    largest: u32,
}

/// A block of 4 MiB of transactions that are shown in hex has 8 MiB, and their hashes.
const BOUNDS: Bounds = Bounds {
    kept: 64 * 1024,
    all: 256 * 1024,
    largest: 16 * 1024,
};

/// What an answer is of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Title {
    /// The block.
    pub height: u64,
    /// How its entries are shown.
    pub entries: Entries,
    /// Whether it is the last block: that has no signature yet.
    pub is_head: bool,
}

/// An answer that was made.
pub struct Made {
    /// Its bytes.
    pub body: Vec<u8>,
    /// Whether it will ever be the same.
    pub is_final: bool,
}

/// All answers.
pub struct Shelf {
    answers: Cache<Title, Bytes, ByBytes>,
    turns: Semaphore,
    room: Arc<Semaphore>,
    bounds: Bounds,
}

/// An answer in memory. It makes room when its last reader is done.
struct Kept {
    body: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

/// What a kept answer counts: its bytes, and what the cache itself has for it.
#[derive(Clone)]
struct ByBytes;

impl Weighter<Title, Bytes> for ByBytes {
    fn weight(&self, _: &Title, body: &Bytes) -> u64 {
        u64::try_from(body.len())
            .unwrap_or(u64::MAX)
            .saturating_add(256)
    }
}

impl Shelf {
    /// An empty one.
    pub fn new() -> Self {
        Self::bounded(BOUNDS)
    }

    fn bounded(bounds: Bounds) -> Self {
        let bytes = u64::from(bounds.kept).saturating_mul(UNIT as u64);
        let permits = usize::try_from(bounds.all).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            answers: Cache::with_weighter(ANSWERS, bytes, ByBytes),
            turns: Semaphore::new(MADE_AT_ONCE),
            room: Arc::new(Semaphore::new(permits)),
            bounds,
        }
    }

    /// The answer of that title, made unless it is there.
    ///
    /// # Errors
    /// What making it ends with; 503 where too many are being made, or clients have too much left to read.
    pub async fn answer(
        &self,
        title: Title,
        make: impl Future<Output = Result<Made, ApiError>>,
    ) -> Result<Bytes, ApiError> {
        // One makes it, the others wait for that one.
        let found = timeout(PATIENCE, self.answers.get_value_or_guard_async(&title)).await;
        match found.map_err(|_| out_of_turn())? {
            Ok(body) => Ok(body),
            Err(place) => {
                let (body, is_final) = self.shared(make).await?;
                if is_final {
                    // Who waits gets it even where it is too large to be kept.
                    let _ = place.insert(body.clone());
                }
                Ok(body)
            }
        }
    }

    /// Lets the caller read a whole block, as few may at once, until what it gets is dropped.
    ///
    /// # Errors
    /// 503 where too many do.
    pub async fn turn(&self) -> Result<SemaphorePermit<'_>, ApiError> {
        let turn = timeout(TURN, self.turns.acquire()).await;
        turn.ok().and_then(Result::ok).ok_or_else(out_of_turn)
    }

    async fn shared(
        &self,
        make: impl Future<Output = Result<Made, ApiError>>,
    ) -> Result<(Bytes, bool), ApiError> {
        let _turn = self.turn().await?;
        let room = self
            .room
            .clone()
            .try_acquire_many_owned(self.bounds.largest);
        let mut room = room.map_err(|_| {
            let message = "other clients have too many bytes of blocks left to read";
            busy(
                message,
                u64::from(self.bounds.all).saturating_mul(UNIT as u64),
            )
        })?;
        let Made { body, is_final } = make.await?;
        if let Some(needed) = room.split(body.len().div_ceil(UNIT)) {
            room = needed;
        }
        Ok((Bytes::from_owner(Kept { body, _room: room }), is_final))
    }
}

fn out_of_turn() -> ApiError {
    let message = "as many blocks are being read as this node reads at once";
    busy(message, MADE_AT_ONCE as u64)
}

fn busy(message: &str, limit: u64) -> ApiError {
    let error = ApiError::new(RestCode::TooManyConnections, message).detail("limit", limit);
    error.retry_after(COME_AGAIN_SECONDS)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::{sync::Notify, task::JoinSet};

    use super::*;

    const SMALL: Bounds = Bounds {
        kept: 25,
        all: 50,
        largest: 10,
    };

    fn title(height: u64) -> Title {
        Title {
            height,
            entries: Entries::Full,
            is_head: false,
        }
    }

    async fn kilobytes(count: usize) -> Result<Made, ApiError> {
        let body = vec![7; count * UNIT];
        Ok(Made {
            body,
            is_final: true,
        })
    }

    #[tokio::test]
    async fn an_answer_is_made_once_for_all_who_ask_and_shared() {
        let shelf = Arc::new(Shelf::bounded(SMALL));
        let made = Arc::new(AtomicUsize::new(0));
        let go = Arc::new(Notify::new());
        let mut tasks = JoinSet::new();
        for _ in 0..100 {
            let (shelf, made, go) = (shelf.clone(), made.clone(), go.clone());
            tasks.spawn(async move {
                let make = async {
                    made.fetch_add(1, Ordering::SeqCst);
                    go.notified().await;
                    kilobytes(5).await
                };
                shelf.answer(title(1), make).await.unwrap()
            });
        }
        go.notify_one();
        let answers = tasks.join_all().await;
        assert_eq!(made.load(Ordering::SeqCst), 1);
        let first = answers[0].as_ptr();
        assert!(answers.iter().all(|answer| answer.as_ptr() == first));
    }

    #[tokio::test]
    async fn what_slow_clients_hold_is_bounded_and_comes_back() {
        let shelf = Shelf::bounded(SMALL);
        let mut held = Vec::new();
        let refusal = loop {
            match shelf.answer(title(held.len() as u64), kilobytes(10)).await {
                Ok(body) => held.push(body),
                Err(error) => break error,
            }
            assert!(held.len() <= 5, "more than the bound");
        };
        assert_eq!(refusal.answer().error.code, "too_many_connections");
        // What is kept is still answered, and what is read makes room.
        let mut kept = 0;
        for height in 0..held.len() as u64 {
            let answer = shelf.answer(title(height), kilobytes(10)).await;
            kept += usize::from(answer.is_ok());
        }
        assert!(kept > 0);
        held.clear();
        for height in 100..200 {
            shelf.answer(title(height), kilobytes(10)).await.unwrap();
        }
    }

    #[tokio::test]
    async fn what_may_change_or_went_wrong_is_made_again() {
        let shelf = Shelf::new();
        let fleeting = || async {
            Ok(Made {
                body: vec![1],
                is_final: false,
            })
        };
        assert_eq!(&shelf.answer(title(1), fleeting()).await.unwrap()[..], [1]);
        let failing = async { Err(ApiError::new(RestCode::NotFound, "gone")) };
        assert!(shelf.answer(title(1), failing).await.is_err());
        let body = shelf.answer(title(1), kilobytes(1)).await.unwrap();
        assert_eq!(body.len(), UNIT);
        let unused = async { Err(ApiError::new(RestCode::NotFound, "gone")) };
        assert_eq!(shelf.answer(title(1), unused).await.unwrap(), body);
    }
}
