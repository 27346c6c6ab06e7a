//! Owns a mixed load that survives its nodes' faults: transfers, escrows and their claims, of several clients at once.
//! It remembers what was acknowledged, and what it saw in a block.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ait_app::tx::Transaction;
use ait_testkit::{
    draft::{self, payload},
    work::Says,
};
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::comet::{
    Network, Rest, Setup, Wallet,
    load::{BALANCE, Committed},
    network::wallet,
    wallet::{required_fee, transfer},
};

const PAUSE: Duration = Duration::from_millis(20);
/// uait that each escrow locks.
const LOCKED: u64 = 50_000;
const TTL_BLOCKS: u64 = 1_000;
/// How often one that is refused is tried again, with the nonce that the node then names.
const TRIES: usize = 50;
const SAYS: Says = Says {
    exists: true,
    paid: true,
    not_double_spent: true,
    quote_price: 1_000_000,
    quote_units: 1_000,
};

/// What the load saw.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// Hashes that a node took, upper-case hex.
    pub acknowledged: HashSet<String>,
    /// Hashes that the node which took them did not know later, or had let go of.
    pub vanished: HashSet<String>,
    /// What was seen in a block, in the order in which it was seen.
    pub committed: Vec<Committed>,
}

/// Clients that each pay, open an escrow and have it claimed, one after the other.
pub struct MixedLoad {
    ledger: Arc<Mutex<Ledger>>,
    stop: Arc<AtomicBool>,
    lanes: Vec<JoinHandle<()>>,
}

/// A setup with the accounts and the coordinator of as many clients.
pub fn setup(validators: usize, clients: usize) -> Setup {
    let mut setup = Setup {
        validators,
        coordinators: vec![wallet("coordinator")],
        ..Setup::default()
    };
    for i in 0..clients {
        setup.accounts.push((client(i).address, BALANCE));
    }
    setup
}

fn client(i: usize) -> Wallet {
    wallet(&format!("client {i}"))
}

impl MixedLoad {
    /// Starts as many clients, spread over the nodes.
    pub fn start(network: &Network, clients: usize) -> Self {
        let (ledger, stop) = (Arc::default(), Arc::default());
        let nodes = network.nodes.iter().cycle();
        let lanes = nodes.take(clients).enumerate().map(|(i, node)| {
            let lane = Lane {
                rest: Rest::new(&node.rest.url),
                client: client(i),
                miner: wallet(&format!("miner {i}")),
                ledger: Arc::clone(&ledger),
                stop: Arc::clone(&stop),
            };
            tokio::spawn(lane.run())
        });
        Self {
            lanes: lanes.collect(),
            ledger,
            stop,
        }
    }

    /// What it saw so far.
    pub fn seen(&self) -> Ledger {
        lock(&self.ledger).clone()
    }

    /// How much of it was seen in a block so far.
    pub fn committed(&self) -> usize {
        lock(&self.ledger).committed.len()
    }

    /// Lets every client finish; gives all that they saw.
    ///
    /// # Panics
    /// When a client did.
    pub async fn finish(self) -> Ledger {
        self.stop.store(true, Ordering::Relaxed);
        for lane in self.lanes {
            lane.await.expect("a client ends well");
        }
        lock(&self.ledger).clone()
    }
}

fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One client and the miner that works for it, at one node.
struct Lane {
    rest: Rest,
    client: Wallet,
    miner: Wallet,
    ledger: Arc<Mutex<Ledger>>,
    stop: Arc<AtomicBool>,
}

impl Lane {
    async fn run(self) {
        while !self.is_over() {
            if self.round().await.is_none() {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// A transfer, an escrow and its claim.
    async fn round(&self) -> Option<()> {
        let sink = wallet("sink").address;
        let pay = |nonce| signed(&self.client, nonce, transfer(sink, 1));
        self.perform(&self.client, pay).await?;

        let coordinator = wallet("coordinator");
        let job = |nonce: u64| format!("{}_{nonce}", &self.client.address.to_string()[..16]);
        let open = |nonce| {
            let fields = draft::escrow_open(&job(nonce), coordinator.address, LOCKED, TTL_BLOCKS);
            signed(&self.client, nonce, payload("ESCROW_OPEN", &fields))
        };
        let (opened, at) = self.perform(&self.client, open).await?;

        let job = job(opened.nonce.get());
        let work = self.miner.receipt(&job, self.client.address, &job, at);
        let attestation = work.answered_by(&coordinator.actor, at, SAYS);
        let claim = |nonce| {
            let mut miner = self.miner.clone();
            miner.nonce = nonce - 1;
            miner.claim(&work, Some(&attestation))
        };
        self.perform(&self.miner, claim).await?;
        Some(())
    }

    /// Has the transaction of an account's next nonce taken, and waits for its block; gives both.
    async fn perform(
        &self,
        account: &Wallet,
        sign: impl Fn(u64) -> Transaction,
    ) -> Option<(Transaction, u64)> {
        let tx = self.taken(account, sign).await?;
        let path = format!("/rpc/getTx/{}", tx.hash());
        while !self.is_over() {
            let reply = self.rest.try_get(&path).await;
            let status = reply.as_ref().map(|reply| reply.body["status"].clone());
            match (&reply, status.as_ref().and_then(Value::as_str)) {
                (Some(reply), Some("committed" | "failed")) => {
                    let hash = tx.hash().to_string();
                    let height = reply.body["receipt"]["height"].as_u64()?;
                    let seen = Committed { hash, height };
                    lock(&self.ledger).committed.push(seen);
                    return Some((tx, height));
                }
                (None, _) | (_, Some("pending")) => tokio::time::sleep(PAUSE).await,
                (Some(_), _) => {
                    lock(&self.ledger).vanished.insert(tx.hash().to_string());
                    return None;
                }
            }
        }
        None
    }

    async fn taken(
        &self,
        account: &Wallet,
        sign: impl Fn(u64) -> Transaction,
    ) -> Option<Transaction> {
        let path = format!("/rpc/getBalance/{}", account.address);
        for _ in 0..TRIES {
            let reply = loop {
                if self.is_over() {
                    return None;
                }
                match self.rest.try_get(&path).await {
                    Some(reply) if reply.status == 200 => break reply,
                    _ => tokio::time::sleep(PAUSE).await,
                }
            };
            let tx = sign(reply.body["nonce"].as_u64()? + 1);
            let reply = self.rest.try_post("/rpc/sendTx", tx.to_wire()).await;
            if reply.is_some_and(|reply| reply.status == 200) {
                let hash = tx.hash().to_string();
                lock(&self.ledger).acknowledged.insert(hash);
                return Some(tx);
            }
            tokio::time::sleep(PAUSE).await;
        }
        None
    }

    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

fn signed(account: &Wallet, nonce: u64, payload: ait_app::tx::Payload) -> Transaction {
    account.sign_at(nonce, required_fee(&payload), payload)
}
