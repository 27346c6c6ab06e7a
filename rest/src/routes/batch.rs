//! Owns `sendTxs`: many transactions in one request, as lines or as a JSON list, each answered by
//! itself and in its place.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use ait_api::{
    routes::SEND_TXS,
    tx::{Sent, SentOrRefused},
};
use ait_app::json;
use ait_node::{OneOfMany, Replacing, Submitted, Submitter, off_thread};
use axum::{
    Json,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, SeqAccess, Visitor},
};
use serde_json::{json, value::RawValue};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task::JoinSet,
    time::timeout,
};

use super::{
    endpoint::{Endpoint, MAX_BODY_BYTES},
    extract::{QueryOf, WithinLimit, read_body},
    transactions::replacing,
};
use crate::{
    error::{ApiError, RestCode},
    parts::Batches,
};

/// Transactions of one request.
const MAX_TXS: usize = 1_000;
/// Bytes of one request: room for as many of the largest.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// How long a request waits for its turn to be read.
const TURN: Duration = Duration::from_secs(10);
/// Senders whose transactions are on their way at once.
const SENDERS_AT_ONCE: usize = 32;

const NDJSON: &str = "application/x-ndjson";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::post(SEND_TXS.path, send_txs)]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SendQuery {
    replace: Option<bool>,
}

async fn send_txs(
    limit: WithinLimit,
    State(submitter): State<Submitter>,
    State(batches): State<Batches>,
    QueryOf(query): QueryOf<SendQuery>,
    request: Request,
) -> Result<Response, ApiError> {
    // Before the body is read: what waits holds no memory.
    let _turn = turn(&batches).await?;
    let declared = Form::declared(request.headers());
    let body = read_body(request, &(), MAX_BYTES).await?;
    let form = declared.unwrap_or_else(|| Form::of(&body));
    let texts = form.split(&body)?;
    // The request was counted as one.
    limit.take_more(texts.len().saturating_sub(1))?;
    let answers = send_all(&submitter, texts, replacing(query.replace)).await?;
    Ok(form.answer(answers))
}

async fn turn(Batches(batches): &Batches) -> Result<SemaphorePermit<'_>, ApiError> {
    let turn = timeout(TURN, batches.acquire()).await;
    turn.ok().and_then(Result::ok).ok_or_else(|| {
        ApiError::new(
            RestCode::TooManyConnections,
            "as many batches are being sent as this node takes at once",
        )
        .retry_after(1)
    })
}

/// How the transactions of a request, and their answers, are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One a line.
    Lines,
    /// As elements of a JSON list.
    List,
}

impl Form {
    /// What the request says of itself; `None` where that says nothing of this, as with `curl -d`.
    fn declared(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        let kind = value.split(';').next()?.trim();
        match kind.to_ascii_lowercase().as_str() {
            NDJSON | "application/ndjson" | "application/jsonl" => Some(Form::Lines),
            "application/json" => Some(Form::List),
            _ => None,
        }
    }

    /// What the body looks like: no transaction begins as a list does.
    fn of(body: &[u8]) -> Self {
        match body.trim_ascii_start().first() {
            Some(b'[') => Form::List,
            _ => Form::Lines,
        }
    }

    /// The text of each transaction.
    fn split(self, body: &Bytes) -> Result<Vec<Bytes>, ApiError> {
        let texts: Vec<Bytes> = match self {
            Form::List => {
                let list: AtMost<'_> = json::read(body, "")?;
                let texts = list.0.iter().map(|element| element.get().as_bytes());
                texts.map(|text| body.slice_ref(text)).collect()
            }
            Form::Lines => {
                let ended = body.strip_suffix(b"\n").unwrap_or(body);
                let lines = ended.split(|byte| *byte == b'\n');
                let some = lines.take(if ended.is_empty() { 0 } else { MAX_TXS + 1 });
                some.map(|line| body.slice_ref(line)).collect()
            }
        };
        if (1..=MAX_TXS).contains(&texts.len()) {
            return Ok(texts);
        }
        let message = format!("a request has 1 to {MAX_TXS} transactions");
        Err(ApiError::new(RestCode::InvalidRequest, message).detail("limit", MAX_TXS))
    }

    fn answer(self, answers: Vec<SentOrRefused>) -> Response {
        match self {
            Form::List => Json(answers).into_response(),
            Form::Lines => {
                let lines: String = answers
                    .iter()
                    .map(|answer| format!("{}\n", json!(answer)))
                    .collect();
                ([(header::CONTENT_TYPE, NDJSON)], lines).into_response()
            }
        }
    }
}

/// The elements of a list, of which no more are kept than one too many.
struct AtMost<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for AtMost<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements;
        impl<'de> Visitor<'de> for Elements {
            type Value = AtMost<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of 1 to {MAX_TXS} transactions")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = list.next_element::<&'de RawValue>()? {
                    if elements.len() == MAX_TXS {
                        return Err(A::Error::custom(format_args!(
                            "has more than {MAX_TXS} transactions"
                        )));
                    }
                    elements.push(element);
                }
                Ok(AtMost(elements))
            }
        }
        deserializer.deserialize_seq(Elements)
    }
}

/// A transaction that can be sent, and its place in the request.
struct Placed {
    place: usize,
    wire: Bytes,
}

/// Sends each: together where that can be, and singly what is left of that.
async fn send_all(
    submitter: &Submitter,
    texts: Vec<Bytes>,
    replacing: Replacing,
) -> Result<Vec<SentOrRefused>, ApiError> {
    let mut answers: BTreeMap<usize, SentOrRefused> = BTreeMap::new();
    let mut readable = Vec::with_capacity(texts.len());
    let reader = submitter.clone();
    let wires = off_thread(move || {
        let wires = texts.iter().map(|text| read_one(&reader, text));
        wires.collect::<Vec<_>>()
    });
    for (place, wire) in wires.await?.into_iter().enumerate() {
        match wire {
            Ok(wire) => readable.push(Placed { place, wire }),
            Err(error) => {
                answers.insert(place, error.into());
            }
        }
    }
    let wires = readable.iter().map(|placed| placed.wire.clone()).collect();
    let together = submitter.submit_many(wires, replacing).await?;
    let mut alone = Vec::new();
    for (placed, one) in readable.into_iter().zip(together) {
        let answer = match one {
            OneOfMany::Submitted(submitted) => sent(submitted),
            OneOfMany::Refused(refusal) => ApiError::from(refusal).into(),
            OneOfMany::Alone => {
                alone.push(placed);
                continue;
            }
        };
        answers.insert(placed.place, answer);
    }
    answers.extend(send_singly(submitter, alone, replacing).await?);
    Ok(answers.into_values().collect())
}

/// Sends each by itself. Those of one sender go one after another, since each is judged behind the one
/// before; different senders wait for each other no longer than they must.
async fn send_singly(
    submitter: &Submitter,
    placed: Vec<Placed>,
    replacing: Replacing,
) -> Result<Vec<(usize, SentOrRefused)>, ApiError> {
    let mut runs: BTreeMap<String, Vec<Placed>> = BTreeMap::new();
    for placed in placed {
        runs.entry(sender_of(&placed.wire))
            .or_default()
            .push(placed);
    }
    let mut answers = Vec::new();
    let away = Arc::new(OnceLock::new());
    let turns = Arc::new(Semaphore::new(SENDERS_AT_ONCE));
    let mut tasks = JoinSet::new();
    for run in runs.into_values() {
        let (submitter, away, turns) = (submitter.clone(), away.clone(), turns.clone());
        tasks.spawn(async move {
            let _turn = turns.acquire().await;
            send_run(&submitter, run, replacing, &away).await
        });
    }
    while let Some(done) = tasks.join_next().await {
        answers.extend(done.map_err(ApiError::internal)?);
    }
    Ok(answers)
}

fn sent(submitted: Submitted) -> SentOrRefused {
    SentOrRefused::Sent(Sent {
        tx_hash: submitted.hash.to_string(),
    })
}

/// The wire bytes of one of them, which may be no longer than one that comes alone.
fn read_one(submitter: &Submitter, text: &[u8]) -> Result<Bytes, ApiError> {
    if text.len() > MAX_BODY_BYTES {
        let message = format!("the transaction has more than {MAX_BODY_BYTES} bytes");
        let error = ApiError::new(RestCode::BodyTooLarge, message);
        return Err(error.detail("limit_bytes", MAX_BODY_BYTES));
    }
    Ok(submitter.wire_bytes(text)?.into())
}

/// Who sent wire bytes that were just made of a transaction.
fn sender_of(wire: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Sender {
        sender: String,
    }
    let read = serde_json::from_slice::<Sender>(wire);
    read.map(|read| read.sender).unwrap_or_default()
}

/// Sends a run of one sender. Once CometBFT does not answer, nothing more is tried.
async fn send_run(
    submitter: &Submitter,
    run: Vec<Placed>,
    replacing: Replacing,
    away: &OnceLock<ApiError>,
) -> Vec<(usize, SentOrRefused)> {
    let mut answers = Vec::new();
    for Placed { place, wire } in run {
        let answer = match away.get() {
            Some(error) => error.clone().into(),
            None => match submitter.submit(wire.into(), replacing).await {
                Ok(submitted) => sent(submitted),
                Err(error) => {
                    let error = ApiError::from(error);
                    if error.is_comet_away() {
                        let _ = away.set(error.clone());
                    }
                    error.into()
                }
            },
        };
        answers.push((place, answer));
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(form: Form, body: &[u8]) -> Option<Vec<String>> {
        let texts = form.split(&Bytes::copy_from_slice(body)).ok()?;
        let texts = texts
            .iter()
            .map(|text| String::from_utf8_lossy(text).into_owned());
        Some(texts.collect())
    }

    #[test]
    fn a_line_or_an_element_is_a_transaction() {
        type Case = (Form, &'static [u8], Option<&'static [&'static str]>);
        let cases: [Case; 9] = [
            (Form::Lines, b"a\nb", Some(&["a", "b"])),
            (Form::Lines, b"a\nb\n", Some(&["a", "b"])),
            (Form::Lines, b"a\n\nb\n", Some(&["a", "", "b"])),
            (Form::Lines, b"", None),
            (Form::Lines, b"\n", None),
            (
                Form::List,
                b" [ {\"a\": 1},2 ] ",
                Some(&["{\"a\": 1}", "2"]),
            ),
            (Form::List, b"[]", None),
            (Form::List, b"{}", None),
            (Form::List, b"[1,", None),
        ];
        for (form, body, expected) in cases {
            let expected =
                expected.map(|texts| texts.iter().map(|text| (*text).to_owned()).collect());
            assert_eq!(split(form, body), expected, "{form:?} {body:?}");
        }
    }

    #[test]
    fn no_more_than_a_thousand_are_taken() {
        for (count, taken) in [(1_000, true), (1_001, false), (100_000, false)] {
            let list = format!("[{}]", vec!["1"; count].join(","));
            assert_eq!(split(Form::List, list.as_bytes()).is_some(), taken);
            let lines = vec!["1"; count].join("\n");
            assert_eq!(split(Form::Lines, lines.as_bytes()).is_some(), taken);
        }
    }
}
