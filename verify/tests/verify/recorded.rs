//! What four nodes of the chain under the real CometBFT (0.38) answered: a light block of height 3, and
//! bundles of an account, of a miner's record and of the absence of an account.

use ait_verify::{Bundle, LightBlock, Policy, Trusted, UnixTime};
use serde_json::Value;

fn recorded() -> Value {
    serde_json::from_str(include_str!("../data/chain.json")).unwrap()
}

fn begun(recorded: &Value) -> Trusted {
    let block = LightBlock::parse(recorded["begin"].to_string().as_bytes()).unwrap();
    Trusted::begin("ait-devnet", 3, block.hash(), &block).unwrap()
}

#[test]
fn its_bundles_are_verified_from_its_third_block() {
    let recorded = recorded();
    let trusted = begun(&recorded);
    let now = UnixTime::from_seconds(trusted.time().seconds() + 600);
    let verified: Vec<_> = recorded["bundles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|json| {
            let bundle = Bundle::parse(json.to_string().as_bytes()).unwrap();
            trusted.verify(&bundle, now, &Policy::default()).unwrap()
        })
        .collect();
    let [account, miner, absent] = verified.as_slice() else {
        panic!("{verified:?}")
    };
    assert!(account.key.starts_with("/account/"));
    assert!(account.value.as_ref().unwrap().starts_with("{\"balance\":"));
    assert!(miner.key.starts_with("/miner/"));
    assert!(miner.value.as_ref().unwrap().contains("\"units_total\":"));
    assert_eq!(absent.value, None);
    assert!(verified.iter().all(|one| one.header_height > 3));
}

#[test]
fn a_balance_that_is_one_higher_is_refuted() {
    let recorded = recorded();
    let trusted = begun(&recorded);
    let mut bundle = recorded["bundles"][0].clone();
    let text = bundle["value"].as_str().unwrap();
    let mut value: Value = serde_json::from_str(text).unwrap();
    value["balance"] = (value["balance"].as_u64().unwrap() + 1).into();
    bundle["value"] = value.to_string().into();
    let bundle = Bundle::parse(bundle.to_string().as_bytes()).unwrap();
    let now = UnixTime::from_seconds(trusted.time().seconds() + 600);
    let refused = trusted.verify(&bundle, now, &Policy::default());
    assert_eq!(refused.unwrap_err().code(), 19);
}
