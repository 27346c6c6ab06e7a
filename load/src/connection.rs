//! Owns one HTTP/1.1 connection, kept open and opened again where the other side closed it: each connection of a load
//! is a TCP connection of its own, which a pool of a client would not promise.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, StatusCode, Uri,
    client::conn::http1::{self, SendRequest},
    header::{CONTENT_TYPE, HOST},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

use crate::LoadError;

/// The longest a connection or an answer may take: a node under load answers late.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest answer that is read: a block of 100 MiB as base64 in JSON.
const MOST_ANSWER_BYTES: usize = 256 * 1024 * 1024;

/// A connection to one address.
pub(crate) struct Connection {
    url: String,
    authority: String,
    open: Option<SendRequest<Full<Bytes>>>,
}

/// What was answered.
pub(crate) struct Answer {
    /// HTTP's status.
    pub status: StatusCode,
    /// The whole body.
    pub body: Bytes,
}

impl Connection {
    /// Of `http://HOST:PORT`; nothing is opened yet.
    pub fn new(url: &str) -> Result<Self, LoadError> {
        let bad = |reason: String| LoadError::Address {
            url: url.to_owned(),
            reason,
        };
        let uri: Uri = url.parse().map_err(|error| bad(format!("{error}")))?;
        match (uri.scheme_str(), uri.authority()) {
            (Some("http"), Some(authority)) => Ok(Self {
                url: url.trim_end_matches('/').to_owned(),
                authority: match authority.port() {
                    Some(_) => authority.to_string(),
                    None => format!("{authority}:80"),
                },
                open: None,
            }),
            _ => Err(bad("it is not http".to_owned())),
        }
    }

    /// Opens it, so that the first request does not wait for that.
    pub async fn open(&mut self) -> Result<(), LoadError> {
        self.ready().await.map(|_| ())
    }

    /// Posts a body.
    pub async fn post(
        &mut self,
        path: &str,
        content_type: &'static str,
        body: Bytes,
    ) -> Result<Answer, LoadError> {
        let request = Request::post(path)
            .header(HOST, &self.authority)
            .header(CONTENT_TYPE, content_type)
            .body(Full::new(body));
        self.send(request).await
    }

    /// Asks for a path.
    pub async fn get(&mut self, path: &str) -> Result<Answer, LoadError> {
        let request = Request::get(path).header(HOST, &self.authority);
        self.send(request.body(Full::default())).await
    }

    async fn send(
        &mut self,
        request: hyper::http::Result<Request<Full<Bytes>>>,
    ) -> Result<Answer, LoadError> {
        let request = request.map_err(|error| LoadError::connection(&self.url, error))?;
        let answer = timeout(PATIENCE, self.exchange(request)).await;
        let answer = answer
            .unwrap_or_else(|_| Err(LoadError::connection(&self.url, "no answer within 30 s")));
        if answer.is_err() {
            self.open = None;
        }
        answer
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, LoadError> {
        let url = self.url.clone();
        let failed = |error: hyper::Error| LoadError::connection(&url, error);
        let sent = self.ready().await?.try_send_request(request).await;
        let answer = match sent {
            Ok(answer) => answer,
            // The other side was closing a connection that had been idle: nothing of it was sent.
            Err(mut unsent) => {
                let Some(request) = unsent.take_message() else {
                    return Err(failed(unsent.into_error()));
                };
                self.open = None;
                let again = self.ready().await?.send_request(request).await;
                again.map_err(failed)?
            }
        };
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MOST_ANSWER_BYTES);
        let body = body.collect().await;
        let body = body.map_err(|error| LoadError::connection(&url, error))?;
        Ok(Answer {
            status,
            body: body.to_bytes(),
        })
    }

    async fn ready(&mut self) -> Result<&mut SendRequest<Full<Bytes>>, LoadError> {
        let failed = |error: &dyn ToString| LoadError::connection(&self.url, error.to_string());
        let still_open = match &mut self.open {
            Some(sender) => sender.ready().await.is_ok(),
            None => false,
        };
        if !still_open {
            let stream = TcpStream::connect(&self.authority).await;
            let stream = stream.map_err(|error| failed(&error))?;
            stream.set_nodelay(true).map_err(|error| failed(&error))?;
            let (sender, connection) = http1::handshake(TokioIo::new(stream))
                .await
                .map_err(|error| failed(&error))?;
            // Ends when the sender is dropped or the other side closes.
            tokio::spawn(connection);
            self.open = Some(sender);
        }
        let url = self.url.clone();
        let open = self.open.as_mut();
        open.ok_or_else(|| LoadError::connection(&url, "it is not open"))
    }
}
