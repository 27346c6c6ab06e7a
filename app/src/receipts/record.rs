//! Owns the records of work: receipts that were paid or refused, and what is known of miners.

use serde::{Deserialize, Serialize};

use crate::{
    address::Address,
    crypto::Signature,
    identifiers::{JobId, OutputHash, ReceiptId},
    prelude::*,
    quantity::{BasisPoints, Count, Height, Uait, Units},
    tx::hash::TxHash,
};

/// What became of a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptStatus {
    /// Its price was paid.
    Paid,
    /// Its coordinator denied it. It bars nothing: good attestations still pay it.
    Refused,
}

/// What lowered the mint of a claim last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitedBy {
    /// `max_mint_per_price`.
    Price,
    /// What its coordinators may mint in the epoch.
    Coordinator,
    /// The supply.
    Supply,
}

impl LimitedBy {
    /// The word in records and events.
    pub const fn word(self) -> &'static str {
        match self {
            LimitedBy::Price => "price",
            LimitedBy::Coordinator => "coordinator",
            LimitedBy::Supply => "supply",
        }
    }
}

/// `/receipt/{miner}/{receipt_id}`: a receipt that was paid or refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// Who paid, or was to.
    pub client: Address,
    /// Units of compute it claims.
    pub compute_units: Units,
    /// The coordinator of its escrow.
    pub coordinator: Address,
    /// The block that paid or refused it.
    pub height: Height,
    /// The job it is for.
    pub job_id: JobId,
    /// What lowered its mint; null for nothing.
    pub limited_by: Option<LimitedBy>,
    /// Who worked.
    pub miner: Address,
    /// The miner's signature over it.
    pub miner_sig: Signature,
    /// Minted in all: miner's, coordinators' and treasury's parts.
    pub minted: Uait,
    /// The opening of its escrow.
    pub opened_height: Height,
    /// The hash of the job's output.
    pub output_hash: OutputHash,
    /// What the miner asked for.
    pub price: Uait,
    /// Its name.
    pub receipt_id: ReceiptId,
    /// What became of it.
    pub status: ReceiptStatus,
    /// The transaction that paid or refused it.
    pub tx_hash: TxHash,
}

impl Receipt {
    /// Whether both say the same work for the same opening, whatever became of them.
    pub fn is_same_work(&self, other: &Self) -> bool {
        let terms = |receipt: &Self| {
            (
                receipt.client,
                receipt.job_id.clone(),
                receipt.opened_height,
                receipt.compute_units,
                receipt.price,
                receipt.output_hash.clone(),
            )
        };
        terms(self) == terms(other)
    }
}

/// `/miner/{addr}`: a miner's work and offences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Miner {
    /// The miner.
    pub address: Address,
    /// The last block of its latest ban; 0 if it never was banned.
    #[serde(with = "zero_is_none")]
    pub banned_until: Option<Height>,
    /// How many epochs had ended when `score` and `epoch_units` were brought up to date.
    pub epoch: Count,
    /// Units of that epoch that minted, once the account ever staked.
    pub epoch_units: Units,
    /// Offences ever.
    pub offences: Count,
    /// Receipts paid.
    pub receipts: Count,
    /// The heights of its offences as of the latest one, oldest first, within the window.
    pub recent_offences: Vec<Height>,
    /// Work score as of `epoch` (PROTOCOL section 6).
    pub score: Units,
    /// Units ever that minted.
    pub units_total: Units,
}

/// How a work score decayed in past epochs: it holds from that epoch on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decay {
    /// What remains after each epoch.
    pub bps: BasisPoints,
    /// How many epochs had ended before the first one that ends with it.
    pub epoch: Count,
}

impl Miner {
    /// A miner nothing is known of, as of an epoch.
    pub fn new(address: Address, epoch: Count) -> Self {
        Self {
            address,
            banned_until: None,
            epoch,
            epoch_units: Units::ZERO,
            offences: Count::ZERO,
            receipts: Count::ZERO,
            recent_offences: Vec::new(),
            score: Units::ZERO,
            units_total: Units::ZERO,
        }
    }

    /// Whether it is banned in block `height`.
    pub fn is_banned_in(&self, height: Height) -> bool {
        self.banned_until.is_some_and(|until| height <= until)
    }

    /// Brings its score up to date: `epochs` have ended by now, with the decays of `history`.
    ///
    /// What each epoch's end does is PROTOCOL section 6: `score = floor(score * decay / 10000) +
    /// epoch_units`. A score is 0 or no longer changes long before the loop gets long.
    pub fn roll(&mut self, epochs: Count, history: &[Decay]) {
        let next_begins = |index: usize| {
            let next = history.get(index.saturating_add(1));
            next.map_or(epochs, |decay| decay.epoch.min(epochs))
        };
        let begun = history.partition_point(|decay| decay.epoch <= self.epoch);
        for index in begun.saturating_sub(1)..history.len() {
            let decay = history.get(index).map_or(BasisPoints::ZERO, |d| d.bps);
            self.roll_with(decay, next_begins(index));
        }
    }

    /// Brings its score forward to an epoch, with one decay.
    fn roll_with(&mut self, decay: BasisPoints, until: Count) {
        while self.epoch < until {
            let next = self.score.share(decay).saturating_plus(self.epoch_units);
            let is_still = next == self.score && self.epoch_units.is_zero();
            self.score = next;
            self.epoch_units = Units::ZERO;
            self.epoch = if is_still { until } else { self.epoch.next() };
        }
    }
}

/// A height that is 0 in the record where there is none.
mod zero_is_none {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::quantity::Height;

    pub fn serialize<S: Serializer>(
        value: &Option<Height>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.unwrap_or_default().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Height>, D::Error> {
        let height = Height::deserialize(deserializer)?;
        Ok((!height.is_zero()).then_some(height))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decay(epoch: u64, bps: u64) -> Decay {
        Decay {
            bps: BasisPoints::constant(bps),
            epoch: Count::constant(epoch),
        }
    }

    #[test]
    fn rolling_at_once_is_rolling_epoch_by_epoch() {
        let history = [
            decay(0, 9_000),
            decay(3, 10_000),
            decay(900, 9_999),
            decay(2_000, 5_000),
        ];
        let address = Address::treasury();
        for (score, units) in [(0, 0), (0, 7), (1_000_000, 0), (12_345, 678), (1 << 53, 1)] {
            let mut once = Miner::new(address, Count::ZERO);
            once.score = Units::constant(score);
            once.epoch_units = Units::constant(units);
            let mut stepwise = once.clone();
            for epoch in 1..=2_500 {
                stepwise.roll(Count::constant(epoch), &history);
            }
            once.roll(Count::constant(2_500), &history);
            assert_eq!(once, stepwise);
        }
    }
}
