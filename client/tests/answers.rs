//! Who answers does not choose how much memory an answer takes.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use ait_client::{Client, ClientError, http::Trust};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// A server whose answers, with this status, do not end.
async fn endless(status: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(head.as_bytes()).await;
            while stream.write_all(&[b' '; 4096]).await.is_ok() {}
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn an_answer_without_end_is_left_at_the_limit() {
    for status in ["200 OK", "400 Bad Request"] {
        let node = Client::new(&endless(status).await, &Trust::default()).unwrap();
        let node = node.with_answers_up_to(100_000);
        let error = node.head().await.unwrap_err();
        assert!(matches!(error, ClientError::Unexpected { .. }), "{error}");
        assert!(error.to_string().contains("100000 bytes"), "{error}");
    }
}

#[tokio::test]
async fn so_is_one_that_should_have_become_a_websocket() {
    let node = Client::new(&endless("200 OK").await, &Trust::default()).unwrap();
    let error = node.live_events().await.unwrap_err();
    assert!(error.to_string().contains("65536 bytes"), "{error}");
}
