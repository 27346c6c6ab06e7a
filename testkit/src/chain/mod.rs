//! Owns the consensus engine's part, in-process: a genesis, proposals, verdicts and blocks, run
//! through `ait_app::block` as a node runs it. Every block is judged and executed, both must agree,
//! and the root and the books are computed again from the records alone.

mod audit;
mod drafts;
mod engine;
mod setup;
mod staking;

use std::collections::BTreeMap;

use ait_app::{
    Refusal,
    address::Address,
    block::{
        BlockInput, BlockOutcome, CommitVote, ConsensusAddress, Entry, Executor, Judgement,
        attestation_fits, execute, judge,
    },
    events::Event,
    identifiers::ChainId,
    receipts::attestation::Attestation,
    state::{Key, State},
    tx::{Anew, TxResult, Verdict},
};
use serde_json::Value;

pub use audit::{assert_same_outcome, differences, records};
pub use engine::{Engine, Live, ValidatorSet, holds_two_thirds};
pub use setup::{CHAIN_ID, EVIDENCE_MAX_AGE, Setup, authority};
pub use staking::{SPENDING_MONEY, Staker, elected, first_stake, new_authority, possession};

use audit::check_records;

use crate::{actors::Actor, work::attestation_entry};

/// Every record by its key, as JSON.
pub type Records = BTreeMap<String, Value>;

/// The genesis' `block.max_bytes`.
pub const MAX_BLOCK_BYTES: usize = 4 * 1024 * 1024;

/// A chain of one process.
#[derive(Clone)]
pub struct Chain {
    /// The state after its last block.
    pub state: State,
    /// Who proposes the next blocks.
    pub proposer: Option<ConsensusAddress>,
    /// Who signs the next blocks, and who is in the set and doesn't.
    pub last_commit: Vec<CommitVote>,
    /// Whose equivocation the next block proves; that block alone.
    pub misbehaviour: Vec<ConsensusAddress>,
}

/// A block and what it did.
pub struct Block {
    pub height: u64,
    /// Its entries' bytes.
    pub entries: Vec<Vec<u8>>,
    /// What it did.
    pub outcome: BlockOutcome,
}

impl Block {
    /// The result of an entry.
    pub fn result(&self, index: usize) -> &TxResult {
        &self.outcome.results[index]
    }

    /// What an entry paid, uait.
    pub fn fee(&self, index: usize) -> u64 {
        self.result(index).fee.get()
    }

    /// The codes of all entries.
    pub fn codes(&self) -> Vec<u32> {
        self.outcome.results.iter().map(|r| r.code).collect()
    }

    /// The only code, by the name users see; empty for success.
    pub fn code_name(&self, index: usize) -> &'static str {
        code_name(self.result(index).code)
    }

    /// The codes of all entries, by the names users see; empty for success.
    pub fn names(&self) -> Vec<&'static str> {
        self.codes().into_iter().map(code_name).collect()
    }

    /// What CometBFT is told of its validators: powers by consensus key.
    pub fn updates(&self) -> BTreeMap<String, u64> {
        let updates = &self.outcome.validator_updates;
        let map: BTreeMap<String, u64> = updates
            .iter()
            .map(|update| (update.pubkey.to_string(), update.power.get()))
            .collect();
        assert_eq!(map.len(), updates.len(), "no key twice");
        map
    }

    /// All events of a kind, the block's own first.
    pub fn events(&self, kind: &str) -> Vec<&Event> {
        let own = self.outcome.events.iter();
        own.chain(self.outcome.results.iter().flat_map(|r| &r.events))
            .filter(|event| event.kind == kind)
            .collect()
    }
}

/// A code's name; empty for success.
pub fn code_name(number: u32) -> &'static str {
    match number {
        0 => "",
        _ => ait_app::code::Code::from_number(number).unwrap().name(),
    }
}

/// Reads a block's entries as a node does.
pub fn read_entries(entries: &[Vec<u8>]) -> Vec<Entry> {
    let chain_id: ChainId = CHAIN_ID.parse().unwrap();
    entries
        .iter()
        .map(|bytes| Entry::read(bytes, &chain_id))
        .collect()
}

impl Chain {
    /// The usual chain.
    pub fn start() -> Self {
        Setup::default().start()
    }

    /// What the consensus engine says of the next block besides its entries.
    pub fn input(&self) -> BlockInput {
        BlockInput {
            proposer: self.proposer,
            last_commit: self.last_commit.clone(),
            misbehaviour: self.misbehaviour.clone(),
        }
    }

    /// The height of the last block.
    pub fn height(&self) -> u64 {
        self.state.height().get()
    }

    /// Judges and executes a block that every honest validator accepts, and keeps it.
    pub fn commit<T: Into<Vec<u8>>>(&mut self, entries: impl IntoIterator<Item = T>) -> Block {
        let (block, refusal) = self.finalize(entries);
        if let Some(refusal) = refusal {
            panic!("the block was rejected: {refusal:?}");
        }
        block
    }

    /// Judges and executes any block, keeps it as a replica does that must follow two thirds of
    /// the others, and tells why an honest validator would have rejected it.
    pub fn finalize<T: Into<Vec<u8>>>(
        &mut self,
        entries: impl IntoIterator<Item = T>,
    ) -> (Block, Option<Refusal>) {
        let entries: Vec<Vec<u8>> = entries.into_iter().map(Into::into).collect();
        let read = read_entries(&entries);
        let sizes = entries.iter().map(Vec::len);
        let input = self.input();
        self.misbehaviour.clear();
        let verdict = judge(&self.state, &read, sizes, MAX_BLOCK_BYTES, &input, &Anew).unwrap();
        let outcome = execute(&self.state, &read, &input, &Anew).unwrap();
        assert_eq!(outcome.results.len(), entries.len());
        let refusal = match verdict {
            Judgement::Accepted(judged) => {
                assert_same_outcome(&judged, &outcome);
                None
            }
            Judgement::Rejected(refusal) => Some(refusal),
        };
        self.state = outcome.state.clone();
        check_records(&self.state);
        let block = Block {
            height: self.height(),
            entries,
            outcome,
        };
        (block, refusal)
    }

    /// Why honest validators reject a block with these entries. Nothing is kept.
    pub fn reject<T: Into<Vec<u8>>>(&self, entries: impl IntoIterator<Item = T>) -> Refusal {
        let entries: Vec<Vec<u8>> = entries.into_iter().map(Into::into).collect();
        let read = read_entries(&entries);
        let sizes = entries.iter().map(Vec::len);
        let input = self.input();
        match judge(&self.state, &read, sizes, MAX_BLOCK_BYTES, &input, &Anew).unwrap() {
            Judgement::Accepted(_) => panic!("the block was accepted"),
            Judgement::Rejected(refusal) => refusal,
        }
    }

    /// Empty blocks until the last one has this height.
    pub fn advance_to(&mut self, height: u64) {
        while self.height() < height {
            self.commit(Vec::<Vec<u8>>::new());
        }
    }

    /// The block that an honest proposer makes of candidates in this order, each with the
    /// attestation that the node fetched for it: what would fail is left out, except offences whose
    /// fee can be paid, and the attestations stand in front.
    pub fn propose(&self, candidates: &[(Vec<u8>, Option<Value>)]) -> Vec<Vec<u8>> {
        let mut executor = Executor::begin(&self.state, &Anew).unwrap();
        let (mut kept, mut attestations) = (Vec::new(), Vec::new());
        for (wire, answer) in candidates {
            let read = Entry::read(wire, self.state.chain_id());
            let Entry::Transaction(verified) = read else {
                continue;
            };
            let typed: Option<Attestation> = answer
                .as_ref()
                .map(|answer| serde_json::from_value(answer.clone()).unwrap());
            let fits = |answer| {
                attestation_fits(executor.base(), executor.context(), &verified, answer).unwrap()
            };
            if !typed.as_ref().is_none_or(fits) {
                continue;
            }
            let outcome = executor.preview(&verified, typed.as_ref()).unwrap();
            if matches!(outcome.verdict, Verdict::Done | Verdict::Offence(_)) {
                executor.accept(outcome).unwrap();
                kept.push(wire.clone());
                attestations.extend(answer.clone());
            }
        }
        if !attestations.is_empty() {
            kept.insert(0, attestation_entry(&attestations));
        }
        kept
    }

    /// A record as JSON.
    pub fn record(&self, key: &str) -> Option<Value> {
        self.state
            .bytes(&Key::parse(key).unwrap())
            .unwrap()
            .map(|bytes| serde_json::from_slice(&bytes).unwrap())
    }

    /// Every record.
    pub fn records(&self) -> Records {
        records(&self.state)
    }

    /// A balance in uait.
    pub fn balance(&self, address: Address) -> u64 {
        self.record(&format!("/account/{address}"))
            .map_or(0, |account| account["balance"].as_u64().unwrap())
    }

    /// The nonce of an account's last transaction.
    pub fn nonce(&self, address: Address) -> u64 {
        self.record(&format!("/account/{address}"))
            .map_or(0, |account| account["nonce"].as_u64().unwrap())
    }

    /// The supply's record.
    pub fn supply(&self) -> Value {
        self.record("/supply").unwrap()
    }

    pub fn param(&self, name: &str) -> Value {
        self.record(&format!("/param/{name}")).unwrap()
    }

    /// A receipt's record; panics where there is none.
    pub fn receipt(&self, miner: &Actor, id: &str) -> Value {
        self.record(&format!("/receipt/{}/{id}", miner.address()))
            .unwrap()
    }

    /// A coordinator's record; panics where there is none.
    pub fn coordinator(&self, account: &Actor) -> Value {
        self.record(&format!("/coordinator/{}", account.address()))
            .unwrap()
    }

    /// An escrow's record; panics where there is none.
    pub fn escrow(&self, client: &Actor, job: &str) -> Value {
        self.record(&format!("/escrow/{}/{job}", client.address()))
            .unwrap()
    }
}
