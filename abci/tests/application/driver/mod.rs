//! A CometBFT in miniature, driven step by step: one validator's mempool and consensus around a real
//! node on a store in memory. It keeps its mempool in order of arrival, rechecks after each commit in
//! that order, and can refuse a transaction as full after CheckTx accepted it, as CometBFT does.

use std::sync::Arc;

use ait_abci::{Application, Arrival};
use ait_app::{
    Refusal,
    address::Address,
    crypto::{SecretKey, sha256},
    identifiers::ChainId,
    quantity::{Nonce, Uait},
    receipts::attestation::Attestation,
    state::View,
    tx::{Payload, Transaction, TxHash},
};
use ait_store::{MemoryStore, Store};
use ait_testkit::{
    actors::Actor,
    chain::{Setup, authority},
    draft::{self, payload},
};
use bytes::Bytes;
use serde_json::{Value, json};
use tendermint_proto::v0_38::{
    abci::{
        CheckTxType, ExecTxResult, RequestCheckTx, RequestFinalizeBlock, RequestInitChain,
        RequestPrepareProposal, RequestProcessProposal, ResponseCheckTx,
        response_process_proposal::ProposalStatus,
    },
    types::{BlockParams, ConsensusParams, EvidenceParams, ValidatorParams},
};

pub mod joining;
pub mod work;

pub const CHAIN: &str = "ait-test";

pub fn chain_id() -> ChainId {
    CHAIN.parse().unwrap()
}

/// A key by name.
pub fn key(name: &str) -> SecretKey {
    Actor::named(name).key
}

/// An account by name; it begins with 10^9 uait where the genesis lists it.
pub fn address(name: &str) -> Address {
    Actor::named(name).address()
}

pub struct Comet {
    pub node: Application,
    pub mempool: Vec<Bytes>,
    pub height: i64,
}

impl Comet {
    /// A chain whose genesis funds these accounts, with coordinators `carol` and `cora` and validator
    /// `vera`. An account may begin with a single uait.
    pub fn begin(funded: &[&str]) -> Self {
        Self::begin_on(Arc::new(MemoryStore::new()), funded)
    }

    /// As [`Comet::begin`], on a store of the caller's.
    pub fn begin_on(store: Arc<dyn Store>, funded: &[&str]) -> Self {
        let comet = Self::open(store, 0);
        let genesis = init_chain(funded, json!({}));
        comet.node.consensus().init_chain(&genesis).unwrap();
        comet
    }

    /// A node on a store that may hold a chain already, whose last block is `height`.
    pub fn open(store: Arc<dyn Store>, height: i64) -> Self {
        Self::open_with(store, height, 1 << 20)
    }

    /// As [`Comet::open`], with so many bytes of memory for records.
    pub fn open_with(store: Arc<dyn Store>, height: i64, state_cache: usize) -> Self {
        let on_fatal = Arc::new(|why: String| panic!("the node stopped: {why}"));
        Self {
            node: Application::open(store, chain_id(), state_cache, on_fatal).unwrap(),
            mempool: Vec::new(),
            height,
        }
    }

    /// CheckTx; an accepted transaction joins the mempool.
    pub fn submit(&mut self, tx: &Transaction) -> ResponseCheckTx {
        let response = self.submit_when_full(tx);
        if response.code == 0 {
            self.mempool.push(tx.to_wire().into());
        }
        response
    }

    /// CheckTx of a transaction that CometBFT then drops as its mempool is full.
    pub fn submit_when_full(&self, tx: &Transaction) -> ResponseCheckTx {
        self.check(tx.to_wire().into())
    }

    /// CheckTx of any bytes; what is accepted joins the mempool.
    pub fn submit_bytes(&mut self, bytes: Bytes) -> ResponseCheckTx {
        let response = self.check(bytes.clone());
        if response.code == 0 {
            self.mempool.push(bytes);
        }
        response
    }

    /// CheckTx of any bytes, which CometBFT then drops.
    pub fn check(&self, tx: Bytes) -> ResponseCheckTx {
        let r#type = CheckTxType::New as i32;
        self.node.check_tx(&RequestCheckTx { tx, r#type }).unwrap()
    }

    /// The node offers its CometBFT what that does not hold, which refuses what it holds already.
    pub fn offer(&mut self) -> Vec<TxHash> {
        let unoffered = self.node.mempool().unoffered();
        for (hash, wire) in &unoffered {
            let wire = Bytes::copy_from_slice(wire);
            if !self.mempool.contains(&wire) {
                self.submit_bytes(wire);
            }
            self.node.mempool().offered(hash);
        }
        unoffered.into_iter().map(|(hash, _)| hash).collect()
    }

    /// What the node proposes now.
    pub fn proposal(&self) -> Vec<Bytes> {
        let request = RequestPrepareProposal {
            max_tx_bytes: 4 * 1024 * 1024,
            txs: self.mempool.clone(),
            height: self.height + 1,
            proposer_address: proposer(),
            ..RequestPrepareProposal::default()
        };
        let consensus = self.node.consensus();
        consensus.prepare_proposal(&request).unwrap().txs
    }

    /// Whether the node accepts this proposal of another validator.
    pub fn accepts(&self, txs: Vec<Bytes>) -> bool {
        let request = RequestProcessProposal {
            hash: hash_of(&txs, self.height + 1),
            txs,
            height: self.height + 1,
            proposer_address: proposer(),
            ..RequestProcessProposal::default()
        };
        let answer = self.node.consensus().process_proposal(&request).unwrap();
        answer.status == ProposalStatus::Accept as i32
    }

    /// A whole block: proposed, accepted by itself, finalised, committed, mempool rechecked.
    pub fn make_block(&mut self) -> Vec<(Bytes, ExecTxResult)> {
        let txs = self.proposal();
        assert!(self.accepts(txs.clone()), "a node rejects its own proposal");
        self.decide(txs)
    }

    /// Finalises and commits a block without asking, as replay does; then rechecks the mempool.
    pub fn decide(&mut self, txs: Vec<Bytes>) -> Vec<(Bytes, ExecTxResult)> {
        self.decide_block(txs).0
    }

    /// As [`Comet::decide`]; gives the height below which blocks may be pruned.
    pub fn decide_and_retain(&mut self, txs: Vec<Bytes>) -> i64 {
        self.decide_block(txs).1
    }

    fn decide_block(&mut self, txs: Vec<Bytes>) -> (Vec<(Bytes, ExecTxResult)>, i64) {
        self.height += 1;
        let consensus = self.node.consensus();
        let request = RequestFinalizeBlock {
            hash: hash_of(&txs, self.height),
            txs: txs.clone(),
            height: self.height,
            proposer_address: proposer(),
            ..RequestFinalizeBlock::default()
        };
        let response = consensus.finalize_block(request).unwrap();
        let retain_height = consensus.commit().unwrap().retain_height;
        self.mempool.retain(|tx| !txs.contains(tx));
        let node = self.node.clone();
        self.mempool.retain(|tx| {
            let request = RequestCheckTx {
                tx: tx.clone(),
                r#type: CheckTxType::Recheck as i32,
            };
            node.check_tx(&request).unwrap().code == 0
        });
        let results = txs.into_iter().zip(response.tx_results).collect();
        (results, retain_height)
    }

    /// The code of a transaction in a block.
    pub fn code_in(block: &[(Bytes, ExecTxResult)], tx: &Transaction) -> Option<u32> {
        let wire: Bytes = tx.to_wire().into();
        let found = block.iter().find(|(bytes, _)| *bytes == wire);
        found.map(|(_, result)| result.code)
    }

    pub fn balance(&self, name: &str) -> u64 {
        let committed = self.node.reader().newest().expect("a block was committed");
        committed
            .state
            .account(&address(name))
            .unwrap()
            .balance
            .get()
    }

    /// Why the node dropped a transaction, by code name.
    pub fn dropped(&self, tx: &Transaction) -> Option<&'static str> {
        self.node
            .mempool()
            .dropped(&hash(tx))
            .map(|why| why.code.name())
    }

    /// Signatures inside payloads that the node had to judge so far.
    pub fn judged_signatures(&self) -> u64 {
        let families = self.node.registry().gather();
        let name = "ait_payload_signatures_judged_total";
        let family = families.iter().find(|family| family.name() == name);
        family.unwrap().get_metric()[0].get_counter().get_value() as u64
    }

    /// A coordinator's answer for a waiting claim arrives.
    pub fn attestation_arrived(
        &self,
        hash: &TxHash,
        attestation: Attestation,
    ) -> Result<(), Refusal> {
        let mempool = self.node.mempool();
        match mempool.attestation_arrived(hash, attestation).unwrap() {
            Arrival::Taken => Ok(()),
            Arrival::Refused(refusal) => Err(refusal),
        }
    }

    pub fn mempool_has(&self, tx: &Transaction) -> bool {
        let wire: Bytes = tx.to_wire().into();
        self.mempool.contains(&wire)
    }

    pub fn pool_has(&self, tx: &Transaction) -> bool {
        self.node.mempool().pending(&hash(tx)).is_some()
    }

    /// CheckTx of each, all of which must be accepted.
    pub fn submit_all<'a>(&mut self, txs: impl IntoIterator<Item = &'a Transaction>) {
        for tx in txs {
            let response = self.submit(tx);
            assert_eq!(response.code, 0, "{}", response.log);
        }
    }
}

/// What CometBFT asks at the beginning of a chain; `params` beside or instead of the usual ones.
pub fn init_chain(funded: &[&str], params: Value) -> RequestInitChain {
    let rich: Vec<Actor> = funded.iter().map(|name| Actor::named(name)).collect();
    let [carol, cora, vera, key] = ["carol", "cora", "vera", "vera consensus"].map(Actor::named);
    let mut setup = Setup::funding(rich.iter().map(|actor| (actor, 1_000_000_000)))
        .coordinators(&[&carol, &cora])
        .param("authorities", vec![authority(&vera, &key, 10)])
        .param("min_account_balance", 0);
    for (name, value) in params.as_object().unwrap() {
        setup = setup.param(name, value.clone());
    }
    RequestInitChain {
        chain_id: CHAIN.into(),
        consensus_params: Some(consensus_params()),
        app_state_bytes: setup.app_state().into(),
        initial_height: 1,
        ..RequestInitChain::default()
    }
}

/// CometBFT's params as this chain wants them.
pub fn consensus_params() -> ConsensusParams {
    ConsensusParams {
        block: Some(BlockParams {
            max_bytes: 4 * 1024 * 1024,
            max_gas: -1,
        }),
        evidence: Some(EvidenceParams {
            max_age_num_blocks: 100,
            max_age_duration: None,
            max_bytes: 1024 * 1024,
        }),
        validator: Some(ValidatorParams {
            pub_key_types: vec!["ed25519".into()],
        }),
        ..ConsensusParams::default()
    }
}

fn proposer() -> Bytes {
    let proposer = Actor::named("vera consensus").consensus_address();
    proposer.0.to_vec().into()
}

fn hash_of(txs: &[Bytes], height: i64) -> Bytes {
    let mut bytes = height.to_be_bytes().to_vec();
    bytes.extend(txs.iter().flat_map(|tx| TxHash::of(tx).0));
    sha256(&bytes).to_vec().into()
}

pub fn hash(tx: &Transaction) -> TxHash {
    TxHash::of(&tx.to_wire())
}

/// Signs a payload as a transaction of `from`.
pub fn sign(from: &str, nonce: u64, fee: u64, payload: impl Into<Payload>) -> Transaction {
    let (nonce, fee) = (Nonce::constant(nonce), Uait::constant(fee));
    Transaction::sign(&chain_id(), &key(from), nonce, fee, payload)
}

/// A transfer of 1 uait to `bob`'s account.
pub fn transfer(from: &str, nonce: u64, fee: u64) -> Transaction {
    transfer_of(from, nonce, fee, 1)
}

pub fn transfer_of(from: &str, nonce: u64, fee: u64, amount: u64) -> Transaction {
    let fields = draft::transfer(address("bob"), amount);
    sign(from, nonce, fee, payload("TRANSFER", &fields))
}
