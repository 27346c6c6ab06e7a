//! Owns what holds after every fault: what was seen in a block is there, the supply adds up, all nodes agree, and the
//! chain goes on.

use serde_json::Value;

use super::load::Ledger;
use crate::comet::{Network, Rest, load::Committed};

/// Every node still has what was seen in a block, in that block.
///
/// # Panics
/// When one has not.
pub async fn nothing_committed_is_lost(network: &Network, committed: &[Committed]) {
    for node in &network.nodes {
        for seen in committed {
            node.rest.reaches(seen.height).await;
            let path = format!("/rpc/getTx/{}", seen.hash);
            let tx = node.rest.get(&path).await;
            let height = &tx.body["receipt"]["height"];
            assert_eq!(
                *height, seen.height,
                "{}: {seen:?}: {}",
                node.rest.url, tx.body
            );
        }
    }
}

/// With a pool journal: what a node acknowledged is in a block, or gets there.
///
/// # Panics
/// When something is not.
pub async fn nothing_acknowledged_is_lost(rest: &Rest, ledger: &Ledger) {
    assert!(ledger.vanished.is_empty(), "{:?}", ledger.vanished);
    for hash in &ledger.acknowledged {
        let path = format!("/rpc/getTx/{hash}");
        let in_block =
            crate::comet::eventually("what was acknowledged is in a block", async || {
                let tx = rest.try_get(&path).await?.body;
                tx["receipt"].is_object().then_some(())
            });
        in_block.await;
    }
}

/// The books of a node agree with themselves.
///
/// # Panics
/// When they do not.
pub async fn supply_adds_up(rest: &Rest) {
    let supply = rest.supply().await;
    let of = |name: &str| supply[name].as_u64().expect(name);
    let parts = ["balances", "bonds", "escrows", "stakes", "unbonding"];
    let sum: u64 = parts.into_iter().map(of).sum();
    assert_eq!(sum, of("total"), "{supply}");
    let issued = of("genesis") + of("minted") - of("burned");
    assert_eq!(issued, of("total"), "{supply}");
}

/// All nodes make further blocks and agree on each app hash up to there; gives the height.
///
/// # Panics
/// When they do not.
pub async fn goes_on_and_agrees(network: &Network, from: u64) -> u64 {
    let mut highest = from;
    for node in &network.nodes {
        highest = highest.max(node.rest.height().await);
    }
    let height = highest + 2;
    for height in from.max(1)..=height {
        network.agrees_at(height).await;
    }
    for node in &network.nodes {
        supply_adds_up(&node.rest).await;
    }
    height
}

/// Whether a block's commit has the signature of a validator for that block.
pub fn is_signed_by(block: &Value, consensus_address: &str) -> bool {
    let signatures = block["block"]["last_commit"]["signatures"].as_array();
    signatures.is_some_and(|signatures| {
        signatures.iter().any(|signature| {
            let address = signature["validator_address"].as_str().unwrap_or_default();
            signature["block_id_flag"] == 2 && address.eq_ignore_ascii_case(consensus_address)
        })
    })
}
