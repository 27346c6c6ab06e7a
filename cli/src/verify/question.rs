//! Owns what can be asked: its route, and the state key that the answer has to be of.

use std::path::PathBuf;

use ait_api::routes::{
    GET_BALANCE, GET_COORDINATOR, GET_ESCROW, GET_MINER, GET_RECEIPT, GET_SUPPLY,
};
use ait_app::{
    address::Address,
    identifiers::{JobId, ReceiptId},
    state::Key,
};
use ait_home::exit::Refuted;
use ait_verify::Verified;
use anyhow::Result;
use clap::Subcommand;

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
    /// A proof in a file, of a `?prove=true` answer: no node is asked
    File {
        /// The answer, or its `proof`
        file: PathBuf,
    },
}

impl Question {
    /// The path of the route that answers it, and the key of the record; `None` of a file.
    pub fn asked(&self) -> Option<(String, Key)> {
        Some(match self {
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
            Self::File { .. } => return None,
        })
    }

    /// That what was verified is what was asked: a proof of another record proves nothing here.
    ///
    /// # Errors
    /// [`Refuted`].
    pub fn is_answered_by(&self, verified: &Verified) -> Result<()> {
        match self.asked() {
            Some((_, key)) if key.to_string() != verified.key => Err(Refuted(format!(
                "the node proves {} where {key} was asked for",
                verified.key
            ))
            .into()),
            _ => Ok(()),
        }
    }
}
