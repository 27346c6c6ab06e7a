//! Owns a steady load of transfers that survives its node's crashes, and remembers what it saw
//! committed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ait_app::address::Address;
use tokio::task::JoinHandle;

use super::{Rest, Wallet, network::wallet};

/// What each of its senders has at the genesis, uait.
pub const BALANCE: u64 = 1_000_000_000;

/// A transfer that was seen in a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Its hash, upper-case hex.
    pub hash: String,
    /// Its block.
    pub height: u64,
}

/// Senders that each send one transfer of 1 uait after another.
pub struct Load {
    stop: Arc<AtomicBool>,
    senders: Vec<JoinHandle<Vec<Committed>>>,
}

/// The load's senders, for the genesis.
pub fn senders(count: usize) -> Vec<Wallet> {
    (0..count).map(|i| wallet(&format!("sender {i}"))).collect()
}

impl Load {
    /// Starts as many senders, each with a connection of its own.
    pub fn start(rest: &Rest, count: usize, sink: Address) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let senders = senders(count)
            .into_iter()
            .map(|sender| {
                let rest = Rest::new(&rest.url);
                tokio::spawn(send_until(Arc::clone(&stop), rest, sender, sink))
            })
            .collect();
        Self { stop, senders }
    }

    /// Lets every sender finish what it does; gives all that they saw committed.
    ///
    /// # Panics
    /// When a sender did.
    pub async fn finish(self) -> Vec<Committed> {
        self.stop.store(true, Ordering::Relaxed);
        let mut committed = Vec::new();
        for sender in self.senders {
            committed.extend(sender.await.expect("a sender ends well"));
        }
        committed
    }
}

async fn send_until(
    stop: Arc<AtomicBool>,
    rest: Rest,
    sender: Wallet,
    sink: Address,
) -> Vec<Committed> {
    let mut seen = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        match send_one(&stop, &rest, &sender, sink).await {
            Some(committed) => seen.push(committed),
            // The node is down, or up again and behind: it is asked again.
            None => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    seen
}

/// Sends the transfer that the account's nonce asks for, and waits for its block.
async fn send_one(
    stop: &AtomicBool,
    rest: &Rest,
    sender: &Wallet,
    sink: Address,
) -> Option<Committed> {
    let path = format!("/rpc/getBalance/{}", sender.address);
    let account = rest.try_get(&path).await?.body;
    let nonce = account["nonce"].as_u64()? + 1;
    let payload = super::wallet::transfer(sink, 1);
    let fee = super::wallet::required_fee(&payload);
    let tx = sender.sign_at(nonce, fee, payload);
    let reply = rest.try_post("/rpc/sendTx", tx.to_wire()).await?;
    if reply.status != 200 {
        return None;
    }
    let path = format!("/rpc/getTx/{}", tx.hash());
    while !stop.load(Ordering::Relaxed) {
        let reply = rest.try_get(&path).await?;
        if reply.body["status"] == "committed" {
            return Some(Committed {
                hash: tx.hash().to_string(),
                height: reply.body["receipt"]["height"].as_u64()?,
            });
        }
        if reply.status != 200 {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    None
}
