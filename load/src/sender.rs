//! Owns the three ways into a chain, and what their answers mean: taken, to be tried again, refused for good.

use ait_api::{
    routes::{SEND_TX, SEND_TXS},
    tx::SentOrRefused,
};
use ait_app::Code;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::Deserialize;

use crate::{
    LoadError,
    args::Through,
    connection::{Answer, Connection},
};

const JSON: &str = "application/json";
const NDJSON: &str = "application/x-ndjson";

/// Refusals that time cures: the pool is full, or what the transaction builds on has not come to this node yet, such as
/// the escrow of a claim that another node has seen in a block.
const LATER: [&str; 9] = [
    "escrow_not_found",
    "pool_full",
    "nonce_gap",
    "nonce_too_far_ahead",
    "too_many_parked",
    "too_many_connections",
    "rate_limited",
    "comet_unreachable",
    "address_limit",
];

/// What became of one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is in the mempool.
    Taken,
    /// The same bytes may be taken later.
    Later,
    /// Never.
    Refused {
        /// The stable name.
        code: String,
        /// For people.
        message: String,
    },
}

/// One connection into the chain.
pub(crate) struct Sender {
    connection: Connection,
    through: Through,
}

impl Sender {
    pub fn new(url: &str, through: Through) -> Result<Self, LoadError> {
        Ok(Self {
            connection: Connection::new(url)?,
            through,
        })
    }

    pub async fn open(&mut self) -> Result<(), LoadError> {
        self.connection.open().await
    }

    /// Sends transactions, one unless they are lines; an outcome for each.
    pub async fn send(&mut self, wires: &[Bytes]) -> Result<Vec<Outcome>, LoadError> {
        match (self.through, wires) {
            (_, []) => Ok(Vec::new()),
            (Through::Lines, _) => self.send_lines(wires).await,
            (Through::Rest, wires) => {
                let mut outcomes = Vec::with_capacity(wires.len());
                for wire in wires {
                    let body = wire.clone();
                    let answer = self.connection.post(SEND_TX.path, JSON, body).await?;
                    outcomes.push(of_rest(&answer));
                }
                Ok(outcomes)
            }
            (Through::Comet, wires) => {
                let mut outcomes = Vec::with_capacity(wires.len());
                for wire in wires {
                    let body = broadcast(wire);
                    let answer = self.connection.post("/", JSON, body).await?;
                    outcomes.push(of_comet(&answer));
                }
                Ok(outcomes)
            }
        }
    }

    async fn send_lines(&mut self, wires: &[Bytes]) -> Result<Vec<Outcome>, LoadError> {
        let body = wires.join(&b'\n').into();
        let answer = self.connection.post(SEND_TXS.path, NDJSON, body).await?;
        if !answer.status.is_success() {
            // All of them are refused alike.
            return Ok(vec![of_rest(&answer); wires.len()]);
        }
        let text = std::str::from_utf8(&answer.body).unwrap_or_default();
        let outcomes: Vec<Outcome> = text.lines().map(of_line).collect();
        if outcomes.len() == wires.len() {
            return Ok(outcomes);
        }
        Err(LoadError::Internal(format!(
            "{} lines were sent, and {} answered",
            wires.len(),
            outcomes.len()
        )))
    }
}

fn refused(code: &str, message: &str) -> Outcome {
    if LATER.contains(&code) {
        return Outcome::Later;
    }
    Outcome::Refused {
        code: code.to_owned(),
        message: message.to_owned(),
    }
}

fn of_line(line: &str) -> Outcome {
    match serde_json::from_str(line) {
        Ok(SentOrRefused::Sent(_)) => Outcome::Taken,
        Ok(SentOrRefused::Refused(answer)) => refused(&answer.error.code, &answer.error.message),
        Err(_) => refused("unreadable_answer", line),
    }
}

fn of_rest(answer: &Answer) -> Outcome {
    let body = std::str::from_utf8(&answer.body).unwrap_or_default();
    match (answer.status.as_u16(), of_line(body)) {
        (200, outcome) => outcome,
        (429 | 503, _) => Outcome::Later,
        (_, Outcome::Taken) => refused("unreadable_answer", body),
        (_, outcome) => outcome,
    }
}

/// A request of JSON-RPC; the bytes are base64, which needs no escaping.
fn broadcast(wire: &[u8]) -> Bytes {
    let mut body =
        r#"{"jsonrpc":"2.0","id":1,"method":"broadcast_tx_sync","params":{"tx":""#.to_owned();
    STANDARD.encode_string(wire, &mut body);
    body.push_str(r#""}}"#);
    body.into()
}

#[derive(Deserialize)]
struct RpcAnswer {
    result: Option<Checked>,
    error: Option<RpcError>,
}

#[derive(Deserialize)]
struct Checked {
    code: u32,
    #[serde(default)]
    log: String,
}

#[derive(Deserialize)]
struct RpcError {
    #[serde(default)]
    message: String,
    #[serde(default)]
    data: String,
}

fn of_comet(answer: &Answer) -> Outcome {
    match serde_json::from_slice(&answer.body) {
        Ok(RpcAnswer {
            result: Some(checked),
            ..
        }) => of_check(&checked),
        Ok(RpcAnswer {
            error: Some(error), ..
        }) => {
            let words = format!("{} {}", error.message, error.data);
            if words.contains("already exists in cache") {
                // Sent before, and the answer was lost.
                return Outcome::Taken;
            }
            if words.contains("mempool is full") || words.contains("rechecking") {
                return Outcome::Later;
            }
            refused("comet", &words)
        }
        _ => refused("comet", &String::from_utf8_lossy(&answer.body)),
    }
}

fn of_check(checked: &Checked) -> Outcome {
    if checked.code == 0 {
        return Outcome::Taken;
    }
    let code = Code::from_number(checked.code).map_or("check_tx", Code::name);
    refused(code, &checked.log)
}

#[cfg(test)]
mod tests {
    use hyper::StatusCode;

    use super::*;

    fn answer(status: u16, body: &'static str) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            body: Bytes::from_static(body.as_bytes()),
        }
    }

    #[test]
    fn what_time_cures_is_tried_again_and_nothing_else() {
        let taken = r#"{"txHash":"AB"}"#;
        assert_eq!(of_rest(&answer(200, taken)), Outcome::Taken);
        let error = r#"{"error":{"code":"pool_full","codespace":"auth","message":"m"}}"#;
        assert_eq!(of_rest(&answer(422, error)), Outcome::Later);
        assert_eq!(of_rest(&answer(503, "busy")), Outcome::Later);
        let error = r#"{"error":{"code":"nonce_used","codespace":"auth","message":"m"}}"#;
        let refused = of_rest(&answer(409, error));
        assert!(matches!(refused, Outcome::Refused { code, .. } if code == "nonce_used"));
    }

    #[test]
    fn comet_s_answers_say_the_same() {
        for (body, expected) in [
            (r#"{"result":{"code":0,"log":""}}"#, Outcome::Taken),
            (r#"{"result":{"code":15,"log":"x"}}"#, Outcome::Later),
            (
                r#"{"error":{"code":-32603,"message":"Internal error","data":"mempool is full: 1"}}"#,
                Outcome::Later,
            ),
            (
                r#"{"error":{"code":-32603,"message":"Internal error","data":"tx already exists in cache"}}"#,
                Outcome::Taken,
            ),
        ] {
            assert_eq!(of_comet(&answer(200, body)), expected, "{body}");
        }
        let refused = of_comet(&answer(200, r#"{"result":{"code":9,"log":"x"}}"#));
        assert!(matches!(refused, Outcome::Refused { code, .. } if code == "invalid_signature"));
    }
}
