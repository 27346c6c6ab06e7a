//! Owns what consensus says of a block besides its entries: proposer, votes, evidence and time.

use ait_tests::{
    model::{Engine, Model, short_hash},
    plan::consensus_key,
};
use tendermint_proto::{
    google::protobuf::Timestamp,
    v0_38::{
        abci::{CommitInfo, Misbehavior, MisbehaviorType, Validator, VoteInfo},
        types::BlockIdFlag,
    },
};

use crate::dice::Dice;

/// Consensus keys that accounts may name.
const KEYS: u64 = 11;

/// Who is there, and what time it is.
pub struct Watch {
    keys: Vec<[u8; 20]>,
    /// Who misses its votes at present.
    absentee: Option<[u8; 20]>,
    /// Unix seconds.
    now: i64,
}

impl Watch {
    /// The first day.
    pub fn new() -> Self {
        let keys = (0..KEYS).filter_map(|number| u8::try_from(number).ok());
        let keys = keys.map(|number| short_hash(&consensus_key(number).pubkey().to_string()));
        Self {
            keys: keys.collect(),
            absentee: None,
            now: 1_700_000_000,
        }
    }

    /// Time goes on, now and then by an hour.
    pub fn tick(&mut self, dice: &mut Dice) -> Timestamp {
        let most = if dice.one_in(1_000) { 3_600 } else { 3 };
        let passed = i64::try_from(dice.below(most)).unwrap_or(0);
        self.now = self.now.saturating_add(passed);
        Timestamp {
            seconds: self.now,
            nanos: 0,
        }
    }

    /// Votes and evidence for the block after the model's.
    pub fn engine(&mut self, dice: &mut Dice, model: &Model) -> Engine {
        let voters: Vec<[u8; 20]> = model.voters().keys().map(|key| short_hash(key)).collect();
        if dice.one_in(30) {
            self.absentee = match dice.one_in(3) {
                true => voters.get(dice.place(voters.len())).copied(),
                false => None,
            };
        }
        let all_are_absent = dice.one_in(500);
        let votes = voters.iter().map(|voter| {
            let absent = all_are_absent || self.absentee == Some(*voter) || dice.one_in(40);
            (*voter, absent)
        });
        let votes = votes.collect();
        let misbehaviour = if dice.one_in(400) {
            let among = if dice.one_in(2) { &voters } else { &self.keys };
            among.get(dice.place(among.len())).copied()
        } else {
            None
        };
        Engine {
            proposer: self.proposer(dice, &voters),
            votes,
            misbehaviour: misbehaviour.into_iter().collect(),
        }
    }

    /// Who proposes: somebody of the set, a stranger, or nobody that is named.
    pub fn proposer(&self, dice: &mut Dice, voters: &[[u8; 20]]) -> Option<[u8; 20]> {
        match dice.below(20) {
            0 => None,
            1 => Some([9; 20]),
            _ => voters
                .get(dice.place(voters.len()))
                .or(self.keys.first())
                .copied(),
        }
    }
}

fn validator(address: &[u8; 20]) -> Option<Validator> {
    Some(Validator {
        address: address.to_vec().into(),
        power: 1,
    })
}

/// The votes as CometBFT puts them.
pub fn commit_info(engine: &Engine, round: u64) -> CommitInfo {
    let vote = |(address, absent): &([u8; 20], bool)| VoteInfo {
        validator: validator(address),
        block_id_flag: match absent {
            true => BlockIdFlag::Absent.into(),
            false => BlockIdFlag::Commit.into(),
        },
    };
    CommitInfo {
        round: i32::try_from(round).unwrap_or(0),
        votes: engine.votes.iter().map(vote).collect(),
    }
}

/// The evidence as CometBFT puts it.
pub fn misbehaviour(engine: &Engine) -> Vec<Misbehavior> {
    let proven = engine.misbehaviour.iter().map(|address| Misbehavior {
        r#type: MisbehaviorType::DuplicateVote.into(),
        validator: validator(address),
        ..Misbehavior::default()
    });
    proven.collect()
}
