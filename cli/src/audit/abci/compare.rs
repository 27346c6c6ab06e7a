//! Owns the comparison of a recorded answer with that of an execution, and the name of the first field in which they
//! differ. Bytes that are equal are not taken apart.

use ait_abci::recording::MAX_REQUEST_BYTES;
use anyhow::Result;
use prost::{Message, bytes::Bytes};
use serde_json::Value;
use tendermint_proto::v0_38::abci::{Response, response::Value as Answer};

/// The longest value that is shown, characters.
const SHOWN: usize = 200;

/// Where two answers differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldDifference {
    /// The field, with the places in its lists from 0: `tx_results[3].code`.
    pub field: String,
    /// What the recording has.
    pub recorded: String,
    /// What executing gives.
    pub found: String,
}

/// What of an answer is compared. The rest is made equal before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// All of it.
    Whole,
    /// Info: all but the program's version.
    ButVersion,
    /// Commit of a node that makes snapshots, which may keep more blocks: `retain_height` is at most this one's.
    AtMost,
}

/// Whether a recorded node answered that it stops, for a reason of its own: its disk, an upgrade that it lacked, the
/// height where it was to halt. An invariant violation is none: whoever executes the same calls has to meet it too.
pub fn stopped_by_itself(recorded: &Bytes) -> bool {
    // The field of `Response` that is the exception, as its first byte (protobuf: field 1, length-delimited).
    const EXCEPTION: u8 = (1 << 3) | 2;
    if recorded.first() != Some(&EXCEPTION) || recorded.len() > MAX_REQUEST_BYTES {
        return false;
    }
    match Response::decode(recorded.clone()).map(|response| response.value) {
        Ok(Some(Answer::Exception(exception))) => !exception.error.contains("invariant violation"),
        _ => false,
    }
}

/// The first difference between a recorded answer and the own one.
///
/// # Errors
/// When the own answer is no JSON, which none is.
pub fn difference(
    recorded: &Bytes,
    own: Answer,
    compared: Compared,
) -> Result<Option<FieldDifference>> {
    let mut own = Response { value: Some(own) };
    let bytes = own.encode_to_vec();
    if *recorded == bytes {
        return Ok(None);
    }
    let whole = |recorded: String| FieldDifference {
        field: "response".to_owned(),
        recorded,
        found: format!("{} bytes", bytes.len()),
    };
    // Taken apart it may be many times as large.
    if recorded.len() > MAX_REQUEST_BYTES {
        return Ok(Some(whole(format!("{} bytes", recorded.len()))));
    }
    let mut recorded = match Response::decode(recorded.clone()) {
        Ok(recorded) => recorded,
        Err(error) => return Ok(Some(whole(format!("no ABCI response: {error}")))),
    };
    make_equal(&mut recorded, &mut own, compared);
    if recorded == own {
        return Ok(None);
    }
    let (recorded, own) = (serde_json::to_value(recorded)?, serde_json::to_value(own)?);
    let (recorded, own) = (&recorded["value"], &own["value"]);
    Ok(Some(first(recorded, own)))
}

/// Takes from both what is not compared.
fn make_equal(recorded: &mut Response, own: &mut Response, compared: Compared) {
    match (&mut recorded.value, &mut own.value, compared) {
        (Some(Answer::Info(recorded)), Some(Answer::Info(own)), Compared::ButVersion) => {
            recorded.version.clone_from(&own.version);
        }
        (Some(Answer::Commit(recorded)), Some(Answer::Commit(own)), Compared::AtMost)
            if (0..=own.retain_height).contains(&recorded.retain_height) =>
        {
            recorded.retain_height = own.retain_height;
        }
        _ => {}
    }
}

/// The first difference of two answers that are not equal.
fn first(recorded: &Value, own: &Value) -> FieldDifference {
    let mut path = String::new();
    let (recorded, own) = descend(recorded, own, &mut path);
    // The first step is the method's name, which the call has already.
    let field = match path.split_once('.') {
        Some((_, field)) => field.to_owned(),
        None => "response".to_owned(),
    };
    FieldDifference {
        field,
        recorded: shown(recorded),
        found: shown(own),
    }
}

/// Goes to the innermost values that differ, the first of them.
fn descend<'a>(recorded: &'a Value, own: &'a Value, path: &mut String) -> (&'a Value, &'a Value) {
    match (recorded, own) {
        (Value::Object(left), Value::Object(right)) => {
            // What one of them leaves out is empty there.
            let names = left
                .keys()
                .chain(right.keys().filter(|name| !left.contains_key(*name)));
            for name in names {
                let left = left.get(name).unwrap_or(&Value::Null);
                let right = right.get(name).unwrap_or(&Value::Null);
                if left != right {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(name);
                    return descend(left, right, path);
                }
            }
        }
        (Value::Array(left), Value::Array(right)) if !is_bytes(left) && !is_bytes(right) => {
            if left.len() != right.len() {
                return (recorded, own);
            }
            let mut pairs = left.iter().zip(right).enumerate();
            if let Some((index, (left, right))) = pairs.find(|(_, (left, right))| left != right) {
                path.push_str(&format!("[{index}]"));
                return descend(left, right, path);
            }
        }
        _ => {}
    }
    (recorded, own)
}

fn is_bytes(values: &[Value]) -> bool {
    !values.is_empty()
        && values
            .iter()
            .all(|value| value.as_u64().is_some_and(|byte| byte < 256))
}

/// A value for people: bytes in hex, and nothing that a terminal would obey.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) if is_bytes(values) => {
            let bytes = values.iter().filter_map(Value::as_u64);
            hex::encode_upper(
                bytes
                    .filter_map(|byte| u8::try_from(byte).ok())
                    .collect::<Vec<_>>(),
            )
        }
        Value::Array(values) => format!("{} entries", values.len()),
        other => other.to_string(),
    };
    let plain = text.replace(char::is_control, "\u{fffd}");
    match plain.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", plain.get(..end).unwrap_or_default()),
        None => plain,
    }
}
