//! What the chain's own state machine proves is verified: each record, and absences.

use ait_app::state::Key;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::chain::{CHAIN, all, commit, equals, header, light_block, listed, verify};
use ait_verify::Trusted;

/// The bundle that a node would make of its state, under a header that four validators sign.
fn bundle(state: &ait_app::state::State, path: &str) -> Value {
    let key = Key::parse(path).unwrap();
    let ops = state.prove(&key).unwrap().unwrap();
    let ops: Vec<_> = ops
        .iter()
        .map(|op| {
            let key = core::str::from_utf8(&op.key).unwrap();
            json!({"type": op.kind, "key": key, "data": STANDARD.encode(&op.data)})
        })
        .collect();
    let value = state.bytes(&key).unwrap();
    let (height, set) = (state.height().get(), equals(4));
    let header = header(height + 1, state.app_hash().0, &set, &set);
    json!({
        "format": 1,
        "height": height,
        "key": path,
        "value": value.map(|bytes| String::from_utf8(bytes).unwrap()),
        "app_hash": hex::encode(state.app_hash().0),
        "ops": ops,
        "signed_header": {"header": header, "commit": commit(&header, &set, &all(&set))},
        "validators": listed(&set),
    })
}

#[test]
fn every_record_of_a_chain_and_absences_are_verified() {
    let mut chain = ait_testkit::chain::Chain::start();
    chain.advance_to(5);
    let absent = "/escrow/ait1rsxyjrcm255ds9euthjx6yc3vrjt9sxr7lv9kh/no-such-job".to_owned();
    let keys = chain.records().into_keys().chain([absent.clone()]);
    let mut count = 0;
    for key in keys {
        let bundle = bundle(&chain.state, &key);
        let block =
            json!({"signed_header": bundle["signed_header"], "validators": bundle["validators"]});
        let block = light_block(&block);
        let trusted = Trusted::begin(CHAIN, block.height(), block.hash(), &block).unwrap();
        let verified = verify(&trusted, &bundle).unwrap();
        assert_eq!(verified.value.is_none(), key == absent, "{key}");
        assert_eq!(verified.app_hash, chain.state.app_hash().0);
        count += 1;
    }
    assert!(count > 10);
}
