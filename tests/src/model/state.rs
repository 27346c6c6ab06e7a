//! Owns what the model remembers of each account, escrow, receipt, miner, coordinator and validator.

use std::collections::BTreeMap;

/// Power by consensus key.
pub type Set = BTreeMap<String, u64>;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// uait.
    pub balance: u128,
    /// Of its last transaction.
    pub nonce: u64,
    /// Known from its first transaction on.
    pub pubkey: Option<String>,
}

/// One opening of an escrow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escrow {
    /// The coordinator and then the attesters.
    pub named: Vec<String>,
    /// The keys that `coordinators` named for them when it opened.
    pub keys: Vec<String>,
    /// So many of them must attest.
    pub threshold: usize,
    /// All that was ever locked, uait.
    pub amount: u128,
    /// What is locked now, uait.
    pub remaining: u128,
    /// The prices of its claims, uait.
    pub paid: u128,
    /// How many claims it paid.
    pub claims: u64,
    /// Whether a claim may leave the rest for others.
    pub partial: bool,
    /// Who alone may claim it.
    pub miner: Option<String>,
    /// Whether `ESCROW_ASSIGN` bound that miner.
    pub assigned: bool,
    /// Whether an `ESCROW_CANCEL` decides when it ends; once closed, whether it did.
    pub cancelled: bool,
    /// Coordinators that contradicted themselves about it.
    pub convicted: Vec<String>,
    /// `open`, `settled` or `refunded`.
    pub status: &'static str,
    /// `settled`, `released`, `cancelled` or `expired`.
    pub reason: Option<&'static str>,
    /// The block that opened it.
    pub opened: u64,
    /// The block in which it is due.
    pub due: u64,
    /// The block that closed it.
    pub closed: Option<u64>,
    /// The block that deletes its record.
    pub deleted: Option<u64>,
    /// Miner and receipt id of the last claim.
    pub last_receipt: Option<(String, String)>,
}

impl Escrow {
    /// Whether it can be claimed in block `height`: one that is overdue counts as closed.
    pub fn is_open(&self, height: u64) -> bool {
        self.status == "open" && height < self.due
    }

    /// The first whom it names.
    pub fn coordinator(&self) -> &str {
        &self.named[0]
    }
}

/// One receipt, paid or refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub job: (String, String),
    pub coordinator: String,
    pub compute_units: u64,
    pub price: u64,
    pub output_hash: String,
    pub miner_sig: String,
    pub opened: u64,
    /// In all, uait.
    pub minted: u128,
    pub limited_by: Option<&'static str>,
    /// `paid` or `refused`.
    pub status: &'static str,
    pub height: u64,
    pub tx_hash: String,
}

impl Receipt {
    /// Whether two receipts of one miner and id are for one piece of work.
    pub(super) fn is_same_work(&self, other: &Self) -> bool {
        let work = |one: &Self| {
            let terms = (one.compute_units, one.price, one.output_hash.clone());
            (one.job.clone(), one.opened, terms)
        };
        work(self) == work(other)
    }
}

/// What is known of a miner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Miner {
    /// Units that minted, of all its receipts.
    pub units_total: u64,
    /// Its paid receipts.
    pub receipts: u64,
    /// All its offences.
    pub offences: u64,
    /// Heights of those that were in the window at the last one.
    pub recent_offences: Vec<u64>,
    /// The last block of its latest ban.
    pub banned_until: u64,
    /// Work of past epochs, as of now.
    pub score: u64,
    /// Units of this epoch, counted once the account ever staked.
    pub epoch_units: u64,
    /// Both as the record shows them.
    pub written: Written,
}

/// A miner's work as of the last block that wrote its record for another reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Epochs that had ended.
    pub epoch: u64,
    /// Work of past epochs.
    pub score: u64,
    /// Units of that epoch.
    pub epoch_units: u64,
}

/// uait on their way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unbonding {
    /// uait.
    pub amount: u128,
    /// The block that pays them out.
    pub due: u64,
}

/// What is known of a coordinator.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coordinator {
    /// uait.
    pub bond: u128,
    /// In the order of the `COORDINATOR_UNBOND`s.
    pub unbonding: Vec<Unbonding>,
    /// uait minted in the epoch that began after `epoch_end`.
    pub epoch_minted: u128,
    /// Where the epoch of `epoch_minted` began.
    pub epoch_end: u64,
    /// Escrows that name it, by what became of them.
    pub counts: Counts,
    /// As long as `coordinators` names this key for it, it is suspended.
    pub suspended: Option<String>,
}

/// Escrows that name a coordinator.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    pub opened: u64,
    pub settled: u64,
    pub released: u64,
    pub cancelled: u64,
    pub expired: u64,
}

/// Why somebody validates nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jail {
    /// For good.
    Tombstoned,
    /// It may unjail from this block on.
    Until(u64),
}

/// An account that has a consensus key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validator {
    /// Every consensus key it ever used, in the order of first use.
    pub keys: Vec<String>,
    /// The one in use, or the last that was.
    pub pubkey: String,
    /// Power last sent.
    pub power: u64,
    /// Whether the key in use has signed since it came into the set.
    pub proven: bool,
    /// uait bonded.
    pub stake: u128,
    /// The key of its first `STAKE`.
    pub stake_key: Option<String>,
    /// In the order of the `UNSTAKE`s.
    pub unbonding: Vec<Unbonding>,
    /// While it is jailed.
    pub jail: Option<Jail>,
    /// Blocks of the running window.
    pub counted: u64,
    /// Those of them that it missed.
    pub missed: u64,
    /// How often the mode had changed when the window was last counted.
    pub window: u64,
}

/// What the chain remembers of consensus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consensus {
    /// Who was named as the next admin.
    pub admin_candidate: Option<String>,
    /// `work_decay_bps` from which epoch on: (bps, epoch).
    pub decays: Vec<(u64, u64)>,
    /// Epochs that ended.
    pub epochs: u64,
    /// Where the last one did.
    pub last_epoch_end: u64,
    /// The mode in force, `poa` or `cbp`.
    pub mode: &'static str,
    /// How often it changed.
    pub mode_changes: u64,
}

/// Takes a share of every amount, rounded down for each by itself, and gives their sum.
pub(super) fn slash(amount: &mut u128, unbonding: &mut Vec<Unbonding>, bps: u128) -> u128 {
    let mut lost = 0;
    let entries = unbonding.iter_mut().map(|entry| &mut entry.amount);
    for amount in entries.chain([amount]) {
        let part = *amount * bps / 10_000;
        *amount -= part;
        lost += part;
    }
    unbonding.retain(|entry| entry.amount > 0);
    lost
}
