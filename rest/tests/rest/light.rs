//! What light clients get from REST alone: headers, who signed them, and proofs that hang from them.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::harness::{
    Chain, hash_of,
    keys::{ALICE, BOB},
    proofs::holds,
};

#[tokio::test]
async fn a_proof_comes_with_the_header_that_has_its_app_hash_and_who_signs_it() {
    let chain = Chain::start().await;
    chain.send(&ALICE.transfer(1, BOB, 250)).await.ok();
    let height = chain.comet.make_block().await;
    let path = format!("/rpc/getBalance/{}", BOB.address());
    let answer = chain.prove(&path).await.ok();
    assert_eq!(answer["balance"], 250);
    let proof = &answer["proof"];
    assert!(holds(proof));
    assert_eq!(
        (&proof["format"], &proof["height"]),
        (&json!(1), &json!(height))
    );
    let header = &proof["signed_header"]["header"];
    assert_eq!(header["height"], (height + 1).to_string());
    let app_hash = header["app_hash"].as_str().unwrap().to_lowercase();
    assert_eq!(proof["app_hash"], app_hash);
    let commit = chain
        .get(&format!("/rpc/getCommit/{}", height + 1))
        .await
        .ok();
    assert_eq!(commit["signed_header"], proof["signed_header"]);
    let set = format!("/rpc/getValidatorSet/{}", height + 1);
    let set = chain.get(&set).await.ok();
    assert_eq!(set["validators"], proof["validators"]);
    assert_eq!(set["height"], height + 1);
}

#[tokio::test]
async fn an_earlier_state_is_read_and_proved_by_its_height() {
    let chain = Chain::start().await;
    let before = chain.comet.make_block().await;
    chain.send(&ALICE.transfer(1, BOB, 250)).await.ok();
    let height = chain.comet.make_block().await;
    let path = format!("/rpc/getBalance/{}", BOB.address());
    let at = async |query: String| chain.get(&format!("{path}?{query}")).await;
    assert_eq!(at(format!("height={before}")).await.ok()["balance"], 0);
    assert_eq!(at(format!("height={height}")).await.ok()["balance"], 250);
    let proven = at(format!("height={before}&prove=true")).await.ok();
    assert_eq!(
        (&proven["balance"], &proven["proof"]["value"]),
        (&json!(0), &Value::Null)
    );
    assert!(holds(&proven["proof"]));

    // The last block is proved by the next one's header.
    let early = at(format!("height={height}&prove=true")).await;
    assert_eq!(early.refusal(), (404, "not_yet_provable"));
    assert_eq!(early.header("retry-after"), "1");
    chain.comet.make_block().await;
    let proven = at(format!("height={height}&prove=true")).await.ok();
    assert_eq!(proven["balance"], 250);
    assert!(holds(&proven["proof"]));
}

#[tokio::test]
async fn a_height_that_is_not_there_is_named() {
    let chain = Chain::start().await;
    let last = chain.comet.make_block().await;
    let supply = |height: u64| format!("/rpc/getSupply?height={height}");
    let later = chain.get(&supply(last + 1)).await;
    assert_eq!(later.refusal(), (404, "not_found"));
    let too_high = chain.get(&supply(1 << 53)).await;
    assert_eq!(too_high.refusal(), (400, "invalid_request"));
    for path in ["getCommit", "getValidatorSet"] {
        let at = async |height: &str| chain.get(&format!("/rpc/{path}/{height}")).await;
        for bad in ["0", "-1", "01", "x", "9007199254740992"] {
            let refused = at(bad).await;
            assert_eq!(refused.refusal(), (400, "invalid_request"), "{path} {bad}");
            assert_eq!(refused.json["error"]["details"]["field"], "height");
        }
        let later = at(&(last + 2).to_string()).await;
        assert_eq!(later.refusal(), (404, "not_found"), "{path}");
    }
}

#[tokio::test]
async fn several_records_are_proved_under_one_header() {
    let chain = Chain::start().await;
    chain.comet.make_block().await;
    let path = format!("/rpc/getAccount/{}", ALICE.address());
    assert_eq!(chain.get(&path).await.ok()["proofs"], Value::Null);
    let account = chain.prove(&path).await.ok();
    let proofs = account["proofs"].as_array().unwrap();
    let kinds = ["account", "coordinator", "miner", "validator"];
    assert_eq!(proofs.len(), kinds.len());
    for (proof, kind) in proofs.iter().zip(kinds) {
        assert_eq!(proof["key"], format!("/{kind}/{}", ALICE.address()));
        assert!(holds(proof));
    }
    let header = &account["signed_block"]["signed_header"]["header"];
    let app_hash = header["app_hash"].as_str().unwrap().to_lowercase();
    assert_eq!(proofs[0]["app_hash"], app_hash);
}

#[tokio::test]
async fn a_transaction_is_proved_once_the_next_block_is_there() {
    let chain = Chain::start().await;
    let tx = ALICE.transfer(1, BOB, 250);
    chain.send(&tx).await.ok();
    let path = format!("/rpc/getTx/{}?prove=true", hash_of(&tx));
    let pending = chain.get(&path).await.ok();
    assert_eq!(
        (&pending["status"], &pending["proof"]),
        (&json!("pending"), &Value::Null)
    );
    let height = chain.comet.make_block().await;
    let early = chain.get(&path).await;
    assert_eq!(early.refusal(), (404, "not_yet_provable"));
    chain.comet.make_block().await;
    let answer = chain.get(&path).await.ok();
    let proof = &answer["proof"];
    assert_eq!(
        (&proof["height"], &proof["result"]),
        (&json!(height), &json!(""))
    );
    let wire = STANDARD.decode(proof["tx"].as_str().unwrap()).unwrap();
    let sent: Value = serde_json::from_slice(&wire).unwrap();
    assert_eq!(sent["payload"]["amount"], 250);
    assert_eq!(proof["header"]["height"], height.to_string());
    let signed = &proof["signed_header"]["header"];
    assert_eq!(signed["height"], (height + 1).to_string());
    let plain = format!("/rpc/getTx/{}", hash_of(&tx));
    assert_eq!(chain.get(&plain).await.ok()["proof"], Value::Null);
    let bad = format!("{plain}?prove=yes");
    assert_eq!(chain.get(&bad).await.refusal(), (400, "invalid_request"));
}
