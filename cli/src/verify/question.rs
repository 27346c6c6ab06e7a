//! Owns what can be asked: its route, and the state key that the answer has to be of.

use std::path::PathBuf;

use ait_api::routes::{
    GET_BALANCE, GET_COORDINATOR, GET_ESCROW, GET_MINER, GET_RECEIPT, GET_SUPPLY, GET_TX,
};
use ait_app::{
    address::Address,
    identifiers::{JobId, ReceiptId},
    state::Key,
    tx::TxHash,
};
use ait_home::exit::Refuted;
use anyhow::Result;
use clap::Subcommand;

use super::proof::Proven;

/// What is to be verified.
#[derive(Debug, Clone, Subcommand)]
pub enum Question {
    /// An account's balance and nonce
    Balance {
        /// Whose
        address: Address,
    },
    /// An escrow, or that there is none
    Escrow {
        /// Who opened it
        client: Address,
        /// For which job
        job_id: JobId,
    },
    /// A receipt that was paid or refused, or that neither has happened
    Receipt {
        /// Who worked
        miner: Address,
        /// The miner's name for it
        receipt_id: ReceiptId,
    },
    /// A miner's work
    Miner {
        /// Who
        address: Address,
    },
    /// A coordinator's bond, and how its escrows ended
    Coordinator {
        /// Who
        address: Address,
    },
    /// Where every coin is and came from
    Supply,
    /// A transaction, and the code that it ended with in its block
    Tx {
        /// Its hash
        #[arg(value_parser = parse_hash)]
        hash: TxHash,
    },
    /// A proof in a file, of a `?prove=true` answer: no node is asked
    File {
        /// The answer, or its `proof`
        file: PathBuf,
    },
}

impl Question {
    /// The path of the route that answers it, and what the proof has to be of: the key of a record, or a transaction's
    /// hash; `None` of a file.
    pub fn asked(&self) -> Option<(String, String)> {
        let (path, key) = match self {
            Self::Balance { address } => (GET_BALANCE.to(&[address]), Key::Account(*address)),
            Self::Escrow { client, job_id } => (
                GET_ESCROW.to(&[client, job_id]),
                Key::Escrow(*client, job_id.clone()),
            ),
            Self::Receipt { miner, receipt_id } => (
                GET_RECEIPT.to(&[miner, receipt_id]),
                Key::Receipt(*miner, receipt_id.clone()),
            ),
            Self::Miner { address } => (GET_MINER.to(&[address]), Key::Miner(*address)),
            Self::Coordinator { address } => {
                (GET_COORDINATOR.to(&[address]), Key::Coordinator(*address))
            }
            Self::Supply => (GET_SUPPLY.to(&[]), Key::Supply),
            Self::Tx { hash } => return Some((GET_TX.to(&[hash]), hash.to_string())),
            Self::File { .. } => return None,
        };
        Some((path, key.to_string()))
    }

    /// That what was verified is what was asked: a proof of another record proves nothing here.
    ///
    /// # Errors
    /// [`Refuted`].
    pub fn is_answered_by(&self, proven: &Proven) -> Result<()> {
        let subject = proven.subject();
        match self.asked() {
            Some((_, asked)) if asked != subject => {
                let message = format!("the node proves {subject} where {asked} was asked for");
                Err(Refuted(message).into())
            }
            _ => Ok(()),
        }
    }
}

fn parse_hash(text: &str) -> Result<TxHash, String> {
    TxHash::parse(text).ok_or_else(|| "must be 64 hex characters".to_owned())
}
