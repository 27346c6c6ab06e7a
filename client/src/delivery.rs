//! Owns a signed transaction's way from here to its block. It is signed once and never again: where no clear
//! answer comes, the same bytes are sent again, which does nothing twice. Holds no key.

use std::time::Duration;

use ait_api::tx::{Sent, TxReceipt, TxView};
use ait_app::tx::TxHash;
use tokio::time::{Instant, sleep};

use crate::{
    error::{ClientError, Failed, NotCommitted, SendError},
    node::Client,
};

/// How often the outcome is looked for.
const LOOK_INTERVAL: Duration = Duration::from_millis(300);
/// How many looks in a row may find nothing: a node may take a moment to tell of what it accepted.
const MISSING_LOOKS: u32 = 10;
/// The pauses before the same bytes are sent again, where nothing says whether they were heard.
const RESEND_PAUSES: [Duration; 3] = [
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(3),
];

/// What becomes of a pending transaction of the same sender with the same nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfPending {
    /// It is replaced, where the new one offers that much more.
    Replace,
    /// It stays, and the new one is refused as `nonce_pending`.
    Keep,
}

/// A transaction in a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// As the node shows it.
    pub view: TxView,
    /// What it came to.
    pub receipt: TxReceipt,
}

impl Committed {
    /// What it came to, where it did what it asked for.
    ///
    /// # Errors
    /// [`Failed`].
    pub fn done(self) -> Result<TxReceipt, Failed> {
        match self.receipt.code {
            0 => Ok(self.receipt),
            _ => Err(Failed(self.receipt)),
        }
    }
}

impl Client {
    /// Sends the wire bytes of a signed transaction until the node says clearly that it took or refused them.
    ///
    /// # Errors
    /// [`SendError::NotTaken`], [`SendError::Unknown`].
    pub async fn deliver(&self, wire: &[u8], if_pending: IfPending) -> Result<Sent, SendError> {
        let mut may_be_sent = false;
        let mut pauses = RESEND_PAUSES.iter();
        loop {
            let answer = match if_pending {
                IfPending::Replace => self.send(wire.to_vec()).await,
                IfPending::Keep => self.send_new(wire.to_vec()).await,
            };
            let error = match answer {
                Ok(sent) => return Ok(sent),
                Err(error) => error,
            };
            may_be_sent |= error.may_be_done();
            // Bytes that are there already are answered as taken: a refusal means that they are not.
            let is_clear = matches!(&error, ClientError::Refused { .. }) && !error.may_be_done();
            if !may_be_sent || (is_clear && !error.is_passing()) {
                return Err(SendError::NotTaken(error));
            }
            let Some(pause) = pauses.next() else {
                return Err(SendError::Unknown {
                    hash: TxHash::of(wire).to_string(),
                    last: error,
                });
            };
            sleep(*pause).await;
        }
    }

    /// Waits until a transaction that was sent is in a block or was dropped, at most so long; without a limit
    /// for as long as it is pending.
    ///
    /// # Errors
    /// [`NotCommitted`].
    pub async fn committed(
        &self,
        hash: &str,
        within: Option<Duration>,
    ) -> Result<Committed, NotCommitted> {
        let begun = Instant::now();
        let mut missing = 0;
        let hash = hash.to_owned();
        loop {
            match self.tx(&hash).await {
                Ok(Some(view)) => {
                    if let Some(receipt) = view.receipt.clone() {
                        return Ok(Committed { view, receipt });
                    }
                    if let Some(reason) = view.reason {
                        return Err(NotCommitted::Dropped { hash, reason });
                    }
                    missing = 0;
                }
                Ok(None) => missing += 1,
                // The node may be restarting: it keeps what it accepted.
                Err(error) if error.is_passing() => {}
                Err(cause) => return Err(NotCommitted::Untold { hash, cause }),
            }
            if missing > MISSING_LOOKS {
                return Err(NotCommitted::Forgotten { hash });
            }
            if let Some(within) = within.filter(|within| begun.elapsed() >= *within) {
                return Err(NotCommitted::TimeOver { hash, within });
            }
            sleep(LOOK_INTERVAL).await;
        }
    }
}
