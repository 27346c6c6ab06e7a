//! What nodes agree on, and what becomes of answers that are none.

mod stand_in;

use ait_client::http::Trust;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::*;
use stand_in::{Reply, commit, genesis_text, honest, node, status};

/// Where nobody listens.
const NOBODY: &str = "http://127.0.0.1:1";

async fn ask(urls: &[String], trusted: Option<&str>) -> Result<Network, JoinError> {
    let trusted: Option<TrustedBlock> = trusted.map(|text| text.parse().unwrap());
    ask_network(urls, trusted.as_ref(), None, &Trust::default()).await
}

/// Why nobody joins who asks this node and an honest one.
async fn refused(answer: impl Fn(&str, &Value) -> Reply + Send + Sync + 'static) -> String {
    let urls = [node(honest(1)).await, node(answer).await];
    ask(&urls, None).await.unwrap_err().to_string()
}

#[tokio::test]
async fn two_nodes_that_agree_are_enough_and_one_that_is_away_is_named() {
    let urls = [
        node(honest(1)).await,
        NOBODY.to_owned(),
        node(honest(2)).await,
    ];
    let network = ask(&urls, None).await.unwrap();
    assert_eq!(network.chain_id.as_str(), "test-1");
    assert_eq!(
        network.trusted().to_string(),
        format!("11:{}", "AB".repeat(32))
    );
    assert_eq!(network.evidence_blocks, 100);
    let given: Value = serde_json::from_str(&network.genesis).unwrap();
    assert_eq!(
        given,
        serde_json::from_str::<Value>(&genesis_text()).unwrap()
    );
    let said: Vec<&str> = network
        .witnesses
        .iter()
        .map(|node| node.witness.url.as_str())
        .collect();
    assert_eq!(said, [&urls[0], &urls[2]]);
    assert_eq!(network.silent.0.len(), 1);
    assert!(
        network.silent.0[0].1.starts_with("no answer"),
        "{:?}",
        network.silent
    );

    let error = ask(&urls[..2], None).await.unwrap_err().to_string();
    assert!(
        error.contains(NOBODY) && error.contains("--trust"),
        "{error}"
    );
}

#[tokio::test]
async fn nodes_that_disagree_are_named_with_what_they_said() {
    let other_hash = honest(2);
    let error = refused(move |method, params| match method {
        "commit" => Reply::Result(commit(params, "CD")),
        _ => other_hash(method, params),
    });
    let error = error.await;
    let hashes = ["AB", "CD"].map(|byte| byte.repeat(32));
    assert!(hashes.iter().all(|hash| error.contains(hash)), "{error}");

    let other_genesis = honest(2);
    let error = refused(move |method, params| match method {
        "genesis" => {
            let mut genesis: Value = serde_json::from_str(&genesis_text()).unwrap();
            genesis["app_state"]["accounts"] = json!({"ait1": 1});
            Reply::Result(json!({"genesis": genesis}))
        }
        _ => other_genesis(method, params),
    });
    let error = error.await;
    assert!(error.contains("/app_state/accounts/ait1"), "{error}");

    let same_node = refused(honest(1)).await;
    assert!(same_node.contains("are one node"), "{same_node}");
}

#[tokio::test]
async fn one_node_is_enough_for_a_block_that_is_trusted_already() {
    let urls = [node(honest(1)).await, NOBODY.to_owned()];
    let trusted = format!("5:{}", "AB".repeat(32));
    let network = ask(&urls, Some(&trusted)).await.unwrap();
    assert_eq!(network.trusted().to_string(), trusted);
    let other = format!("5:{}", "CD".repeat(32));
    let error = ask(&urls, Some(&other)).await.unwrap_err().to_string();
    assert!(
        error.contains(&urls[0]) && error.contains("ABAB"),
        "{error}"
    );
}

#[tokio::test]
async fn a_genesis_too_long_for_one_answer_comes_in_parts() {
    let in_parts = |number| {
        let text = genesis_text();
        let honest = honest(number);
        move |method: &str, params: &Value| match method {
            "genesis" => Reply::Refused(
                "genesis response is large, please use the genesis_chunked API instead",
            ),
            "genesis_chunked" => {
                // A number is no number to CometBFT.
                let chunk: u64 = params["chunk"].as_str().unwrap().parse().unwrap();
                let half = text.len() / 2;
                let (first, second) = text.split_at(half);
                let data = STANDARD.encode(if chunk == 0 { first } else { second });
                let chunk = chunk.to_string();
                Reply::Result(json!({"chunk": chunk, "total": "2", "data": data}))
            }
            _ => honest(method, params),
        }
    };
    // Whoever has it whole has the same.
    let urls = [node(in_parts(1)).await, node(honest(2)).await];
    let network = ask(&urls, None).await.unwrap();
    assert_eq!(network.genesis, genesis_text());
}

#[tokio::test]
async fn parts_of_a_genesis_that_have_no_end_are_refused() {
    for (total, data, why) in [
        ("1000000000", "AAAA", "1 to 64"),
        ("0", "AAAA", "1 to 64"),
        ("-1", "AAAA", "invalid digit"),
        ("1", "?", "none of CometBFT"),
        ("1", "AAAA", "none of CometBFT"),
    ] {
        let honest = honest(2);
        let error = refused(move |method, params| match method {
            "genesis" => Reply::Refused("please use the genesis_chunked API instead"),
            "genesis_chunked" => Reply::Result(json!({"chunk": "0", "total": total, "data": data})),
            _ => honest(method, params),
        });
        let error = error.await;
        assert!(error.contains(why), "{total} {data}: {error}");
    }
}

#[tokio::test]
async fn answers_that_are_none_are_named_and_never_obeyed() {
    let with = |pointer: &str, value: Value| {
        let mut status = status(2);
        *status.pointer_mut(pointer).unwrap() = value;
        let answer = json!({"jsonrpc": "2.0", "id": 1, "result": status});
        answer.to_string().into_bytes()
    };
    for (bytes, why) in [
        (b"".to_vec(), "none of CometBFT"),
        (b"<html>\x1b[2J".to_vec(), "none of CometBFT"),
        (b"{}".to_vec(), "it is empty"),
        (br#"{"result":null}"#.to_vec(), "it is empty"),
        (br#"{"result":[]}"#.to_vec(), "none of CometBFT"),
        (vec![b'['; 100_000], "none of CometBFT"),
        (vec![b' '; 5 * 1024 * 1024], "more than 4194304 bytes"),
        (
            with("/sync_info/latest_block_height", json!("-1")),
            "none of CometBFT",
        ),
        (
            with("/sync_info/latest_block_height", json!(20)),
            "none of CometBFT",
        ),
        (with("/sync_info/catching_up", json!(true)), "still fetches"),
        (
            with("/node_info/id", json!("a,b@c:1\u{1b}[2J")),
            "which is none",
        ),
        (
            with("/node_info/network", json!("\u{1b}[2J")),
            "its chain is",
        ),
    ] {
        let honest = honest(2);
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
        let error = refused(move |method, params| match method {
            "status" => Reply::Bytes(bytes.clone()),
            _ => honest(method, params),
        });
        let error = error.await;
        assert!(error.contains(why), "{shown}: {error}");
        assert!(!error.contains('\u{1b}'), "{shown}");
    }
}

#[tokio::test]
async fn blocks_that_are_none_are_named() {
    let with = |pointer: &str, value: Value| {
        let mut commit = commit(&json!({"height": "11"}), "AB");
        *commit.pointer_mut(pointer).unwrap() = value;
        commit
    };
    for (answer, why) in [
        (Value::Null, "does not have block 11"),
        (
            with("/signed_header/commit", Value::Null),
            "does not have block 11",
        ),
        (
            with("/signed_header/header/height", json!("12")),
            "gave block 12",
        ),
        (
            with("/signed_header/header/time", json!("yesterday")),
            "the time of its block",
        ),
        (
            with("/signed_header/commit/block_id/hash", json!("AB")),
            "64 hex",
        ),
    ] {
        let honest = honest(2);
        let error = refused(move |method, params| match method {
            "commit" => Reply::Result(answer.clone()),
            _ => honest(method, params),
        });
        let error = error.await;
        assert!(error.contains(why), "{error}");
    }
}

#[tokio::test]
async fn a_genesis_on_which_no_chain_can_start_is_refused_even_where_all_agree() {
    let wrong = |number| {
        let honest = honest(number);
        move |method: &str, params: &Value| match method {
            "genesis" => Reply::Result(json!({"genesis": {"chain_id": "test-1"}})),
            _ => honest(method, params),
        }
    };
    let urls = [node(wrong(1)).await, node(wrong(2)).await];
    let error = ask(&urls, None).await.unwrap_err();
    assert!(matches!(error, JoinError::GenesisRefused { .. }), "{error}");
}

#[tokio::test]
async fn a_node_that_never_answers_is_not_waited_for() {
    let error = tokio::time::timeout(Duration::from_secs(60), refused(|_, _| Reply::Nothing));
    let error = error.await.unwrap();
    assert!(error.contains("it took longer than 10 s"), "{error}");
}

#[test]
fn a_block_from_which_nothing_would_be_verified_is_refused() {
    let made = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    let (hour, second) = (Duration::from_secs(3600), Duration::from_secs(1));
    assert_eq!(check_age(7, made, hour, made + hour - second), Ok(()));
    assert_eq!(check_age(7, made, hour, made - 10 * second), Ok(()));
    let old = check_age(7, made, hour, made + hour).unwrap_err();
    assert!(old.to_string().contains("--trust-period"), "{old}");
    let early = check_age(7, made, hour, made - 11 * second).unwrap_err();
    assert!(early.to_string().contains("clock"), "{early}");
}

#[test]
fn the_nodes_to_ask_are_few_and_each_there_once() {
    let many = (0..10).map(|i| format!("http://n{i}"));
    let many: Vec<String> = many.collect();
    assert_eq!(parse_urls(&many.join(", ")), Ok(many.clone()));
    let eleven = format!("{},http://n10", many.join(","));
    for bad in [
        "",
        ",",
        "n1",
        "ftp://n1",
        "http://u:p@n1",
        "http://a,http://a/",
        &eleven,
    ] {
        assert!(parse_urls(bad).is_err(), "{bad}");
    }
}
