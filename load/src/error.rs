//! Owns what can go wrong with a load.

use std::time::Duration;

use ait_client::ClientError;

/// Why a load was not run to its end, or found a chain that does not add up.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The flags make no sense together.
    #[error("{0}")]
    Usage(String),
    /// There is no devnet to load.
    #[error("no devnet runs in {home}: start one with `ait devnet up`, or name --node and --payer")]
    NoDevnet {
        /// Its home.
        home: String,
    },
    /// An address that can't be asked.
    #[error("{url}: {reason}; a load goes to http://HOST:PORT")]
    Address {
        /// What was given.
        url: String,
        /// The rule.
        reason: String,
    },
    /// Nobody answered, or what answered is none of what should.
    #[error("{url}: {reason}")]
    Connection {
        /// Who was asked.
        url: String,
        /// What happened.
        reason: String,
    },
    /// A node's answer to a question of the preparation or of the checks.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A transaction was refused that no later time will make good.
    #[error("a transaction was refused with {code}: {message}")]
    Refused {
        /// The stable name of the error, or CometBFT's words.
        code: String,
        /// For people.
        message: String,
    },
    /// The senders could not be paid.
    #[error("the payer could not fund the senders: {0}")]
    Funds(String),
    /// What was sent is in no block.
    #[error("{missing} of {sent} transactions are in no block {after:?} after the last was sent")]
    Uncommitted {
        /// How many.
        missing: u64,
        /// Of how many.
        sent: u64,
        /// How long they were waited for.
        after: Duration,
    },
    /// The books of the chain are not what the transactions make of them.
    #[error("the sums do not hold: {0}")]
    Sums(String),
    /// A part of the load itself failed.
    #[error("the load stopped by itself: {0}")]
    Internal(String),
}

impl LoadError {
    pub(crate) fn connection(url: &str, reason: impl ToString) -> Self {
        Self::Connection {
            url: url.to_owned(),
            reason: reason.to_string(),
        }
    }
}
