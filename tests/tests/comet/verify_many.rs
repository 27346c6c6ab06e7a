//! Proofs of thousands of records and absences, of several heights, while blocks go on: all are verified by the library
//! that shares no code with the node.

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use ait_tests::comet::{
    Network, Rest, Setup,
    faults::{
        Dice,
        load::{MixedLoad, setup},
        named,
    },
    load::Committed,
    network::wallet,
};
use ait_verify::{Bundle, LightBlock, Policy, Trusted, TxBundle, UnixTime};
use serde_json::{Value, json};

const CLIENTS: usize = 4;
/// Accounts that are there from the beginning.
const ACCOUNTS: u64 = 500;
/// Who asks at once.
const ASKERS: u64 = 4;
/// How many blocks back a proof is asked for, at most.
const BACK: u64 = 30;
/// Transactions of the load that are verified, at most.
const TXS: usize = 500;

fn name(account: u64) -> String {
    format!("account {account}")
}

fn prepared() -> Setup {
    let mut setup = setup(1, CLIENTS);
    for account in 0..ACCOUNTS {
        let balance = 1_000 + account;
        setup
            .accounts
            .push((wallet(&name(account)).address, balance));
    }
    setup
}

fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    UnixTime::from(since.expect("a time after 1970"))
}

async fn trusted(rest: &Rest, height: u64) -> Trusted {
    let commit = rest.get(&format!("/rpc/getCommit/{height}")).await.ok();
    let set = rest
        .get(&format!("/rpc/getValidatorSet/{height}"))
        .await
        .ok();
    let block = json!({
        "signed_header": commit["signed_header"],
        "validators": set["validators"],
    });
    let block = LightBlock::parse(block.to_string().as_bytes()).expect("a light block");
    Trusted::begin(block.chain_id(), height, block.hash(), &block).expect("it holds")
}

/// Asks for so many keys, half of which are there; gives how many proofs there were of each height.
async fn ask(url: String, trusted: Trusted, mut dice: Dice, keys: u64) -> BTreeMap<u64, u64> {
    let rest = Rest::new(&url);
    let mut of_heights = BTreeMap::new();
    for _ in 0..keys {
        let account = dice.within(0..2 * ACCOUNTS);
        let address = wallet(&name(account)).address;
        let last = rest.height().await;
        let height = last.saturating_sub(1 + dice.within(0..BACK)).max(1);
        let path = format!("/rpc/getBalance/{address}?prove=true&height={height}");
        let answer = rest.get(&path).await.ok();
        let bundle = Bundle::parse(answer["proof"].to_string().as_bytes()).expect("a bundle");
        let verified = trusted.verify(&bundle, now(), &Policy::default());
        let verified = verified.expect("it holds");
        assert_eq!(verified.key, format!("/account/{address}"));
        assert_eq!(verified.height, height);
        let record = verified
            .value
            .map(|text| serde_json::from_str::<Value>(&text));
        let record = record.transpose().expect("JSON").unwrap_or(Value::Null);
        if account < ACCOUNTS {
            assert_eq!(record["balance"], 1_000 + account, "{answer}");
        } else {
            assert_eq!(record, Value::Null, "{answer}");
        }
        *of_heights.entry(height).or_default() += 1;
    }
    of_heights
}

/// A transaction stands where it was seen, with the code that the node shows; gives that.
async fn tx_is_proved(rest: &Rest, trusted: &Trusted, seen: &Committed) -> u64 {
    let path = format!("/rpc/getTx/{}?prove=true", seen.hash);
    let answer = rest.get(&path).await.ok();
    let bundle = TxBundle::parse(answer["proof"].to_string().as_bytes()).expect("a bundle");
    let verified = trusted.verify_tx(&bundle, now(), &Policy::default());
    let verified = verified.expect("it holds");
    assert_eq!(verified.height, seen.height);
    assert_eq!(answer["receipt"]["code"], verified.code);
    let tx: Value = serde_json::from_slice(&verified.tx).expect("JSON");
    assert_eq!(tx, answer["tx"]);
    verified.code.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_records_and_absences_are_verified_while_blocks_go_on() {
    let mut dice = Dice::of("many proofs");
    let mut network = Network::prepare(&prepared()).await;
    let node = network.first();
    for limit in ["--reads-per-second=100000", "--reads-burst=100000"] {
        node.app_arguments.push(limit.to_owned());
    }
    node.start_in_order().await;
    node.rest.reaches(3).await;
    let trusted = trusted(&node.rest, 2).await;
    let url = node.rest.url.clone();
    let load = MixedLoad::start(&network, CLIENTS);
    let keys: u64 = named("AIT_PROOFS", 10_000);
    let askers: Vec<_> = (0..ASKERS)
        .map(|_| {
            tokio::spawn(ask(
                url.clone(),
                trusted.clone(),
                dice.fork(),
                keys / ASKERS,
            ))
        })
        .collect();
    let mut of_heights: BTreeMap<u64, u64> = BTreeMap::new();
    for asker in askers {
        for (height, count) in asker.await.expect("it ends well") {
            *of_heights.entry(height).or_default() += count;
        }
    }
    let committed = load.finish().await.committed;
    assert!(!committed.is_empty());
    let rest = Rest::new(&url);
    rest.goes_on().await;
    let mut codes: BTreeMap<u64, u64> = BTreeMap::new();
    for seen in committed.iter().take(TXS) {
        *codes
            .entry(tx_is_proved(&rest, &trusted, seen).await)
            .or_default() += 1;
    }
    println!("transactions were verified, by their codes: {codes:?}");
    assert!(of_heights.len() > 10, "{of_heights:?}");
    let proofs: u64 = of_heights.values().sum();
    println!(
        "{proofs} proofs of {} heights were verified",
        of_heights.len()
    );
}
