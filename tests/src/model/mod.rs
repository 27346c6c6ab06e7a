//! A plain reference model of the state machine, written from SPEC sections 2 to 8: maps of strings and
//! wide integers, whole copies instead of overlays, no index, no cache.
//!
//! Owns what a block must do to balances, escrows, receipts, miners, validators, params and supply, and
//! to each transaction's code. It reads the same wire bytes as the chain and uses none of its code: JSON is
//! serde_json's, signatures are ed25519-dalek's, code numbers are those of `docs/errors.md`.

mod claims;
mod compare;
mod election;
mod params;
mod punishment;
mod staking;
mod transactions;
mod validators;

use std::collections::{BTreeMap, VecDeque};

use bech32::{Bech32, Hrp};
use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use election::{Candidate, powers};
pub use params::{DEFAULTS, param_fault};
pub use validators::{Engine, FOR_GOOD, Set, Unbonding, Validator};

/// The largest integer of the protocol.
pub const LIMIT: u128 = (1 << 53) - 1;

/// One account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// uait.
    pub balance: u128,
    /// Of its last transaction.
    pub nonce: u64,
    /// Known from its first transaction on.
    pub pubkey: Option<String>,
}

/// One escrow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escrow {
    /// Who may attest and release.
    pub coordinator: String,
    /// uait.
    pub amount: u128,
    /// `open`, `settled` or `refunded`.
    pub status: &'static str,
    /// The block that opened it.
    pub opened: u64,
    /// The block in which it is due.
    pub due: u64,
}

/// What is known of a miner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Miner {
    /// Units of all its receipts.
    pub units_total: u64,
    /// Its paid receipts.
    pub receipts: u64,
    /// The heights of all its offences.
    pub offences: Vec<u64>,
    /// The last block of its latest ban.
    pub banned_until: u64,
    /// Work of past epochs.
    pub score: u64,
    /// Units of this epoch, counted once the account ever staked.
    pub epoch_units: u64,
}

/// The whole state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// The chain's name.
    pub chain_id: String,
    /// The last block.
    pub height: u64,
    /// By address.
    pub accounts: BTreeMap<String, Account>,
    /// By client and job.
    pub escrows: BTreeMap<(String, String), Escrow>,
    /// By id, as REST shows them.
    pub receipts: BTreeMap<String, Value>,
    /// By address.
    pub miners: BTreeMap<String, Miner>,
    /// By coordinator: the first block of its epoch, and uait minted since.
    pub epoch_minted: BTreeMap<String, (u64, u128)>,
    /// By name.
    pub params: BTreeMap<String, Value>,
    /// uait.
    pub genesis: u128,
    /// uait.
    pub minted: u128,
    /// uait.
    pub burned: u128,
    /// Consensus keys and whose they are for ever.
    pub key_owners: BTreeMap<String, String>,
    /// By address.
    pub validators: BTreeMap<String, Validator>,
    /// The validators last sent.
    pub set: Set,
    /// The sets whose commits the next three blocks carry.
    pub commits: VecDeque<Set>,
    /// The mode in force, `poa` or `cbp`, once there was a switch.
    pub mode: Option<&'static str>,
}

/// One entry of a block.
#[derive(Debug, Clone)]
pub struct Input {
    /// Its bytes.
    pub wire: Vec<u8>,
    /// The name of the code that its very bytes deserve, known to who made them so.
    pub malformed: Option<&'static str>,
}

/// What a block must come to.
#[derive(Debug, Clone, Default)]
pub struct Predicted {
    /// Each entry's code.
    pub codes: Vec<u32>,
    /// Each entry's fee, uait.
    pub fees: Vec<u128>,
    /// Why no honest validator may accept it: the code's name.
    pub rejected: Option<&'static str>,
    /// Changes of the validator set, by consensus key.
    pub updates: Set,
}

/// Why one transaction doesn't do what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// It has no effect at all.
    Unauthenticated(&'static str),
    /// It stays, and pays.
    Failed(&'static str),
}

/// The number of a code in the documented table.
pub fn code(name: &str) -> u32 {
    let table = include_str!("../../../docs/errors.md");
    table
        .lines()
        .filter_map(|line| {
            let mut cells = line.split('|').map(str::trim).skip(1);
            let number: u32 = cells.next()?.parse().ok()?;
            let named = cells.nth(1)?.trim_matches('`');
            (named == name).then_some(number)
        })
        .next()
        .unwrap_or_else(|| panic!("docs/errors.md has no code {name}"))
}

/// sha256(pubkey)[0..20] as an address.
pub fn address_of(pubkey: &str) -> String {
    address(&Sha256::digest(hex::decode(pubkey).unwrap())[..20])
}

/// The account without a key that collects what is nobody's.
pub fn treasury() -> String {
    address(&Sha256::digest("ait-module/treasury")[..20])
}

fn address(bytes: &[u8]) -> String {
    bech32::encode::<Bech32>(Hrp::parse("ait").unwrap(), bytes).unwrap()
}

/// Whether the key signed sha256 of the text, strictly.
fn signed(pubkey: &str, text: &str, sig: &str) -> bool {
    let key: [u8; 32] = hex::decode(pubkey).unwrap().try_into().unwrap();
    let sig: [u8; 64] = hex::decode(sig).unwrap().try_into().unwrap();
    VerifyingKey::from_bytes(&key)
        .unwrap()
        .verify_strict(&Sha256::digest(text), &Signature::from_bytes(&sig))
        .is_ok()
}

fn required_fee(params: &BTreeMap<String, Value>, payload: &Value) -> u64 {
    let bytes = serde_json::to_vec(payload).unwrap().len() as u64;
    number_of(params, "base_fee") + (number_of(params, "fee_per_kib") * bytes).div_ceil(1024)
}

fn number_of(params: &BTreeMap<String, Value>, name: &str) -> u64 {
    params[name].as_u64().unwrap()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap()
}

fn number(value: &Value, field: &str) -> u64 {
    value[field].as_u64().unwrap()
}

impl Model {
    /// The state before block `initial_height`.
    pub fn new(
        chain_id: &str,
        initial_height: u64,
        accounts: &BTreeMap<String, u64>,
        given: &BTreeMap<String, Value>,
        evidence_max_age: u64,
    ) -> Self {
        let mut params: BTreeMap<String, Value> = DEFAULTS
            .iter()
            .map(|(name, default, ..)| ((*name).to_owned(), Value::from(*default)))
            .collect();
        params.insert("consensus_mode".into(), "poa".into());
        params.insert("coordinators".into(), Value::Object(Default::default()));
        params.insert(
            "evidence_max_age_num_blocks".into(),
            evidence_max_age.into(),
        );
        params.extend(given.clone());
        let mut model = Self {
            chain_id: chain_id.to_owned(),
            height: initial_height - 1,
            accounts: BTreeMap::new(),
            escrows: BTreeMap::new(),
            receipts: BTreeMap::new(),
            miners: BTreeMap::new(),
            epoch_minted: BTreeMap::new(),
            params,
            genesis: 0,
            minted: 0,
            burned: 0,
            key_owners: BTreeMap::new(),
            validators: BTreeMap::new(),
            set: Set::new(),
            commits: VecDeque::new(),
            mode: None,
        };
        for (address, balance) in accounts {
            model.credit(address, u128::from(*balance));
            model.genesis += u128::from(*balance);
        }
        let authorities = model.params["authorities"].clone();
        assert!(model.own_keys(&authorities));
        model.set = model.authorities();
        model.commits = validators::first_commits(&model.set);
        model
    }

    /// What block H does to the state after block H-1.
    pub fn apply_block(&mut self, inputs: &[Input], engine: &Engine) -> Predicted {
        let before = self.clone();
        let mut predicted = Predicted {
            // What needs no state comes first.
            rejected: inputs.iter().find_map(|input| self.unreadable(input).err()),
            ..Predicted::default()
        };
        let attestations = before.entry_rule(inputs);
        let broken = attestations.is_err();
        if broken {
            predicted.rejected.get_or_insert("unexpected_attestations");
        }
        let attestations = attestations.unwrap_or_else(|()| vec![None; inputs.len()]);
        self.begin_block();
        for (input, attestation) in inputs.iter().zip(&attestations) {
            let is_entry = input.wire.starts_with(b"{\"attestations\":");
            let (fault, fee) = if is_entry && input.malformed.is_none() {
                let fault = broken.then_some(Fault::Unauthenticated("unexpected_attestations"));
                (fault, 0)
            } else {
                self.apply_tx(&before.params, input, attestation.as_ref())
            };
            if let Some(Fault::Unauthenticated(name)) = fault {
                predicted.rejected = predicted.rejected.or(Some(name));
            }
            predicted.codes.push(match fault {
                None => 0,
                Some(Fault::Unauthenticated(name) | Fault::Failed(name)) => code(name),
            });
            predicted.fees.push(fee);
        }
        let proposer = engine.proposer.as_ref();
        let collector = proposer
            .and_then(|key| before.key_owners.get(key).cloned())
            .unwrap_or_else(treasury);
        self.credit(&collector, predicted.fees.iter().sum());
        predicted.updates = self.choose_validators(&before, engine);
        self.commits.pop_front();
        self.commits.push_back(self.set.clone());
        predicted
    }

    /// Due escrows go back, 1,000 at most, by due height, then key; and so do due unbondings.
    pub fn begin_block(&mut self) {
        self.height += 1;
        let mut due: Vec<(u64, String, (String, String))> = self
            .escrows
            .iter()
            .filter(|(_, escrow)| escrow.status == "open" && escrow.due <= self.height)
            .map(|(key, escrow)| {
                let path = format!("/escrow/{}/{}", key.0, key.1);
                (escrow.due, path, key.clone())
            })
            .collect();
        due.sort();
        for (_, _, key) in due.into_iter().take(1_000) {
            self.refund(&key);
        }
        self.pay_unbondings();
    }

    fn refund(&mut self, key: &(String, String)) {
        let escrow = self.escrows.get_mut(key).unwrap();
        escrow.status = "refunded";
        let amount = escrow.amount;
        self.credit(&key.0, amount);
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

    /// A param that is a number.
    pub fn number(&self, name: &str) -> u64 {
        number_of(&self.params, name)
    }

    /// `base_fee + ceil(fee_per_kib * canonical_payload_bytes / 1024)`.
    pub fn required_fee(&self, payload: &Value) -> u64 {
        required_fee(&self.params, payload)
    }

    /// Applies one entry to a block in the making, for tests that build a block step by step.
    /// `before` is the state after the block before.
    pub fn apply_entry(&mut self, before: &Model, input: &Input, attestation: Option<&Value>) {
        self.apply_tx(&before.params, input, attestation);
    }

    /// Whether the escrow is open in block `height`: one that is overdue counts as closed.
    fn open_escrow(&self, key: &(String, String), height: u64) -> Option<&Escrow> {
        let escrow = self.escrows.get(key)?;
        (escrow.status == "open" && height < escrow.due).then_some(escrow)
    }
}
