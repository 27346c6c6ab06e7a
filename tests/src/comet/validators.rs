//! Owns chains under compute-backed proof: how they come to it, and what they say of their validators.

use std::collections::BTreeMap;

use ait_app::address::Address;
use serde_json::{Value, json};

use super::{
    Network, Rest, Setup, Wallet, eventually,
    network::{consensus_key, validator, wallet},
};

/// uait that every validator has at the genesis.
pub const BALANCE: u64 = 1_000_000_000;

/// A setup with `count` validators who have money to stake, and short epochs.
pub fn setup(count: usize, params: &[(&'static str, Value)]) -> Setup {
    let mut setup = Setup {
        validators: count,
        params: params.to_vec(),
        block_interval: "20ms",
        ..Setup::default()
    };
    setup = setup.with_account("admin", BALANCE);
    for i in 0..count {
        setup.accounts.push((validator(i).address, BALANCE));
    }
    setup
}

/// The accounts of the validators, which remember their nonces.
pub fn accounts(count: usize) -> Vec<Wallet> {
    (0..count).map(validator).collect()
}

/// Stakes for every validator, moves the chain to compute-backed proof, and waits until it is in force.
pub async fn elect(network: &Network, accounts: &mut [Wallet], stakes: &[u64]) -> Wallet {
    let rest = &network.nodes[0].rest;
    for (i, (account, stake)) in accounts.iter_mut().zip(stakes).enumerate() {
        let tx = account.first_stake(&consensus_key(i).actor, *stake);
        rest.commit(&tx).await;
    }
    let mut admin = wallet("admin");
    rest.commit(&admin.set_param("consensus_mode", "cbp")).await;
    eventually("compute-backed proof is in force", async || {
        (mode(rest).await == "cbp").then_some(())
    })
    .await;
    admin
}

/// The mode in force.
pub async fn mode(rest: &Rest) -> String {
    let answer = rest.get("/rpc/getValidators").await.ok();
    answer["mode"].as_str().unwrap_or_default().to_owned()
}

/// What REST says of one validator; null when it isn't listed.
pub async fn validator_of(rest: &Rest, address: Address) -> Value {
    let answer = rest.get("/rpc/getValidators").await.ok();
    let listed = answer["validators"].as_array().cloned().unwrap_or_default();
    let of = |entry: &Value| entry["address"] == json!(address.to_string());
    listed.into_iter().find(of).unwrap_or(Value::Null)
}

/// The voting power of each of these accounts; 0 for one that isn't listed.
pub async fn powers(rest: &Rest, accounts: &[Wallet]) -> Vec<u64> {
    let mut powers = Vec::new();
    for account in accounts {
        let entry = validator_of(rest, account.address).await;
        powers.push(entry["power"].as_u64().unwrap_or(0));
    }
    powers
}

/// How many of the blocks `first..=last` each account proposed.
///
/// # Panics
/// When a block is missing.
pub async fn proposed(rest: &Rest, first: u64, last: u64) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for height in first..=last {
        let block = rest.get(&format!("/rpc/getBlock/{height}")).await.ok();
        let proposer = block["proposer"].as_str().expect("a proposer").to_owned();
        *counts.entry(proposer).or_insert(0) += 1;
    }
    counts
}
