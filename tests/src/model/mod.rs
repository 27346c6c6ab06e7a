//! A plain reference model of the state machine, written from the protocol: maps of strings and wide
//! integers, no index, no cache, nothing put off.
//!
//! Owns what a block must do to every record, and to each transaction's code, fee and events. It reads
//! the same wire bytes as the chain and uses none of its code. It computes scores for everybody at every
//! epoch's end; what the records show of them is written down when a record is.

mod attest;
mod begin;
mod bonds;
mod claims;
mod codes;
mod compare;
mod crypto;
mod election;
mod escrows;
mod execute;
mod json;
mod offences;
mod params;
mod payload;
mod settlement;
mod staking;
mod state;
mod upgrades;
mod validators;
#[cfg(test)]
mod vectors;
mod wire;

use std::{
    collections::{BTreeMap, VecDeque},
    fmt::Display,
};

use serde_json::Value;

pub use codes::{CODES, code, name_of};
pub use crypto::{address_bytes, address_of, short_hash, treasury};
pub use election::{Candidate, powers};
pub use json::{canonical, parse};
pub use params::{ADDED, DEFAULTS, Params, value_fault};
pub use settlement::{Settlement, Terms, settlement};
pub use state::{
    Account, Consensus, Coordinator, Counts, Escrow, Jail, Miner, Receipt, Set, Unbonding,
    Validator, Written,
};
pub use upgrades::Protocol;
pub use wire::classify;

/// The largest integer of the protocol.
pub const LIMIT: u128 = (1 << 53) - 1;

/// `block.max_bytes` of a genesis that doesn't say otherwise.
pub const MAX_BLOCK_BYTES: u64 = 4 << 20;

/// What happened: its name, and its attributes in their order.
pub type Event = (String, Vec<(String, String)>);

/// The whole state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// The chain's name.
    pub chain_id: String,
    /// The last block.
    pub height: u64,
    /// The genesis' `block.max_bytes`.
    pub max_block_bytes: u64,
    /// By address.
    pub accounts: BTreeMap<String, Account>,
    /// By client and job.
    pub escrows: BTreeMap<(String, String), Escrow>,
    /// By miner and receipt id.
    pub receipts: BTreeMap<(String, String), Receipt>,
    /// By address.
    pub miners: BTreeMap<String, Miner>,
    /// By address.
    pub coordinators: BTreeMap<String, Coordinator>,
    /// By address.
    pub validators: BTreeMap<String, Validator>,
    /// Mode, epochs and the admin to come.
    pub consensus: Consensus,
    /// The version of the rules.
    pub protocol: Protocol,
    /// By name.
    pub params: Params,
    /// uait.
    pub genesis: u128,
    /// uait.
    pub minted: u128,
    /// uait.
    pub burned: u128,
    /// Consensus keys and whose they are for ever.
    pub key_owners: BTreeMap<String, String>,
    /// The sets whose commits the next three blocks carry.
    pub commits: VecDeque<Set>,
    /// Powers that `UNSTAKE`s of the block in the making cut, by address.
    cuts: BTreeMap<String, u64>,
    before: Before,
}

/// What was so after the block before, and holds throughout a block.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Before {
    params: Params,
    admin_candidate: Option<String>,
}

/// What CometBFT says of a block besides its entries. Validators go by `sha256(pubkey)[0..20]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Engine {
    /// Who proposed it.
    pub proposer: Option<[u8; 20]>,
    /// The set of the block before, and whether each was absent.
    pub votes: Vec<([u8; 20], bool)>,
    /// Whose equivocation it proves.
    pub misbehaviour: Vec<[u8; 20]>,
}

/// What becomes of one entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryResult {
    /// 0 for success.
    pub code: u32,
    /// uait to the proposer.
    pub fee: u64,
    /// In their order.
    pub events: Vec<Event>,
}

/// What a block must come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// One for each entry.
    pub entries: Vec<EntryResult>,
    /// Those of the block's beginning, then those of its end.
    pub events: Vec<Event>,
    /// Changes of the validator set, by consensus key.
    pub updates: Set,
    /// Whether honest validators accept the block.
    pub accepted: bool,
}

fn event(kind: &str, attributes: &[(&str, &dyn Display)]) -> Event {
    let attributes = attributes.iter();
    let attributes = attributes.map(|(name, value)| ((*name).to_owned(), value.to_string()));
    (kind.to_owned(), attributes.collect())
}

impl Model {
    /// The state before block `initial_height`, of a genesis whose `app_state` has `accounts` (balances
    /// by address) and `params`.
    pub fn new(
        chain_id: &str,
        initial_height: u64,
        app_state: &Value,
        evidence_max_age: u64,
    ) -> Self {
        let given = app_state["params"].as_object().unwrap();
        let params = Params::of_genesis(given, evidence_max_age);
        let mut model = Self {
            chain_id: chain_id.to_owned(),
            height: initial_height - 1,
            max_block_bytes: MAX_BLOCK_BYTES,
            accounts: BTreeMap::new(),
            escrows: BTreeMap::new(),
            receipts: BTreeMap::new(),
            miners: BTreeMap::new(),
            coordinators: BTreeMap::new(),
            validators: BTreeMap::new(),
            consensus: Consensus {
                admin_candidate: None,
                decays: vec![(params.number("work_decay_bps"), 0)],
                epochs: 0,
                last_epoch_end: initial_height - 1,
                mode: "poa",
                mode_changes: 0,
            },
            before: Before {
                params: params.clone(),
                admin_candidate: None,
            },
            protocol: Protocol::first(),
            params,
            genesis: 0,
            minted: 0,
            burned: 0,
            key_owners: BTreeMap::new(),
            commits: VecDeque::new(),
            cuts: BTreeMap::new(),
        };
        for (address, balance) in app_state["accounts"].as_object().unwrap() {
            let balance = u128::from(balance.as_u64().unwrap());
            model.credit(address, balance);
            model.genesis += balance;
        }
        model.found_authorities();
        model
    }

    /// What block H does to the state after block H-1.
    pub fn block(&mut self, wires: &[Vec<u8>], engine: &Engine) -> Outcome {
        let read = |wire: &Vec<u8>| wire::read(wire, &self.chain_id);
        let entries: Vec<_> = wires.iter().map(read).collect();
        let attestations = self.entry_rule(&entries);
        let broken = attestations.is_err();
        let attestations = attestations.unwrap_or_else(|()| vec![None; entries.len()]);
        let collector = engine.proposer.and_then(|proposer| self.owner(&proposer));
        let mut outcome = Outcome {
            events: self.begin_block(),
            accepted: !broken && protobuf_bytes(wires) <= self.max_block_bytes,
            ..Outcome::default()
        };
        let mut fees = 0;
        for (entry, attestation) in entries.iter().zip(&attestations) {
            let (result, authentic) = self.apply(entry, attestation.as_ref(), broken);
            outcome.accepted &= authentic;
            fees += u128::from(result.fee);
            outcome.entries.push(result);
        }
        let share = self.before.params.get("treasury_fee_bps");
        let share = share.map_or(0, |bps| u128::from(bps.as_u64().unwrap()));
        let to_treasury = fees * share / 10_000;
        self.credit(&treasury(), to_treasury);
        self.credit(&collector.unwrap_or_else(treasury), fees - to_treasury);
        let (events, updates) = self.end_block(engine);
        outcome.events.extend(events);
        outcome.updates = updates;
        self.commits.pop_front();
        self.commits.push_back(self.set());
        self.look_back();
        outcome
    }

    fn look_back(&mut self) {
        self.before = Before {
            params: self.params.clone(),
            admin_candidate: self.consensus.admin_candidate.clone(),
        };
        self.cuts.clear();
    }

    /// Whose consensus key this is.
    fn owner(&self, consensus_address: &[u8; 20]) -> Option<String> {
        let mut keys = self.key_owners.iter();
        let found = keys.find(|(key, _)| short_hash(key) == *consensus_address);
        found.map(|(_, owner)| owner.clone())
    }

    fn credit(&mut self, address: &str, uait: u128) {
        if uait > 0 {
            self.accounts.entry(address.to_owned()).or_default().balance += uait;
        }
    }

    /// The account; zeros for one never seen.
    pub fn account(&self, address: &str) -> Account {
        self.accounts.get(address).cloned().unwrap_or_default()
    }

    /// uait in existence.
    pub fn total(&self) -> u128 {
        self.genesis + self.minted - self.burned
    }

    /// A param that is a number, as it is.
    pub fn number(&self, name: &str) -> u64 {
        self.params.number(name)
    }

    /// The validators last sent.
    pub fn set(&self) -> Set {
        let members = self.validators.values().filter(|record| record.power > 0);
        members
            .map(|record| (record.pubkey.clone(), record.power))
            .collect()
    }

    /// Voting power last sent for any key of this account.
    pub fn power_of(&self, address: &str) -> u64 {
        self.validators
            .get(address)
            .map_or(0, |record| record.power)
    }

    /// The set whose commit the next block carries.
    pub fn voters(&self) -> &Set {
        &self.commits[0]
    }
}

/// How long the entries are as repeated bytes of a protobuf message.
fn protobuf_bytes(wires: &[Vec<u8>]) -> u64 {
    let varint = |mut length: usize| {
        let mut bytes = 1;
        while length >= 128 {
            length >>= 7;
            bytes += 1;
        }
        bytes
    };
    let sizes = wires.iter().map(|wire| 1 + varint(wire.len()) + wire.len());
    sizes.sum::<usize>() as u64
}
