//! A CometBFT in miniature, driven step by step: one validator's mempool and consensus around a real
//! node on a store in memory. It keeps its mempool in order of arrival, rechecks after each commit in
//! that order, and can refuse a transaction as full after CheckTx accepted it, as CometBFT does.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::{Arc, Mutex};

use ait_abci::Node;
use ait_app::{
    address::Address,
    crypto::SecretKey,
    identifiers::ChainId,
    receipts::{Attestation, Quote, ReceiptTerms},
    state::overlay::View,
    tx::{EscrowOpen, Payload, ReceiptClaim, Transaction, Transfer, TxHash},
};
use ait_store::{MemoryStore, Store};
use bytes::Bytes;
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::{
    CheckTxType, ExecTxResult, RequestCheckTx, RequestFinalizeBlock, RequestInitChain,
    RequestPrepareProposal, RequestProcessProposal, ResponseCheckTx,
    response_process_proposal::ProposalStatus,
};

pub const CHAIN: &str = "ait-test";

pub fn chain_id() -> ChainId {
    CHAIN.parse().unwrap()
}

/// A key by name; its account begins with 10^9 uait where the genesis lists it.
pub fn key(name: &str) -> SecretKey {
    SecretKey::from_seed(ait_app::crypto::sha256(name.as_bytes()))
}

pub fn address(name: &str) -> Address {
    Address::of(&key(name).public_key())
}

pub struct Comet {
    pub node: Node,
    pub mempool: Vec<Bytes>,
    pub height: i64,
    pub fatal: Arc<Mutex<Vec<String>>>,
}

impl Comet {
    /// A chain whose genesis funds these accounts, with coordinator `carol` and validator `vera`.
    pub fn begin(funded: &[&str]) -> Self {
        let comet = Self::open(Arc::new(MemoryStore::new()), 0);
        let accounts: serde_json::Map<_, _> = funded
            .iter()
            .map(|name| (address(name).to_string(), 1_000_000_000_u64.into()))
            .collect();
        let genesis = serde_json::json!({
            "accounts": accounts,
            "params": {
                "admin": address("admin"),
                "authorities": [{
                    "address": address("vera"), "pubkey": key("vera consensus").public_key(), "power": 10,
                }],
                "coordinators": { address("carol").to_string(): key("carol").public_key() },
            },
        });
        comet.node.init_chain(RequestInitChain {
            chain_id: CHAIN.into(),
            app_state_bytes: genesis.to_string().into_bytes().into(),
            initial_height: 1,
            ..RequestInitChain::default()
        });
        comet
    }

    /// A node on a store that may hold a chain already, whose last block is `height`.
    pub fn open(store: Arc<dyn Store>, height: i64) -> Self {
        let fatal = Arc::new(Mutex::new(Vec::new()));
        let heard = fatal.clone();
        let on_fatal = Arc::new(move |why: String| heard.lock().unwrap().push(why));
        Self {
            node: Node::open(store, chain_id(), on_fatal).unwrap(),
            mempool: Vec::new(),
            height,
            fatal,
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
        self.node.check_tx(RequestCheckTx {
            tx: tx.to_wire().into(),
            r#type: CheckTxType::New as i32,
        })
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
        self.node.prepare_proposal(request).txs
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
        self.node.process_proposal(request).status == ProposalStatus::Accept as i32
    }

    /// A whole block: proposed, accepted by itself, finalised, committed, mempool rechecked.
    pub fn make_block(&mut self) -> Vec<(Bytes, ExecTxResult)> {
        let txs = self.proposal();
        assert!(self.accepts(txs.clone()), "a node rejects its own proposal");
        self.decide(txs)
    }

    /// Finalises and commits a block without asking, as replay does; then rechecks the mempool.
    pub fn decide(&mut self, txs: Vec<Bytes>) -> Vec<(Bytes, ExecTxResult)> {
        self.height += 1;
        let response = self.node.finalize_block(RequestFinalizeBlock {
            hash: hash_of(&txs, self.height),
            txs: txs.clone(),
            height: self.height,
            proposer_address: proposer(),
            ..RequestFinalizeBlock::default()
        });
        self.node.commit();
        assert_eq!(*self.fatal.lock().unwrap(), Vec::<String>::new());
        self.mempool.retain(|tx| !txs.contains(tx));
        let node = self.node.clone();
        self.mempool.retain(|tx| {
            let request = RequestCheckTx {
                tx: tx.clone(),
                r#type: CheckTxType::Recheck as i32,
            };
            node.check_tx(request).code == 0
        });
        txs.into_iter().zip(response.tx_results).collect()
    }

    /// The code of a transaction in a block.
    pub fn code_in(block: &[(Bytes, ExecTxResult)], tx: &Transaction) -> Option<u32> {
        let wire: Bytes = tx.to_wire().into();
        let found = block.iter().find(|(bytes, _)| *bytes == wire);
        found.map(|(_, result)| result.code)
    }

    pub fn balance(&self, name: &str) -> u64 {
        let snapshot = self.node.snapshot().expect("a block was committed");
        snapshot.state.account(&address(name)).unwrap().balance
    }

    pub fn mempool_has(&self, tx: &Transaction) -> bool {
        let wire: Bytes = tx.to_wire().into();
        self.mempool.contains(&wire)
    }

    pub fn pool_has(&self, tx: &Transaction) -> bool {
        self.node.pending(&tx.hash()).is_some()
    }
}

fn proposer() -> Bytes {
    let digest = ait_app::crypto::sha256(key("vera consensus").public_key().as_bytes());
    digest[..20].to_vec().into()
}

fn hash_of(txs: &[Bytes], height: i64) -> Bytes {
    let mut bytes = height.to_be_bytes().to_vec();
    bytes.extend(txs.iter().flat_map(|tx| TxHash::of(tx).0));
    ait_app::crypto::sha256(&bytes).to_vec().into()
}

/// A transfer of 1 uait to `bob`'s account.
pub fn transfer(from: &str, nonce: u64, fee: u64) -> Transaction {
    transfer_of(from, nonce, fee, 1)
}

pub fn transfer_of(from: &str, nonce: u64, fee: u64, amount: u64) -> Transaction {
    let payload = Payload::Transfer(Transfer {
        to: address("bob"),
        amount,
        memo: None,
    });
    Transaction::sign(&chain_id(), &key(from), nonce, fee, payload)
}

pub fn escrow(client: &str, nonce: u64, job: &str) -> Transaction {
    let payload = Payload::EscrowOpen(EscrowOpen {
        job_id: job.parse().unwrap(),
        coordinator: address("carol"),
        amount: 60_000,
        ttl_blocks: 1_000,
    });
    Transaction::sign(&chain_id(), &key(client), nonce, 1_000, payload)
}

pub fn terms(miner: &str, client: &str, job: &str, receipt: &str) -> ReceiptTerms {
    ReceiptTerms {
        receipt_id: receipt.parse().unwrap(),
        job_id: job.parse().unwrap(),
        client: address(client),
        miner: address(miner),
        compute_units: 2_500,
        price: 50_000,
        output_hash: format!("sha256:{}", "ab".repeat(32)).parse().unwrap(),
    }
}

/// A claim without an attestation of its own.
pub fn claim(terms: &ReceiptTerms, miner: &str, nonce: u64, fee: u64) -> Transaction {
    let miner_sig = key(miner).sign(&terms.sign_bytes(&chain_id()));
    let payload = Payload::ReceiptClaim(Box::new(ReceiptClaim {
        terms: terms.clone(),
        miner_sig,
        attestation: None,
    }));
    Transaction::sign(&chain_id(), &key(miner), nonce, fee, payload)
}

/// A claim that offers just the required fee, which its escrow pays.
pub fn exact_claim(terms: &ReceiptTerms, miner: &str, nonce: u64) -> Transaction {
    let payload = claim(terms, miner, nonce, 0).payload.to_json();
    let bytes = payload.canonical().unwrap().len() as u64;
    claim(terms, miner, nonce, 2 + (100 * bytes).div_ceil(1024))
}

/// `carol`'s answer for a receipt, good where `paid`.
pub fn attest(terms: &ReceiptTerms, opened_height: u64, paid: bool) -> Attestation {
    let quote = Quote {
        price: terms.price,
        compute_units: terms.compute_units,
    };
    Attestation::sign(
        &chain_id(),
        terms,
        opened_height,
        [true, paid, true],
        quote,
        address("carol"),
        &key("carol"),
    )
}
