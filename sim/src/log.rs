//! Owns the chain as consensus decided it: each block's request, what the reference model says it must do, and
//! what the first application answered. Every other answer is held against both.

use std::collections::BTreeMap;

use ait_tests::model::{Event, Outcome};
use bytes::Bytes;
use tendermint_proto::v0_38::{
    abci::{Event as ProtoEvent, RequestFinalizeBlock, ResponseFinalizeBlock, ResponseInitChain},
    crypto::public_key::Sum,
};

/// The decided blocks.
#[derive(Debug, Default)]
pub struct Log {
    first: u64,
    genesis: Option<ResponseInitChain>,
    blocks: Vec<Decided>,
    genesis_hash: Bytes,
}

#[derive(Debug)]
struct Decided {
    request: RequestFinalizeBlock,
    predicted: Outcome,
    answer: Option<ResponseFinalizeBlock>,
}

impl Log {
    /// Of a chain whose first block has this height, and whose genesis every application answers alike.
    pub fn new(first: u64, genesis: ResponseInitChain) -> Self {
        Self {
            first,
            genesis_hash: genesis.app_hash.clone(),
            genesis: Some(genesis),
            blocks: Vec::new(),
        }
    }

    /// The height before the first block's.
    pub fn before_first(&self) -> u64 {
        self.first.saturating_sub(1)
    }

    /// The last decided block's height, or the one before the first.
    pub fn tip(&self) -> u64 {
        let decided = u64::try_from(self.blocks.len()).unwrap_or(u64::MAX);
        self.before_first().saturating_add(decided)
    }

    /// The height of the block after the one that a node acknowledged, 0 for none.
    pub fn after(&self, acknowledged: u64) -> u64 {
        acknowledged.max(self.before_first()).saturating_add(1)
    }

    /// A block was decided, and this is what it must do.
    pub fn push(&mut self, request: RequestFinalizeBlock, predicted: Outcome) {
        self.blocks.push(Decided {
            request,
            predicted,
            answer: None,
        });
    }

    /// FinalizeBlock of a block.
    ///
    /// # Errors
    /// Where it was not decided.
    pub fn request(&self, height: u64) -> Result<RequestFinalizeBlock, String> {
        let block = self.at(height).map(|block| block.request.clone());
        block.ok_or_else(|| format!("block {height} was not decided"))
    }

    /// The entries of a block; none where it was not decided.
    pub fn txs(&self, height: u64) -> &[Bytes] {
        self.at(height)
            .map_or(&[][..], |block| block.request.txs.as_slice())
    }

    /// The code of each entry of a block.
    pub fn codes(&self, height: u64) -> impl Iterator<Item = u32> + '_ {
        let entries = self.at(height).into_iter();
        entries.flat_map(|block| block.predicted.entries.iter().map(|entry| entry.code))
    }

    /// The app hash after a block, once an application executed it.
    pub fn app_hash(&self, height: u64) -> Option<Bytes> {
        let answer = self.at(height)?.answer.as_ref()?;
        Some(answer.app_hash.clone())
    }

    /// Holds an answer against what is known.
    ///
    /// # Errors
    /// What differs.
    pub fn check(&mut self, height: u64, answer: ResponseFinalizeBlock) -> Result<(), String> {
        let place = height.checked_sub(self.first);
        let place = place.and_then(|place| usize::try_from(place).ok());
        let Some(block) = place.and_then(|place| self.blocks.get_mut(place)) else {
            return Err(format!("block {height} was not decided"));
        };
        match &block.answer {
            Some(first) if *first == answer => Ok(()),
            Some(first) => Err(format!(
                "its answer to block {height} is not that of the first node: {}",
                difference(first, &answer)
            )),
            None => {
                check_prediction(&block.predicted, &answer)?;
                block.answer = Some(answer);
                Ok(())
            }
        }
    }

    /// Holds an answer to InitChain against the first node's.
    ///
    /// # Errors
    /// Where it is another one.
    pub fn check_genesis(&self, answer: &ResponseInitChain) -> Result<(), String> {
        if self.genesis.as_ref() == Some(answer) {
            return Ok(());
        }
        let expected = hex::encode(&self.genesis_hash);
        let found = hex::encode(&answer.app_hash);
        Err(format!(
            "its genesis has app hash {found}, that of others {expected}"
        ))
    }

    /// Holds an app hash against a block's.
    ///
    /// # Errors
    /// Where it is another one.
    pub fn check_app_hash(&self, height: u64, app_hash: &Bytes) -> Result<(), String> {
        match self.app_hash(height) {
            // Nobody else executed it yet: it is checked with the next answer.
            None if self.at(height).is_some() => Ok(()),
            Some(expected) if expected == *app_hash => Ok(()),
            _ => {
                let found = hex::encode(app_hash);
                Err(format!("it holds another state of block {height}: {found}"))
            }
        }
    }

    fn at(&self, height: u64) -> Option<&Decided> {
        let place = height.checked_sub(self.first)?;
        self.blocks.get(usize::try_from(place).ok()?)
    }
}

fn difference(first: &ResponseFinalizeBlock, answer: &ResponseFinalizeBlock) -> String {
    let results = first.tx_results.iter().zip(&answer.tx_results);
    for (place, (expected, found)) in results.enumerate() {
        if expected != found {
            return format!("entry {place}: {found:?}, not {expected:?}");
        }
    }
    if first.events != answer.events {
        return format!("events {:?}, not {:?}", answer.events, first.events);
    }
    let [found, expected] = [answer, first].map(|answer| hex::encode(&answer.app_hash));
    format!("app hash {found}, not {expected}")
}

fn check_prediction(predicted: &Outcome, answer: &ResponseFinalizeBlock) -> Result<(), String> {
    let results = &answer.tx_results;
    if results.len() != predicted.entries.len() {
        let (found, expected) = (results.len(), predicted.entries.len());
        return Err(format!("{found} results for {expected} entries"));
    }
    for (place, (found, expected)) in results.iter().zip(&predicted.entries).enumerate() {
        if found.code != expected.code || !are_same(&found.events, &expected.events) {
            return Err(format!(
                "the model says of entry {place} {expected:?}, the chain {found:?}"
            ));
        }
    }
    if !are_same(&answer.events, &predicted.events) {
        let (found, expected) = (&answer.events, &predicted.events);
        return Err(format!(
            "the model says of the block {expected:?}, the chain {found:?}"
        ));
    }
    let updates = answer.validator_updates.iter().filter_map(|update| {
        let key = update.pub_key.as_ref()?.sum.as_ref()?;
        let Sum::Ed25519(key) = key else { return None };
        Some((hex::encode(key), u64::try_from(update.power).ok()?))
    });
    let updates: BTreeMap<String, u64> = updates.collect();
    let whole = updates.len() == answer.validator_updates.len();
    if !whole || updates != predicted.updates {
        let expected = &predicted.updates;
        return Err(format!(
            "the model updates validators to {expected:?}, the chain to {updates:?}"
        ));
    }
    Ok(())
}

fn are_same(found: &[ProtoEvent], expected: &[Event]) -> bool {
    found.len() == expected.len()
        && found
            .iter()
            .zip(expected)
            .all(|(found, (kind, attributes))| {
                found.r#type == *kind
                    && found.attributes.len() == attributes.len()
                    && found
                        .attributes
                        .iter()
                        .zip(attributes)
                        .all(|(found, (key, value))| found.key == *key && found.value == *value)
            })
}
