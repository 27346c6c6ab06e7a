//! The WebSocket of live events.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, protocol::frame::coding::CloseCode},
};

use crate::harness::{
    Chain, PATIENCE, hash_of,
    keys::{ALICE, BOB},
};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(chain: &Chain) -> Socket {
    let url = format!("{}/p2p/ws", chain.base.replace("http", "ws"));
    connect_async(url).await.unwrap().0
}

async fn message(socket: &mut Socket) -> Message {
    let next = timeout(PATIENCE, socket.next()).await;
    next.expect("nothing came").unwrap().unwrap()
}

/// The next event; pings are answered by the client itself.
async fn event(socket: &mut Socket) -> Value {
    loop {
        match message(socket).await {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn blocks_and_their_transactions_are_told_as_get_block_and_get_tx_show_them() {
    let chain = Chain::start().await;
    let mut socket = connect(&chain).await;
    let tx = ALICE.transfer(1, BOB, 250);
    chain.send(&tx).await.ok();
    chain.comet.make_block().await;

    let block = event(&mut socket).await;
    assert_eq!(block["type"], "block");
    assert_eq!(block["data"], chain.get("/rpc/getBlock/2").await.ok());
    let told = event(&mut socket).await;
    assert_eq!(told["type"], "tx");
    let found = chain
        .get(&format!("/rpc/getTx/{}", hash_of(&tx)))
        .await
        .ok();
    assert_eq!(told["data"], found);

    chain.comet.make_block().await;
    let next = event(&mut socket).await;
    assert_eq!(next["data"]["height"], 3);
    assert_eq!(next["data"]["parent"], block["data"]["hash"]);
}

#[tokio::test]
async fn everybody_who_listens_is_told() {
    let chain = Chain::start().await;
    let mut sockets = Vec::new();
    for _ in 0..20 {
        sockets.push(connect(&chain).await);
    }
    chain.comet.make_block().await;
    for socket in &mut sockets {
        assert_eq!(event(socket).await["data"]["height"], 2);
    }
}

#[tokio::test]
async fn peers_are_told_as_they_come_and_go() {
    let chain = Chain::start().await;
    let mut socket = connect(&chain).await;
    chain.comet.set_peers(&["aa"]);
    let came = event(&mut socket).await;
    assert_eq!(came["type"], "peer");
    assert_eq!(
        (&came["data"]["id"], &came["data"]["event"]),
        (&json!("aa"), &json!("connected"))
    );
    let peers = chain.get("/p2p/peers").await.ok();
    assert_eq!(peers["peers"][0]["id"], "aa");
    assert!(chain.get("/rpc/metrics").await.text.contains("ait_peers 1"));
    chain.comet.set_peers(&[]);
    let went = event(&mut socket).await;
    assert_eq!(
        (&went["data"]["id"], &went["data"]["event"]),
        (&json!("aa"), &json!("disconnected"))
    );
}

#[tokio::test]
async fn what_clients_say_is_ignored_unless_it_is_too_long() {
    let chain = Chain::start().await;
    let mut socket = connect(&chain).await;
    socket.send(Message::text("hello")).await.unwrap();
    socket.send(Message::Ping(vec![7].into())).await.unwrap();
    assert_eq!(message(&mut socket).await, Message::Pong(vec![7].into()));
    chain.comet.make_block().await;
    assert_eq!(event(&mut socket).await["type"], "block");

    socket
        .send(Message::text("x".repeat(100_000)))
        .await
        .unwrap();
    let end = timeout(PATIENCE, async {
        while let Some(Ok(message)) = socket.next().await {
            assert!(matches!(message, Message::Close(_)), "{message:?}");
        }
    });
    end.await.expect("the connection stayed open");
    // Nobody else noticed.
    let mut other = connect(&chain).await;
    chain.comet.make_block().await;
    assert_eq!(event(&mut other).await["type"], "block");
}

#[tokio::test]
async fn no_more_connect_than_may() {
    let chain = Chain::with(|config| config.rest.max_websockets = 1).await;
    let first = connect(&chain).await;
    let url = format!("{}/p2p/ws", chain.base.replace("http", "ws"));
    let refused = connect_async(&url).await.unwrap_err().to_string();
    assert!(refused.contains("503"), "{refused}");
    drop(first);
    crate::harness::until("the place is free again", async || {
        connect_async(&url).await.ok()
    })
    .await;
}

#[tokio::test]
async fn a_plain_request_is_told_that_this_is_a_websocket() {
    let chain = Chain::start().await;
    let answer = chain.get("/p2p/ws").await;
    assert_eq!(answer.refusal(), (400, "invalid_request"));
}

#[tokio::test]
async fn a_stopping_node_says_goodbye() {
    let mut chain = Chain::start().await;
    let mut socket = connect(&chain).await;
    chain.stop().await;
    match message(&mut socket).await {
        Message::Close(Some(frame)) => assert_eq!(frame.code, CloseCode::Away),
        other => panic!("{other:?}"),
    }
}
