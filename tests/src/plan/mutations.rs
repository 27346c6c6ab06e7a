//! Owns random changes: of wire bytes, after which no signature holds, and of fields before they are
//! signed, after which only the reading of the payload stands between them and the state.

use ait_testkit::draft::Draft;
use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::{Map, Value, json};

use super::Who;
use crate::model::treasury;

/// One change of bytes.
#[derive(Debug, Clone)]
pub enum Mutation {
    FlipBit(Index, u8),
    Cut(Index),
    Remove(Index, u8),
    Insert(Index, Vec<u8>),
    Repeat(Index, u8),
    /// Goes on as another wire does.
    Splice(Index, Index, Index),
    Token(Index, &'static str),
}

/// One change of a transaction's fields before it is signed.
#[derive(Debug, Clone)]
pub struct Edit {
    /// Of which example.
    which: Index,
    /// Of which value in its payload, counted through all depths.
    at: Index,
    what: What,
}

impl Edit {
    /// The number of the example, of so many.
    pub fn which(&self, all: usize) -> usize {
        self.which.index(all)
    }
}

#[derive(Debug, Clone)]
enum What {
    /// Another value there.
    Replace(Value),
    /// The value isn't there.
    Remove,
    /// A value beside it.
    Add(&'static str, Value),
    /// A number next to it, a text spelled otherwise, a list with something twice.
    Near(u8),
    /// The transaction's type is another.
    Kind(&'static str),
    /// The transaction's sender is another.
    Sender(Who),
}

const TOKENS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"",
    ",",
    ":",
    "null",
    "true",
    "-0",
    "1e9",
    "1e999",
    "0.5",
    "9007199254740992",
    "99999999999999999999",
    "\\u0000",
    "\\ud800",
    "\\u0061",
    "\u{feff}",
    " ",
    "\n",
    "{\"attestations\":[",
    "AIT-ENVELOPE/1",
    "\"fee\":0,",
    "[[[[[[[[[[[[",
];

/// Any change of bytes.
pub fn mutation() -> impl Strategy<Value = Mutation> {
    let place = any::<Index>;
    prop_oneof![
        1 => (place(), 0_u8..8).prop_map(|(at, bit)| Mutation::FlipBit(at, bit)),
        1 => place().prop_map(Mutation::Cut),
        1 => (place(), 1_u8..40).prop_map(|(at, count)| Mutation::Remove(at, count)),
        1 => (place(), vec(any::<u8>(), 1..20)).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        1 => (place(), 1_u8..60).prop_map(|(at, count)| Mutation::Repeat(at, count)),
        1 => (place(), place(), place()).prop_map(|(a, b, c)| Mutation::Splice(a, b, c)),
        3 => (place(), prop::sample::select(TOKENS)).prop_map(|(at, token)| Mutation::Token(at, token)),
    ]
}

/// Changes the bytes. `wires` are what one may go on as.
pub fn mutate(wire: &mut Vec<u8>, wires: &[Vec<u8>], mutation: &Mutation) {
    if wire.is_empty() {
        return;
    }
    let range = |at: &Index, count: u8| {
        let from = at.index(wire.len());
        from..(from + usize::from(count)).min(wire.len())
    };
    match mutation {
        Mutation::FlipBit(at, bit) => {
            let at = at.index(wire.len());
            wire[at] ^= 1 << bit;
        }
        Mutation::Cut(at) => wire.truncate(at.index(wire.len())),
        Mutation::Remove(at, count) => drop(wire.drain(range(at, *count))),
        Mutation::Insert(at, bytes) => {
            let at = at.index(wire.len());
            wire.splice(at..at, bytes.iter().copied());
        }
        Mutation::Repeat(at, count) => {
            let range = range(at, *count);
            let copy = wire[range.clone()].to_vec();
            wire.splice(range.start..range.start, copy);
        }
        Mutation::Splice(other, from, to) => {
            let other = other.get(wires);
            let tail = &other[from.index(other.len())..];
            wire.truncate(to.index(wire.len()));
            wire.extend_from_slice(tail);
        }
        Mutation::Token(at, token) => {
            let at = at.index(wire.len());
            wire.splice(at..at, token.bytes());
        }
    }
}

fn values() -> Vec<Value> {
    let mut values = vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(5),
        json!(-1),
        json!(1.5),
        json!(10_000),
        json!(10_001),
        json!((1_u64 << 53) - 1),
        json!(1_u64 << 53),
        json!(u64::MAX),
        json!(""),
        json!("cbp"),
        json!("x".repeat(65)),
        json!("x".repeat(257)),
        json!(".hidden"),
        json!("ä"),
        json!([]),
        json!({}),
        json!([{}]),
        json!(treasury()),
        json!(treasury().to_uppercase()),
        json!("00".repeat(32)),
        json!("00".repeat(64)),
        json!(format!("01{}", "00".repeat(31))),
        json!(format!("sha256:{}", "AB".repeat(32))),
    ];
    values.extend([Who::Alice, Who::Coordinator, Who::Arbiter].map(|who| who.address().into()));
    values.push(Who::Alice.actor().pubkey().to_string().into());
    values
}

/// Any change of fields.
pub fn edit() -> impl Strategy<Value = Edit> {
    let value = || prop::sample::select(values());
    let name = prop::sample::select(vec![
        "memo",
        "miner",
        "final",
        "partial",
        "threshold",
        "attesters",
        "ttl_blocks",
        "opened_height",
        "attestation",
        "attestations",
        "miner_pubkey",
        "validator_pubkey",
        "proof",
        "gas",
    ]);
    let kinds = prop::sample::select(vec!["TRANSFER", "STAKE", "UNJAIL", "MINT", "ATTESTATIONS"]);
    let who = prop::sample::select(super::EVERYBODY);
    let what = prop_oneof![
        6 => value().prop_map(What::Replace),
        3 => Just(What::Remove),
        3 => (name, value()).prop_map(|(name, value)| What::Add(name, value)),
        6 => any::<u8>().prop_map(What::Near),
        1 => kinds.prop_map(What::Kind),
        1 => who.prop_map(What::Sender),
    ];
    (any::<Index>(), any::<Index>(), what).prop_map(|(which, at, what)| Edit { which, at, what })
}

/// The transaction with these changes, to be signed.
pub fn edited(mut draft: Draft, edits: &[Edit]) -> Draft {
    for edit in edits {
        match &edit.what {
            What::Kind(kind) => draft.kind = (*kind).to_owned(),
            What::Sender(who) => draft.sender = who.address(),
            // Beside another fault a list instead of an object may be the one that is told, or not.
            What::Near(_) if edits.len() > 1 && !is_plain(&draft.payload, edit) => {}
            what => {
                let mut left = edit.at.index(count(&draft.payload));
                visit(&mut draft.payload, &mut left, what);
            }
        }
    }
    draft
}

/// Whether the value that the edit is about is no object.
fn is_plain(payload: &Value, edit: &Edit) -> bool {
    fn nth<'a>(value: &'a Value, left: &mut usize) -> Option<&'a Value> {
        if *left == 0 {
            return Some(value);
        }
        *left -= 1;
        match value {
            Value::Array(items) => items.iter().find_map(|item| nth(item, left)),
            Value::Object(fields) => fields.values().find_map(|field| nth(field, left)),
            _ => None,
        }
    }
    let mut left = edit.at.index(count(payload));
    nth(payload, &mut left).is_some_and(|value| !value.is_object())
}

/// A value and all values inside of it.
fn count(value: &Value) -> usize {
    let inner: usize = match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    };
    1 + inner
}

/// Changes the value that stands `left` places from here. Tells whether the one asked is to go.
fn visit(value: &mut Value, left: &mut usize, what: &What) -> bool {
    if *left == 0 {
        *left = usize::MAX;
        return change(value, what);
    }
    *left -= 1;
    let mut gone = None;
    match value {
        Value::Array(items) => {
            for (place, item) in items.iter_mut().enumerate() {
                if *left == usize::MAX {
                    break;
                }
                if visit(item, left, what) {
                    gone = Some(place);
                }
            }
            gone.map(|place| items.remove(place));
        }
        Value::Object(fields) => {
            let mut gone = None;
            for (name, field) in fields.iter_mut() {
                if *left == usize::MAX {
                    break;
                }
                if visit(field, left, what) {
                    gone = Some(name.clone());
                }
            }
            gone.and_then(|name| fields.remove(&name));
        }
        _ => {}
    }
    false
}

fn change(value: &mut Value, what: &What) -> bool {
    match what {
        What::Remove => return true,
        What::Replace(new) => *value = new.clone(),
        What::Add(name, new) => match value {
            Value::Object(fields) => drop(fields.insert((*name).to_owned(), new.clone())),
            Value::Array(items) => items.push(new.clone()),
            other => *other = Value::Object(Map::from_iter([((*name).to_owned(), new.clone())])),
        },
        What::Near(seed) => near(value, *seed),
        What::Kind(_) | What::Sender(_) => {}
    }
    false
}

fn near(value: &mut Value, seed: u8) {
    match value {
        Value::Number(number) => {
            let number = number.as_u64().unwrap_or(0);
            *value = match seed % 4 {
                0 => number.saturating_add(1).into(),
                1 => number.saturating_sub(1).into(),
                2 => number.to_string().into(),
                _ => (number as f64 + 0.5).into(),
            };
        }
        Value::String(text) => {
            let at = usize::from(seed) % (text.len() + 1);
            match seed % 5 {
                0 => *text = text.to_uppercase(),
                1 => drop(text.pop()),
                2 => text.push('0'),
                3 if text.is_char_boundary(at) => text.insert(at, 'q'),
                _ => *text = text.replacen('a', "b", 1),
            }
        }
        Value::Array(items) => match (seed % 3, items.first().cloned()) {
            (0, Some(first)) => items.push(first),
            (1, _) => items.reverse(),
            (_, Some(first)) => items.resize(items.len() + usize::from(seed), first),
            _ => {}
        },
        Value::Object(fields) => {
            let list = fields.values().cloned().collect();
            if seed.is_multiple_of(4) {
                // What some readers take for the same.
                *value = Value::Array(list);
            }
        }
        Value::Bool(flag) => *flag = !*flag,
        Value::Null => {}
    }
}
