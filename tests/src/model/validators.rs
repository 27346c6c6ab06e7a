//! Owns validators' records and the set last sent to CometBFT (SPEC section 6): which mode is in force,
//! who is in the set, and what differs from the last one.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use super::{Model, number, text, transactions::Params};

/// Jailed until this: for good.
pub const FOR_GOOD: u64 = (1 << 53) - 1;

/// uait on their way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unbonding {
    /// uait.
    pub amount: u128,
    /// The block that pays them out.
    pub due: u64,
}

/// An account that has a consensus key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validator {
    /// Every consensus key it ever used, in the order of first use.
    pub keys: Vec<String>,
    /// The one in use, or the last that was.
    pub pubkey: String,
    /// uait bonded.
    pub stake: u128,
    /// The key of its first `STAKE`.
    pub stake_key: Option<String>,
    /// In the order of the `UNSTAKE`s.
    pub unbonding: Vec<Unbonding>,
    /// From when it may unjail; 0 when not jailed.
    pub jailed_until: u64,
    /// Blocks missed in the running window.
    pub missed: u64,
    /// The first block of the running window; 0 when none runs.
    pub window_start: u64,
}

/// Power by consensus key.
pub type Set = BTreeMap<String, u64>;

/// What CometBFT says of a block besides its entries. Consensus keys are hex.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Engine {
    /// Who proposed it.
    pub proposer: Option<String>,
    /// The set of the block before, and who of it signed.
    pub votes: Vec<(String, bool)>,
    /// Whose equivocation it proves.
    pub evidence: Vec<String>,
}

impl Engine {
    /// A block of this proposer, without votes and evidence.
    pub fn proposed_by(key: &str) -> Self {
        Self {
            proposer: Some(key.to_owned()),
            ..Self::default()
        }
    }
}

/// The sets that the next blocks' commits list. Updates of block H hold from H+2, and the commit in
/// block H lists the set of H-1: so that of three blocks before, and none in the first block.
pub(super) fn first_commits(genesis: &Set) -> VecDeque<Set> {
    VecDeque::from([Set::new(), genesis.clone(), genesis.clone()])
}

impl Model {
    /// The set whose commit the next block carries.
    pub fn voters(&self) -> &Set {
        &self.commits[0]
    }

    /// Voting power last sent for any key of this account.
    pub fn power_of(&self, address: &str) -> u64 {
        let own = |(key, _): &(&String, &u64)| self.key_owners[*key] == address;
        self.set.iter().filter(own).map(|(_, power)| power).sum()
    }

    /// Gives an account a key for ever; `false` where it is somebody else's.
    pub(super) fn own_key(&mut self, address: &str, key: &str) -> bool {
        if let Some(owner) = self.key_owners.get(key) {
            return owner == address;
        }
        self.key_owners.insert(key.to_owned(), address.to_owned());
        let fresh = || Validator {
            pubkey: key.to_owned(),
            ..Validator::default()
        };
        let record = self.validators.entry(address.to_owned());
        record.or_insert_with(fresh).keys.push(key.to_owned());
        true
    }

    /// Gives every authority its key for ever; `false` where one is somebody else's.
    pub(super) fn own_keys(&mut self, authorities: &Value) -> bool {
        let list = authorities.as_array().unwrap();
        list.iter()
            .all(|one| self.own_key(text(one, "address"), text(one, "pubkey")))
    }

    /// Power by consensus key, of the params' authorities.
    pub(super) fn authorities(&self) -> Set {
        let list = self.params["authorities"].as_array().unwrap();
        list.iter()
            .map(|one| (text(one, "pubkey").to_owned(), number(one, "power")))
            .collect()
    }

    /// What comes after the transactions and their fees: evidence, downtime, the epoch's end, and the
    /// set that follows from them. `before` is the state after the block before, whose params hold.
    pub(super) fn choose_validators(&mut self, before: &Model, engine: &Engine) -> Set {
        let params = &before.params;
        let by_work = before.mode == Some("cbp");
        if params["consensus_mode"] == "poa" {
            if by_work {
                self.switch("poa");
            }
            return self.send(before.authorities());
        }
        if by_work {
            self.punish_equivocation(params, &engine.evidence);
            self.punish_downtime(params, &engine.votes);
        }
        let ends = self.height.is_multiple_of(before.number("epoch_blocks"));
        if ends {
            self.age_scores(params);
        }
        if by_work {
            let wanted = if ends {
                self.elected(params)
            } else {
                self.still_eligible(params)
            };
            // Never empty: the last set stays as it is.
            return if wanted.is_empty() {
                Set::new()
            } else {
                self.send(wanted)
            };
        }
        if ends {
            let elected = self.elected(params);
            if self.authorities_hold_it(params, &elected) {
                self.switch("cbp");
                return self.send(elected);
            }
        }
        self.send(before.authorities())
    }

    /// More than 2/3 of the power belongs to accounts of authorities.
    fn authorities_hold_it(&self, params: &Params, elected: &Set) -> bool {
        let list = params["authorities"].as_array().unwrap();
        let is_authority = |key: &String| {
            let mut accounts = list.iter().map(|one| text(one, "address"));
            accounts.any(|address| address == self.key_owners[key])
        };
        let all: u64 = elected.values().sum();
        let theirs = elected.iter().filter(|(key, _)| is_authority(key));
        let theirs: u64 = theirs.map(|(_, power)| power).sum();
        theirs * 3 > all * 2
    }

    /// The mode in force changes, and every running window ends unjudged.
    fn switch(&mut self, mode: &'static str) {
        self.mode = Some(mode);
        for key in self.set.keys() {
            let address = &self.key_owners[key];
            self.validators.get_mut(address).unwrap().end_window();
        }
    }

    /// Makes this the set, and gives the difference from the last one sent.
    fn send(&mut self, wanted: Set) -> Set {
        let mut updates: Set = wanted
            .iter()
            .filter(|(key, power)| self.set.get(*key) != Some(power))
            .map(|(key, power)| (key.clone(), *power))
            .collect();
        for key in self.set.keys() {
            if !wanted.contains_key(key) {
                updates.insert(key.clone(), 0);
            }
        }
        let addresses: Vec<String> = self.validators.keys().cloned().collect();
        let powers = |model: &Model| -> Vec<u64> {
            let powers = addresses.iter().map(|address| model.power_of(address));
            powers.collect()
        };
        let earlier = powers(self);
        self.set = wanted;
        let now = powers(self);
        for (address, (earlier, now)) in addresses.iter().zip(earlier.into_iter().zip(now)) {
            let record = self.validators.get_mut(address).unwrap();
            if (earlier == 0) != (now == 0) {
                record.end_window();
            }
        }
        for key in self.set.keys() {
            let record = self.validators.get_mut(&self.key_owners[key]).unwrap();
            record.pubkey.clone_from(key);
        }
        updates
    }
}

impl Validator {
    /// Forgets the running downtime window.
    pub(super) fn end_window(&mut self) {
        self.missed = 0;
        self.window_start = 0;
    }
}
