//! Owns the record of a coordinator: its bond, what it minted in the epoch, and how its escrows ended.

use serde::{Deserialize, Serialize};

use crate::{
    address::Address,
    crypto::PublicKey,
    prelude::*,
    quantity::{Count, Height, Uait},
    unbonding::record::Unbonding,
};

/// `/coordinator/{addr}`: an account that bonded as a coordinator, or that an escrow named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coordinator {
    /// The account.
    pub address: Address,
    /// What answers for its attestations.
    pub bond: Uait,
    /// Escrows naming it that ended by their client's cancel.
    pub cancelled: Count,
    /// The end of the epoch before the one that `epoch_minted` counts (`last_epoch_end` of `/consensus`).
    pub epoch_end: Height,
    /// What its attestations minted in that epoch.
    pub epoch_minted: Uait,
    /// Escrows naming it that expired.
    pub expired: Count,
    /// Escrows that named it, each opening for itself.
    pub opened: Count,
    /// Escrows naming it that were released.
    pub released: Count,
    /// Escrows naming it that were settled.
    pub settled: Count,
    /// The key that `coordinators` named for it when it was convicted of equivocation last; null if
    /// it never was. It is suspended while the param names this very key.
    #[serde(deserialize_with = "crate::crypto::stored_key")]
    pub suspended: Option<PublicKey>,
    /// Bonds on their way out.
    pub unbonding: Vec<Unbonding>,
}

impl Coordinator {
    /// A coordinator nothing is known of.
    pub fn new(address: Address) -> Self {
        Self {
            address,
            bond: Uait::ZERO,
            cancelled: Count::ZERO,
            epoch_end: Height::ZERO,
            epoch_minted: Uait::ZERO,
            expired: Count::ZERO,
            opened: Count::ZERO,
            released: Count::ZERO,
            settled: Count::ZERO,
            suspended: None,
            unbonding: Vec::new(),
        }
    }

    /// What its attestations minted in the epoch after the one that ended at `last_epoch_end`.
    pub fn minted_since(&self, last_epoch_end: Height) -> Uait {
        if self.epoch_end == last_epoch_end {
            self.epoch_minted
        } else {
            Uait::ZERO
        }
    }

    /// Whether it takes no new escrows, while `named` is its key in the param `coordinators`.
    pub fn is_suspended(&self, named: &PublicKey) -> bool {
        self.suspended.as_ref() == Some(named)
    }
}
