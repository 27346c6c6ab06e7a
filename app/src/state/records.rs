//! Owns the records of the state (SPEC sections 7 and 9): each is stored as its canonical JSON.
//! Field names and order are consensus; `docs/state.md` shows each with an example.

use serde::{Deserialize, Serialize};

use crate::{
    address::Address,
    amount,
    crypto::PublicKey,
    identifiers::{JobId, OutputHash, ReceiptId},
    params::ConsensusMode,
};

/// What an address owns and how far its transactions have come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Spendable uait.
    pub balance: u64,
    /// The nonce of its last transaction; 0 before the first.
    pub nonce: u64,
    /// Its key, known from its first transaction on.
    #[serde(deserialize_with = "crate::crypto::stored_key")]
    pub pubkey: Option<PublicKey>,
}

/// Where an escrow's money is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EscrowStatus {
    /// Locked.
    Open,
    /// Paid out by a claim.
    Settled,
    /// Back with the client, released by the coordinator or expired.
    Refunded,
}

/// Money a client locked for a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escrow {
    /// Who locked it.
    pub client: Address,
    /// The client's name for the job.
    pub job_id: JobId,
    /// Who attests its receipts and may release it.
    pub coordinator: Address,
    /// What was locked when it opened, uait.
    pub amount: u64,
    /// Where the money is.
    pub status: EscrowStatus,
    /// The block that opened it.
    pub opened_height: u64,
    /// The block at whose beginning it goes back to the client.
    pub expires_height: u64,
}

impl Escrow {
    /// Whether it can still be claimed or released in block `height`: an overdue escrow counts as
    /// closed even where its refund still waits for its turn (SPEC section 3).
    pub fn is_open_in(&self, height: u64) -> bool {
        self.status == EscrowStatus::Open && self.expires_height > height
    }

    /// The uait that are locked in it now.
    pub fn locked(&self) -> u64 {
        match self.status {
            EscrowStatus::Open => self.amount,
            EscrowStatus::Settled | EscrowStatus::Refunded => 0,
        }
    }
}

/// A receipt that was paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// Its name.
    pub receipt_id: ReceiptId,
    /// The job it is for.
    pub job_id: JobId,
    /// Who paid.
    pub client: Address,
    /// Who worked.
    pub miner: Address,
    /// Who attested.
    pub coordinator: Address,
    /// Units of compute delivered.
    pub compute_units: u64,
    /// uait paid out of the escrow to the miner.
    pub price: u64,
    /// The hash of the job's output.
    pub output_hash: OutputHash,
    /// uait minted in all: miner, coordinator and treasury.
    pub minted: u64,
    /// The block that paid it.
    pub height: u64,
    /// The claim's transaction hash, upper-case hex.
    pub tx_hash: String,
}

/// The record of a miner's work and offences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Miner {
    /// The miner.
    pub address: Address,
    /// Work score of past epochs (SPEC section 6).
    pub score: u64,
    /// Compute units of this epoch, counted once the account ever staked.
    pub epoch_units: u64,
    /// Compute units ever.
    pub units_total: u64,
    /// Receipts paid.
    pub receipts: u64,
    /// Offences ever.
    pub offences: u64,
    /// Heights of its offences as of the latest one, oldest first: those within the window that
    /// ended then.
    pub recent_offences: Vec<u64>,
    /// The last block of its latest ban; 0 if never banned.
    pub banned_until: u64,
}

impl Miner {
    /// A miner nothing is known of.
    pub fn new(address: Address) -> Self {
        Self {
            address,
            score: 0,
            epoch_units: 0,
            units_total: 0,
            receipts: 0,
            offences: 0,
            recent_offences: Vec::new(),
            banned_until: 0,
        }
    }

    /// Whether it is banned in block `height`.
    pub fn is_banned_in(&self, height: u64) -> bool {
        self.banned_until >= height && self.banned_until != 0
    }
}

/// What a coordinator's attestations minted in its latest epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coordinator {
    /// The coordinator.
    pub address: Address,
    /// The first block of the epoch that `epoch_minted` counts.
    pub epoch_start: u64,
    /// uait minted on its attestations in that epoch.
    pub epoch_minted: u64,
}

/// An account that validates or ever did, and the consensus keys that are its own for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validator {
    /// The account.
    pub address: Address,
    /// Its CometBFT consensus key in use, or the last one that was.
    #[serde(deserialize_with = "crate::crypto::stored_own_key")]
    pub pubkey: PublicKey,
    /// Every consensus key it ever used.
    #[serde(deserialize_with = "crate::crypto::stored_keys")]
    pub keys: Vec<PublicKey>,
    /// Voting power last told to CometBFT; 0 when not in the set.
    pub power: u64,
    /// Bonded uait.
    pub stake: u64,
    /// The consensus key its first `STAKE` named, with which it validates under compute-backed
    /// proof; null while it never staked. From then on its work counts for its score.
    #[serde(deserialize_with = "crate::crypto::stored_key")]
    pub stake_pubkey: Option<PublicKey>,
    /// uait on their way out, in the order of their due heights or of the `UNSTAKE`s.
    pub unbonding: Vec<Unbonding>,
    /// The height from which `UNJAIL` works; 0 when not jailed, 2^53-1 when jailed for good.
    pub jailed_until: u64,
    /// Blocks it missed in the running downtime window.
    pub missed_blocks: u64,
    /// The first block of the running downtime window; 0 when none runs.
    pub window_start: u64,
}

impl Validator {
    /// An account with its first consensus key, not in the set yet.
    pub fn new(address: Address, pubkey: PublicKey) -> Self {
        Self {
            address,
            pubkey,
            keys: vec![pubkey],
            power: 0,
            stake: 0,
            stake_pubkey: None,
            unbonding: Vec::new(),
            jailed_until: 0,
            missed_blocks: 0,
            window_start: 0,
        }
    }

    /// Whether it was jailed for equivocation, which no `UNJAIL` ends.
    pub fn is_jailed_for_good(&self) -> bool {
        self.jailed_until == amount::MAX
    }

    /// Ends the running downtime window, unjudged.
    pub fn forget_window(&mut self) {
        self.missed_blocks = 0;
        self.window_start = 0;
    }
}

/// Stake on its way out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unbonding {
    /// uait.
    pub amount: u64,
    /// The block that makes them spendable.
    pub due_height: u64,
}

/// How the validators are chosen at present (SPEC section 6): the param `consensus_mode` says how
/// they shall be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consensus {
    /// The mode in force.
    pub mode: ConsensusMode,
}

/// Where every coin is and came from; checked in every block (SPEC section 7).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Supply {
    /// uait in existence.
    pub total: u64,
    /// uait of the genesis.
    pub genesis: u64,
    /// uait minted by claims.
    pub minted: u64,
    /// uait slashed.
    pub burned: u64,
    /// uait in accounts.
    pub balances: u64,
    /// uait in open escrows.
    pub escrows: u64,
    /// uait bonded.
    pub stakes: u64,
    /// uait unbonding.
    pub unbonding: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_record_is_the_documented_one() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/vectors/protocol.json")).unwrap();
        let expected = vectors["account_record"]["value"].as_str().unwrap();
        let account: Account = serde_json::from_str(expected).unwrap();
        assert_eq!(
            crate::json::canonical(&account).unwrap(),
            expected.as_bytes()
        );
        let unseen = crate::json::canonical(&Account::default()).unwrap();
        assert_eq!(unseen, b"{\"balance\":0,\"nonce\":0,\"pubkey\":null}");
    }
}
