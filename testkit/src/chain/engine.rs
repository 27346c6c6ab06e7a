//! Owns CometBFT's validator sets as it makes them of updates, as strict as CometBFT: what it would
//! stop at fails here. [`Live`] is a chain whose commits are made of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::{Deref, DerefMut},
};

use ait_app::{
    block::{CommitVote, ConsensusAddress},
    crypto::PublicKey,
    engine::ValidatorUpdate,
};

use super::{Block, Chain, Setup, Staker, elected};
use crate::{actors::Actor, draft::Draft};

/// CometBFT refuses a set with more power.
const MOST_POWER: u64 = i64::MAX as u64 / 8;

/// Powers by consensus key.
pub type ValidatorSet = BTreeMap<PublicKey, u64>;

/// The validator sets in force.
#[derive(Debug, Clone)]
pub struct Engine {
    /// Signed the last block.
    last: ValidatorSet,
    /// Signs the next block.
    next: ValidatorSet,
    /// Signs the one after it: the set last sent.
    sent: ValidatorSet,
}

impl Engine {
    /// The engine of a chain on which this set signs every block until an update changes it.
    pub fn of(set: &ValidatorSet) -> Self {
        Self {
            last: set.clone(),
            next: set.clone(),
            sent: set.clone(),
        }
    }

    /// The set that signed the last block.
    pub fn last(&self) -> &ValidatorSet {
        &self.last
    }

    /// The set that signs the next block.
    pub fn next(&self) -> &ValidatorSet {
        &self.next
    }

    /// The set last sent.
    pub fn sent(&self) -> &ValidatorSet {
        &self.sent
    }

    /// The commit of the last block in CometBFT's order: by power, then by address.
    pub fn commit(&self, signs: impl Fn(&PublicKey, ConsensusAddress) -> bool) -> Vec<CommitVote> {
        let mut votes: Vec<(u64, CommitVote)> = self
            .last
            .iter()
            .map(|(key, power)| {
                let validator = ConsensusAddress::of(key);
                let signed = signs(key, validator);
                (*power, CommitVote { validator, signed })
            })
            .collect();
        votes.sort_by_key(|(power, vote)| (std::cmp::Reverse(*power), vote.validator));
        votes.into_iter().map(|(_, vote)| vote).collect()
    }

    /// Takes a block's updates, which hold from the block after the next one.
    ///
    /// # Errors
    /// What CometBFT stops at, and updates that change nothing.
    pub fn take(&mut self, updates: &[ValidatorUpdate]) -> Result<(), String> {
        let mut set = self.sent.clone();
        let mut seen = BTreeSet::new();
        for ValidatorUpdate { pubkey, power } in updates {
            if !seen.insert(*pubkey) {
                return Err(format!("{pubkey} is updated twice"));
            }
            let (before, power) = match power.get() {
                0 => (set.remove(pubkey).unwrap_or(0), 0),
                power => (set.insert(*pubkey, power).unwrap_or(0), power),
            };
            if before == power {
                return Err(format!("{pubkey} had power {power} before"));
            }
        }
        if set.is_empty() {
            return Err("nobody is left".into());
        }
        if set.values().sum::<u64>() > MOST_POWER {
            return Err("there is too much power".into());
        }
        let sent = std::mem::replace(&mut self.sent, set);
        self.last = std::mem::replace(&mut self.next, sent);
        Ok(())
    }
}

/// Whether these keys have more than two thirds of a set's power.
pub fn holds_two_thirds(set: &ValidatorSet, signs: impl Fn(&PublicKey) -> bool) -> bool {
    let whole: u64 = set.values().sum();
    let signing = set.iter().filter(|(key, _)| signs(key));
    let signing: u64 = signing.map(|(_, power)| *power).sum();
    u128::from(signing) * 3 > u128::from(whole) * 2
}

/// The set that CometBFT was told of, as the chain's records have it.
fn recorded(chain: &Chain) -> ValidatorSet {
    let sent = chain.state.sent_validators().iter();
    sent.map(|(key, validator)| (*key, validator.power.get()))
        .collect()
}

/// A chain that CometBFT drives: each block shows who of the set then in force signed the one before.
/// What the chain itself can is used as if it were one, except for what makes blocks.
#[derive(Clone)]
pub struct Live {
    chain: Chain,
    engine: Engine,
    down: BTreeSet<ConsensusAddress>,
}

impl Deref for Live {
    type Target = Chain;

    fn deref(&self) -> &Chain {
        &self.chain
    }
}

impl DerefMut for Live {
    fn deref_mut(&mut self) -> &mut Chain {
        &mut self.chain
    }
}

impl Live {
    /// A chain whose set has signed all blocks so far.
    pub fn of(chain: Chain) -> Self {
        Self {
            engine: Engine::of(&recorded(&chain)),
            down: BTreeSet::new(),
            chain,
        }
    }

    /// As [`elected`], with everybody's node running.
    pub fn elected(setup: Setup, stakers: &[Staker]) -> Self {
        Self::of(elected(setup, stakers))
    }

    /// From now on nobody runs this key.
    pub fn stop(&mut self, consensus_key: &Actor) {
        self.down.insert(consensus_key.consensus_address());
    }

    /// From now on this key is run again.
    pub fn start(&mut self, consensus_key: &Actor) {
        self.down.remove(&consensus_key.consensus_address());
    }

    /// As [`Chain::commit`]; panics where CometBFT would stop at the updates.
    pub fn commit<T: Into<Vec<u8>>>(&mut self, entries: impl IntoIterator<Item = T>) -> Block {
        self.chain.last_commit = self
            .engine
            .commit(|_, address| !self.down.contains(&address));
        let block = self.chain.commit(entries);
        let taken = self.engine.take(&block.outcome.validator_updates);
        assert_eq!(taken, Ok(()), "block {}", block.height);
        assert_eq!(self.engine.sent, recorded(&self.chain));
        block
    }

    /// A block without transactions.
    pub fn empty(&mut self) -> Block {
        self.commit(Vec::<Draft>::new())
    }

    /// Empty blocks until the last one has this height.
    pub fn advance_to(&mut self, height: u64) {
        while self.height() < height {
            self.empty();
        }
    }

    /// Empty blocks up to the next end of an epoch.
    pub fn finish_epoch(&mut self) {
        let end = self.next_epoch_end();
        self.advance_to(end);
    }

    /// Whether the keys that are run can commit the next block.
    pub fn goes_on(&self) -> bool {
        let is_run = |key: &PublicKey| !self.down.contains(&ConsensusAddress::of(key));
        holds_two_thirds(self.engine.next(), is_run)
    }
}
