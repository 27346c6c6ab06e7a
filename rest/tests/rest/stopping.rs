//! Beginning and stopping.

use std::{sync::Arc, time::Duration};

use ait_abci::Application;
use ait_node::Node;
use ait_rest::Server;
use tokio::time::timeout;

use crate::harness::{
    Chain, PATIENCE, Settings, hash_of,
    keys::{ALICE, BOB, COORDINATOR},
    until,
};

#[tokio::test]
async fn a_stop_ends_idle_connections_and_waiting_requests() {
    let mut chain = Chain::start().await;
    chain.get("/rpc/getHead").await.ok();
    let tx = ALICE.transfer(1, BOB, 250);
    let url = format!("{}/rpc/sendTx?wait=commit", chain.base);
    let waiting = tokio::spawn(chain.http.post(url).body(tx.to_wire()).send());
    until("it is pending", async || {
        chain.node.mempool().pending(&hash_of(&tx))
    })
    .await;
    timeout(PATIENCE, chain.stop())
        .await
        .expect("it does not stop");
    let answer = waiting.await.unwrap().unwrap();
    assert_eq!(answer.status(), 503);
    assert!(answer.text().await.unwrap().contains("shutting_down"));
    assert!(chain.http.get(&chain.base).send().await.is_err());
}

#[tokio::test]
async fn what_was_acknowledged_before_a_restart_is_known_from_the_first_answer_on() {
    let store = Arc::new(ait_store::MemoryStore::new());
    let before = ALICE.transfer(1, BOB, 250);
    let mut stopped = Chain::on_store(store.clone(), |_| {}).await;
    stopped.comet.make_block().await;
    stopped.send(&before).await.ok();
    stopped.stop().await;
    assert_eq!(stopped.node.mempool().save().unwrap(), 1);

    let restarted = Chain::restarted(store, &stopped).await;
    assert_eq!(restarted.tx(&before).await["status"], "pending");
    let account = format!("/rpc/getAccount/{}", ALICE.address());
    let nonce = restarted.get(&account).await.ok()["next_nonce"].as_u64();
    assert_eq!(nonce, Some(2));
    let after = ALICE.transfer(2, BOB, 1_000);
    restarted.send(&after).await.ok();
    until("CometBFT was offered both", async || {
        (restarted.comet.waiting() == 2).then_some(())
    })
    .await;
    restarted.comet.make_block().await;
    assert_eq!(restarted.balance(BOB).await, 1_250);
}

#[tokio::test]
async fn transactions_that_a_stop_saved_are_offered_again() {
    let store = Arc::new(ait_store::MemoryStore::new());
    let tx = ALICE.transfer(1, BOB, 250);
    ait_store::Store::save_pool(store.as_ref(), &[tx.to_wire()]).unwrap();
    let chain = Chain::on_store(store, |_| {}).await;
    until("it is offered", async || {
        (chain.comet.waiting() == 1).then_some(())
    })
    .await;
    chain.comet.make_block().await;
    assert_eq!(chain.balance(BOB).await, 250);
}

type Change = fn(&mut Settings);

#[tokio::test]
async fn settings_that_cannot_be_used_are_named() {
    let chain = Chain::start().await;
    let cases: [(Change, &str); 6] = [
        (
            |config| config.node.comet_rpc = "127.0.0.1:26657".into(),
            "COMETBFT_RPC",
        ),
        (
            |config| {
                let url = "ftp://coordinator.example.org".to_owned();
                config
                    .node
                    .coordinator_urls
                    .insert(COORDINATOR.address(), url);
            },
            "COORDINATOR_URLS",
        ),
        (
            |config| config.rest.mock_coordinator_url = Some("x".into()),
            "mock coordinator",
        ),
        (
            |config| config.rest.bind = ([192, 0, 2, 1], 1).into(),
            "RPC_BIND 192.0.2.1:1",
        ),
        (
            |config| config.rest.ops_bind = Some(([192, 0, 2, 1], 1).into()),
            "OPS_BIND 192.0.2.1:1",
        ),
        (
            |config| config.rest.cors_origins = vec!["wallet.example".into()],
            "CORS_ORIGINS \"wallet.example\"",
        ),
    ];
    for (change, named) in cases {
        let chain_id = "ait-other".parse().unwrap();
        let store = Arc::new(ait_store::MemoryStore::new());
        let application = Application::open(store, chain_id, 1 << 20, Arc::new(|_| {})).unwrap();
        let mut settings = Settings {
            node: ait_node::Config::new(chain.comet.url()),
            rest: ait_rest::Config::new(([127, 0, 0, 1], 0).into()),
        };
        change(&mut settings);
        let error = match Node::start(&application, &settings.node) {
            Ok(node) => Server::bind(&node, settings.rest)
                .await
                .err()
                .unwrap()
                .to_string(),
            Err(error) => error.to_string(),
        };
        assert!(error.contains(named), "{error}");
    }
}

#[tokio::test]
async fn a_slow_client_is_hung_up_on_by_a_stop() {
    let mut chain = Chain::start().await;
    let address = chain.base.replace("http://", "");
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = b"POST /rpc/sendTx HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{";
    tokio::io::AsyncWriteExt::write_all(&mut stream, head)
        .await
        .unwrap();
    let patience = PATIENCE + Duration::from_secs(10);
    timeout(patience, chain.stop())
        .await
        .expect("it does not stop");
}
