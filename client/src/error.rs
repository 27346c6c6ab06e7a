//! Owns what an HTTP answer means: the answer asked for, a refusal, or none at all; and what can go wrong where a
//! transaction is signed and sent.

use std::time::Duration;

use ait_api::{
    error::ErrorAnswer,
    tx::{DropReason, TxReceipt},
};
use ait_app::quantity::Uait;
use reqwest::{Response, StatusCode};
use serde::de::DeserializeOwned;

/// What is shown of an answer that is not understood.
const SHOWN_CHARACTERS: usize = 300;
/// The longest refusal that is read where something else was hoped for.
const REFUSAL_BYTES: usize = 64 * 1024;

/// What a node answers before it has tried anything.
const NOT_TRIED: [&str; 5] = [
    "address_limit",
    "not_configured",
    "shutting_down",
    "starting",
    "too_many_connections",
];

/// Why a request brought no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// Nobody answered.
    #[error("no answer from {url}: {reason}. Is it running, and is that its address?")]
    Unreachable {
        /// Who was asked.
        url: String,
        /// The system's reason.
        reason: String,
        /// Whether the request may have been heard all the same.
        maybe_heard: bool,
    },
    /// The node said no.
    #[error("refused with {codespace}/{code} (HTTP {status}): {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The stable name of the error.
        code: String,
        /// Its codespace.
        codespace: String,
        /// For people.
        message: String,
    },
    /// Something answered that is no node of this version.
    #[error("{url} gave an answer that is none of an AIT node: {reason}")]
    Unexpected {
        /// Who was asked.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Why nothing was signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The node does not tell what fee or nonce is needed.
    #[error(transparent)]
    Node(#[from] ClientError),
    /// The node asks for more than the limit.
    #[error(
        "the node requires a fee of {required} uait, more than the limit of {limit}: nothing was signed"
    )]
    FeeAboveLimit {
        /// What it asks for.
        required: Uait,
        /// The limit.
        limit: Uait,
    },
    /// No node would read the transaction; with the field and its limit.
    #[error("{0}")]
    Malformed(String),
}

/// Why a transaction was not sent, or not known to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Nothing was signed.
    #[error(transparent)]
    NotSigned(#[from] SignError),
    /// The node refused it, or nobody heard it: it does nothing.
    #[error(transparent)]
    NotTaken(ClientError),
    /// It was sent, and no answer says whether the node took it.
    #[error(
        "the transaction {hash} may have been sent: the last answer was: {last}. Ask what became of it \
         before you send another"
    )]
    Unknown {
        /// Its hash.
        hash: String,
        /// The last of the answers.
        last: ClientError,
    },
}

impl SendError {
    /// What the node answered, where that is why nothing was sent.
    pub fn answer(&self) -> Option<&ClientError> {
        match self {
            SendError::NotSigned(SignError::Node(error)) | SendError::NotTaken(error) => {
                Some(error)
            }
            SendError::NotSigned(_) | SendError::Unknown { .. } => None,
        }
    }

    /// Whether the node refused with this error, so that nothing was sent.
    pub fn is(&self, name: &str) -> bool {
        self.answer().is_some_and(|answer| answer.is(name))
    }
}

/// The transaction is in a block, where it did not do what it asked for. Its fee is paid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the transaction failed in block {} with {} code {}: {}",
    .0.height, .0.codespace, .0.code, .0.log
)]
pub struct Failed(pub TxReceipt);

/// A transaction that was sent is in no block, as far as can be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotCommitted {
    /// The node let go of it.
    #[error("the node dropped transaction {hash}: {reason}. Its nonce is free again")]
    Dropped {
        /// Its hash.
        hash: String,
        /// Why.
        reason: DropReason,
    },
    /// The node knows nothing of it any more.
    #[error(
        "the node dropped transaction {hash}: it is neither pending nor in a block. Its nonce is free again, \
         unless another transaction took it"
    )]
    Forgotten {
        /// Its hash.
        hash: String,
    },
    /// It is pending still.
    #[error("transaction {hash} was sent and is in no block after {within:?}; it may still come")]
    TimeOver {
        /// Its hash.
        hash: String,
        /// How long it was waited for.
        within: Duration,
    },
    /// The node answers, and not what became of it.
    #[error("transaction {hash} was sent, and the node does not tell what became of it: {cause}")]
    Untold {
        /// Its hash.
        hash: String,
        /// What it answers.
        cause: ClientError,
    },
}

/// Why what was asked for is not done, or not known to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExecuteError {
    /// It was not sent, or not known to be.
    #[error(transparent)]
    NotSent(#[from] SendError),
    /// It is in no block.
    #[error(transparent)]
    NotCommitted(#[from] NotCommitted),
    /// It failed in its block.
    #[error(transparent)]
    Failed(#[from] Failed),
}

impl NotCommitted {
    /// Whether it may be in a block yet, or come into one: whoever sends another in its place may do it twice.
    pub fn is_unknown(&self) -> bool {
        match self {
            NotCommitted::Dropped { .. } | NotCommitted::Forgotten { .. } => false,
            NotCommitted::TimeOver { .. } | NotCommitted::Untold { .. } => true,
        }
    }
}

impl ClientError {
    /// Whether the node refused with this error.
    pub fn is(&self, name: &str) -> bool {
        matches!(self, ClientError::Refused { code, .. } if code == name)
    }

    /// Whether the same request may fare better later: nobody answered, or the node is not ready,
    /// busy, or keeps its rate limit.
    pub fn is_passing(&self) -> bool {
        match self {
            ClientError::Unreachable { .. } => true,
            ClientError::Refused { status, .. } => *status == 429 || *status >= 500,
            ClientError::Unexpected { .. } => false,
        }
    }

    /// Whether a deed that was asked for may be done, though no answer says so.
    pub fn may_be_done(&self) -> bool {
        match self {
            ClientError::Unreachable { maybe_heard, .. } => *maybe_heard,
            ClientError::Refused { status, code, .. } => {
                *status >= 500 && !NOT_TRIED.contains(&code.as_str())
            }
            ClientError::Unexpected { .. } => true,
        }
    }

    pub(crate) fn unreachable(url: &str, error: &reqwest::Error) -> Self {
        ClientError::Unreachable {
            url: url.to_owned(),
            reason: innermost(error),
            // Without a connection nothing was said.
            maybe_heard: !error.is_connect() && !error.is_builder(),
        }
    }

    /// What an answer says that is not the one hoped for.
    pub(crate) async fn of_answer(url: String, answer: Response) -> Self {
        let status = answer.status();
        match read_body(&url, answer, REFUSAL_BYTES).await {
            Ok(body) => refusal(&url, status, &body),
            Err(error) => error,
        }
    }

    /// Whether what was asked for does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, ClientError::Refused { status: 404, .. })
    }
}

/// Who answers chooses how much: no more is kept than may come.
async fn read_body(
    url: &str,
    mut answer: Response,
    most_bytes: usize,
) -> Result<Vec<u8>, ClientError> {
    let mut body = Vec::new();
    loop {
        let part = answer.chunk().await;
        let Some(part) = part.map_err(|error| ClientError::unreachable(url, &error))? else {
            return Ok(body);
        };
        if body.len().saturating_add(part.len()) > most_bytes {
            return Err(ClientError::Unexpected {
                url: url.to_owned(),
                reason: format!("it has more than {most_bytes} bytes"),
            });
        }
        body.extend_from_slice(&part);
    }
}

/// Reads an answer of at most so many bytes; with `even_failed` whatever its status is.
///
/// # Errors
/// [`ClientError`].
pub async fn read_answer<T: DeserializeOwned>(
    url: String,
    answer: reqwest::Result<Response>,
    even_failed: bool,
    most_bytes: usize,
) -> Result<T, ClientError> {
    let answer = answer.map_err(|error| ClientError::unreachable(&url, &error))?;
    let status = answer.status();
    let body = read_body(&url, answer, most_bytes).await?;
    if status.is_success() || even_failed {
        return serde_json::from_slice(&body).map_err(|error| ClientError::Unexpected {
            reason: format!("HTTP {status}, {error}: {}", shown(&body)),
            url,
        });
    }
    Err(refusal(&url, status, &body))
}

fn refusal(url: &str, status: StatusCode, body: &[u8]) -> ClientError {
    match serde_json::from_slice::<ErrorAnswer>(body) {
        Ok(ErrorAnswer { error, .. }) => ClientError::Refused {
            status: status.as_u16(),
            code: error.code,
            codespace: error.codespace,
            message: error.message,
        },
        Err(_) if status.is_server_error() => ClientError::Unreachable {
            maybe_heard: true,
            url: url.to_owned(),
            reason: format!("HTTP {status}: {}", shown(body)),
        },
        Err(_) => ClientError::Unexpected {
            url: url.to_owned(),
            reason: format!("HTTP {status}: {}", shown(body)),
        },
    }
}

fn shown(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    text.chars().take(SHOWN_CHARACTERS).collect()
}

/// The cause at the bottom: the layers above it only repeat the URL.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if error.is_timeout() {
        return "it took too long".to_owned();
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_keeps_its_code_and_message() {
        let body =
            br#"{"error":{"code":"nonce_used","codespace":"auth","message":"field nonce is 1"}}"#;
        let error = refusal("http://n", StatusCode::CONFLICT, body);
        assert!(error.is("nonce_used"));
        assert!(!error.is_passing());
        assert!(error.to_string().contains("field nonce is 1"), "{error}");
    }

    #[test]
    fn only_what_time_may_cure_is_passing() {
        let refused = |status: u16| {
            refusal(
                "http://n",
                StatusCode::from_u16(status).unwrap(),
                br#"{"error":{"code":"x"}}"#,
            )
        };
        assert!(refused(429).is_passing());
        assert!(refused(503).is_passing());
        assert!(!refused(422).is_passing());
        assert!(refusal("http://n", StatusCode::BAD_GATEWAY, b"<html>").is_passing());
        assert!(!refusal("http://n", StatusCode::NOT_FOUND, b"<html>").is_passing());
    }
}
