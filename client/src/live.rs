//! Owns a node's live events (PROTOCOL section 9.2, `WS /p2p/ws`): the WebSocket is opened by the HTTP client itself,
//! so that it has its TLS and its trust.

use std::time::Duration;

use ait_api::node::LiveEvent;
use futures_util::StreamExt;
use reqwest::{StatusCode, Upgraded, header};
use tokio::time::timeout;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        handshake::{client::generate_key, derive_accept_key},
        protocol::Role,
    },
};

use crate::error::ClientError;

/// How long a node may be silent: it pings every 20 s.
const SILENCE: Duration = Duration::from_secs(60);

/// A connection that tells of blocks, transactions and peers as they come.
#[derive(Debug)]
pub struct LiveEvents {
    socket: WebSocketStream<Upgraded>,
    url: String,
}

impl LiveEvents {
    pub(crate) async fn open(http: &reqwest::Client, url: String) -> Result<Self, ClientError> {
        let key = generate_key();
        let request = http
            .get(&url)
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_VERSION, "13")
            .header(header::SEC_WEBSOCKET_KEY, &key);
        let answer = request.send().await;
        let answer = answer.map_err(|error| ClientError::unreachable(&url, &error))?;
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(ClientError::of_answer(url, answer).await);
        }
        let accepted = answer.headers().get(header::SEC_WEBSOCKET_ACCEPT);
        if accepted
            .is_none_or(|value| value.as_bytes() != derive_accept_key(key.as_bytes()).as_bytes())
        {
            let reason = "it becomes no WebSocket (RFC 6455)".to_owned();
            return Err(ClientError::Unexpected { url, reason });
        }
        let stream = answer.upgrade().await;
        let stream = stream.map_err(|error| ClientError::unreachable(&url, &error))?;
        let socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
        Ok(Self { socket, url })
    }

    /// The next event.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] when the connection ends or nothing comes for a minute,
    /// [`ClientError::Unexpected`] for what is no event.
    pub async fn next(&mut self) -> Result<LiveEvent, ClientError> {
        loop {
            let ended = |reason: String| ClientError::Unreachable {
                url: self.url.clone(),
                reason,
                maybe_heard: true,
            };
            let message = timeout(SILENCE, self.socket.next()).await;
            match message.map_err(|_| ended("it tells of nothing any more".to_owned()))? {
                Some(Ok(Message::Text(text))) => {
                    return serde_json::from_str(&text).map_err(|error| ClientError::Unexpected {
                        url: self.url.clone(),
                        reason: error.to_string(),
                    });
                }
                Some(Ok(Message::Close(_))) | None => {
                    return Err(ended("it was closed".to_owned()));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(ended(error.to_string())),
            }
        }
    }
}
