//! A chain and two pools on it that are told the same: one commits what a block touched, the other judges
//! everything anew.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use ait_app::{
    address::Address,
    block::{BlockInput, Entry, Executor, execute},
    quantity::{Nonce, Uait},
    receipts::attestation::Attestation,
    state::State,
    tx::{Anew, Transaction, TxHash, Verdict as Outcome, VerifiedTx},
};
use ait_testkit::{
    actors::Actor,
    chain::{CHAIN_ID, Setup, first_stake},
    draft::{self, payload},
    work::Work,
};
use serde_json::{Value, json};

use super::super::{Bench, Block, Keeping, Line, Pool};
use crate::{mempool::envelope::Envelope, records::Verdict};

pub const SENDERS: [&str; 5] = ["alice", "carol", "dave", "mia", "admin"];

/// A signed transaction as a node reads it.
#[derive(Clone)]
pub struct Tx {
    pub wire: Vec<u8>,
    pub verified: Arc<VerifiedTx>,
}

pub fn sign(from: &str, nonce: u64, fee: u64, kind: &str, fields: &Value) -> Tx {
    let chain_id = CHAIN_ID.parse().unwrap();
    let (nonce, fee) = (Nonce::constant(nonce), Uait::constant(fee));
    let key = Actor::named(from).key;
    let wire = Transaction::sign(&chain_id, &key, nonce, fee, payload(kind, fields)).to_wire();
    let Entry::Transaction(verified) = Entry::read(&wire, &chain_id) else {
        panic!("{}", String::from_utf8_lossy(&wire));
    };
    Tx { wire, verified }
}

pub fn address(name: &str) -> Address {
    Actor::named(name).address()
}

pub fn transfer(from: &str, nonce: u64, fee: u64, to: Address, amount: u64) -> Tx {
    sign(from, nonce, fee, "TRANSFER", &draft::transfer(to, amount))
}

pub fn work(miner: &str, client: &str, receipt: &str, opened_height: u64) -> Work {
    Work {
        chain_id: CHAIN_ID.into(),
        receipt_id: receipt.into(),
        job_id: "job_1".into(),
        client: address(client).to_string(),
        miner: address(miner).to_string(),
        compute_units: 2_500,
        price: 50_000,
        output_hash: format!("sha256:{}", "ab".repeat(32)),
        opened_height,
    }
}

pub fn stake(from: &str, nonce: u64, fee: u64, consensus: &str) -> Tx {
    let (from_actor, consensus) = (Actor::named(from), Actor::named(consensus));
    let fields = first_stake(CHAIN_ID, &from_actor, &consensus, 1);
    sign(from, nonce, fee, "STAKE", &fields)
}

fn lines(txs: &[Tx]) -> Vec<Line> {
    let line = |tx: &Tx| Line {
        verified: tx.verified.clone(),
        wire: tx.wire.clone().into(),
    };
    txs.iter().map(line).collect()
}

pub struct World {
    pub state: State,
    /// Commits what a block touched.
    pub pool: Pool,
    /// Judges everything anew.
    pub reference: Pool,
    /// All that was ever seen.
    pub known: BTreeMap<TxHash, Tx>,
    /// What CometBFT holds as transactions of their own, and as envelopes.
    singles: BTreeSet<TxHash>,
    envelopes: BTreeSet<TxHash>,
}

impl World {
    /// With coordinator `carol`; nothing is swept, so that whatever is judged again was touched.
    pub fn begin() -> Self {
        Self::begin_with(|setup| setup)
    }

    /// As [`World::begin`], on a chain that begins otherwise.
    pub fn begin_with(change: impl Fn(Setup) -> Setup) -> Self {
        let rich: Vec<Actor> = SENDERS.iter().map(|name| Actor::named(name)).collect();
        let setup = Setup::funding(rich.iter().map(|actor| (actor, 1_000_000_000)))
            .coordinators(&[&Actor::named("carol")]);
        let setup = change(setup);
        let mut pool = Pool::new(Keeping::default());
        pool.swept_senders = 0;
        Self {
            state: setup.start().state,
            pool,
            reference: Pool::new(Keeping::default()),
            known: BTreeMap::new(),
            singles: BTreeSet::new(),
            envelopes: BTreeSet::new(),
        }
    }

    fn both<T: PartialEq + std::fmt::Debug>(
        &mut self,
        act: impl Fn(&mut Pool, &Bench<'_>) -> T,
    ) -> T {
        let bench = Bench::new(&self.state, &Anew).unwrap();
        let (one, other) = (
            act(&mut self.pool, &bench),
            act(&mut self.reference, &bench),
        );
        assert_eq!(one, other);
        one
    }

    pub fn submit(&mut self, tx: &Tx) -> Verdict {
        self.known.insert(tx.verified.hash, tx.clone());
        self.singles.insert(tx.verified.hash);
        self.both(|pool, bench| {
            let wire = tx.wire.clone().into();
            pool.check(bench, tx.verified.clone(), wire).unwrap()
        })
    }

    /// CheckTx of an envelope. One that is not kept leaves nothing but what is to be handed to CometBFT.
    pub fn submit_envelope(&mut self, txs: &[Tx]) -> Verdict {
        let mut envelope = Envelope::default();
        for tx in txs {
            self.known.insert(tx.verified.hash, tx.clone());
            envelope.push(tx.wire.clone().into()).unwrap();
        }
        let wire = envelope.to_wire();
        let lines = lines(txs);
        let (before, stats) = (self.pool.said(), self.pool.stats());
        let verdict = self.both(|pool, bench| {
            let (hash, bytes) = (TxHash::of(&wire), wire.len());
            pool.check_envelope(bench, hash, bytes, &lines)
                .unwrap()
                .verdict
        });
        if verdict == Verdict::Ready {
            self.envelopes.insert(TxHash::of(&wire));
        } else {
            assert_eq!(self.pool.said(), before);
            assert_eq!(self.pool.stats(), stats);
        }
        assert!(self.pool.is_indexed());
        verdict
    }

    /// REST asks beforehand; of each the same is said as when they come one after the other.
    pub fn preview_lines(&mut self, txs: &[Tx]) -> Vec<Verdict> {
        let before = self.pool.said();
        let lines = lines(txs);
        let said = self.both(|pool, bench| pool.preview_lines(bench, &lines).unwrap());
        assert_eq!(self.pool.said(), before);
        assert!(self.pool.is_indexed());
        said
    }

    pub fn preview(&mut self, tx: &Tx) {
        self.both(|pool, bench| {
            let wire = tx.wire.clone().into();
            pool.preview(bench, tx.verified.clone(), wire).unwrap()
        });
    }

    /// A coordinator's answer for one of the waiting claims.
    pub fn answer(&mut self, choose: impl Fn(usize) -> usize, is_good: bool) {
        let wanted = self.pool.attestations_wanted(&self.state).unwrap();
        assert_eq!(
            wanted,
            self.reference.attestations_wanted(&self.state).unwrap()
        );
        if wanted.is_empty() {
            return;
        }
        let wanted = &wanted[choose(wanted.len())];
        let work = Work::requested(&json!(wanted.request));
        let carol = Actor::named("carol");
        let answer = if is_good {
            work.attested_by(&carol, work.opened_height)
        } else {
            work.denied_by(&carol)
        };
        let answer: Attestation = serde_json::from_value(answer).unwrap();
        let hash = wanted.hash;
        self.both(|pool, bench| {
            pool.attestation_arrived(bench, &hash, answer.clone())
                .unwrap()
        });
    }

    /// CometBFT presents what it holds, but not these, and is offered what it lacks.
    pub fn recheck(&mut self, silent: &HashSet<TxHash>) {
        for envelope in self
            .envelopes
            .clone()
            .difference(&silent.iter().copied().collect())
        {
            let verdict = self.both(|pool, _| pool.recheck_envelope(envelope));
            if verdict != Some(Verdict::Ready) {
                self.envelopes.remove(envelope);
            }
        }
        let singles = self.singles.clone();
        for hash in singles.iter().filter(|hash| !silent.contains(hash)) {
            match (self.pool.pending(hash), self.reference.pending(hash)) {
                (Some(_), Some(_)) => drop(self.both(|pool, _| pool.recheck(hash))),
                (Some(_), None) => drop(self.pool.recheck(hash)),
                _ => {}
            }
        }
        self.envelopes.retain(|envelope| !silent.contains(envelope));
        self.singles.retain(|hash| !silent.contains(hash));
        for (hash, _) in self.both(|pool, _| pool.unoffered()) {
            if self.pool.pending(&hash).is_none() {
                let tx = self.known[&hash].clone();
                self.submit(&tx);
            }
            self.both(|pool, _| pool.offered(&hash));
            self.singles.insert(hash);
        }
    }

    /// The envelopes that CometBFT holds.
    pub fn envelopes(&self) -> Vec<TxHash> {
        self.envelopes.iter().copied().collect()
    }

    /// A block of this node's.
    pub fn propose(&mut self) {
        let state = self.state.clone();
        let block = self.both(|pool, _| pool.propose(&state, &Anew, 4 << 20).unwrap());
        self.decide(block);
    }

    /// A block with as many of these as may stand in one, in this order.
    pub fn decide_some(&mut self, txs: &[Tx]) {
        let mut executor = Executor::begin(&self.state, &Anew).unwrap();
        let mut block = Vec::new();
        for tx in txs {
            let outcome = executor.preview(&tx.verified, None).unwrap();
            if !matches!(outcome.verdict, Outcome::Unauthenticated(_)) {
                executor.accept(outcome).unwrap();
                block.push(tx.wire.clone());
            }
        }
        self.decide(block);
    }

    fn decide(&mut self, wires: Vec<Vec<u8>>) {
        let chain_id = CHAIN_ID.parse().unwrap();
        let read = |wire: &Vec<u8>| Entry::read(wire, &chain_id);
        let entries: Vec<Entry> = wires.iter().map(read).collect();
        let input = BlockInput {
            proposer: Some(Actor::named("validator's consensus key").consensus_address()),
            ..BlockInput::default()
        };
        let outcome = execute(&self.state, &entries, &input, &Anew).unwrap();
        let txs: HashSet<TxHash> = wires.iter().map(|wire| TxHash::of(wire)).collect();
        let block = Block {
            txs: &txs,
            changed: &outcome.delta.changed,
        };
        self.state = outcome.state.clone();
        self.pool.commit(&self.state, &Anew, block).unwrap();
        self.reference.commit_anew(&self.state, block).unwrap();
        assert!(self.pool.is_indexed());
    }

    /// Both pools say the same of everything.
    pub fn compare(&self) {
        assert_eq!(self.pool.said(), self.reference.said());
        assert_eq!(self.pool.stats(), self.reference.stats());
        for hash in self.known.keys() {
            assert_eq!(self.pool.dropped(hash), self.reference.dropped(hash));
        }
    }
}
