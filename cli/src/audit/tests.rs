//! FinalizeBlock and InitChain as CometBFT asks them, from its JSON.

use serde_json::{Value, json};
use tendermint_proto::v0_38::{
    abci::{MisbehaviorType, ValidatorUpdate},
    crypto::{PublicKey, public_key::Sum},
    types::BlockIdFlag,
};

use super::{
    compare::{Expected, What, differences, first_result},
    hashes::header_hash,
    request::{finalize_block, init_chain},
    source::{Block, BlockAnswer},
    validators::ValidatorSet,
};

fn hash(byte: &str) -> String {
    byte.repeat(32)
}

fn id(byte: &str) -> Value {
    json!({"hash": hash(byte), "parts": {"total": 1, "hash": hash(byte)}})
}

fn validators() -> ValidatorSet {
    let update = |power: i64| ValidatorUpdate {
        pub_key: Some(PublicKey {
            sum: Some(Sum::Ed25519(vec![power as u8; 32])),
        }),
        power,
    };
    ValidatorSet::default()
        .updated(&[update(10), update(30), update(20)])
        .unwrap()
}

/// A block as `/block` has it: the second validator was absent, the third voted for none, and somebody voted twice.
fn block() -> Value {
    let vote = |flag: u8, address: &str, time: &str, signature: Value| {
        json!({
            "block_id_flag": flag, "validator_address": address, "timestamp": time,
            "signature": signature,
        })
    };
    let twice = |byte: &str| {
        json!({
            "type": 2, "height": "5", "round": 0, "block_id": id(byte),
            "timestamp": "2026-01-31T12:00:00.5Z", "validator_address": "AB".repeat(20),
            "validator_index": 0, "signature": "AAAA", "extension": null, "extension_signature": null,
        })
    };
    json!({
        "header": {
            "version": {"block": "11", "app": "2"}, "chain_id": "test-1", "height": "7",
            "time": "2026-01-31T12:00:01.000000001Z", "last_block_id": id("AA"),
            "last_commit_hash": hash("01"), "data_hash": hash("02"), "validators_hash": hash("03"),
            "next_validators_hash": hash("04"), "consensus_hash": hash("05"), "app_hash": hash("06"),
            "last_results_hash": hash("07"), "evidence_hash": hash("08"),
            "proposer_address": "CD".repeat(20),
        },
        "data": {"txs": ["AQI=", "AwQF"]},
        "evidence": {"evidence": [{"type": "tendermint/DuplicateVoteEvidence", "value": {
            "vote_a": twice("01"), "vote_b": twice("02"), "TotalVotingPower": "60",
            "ValidatorPower": "10", "Timestamp": "2026-01-31T12:00:00Z",
        }}]},
        "last_commit": {"height": "6", "round": 1, "block_id": id("AA"), "signatures": [
            vote(2, &"11".repeat(20), "2026-01-31T12:00:00Z", json!("AAAA")),
            vote(1, "", "0001-01-01T00:00:00Z", Value::Null),
            vote(3, &"33".repeat(20), "2026-01-31T12:00:00Z", json!("BBBB")),
        ]},
    })
}

fn parsed(value: Value) -> Block {
    serde_json::from_value(value).unwrap()
}

#[test]
fn finalize_block_has_the_votes_in_the_order_of_the_set_and_the_evidence() {
    let block = parsed(block());
    let request = finalize_block(&block, Some(&validators()));
    assert_eq!((request.height, request.txs.len()), (7, 2));
    assert_eq!(request.txs[1].as_ref(), [3, 4, 5]);
    assert_eq!(request.hash.as_ref(), header_hash(&block.header));
    assert_eq!(request.proposer_address.as_ref(), [0xcd; 20]);
    assert_eq!(request.next_validators_hash.as_ref(), [4; 32]);
    assert_eq!(request.time.unwrap().nanos, 1);

    let commit = request.decided_last_commit.unwrap();
    assert_eq!(commit.round, 1);
    let votes: Vec<(i64, i32)> = commit
        .votes
        .iter()
        .map(|vote| (vote.validator.as_ref().unwrap().power, vote.block_id_flag))
        .collect();
    let [signed, absent, nil] =
        [BlockIdFlag::Commit, BlockIdFlag::Absent, BlockIdFlag::Nil].map(|flag| flag as i32);
    assert_eq!(votes, [(30, signed), (20, absent), (10, nil)]);

    let [misbehavior] = &request.misbehavior[..] else {
        panic!("{:?}", request.misbehavior);
    };
    assert_eq!(misbehavior.r#type, MisbehaviorType::DuplicateVote as i32);
    assert_eq!(
        (misbehavior.height, misbehavior.total_voting_power),
        (5, 60)
    );
    let validator = misbehavior.validator.as_ref().unwrap();
    assert_eq!(
        (validator.address.as_ref(), validator.power),
        (&[0xab; 20][..], 10)
    );
}

#[test]
fn the_first_block_of_a_chain_has_no_votes() {
    let mut first = block();
    first["last_commit"] = json!({"height": "0", "round": 0, "signatures": [],
        "block_id": {"hash": "", "parts": {"total": 0, "hash": ""}}});
    first["header"]["last_block_id"] = first["last_commit"]["block_id"].clone();
    first["data"]["txs"] = Value::Null;
    first["evidence"]["evidence"] = json!([]);
    let request = finalize_block(&parsed(first), None);
    assert_eq!(request.decided_last_commit.unwrap().votes, []);
    assert!(request.txs.is_empty() && request.misbehavior.is_empty());
}

#[test]
fn every_field_that_differs_is_told_with_the_block_that_it_is_about() {
    let block = parsed(block());
    let answer = BlockAnswer {
        block_id: serde_json::from_value(id("EE")).unwrap(),
        block,
    };
    let expected = Expected {
        chain_id: "test-2".to_owned(),
        height: 8,
        results_hash: Some([0; 32]),
        ..Expected::default()
    };
    let found = differences(&answer, &expected);
    let told: Vec<(u64, What)> = found
        .iter()
        .map(|found| (found.height, found.what))
        .collect();
    let (before, of) = (7, 8);
    assert_eq!(
        told,
        [
            (before, What::AppHash),
            (before, What::ResultsHash),
            (of, What::Height),
            (of, What::ChainId),
            (of, What::Version),
            (of, What::LastBlockId),
            (of, What::ValidatorsHash),
            (of, What::NextValidatorsHash),
            (of, What::DataHash),
            (of, What::LastCommitHash),
            (of, What::EvidenceHash),
            (of, What::HeaderHash),
        ]
    );
}

#[test]
fn the_first_result_that_differs_is_told_with_both_codes() {
    use tendermint_proto::v0_38::abci::ExecTxResult;
    let with = |code: u32, log: &str| ExecTxResult {
        code,
        log: log.to_owned(),
        ..ExecTxResult::default()
    };
    let own = [with(0, ""), with(3, "too poor")];
    // Logs are no part of it.
    assert_eq!(first_result(9, &own, &[with(0, "x"), with(3, "")]), None);
    let found = first_result(9, &own, &[with(0, ""), with(0, "")]).unwrap();
    let text = found.to_string();
    assert!(text.contains("block 9: transaction 1"), "{text}");
    assert!(text.contains("code 0, found 3 (too poor)"), "{text}");
    assert!(first_result(9, &own, &own[..1]).is_some());
}

#[test]
fn init_chain_is_the_genesis_as_cometbft_reads_it() {
    let key = json!({"type": "tendermint/PubKeyEd25519", "value": "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s="});
    let genesis = json!({
        "chain_id": "test-1", "genesis_time": "2026-01-31T12:00:00.25Z", "initial_height": "5",
        "consensus_params": {
            "block": {"max_bytes": "4194304", "max_gas": "-1"},
            "evidence": {
                "max_age_num_blocks": "100", "max_age_duration": "1500000000", "max_bytes": "1048576",
            },
            "validator": {"pub_key_types": ["ed25519"]},
        },
        "validators": [{"address": "", "name": "", "pub_key": key, "power": "10"}],
        "app_state": {"accounts": {}},
    });
    let request = init_chain(&genesis.to_string()).unwrap();
    assert_eq!(
        (request.chain_id.as_str(), request.initial_height),
        ("test-1", 5)
    );
    assert_eq!(request.time.unwrap().nanos, 250_000_000);
    assert_eq!(request.app_state_bytes.as_ref(), br#"{"accounts":{}}"#);
    assert_eq!(request.validators[0].power, 10);
    let params = request.consensus_params.unwrap();
    let age = params.evidence.unwrap().max_age_duration.unwrap();
    assert_eq!((age.seconds, age.nanos), (1, 500_000_000));
    assert_eq!(params.block.unwrap().max_gas, -1);
}
