//! What clients can't take from each other or from the chain: connections, WebSockets, memory, work, and the sight
//! of how the node is.

use std::{num::NonZeroU32, time::Duration};

use axum::http::HeaderName;
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::timeout,
};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{client::IntoClientRequest, http::Request},
};

use crate::harness::{
    Chain, PATIENCE, Settings,
    keys::{ALICE, BOB},
    until,
};

fn open_to_all(config: &mut Settings) {
    config.rest.devnet = false;
    config.rest.admin_token = Some("token".into());
}

/// A client without kept connections.
fn client() -> Client {
    let client = Client::builder().no_proxy().pool_max_idle_per_host(0);
    client.timeout(PATIENCE).build().unwrap()
}

async fn connect(chain: &Chain) -> TcpStream {
    let address = chain.base.replace("http://", "");
    TcpStream::connect(address).await.unwrap()
}

/// Connections that were accepted: each has had an answer, and stays.
async fn hold(chain: &Chain, count: usize) -> Vec<TcpStream> {
    let mut held = Vec::new();
    for _ in 0..count {
        let mut stream = connect(chain).await;
        let head = b"GET /rpc/getHead HTTP/1.1\r\nhost: x\r\n\r\n";
        stream.write_all(head).await.unwrap();
        let mut some = [0; 12];
        stream.read_exact(&mut some).await.unwrap();
        assert_eq!(&some, b"HTTP/1.1 200");
        held.push(stream);
    }
    held
}

async fn refused(answer: Response, status: u16, code: &str, limit: u64) {
    assert_eq!(answer.status(), status);
    let retry_after = answer.headers()["retry-after"].to_str().unwrap();
    assert!(retry_after.parse::<u64>().unwrap() >= 1);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error"]["code"], code, "{body}");
    assert_eq!(body["error"]["details"]["limit"], limit, "{body}");
}

#[tokio::test]
async fn a_block_is_read_once_however_many_ask_and_never_whole_from_cometbft() {
    let chain = Chain::start().await;
    for nonce in 1..=100 {
        chain.send(&ALICE.transfer(nonce, BOB, 250)).await.ok();
    }
    chain.comet.make_block().await;
    chain.comet.make_block().await;
    let url = format!("{}/rpc/getBlock/2?txs=full", chain.base);
    let mut asking = JoinSet::new();
    for _ in 0..200 {
        let request = chain.http.get(&url);
        asking.spawn(async move { request.send().await.unwrap().bytes().await.unwrap() });
    }
    let answers = asking.join_all().await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    let block: Value = serde_json::from_slice(&answers[0]).unwrap();
    assert_eq!(block["txs"].as_array().unwrap().len(), 100);
    assert_eq!(chain.comet.blocks_read(), 0);
    let metrics = chain.http.get(format!("{}/rpc/metrics", chain.base));
    let metrics = metrics.send().await.unwrap().text().await.unwrap();
    let asked = "ait_comet_request_seconds_count{method=\"commit\"} 1";
    assert!(metrics.lines().any(|line| line == asked), "{metrics}");
}

#[tokio::test]
async fn a_block_whose_entries_are_not_all_here_is_cometbfts() {
    let chain = Chain::start().await;
    let tx = ALICE.transfer(1, BOB, 250);
    chain.send(&tx).await.ok();
    chain.comet.make_block().await;
    chain.comet.make_block().await;
    let url = format!("{}/rpc/getBlock/2?txs=full", chain.base);
    let own = client().get(&url).send().await.unwrap();
    let own = own.bytes().await.unwrap();
    assert_eq!(chain.comet.blocks_read(), 0);
    let other = Chain::start().await;
    other.send(&tx).await.ok();
    other.comet.make_block().await;
    other.comet.make_block().await;
    other.comet.forget_data_hashes();
    let url = format!("{}/rpc/getBlock/2?txs=full", other.base);
    let whole = client().get(&url).send().await.unwrap();
    assert_eq!(whole.bytes().await.unwrap(), own);
    assert_eq!(other.comet.blocks_read(), 1);
}

#[tokio::test]
async fn an_address_has_its_share_of_connections_and_is_told_so() {
    let chain = Chain::with(|config| {
        open_to_all(config);
        config.rest.max_connections_per_address = 3;
    })
    .await;
    let held = hold(&chain, 3).await;
    let url = format!("{}/rpc/getHead", chain.base);
    let answer = client().get(&url).send().await.unwrap();
    refused(answer, 429, "address_limit", 3).await;
    for path in ["/health", "/rpc/metrics"] {
        let url = format!("{}{path}", chain.base);
        let answer = client().get(url).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
    }
    drop(held);
    until("there is a place again", async || {
        let answer = client().get(&url).send().await.ok()?;
        answer.status().is_success().then_some(())
    })
    .await;
}

#[tokio::test]
async fn when_all_connections_are_taken_health_and_metrics_are_still_answered() {
    let chain = Chain::with(|config| config.rest.max_connections = 2).await;
    until("the node says that it is well", async || {
        let answer = client().get(format!("{}/health", chain.base));
        answer
            .send()
            .await
            .ok()?
            .status()
            .is_success()
            .then_some(())
    })
    .await;
    let _held = hold(&chain, 2).await;
    for path in ["/health", "/rpc/metrics"] {
        let url = format!("{}{path}", chain.base);
        let answer = client().get(url).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert_eq!(answer.headers()["connection"], "close");
    }
    let url = format!("{}/rpc/getHead", chain.base);
    let answer = client().get(url).send().await.unwrap();
    refused(answer, 503, "too_many_connections", 2).await;
}

#[tokio::test]
async fn the_operators_own_listener_answers_how_the_node_is_and_nothing_else() {
    let chain = Chain::with(|config| {
        config.rest.max_connections = 1;
        config.rest.ops_bind = Some(([127, 0, 0, 1], 0).into());
    })
    .await;
    let _held = hold(&chain, 1).await;
    // Even what is kept for those who found no place.
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(connect(&chain).await);
    }
    let base = format!("http://{}", chain.ops.unwrap());
    for (path, status) in [
        ("/health", 200),
        ("/rpc/metrics", 200),
        ("/rpc/getHead", 404),
        ("/admin/mintFaucet", 404),
    ] {
        let answer = client().get(format!("{base}{path}")).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
    }
}

fn websocket(chain: &Chain, forwarded: Option<&str>) -> Request<()> {
    let url = format!("{}/p2p/ws", chain.base.replace("http", "ws"));
    let mut request = url.into_client_request().unwrap();
    if let Some(client) = forwarded {
        let name = HeaderName::from_static("x-forwarded-for");
        request.headers_mut().insert(name, client.parse().unwrap());
    }
    request
}

#[tokio::test]
async fn an_address_has_its_share_of_websockets() {
    let chain = Chain::with(|config| {
        open_to_all(config);
        config.rest.max_websockets_per_address = 2;
    })
    .await;
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(connect_async(websocket(&chain, None)).await.unwrap());
    }
    // What nobody trusted says of another client counts for nothing.
    let third = connect_async(websocket(&chain, Some("192.0.2.1"))).await;
    let error = third.unwrap_err().to_string();
    assert!(error.contains("429"), "{error}");
    held.clear();
    until("there is a place again", async || {
        connect_async(websocket(&chain, None)).await.ok()
    })
    .await;
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_has_its_own_share() {
    let chain = Chain::with(|config| {
        open_to_all(config);
        config.rest.max_websockets_per_address = 1;
        config.rest.max_connections_per_address = 1;
        config.rest.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    // Connections of the proxy are not one client's.
    let _held = hold(&chain, 5).await;
    let first = Some("192.0.2.1");
    let _one = connect_async(websocket(&chain, first)).await.unwrap();
    assert!(connect_async(websocket(&chain, first)).await.is_err());
    let _other = connect_async(websocket(&chain, Some("192.0.2.2")))
        .await
        .unwrap();

    // One request of a client is under way, and another waits for none of it.
    let url = format!("{}/rpc/sendTx?wait=commit", chain.base);
    let tx = ALICE.transfer(1, BOB, 250);
    let request = client().post(url).header("x-forwarded-for", "192.0.2.1");
    let waiting = tokio::spawn(request.body(tx.to_wire()).send());
    until("it is pending", async || {
        chain.node.mempool().pending(&crate::harness::hash_of(&tx))
    })
    .await;
    let head = |from: &str| {
        let url = format!("{}/rpc/getHead", chain.base);
        client().get(url).header("x-forwarded-for", from).send()
    };
    refused(head("192.0.2.1").await.unwrap(), 429, "address_limit", 1).await;
    assert_eq!(head("192.0.2.2").await.unwrap().status(), 200);
    chain.comet.make_block().await;
    assert_eq!(waiting.await.unwrap().unwrap().status(), 200);
    assert_eq!(head("192.0.2.1").await.unwrap().status(), 200);
}

#[tokio::test]
async fn reads_that_take_work_are_limited_and_others_are_not() {
    let chain = Chain::with(|config| {
        open_to_all(config);
        config.rest.reads_per_second = NonZeroU32::MIN;
        config.rest.reads_burst = NonZeroU32::new(3).unwrap();
    })
    .await;
    let alice = ALICE.address();
    chain.comet.make_block().await;
    let costly = [
        "/rpc/getBlock/1?txs=full".to_owned(),
        "/rpc/getBlock/1?txs=f%75ll".to_owned(),
        format!("/rpc/getBalance/{alice}?prove=true"),
        "/rpc/getCommit/1".to_owned(),
        "/rpc/getValidatorSet/1".to_owned(),
    ];
    let mut passed = 0;
    for path in costly.iter().cycle().take(12) {
        let answer = client().get(format!("{}{path}", chain.base)).send();
        let answer = answer.await.unwrap();
        if answer.status() == 429 {
            refused(answer, 429, "rate_limited", 1).await;
        } else {
            assert_eq!(answer.status(), 200, "{path}");
            passed += 1;
        }
    }
    assert!((3..9).contains(&passed), "{passed}");
    let simulate = client().post(format!("{}/rpc/simulate", chain.base));
    let answer = simulate.body("{}").send().await.unwrap();
    refused(answer, 429, "rate_limited", 1).await;
    for path in ["/rpc/getBlock/1", "/rpc/getHead", "/health"] {
        let answer = client().get(format!("{}{path}", chain.base)).send();
        assert_eq!(answer.await.unwrap().status(), 200, "{path}");
    }
}

#[tokio::test]
async fn a_client_that_never_reads_its_answers_is_hung_up_on() {
    let chain =
        Chain::with(|config| config.rest.answer_patience = Duration::from_millis(300)).await;
    let page = chain.http.get(format!("{}/openapi.json", chain.base));
    let bytes = page.send().await.unwrap().bytes().await.unwrap().len();
    let request = b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n";
    // More answers than the kernel keeps for it: at most some MiB.
    let requests = request.repeat(64 * 1024 * 1024 / bytes);
    let mut stream = connect(&chain).await;
    let ended = timeout(PATIENCE, async {
        // It ends while the client still sends, or while it waits.
        let _ = stream.write_all(&requests).await;
        loop {
            let ready = stream.ready(tokio::io::Interest::ERROR).await.unwrap();
            if ready.is_error() {
                return;
            }
        }
    });
    ended.await.expect("the answers are kept for ever");
    chain.get("/rpc/getHead").await.ok();
}
