//! Owns how planned stakes become transactions, and what CometBFT says of a planned block.

use ait_app::block::{BlockInput, CommitVote, ConsensusAddress};
use ait_testkit::{
    actors::Actor,
    chain::{CHAIN_ID, Chain, first_stake},
};
use serde_json::{Value, json};

use super::{Absent, Amount, Evidence, Plan, Proposer, StakeKey, Who, consensus_key};
use crate::model::{Engine, LIMIT, Model, short_hash};

/// The consensus keys that accounts call their own, and one more.
const KEYS: u8 = 11;

impl Who {
    /// The number of the consensus key it calls its own.
    pub fn key_number(self) -> u8 {
        match self {
            Who::Validator => 0,
            Who::Alice => 1,
            Who::Bob => 2,
            Who::Miner => 3,
            Who::Digger => 4,
            Who::Coordinator => 5,
            Who::Arbiter => 6,
            Who::Admin => 7,
            Who::Stranger => 8,
            Who::Witness => 9,
        }
    }
}

/// What CometBFT says of the planned block after `model`.
pub(super) fn engine(model: &Model, plan: &Plan) -> Engine {
    let key = |number: u8| short_hash(&consensus_key(number).pubkey().to_string());
    let voters: Vec<[u8; 20]> = model.voters().keys().map(|key| short_hash(key)).collect();
    let missing: Vec<[u8; 20]> = match plan.absent {
        Absent::Keys(mask) => (0..KEYS)
            .filter(|number| mask & (1 << number) != 0)
            .map(key)
            .collect(),
        Absent::Everybody => voters.clone(),
    };
    Engine {
        proposer: match plan.proposer {
            Proposer::Key(number) => Some(key(number)),
            Proposer::Nobody => None,
        },
        votes: voters
            .iter()
            .map(|voter| (*voter, missing.contains(voter)))
            .collect(),
        misbehaviour: match &plan.evidence {
            Evidence::Against(numbers) => numbers.iter().map(|number| key(*number)).collect(),
            Evidence::AgainstEverybody => voters,
        },
    }
}

/// The same for the chain.
pub fn block_input(engine: &Engine) -> BlockInput {
    let vote = |(validator, absent): &([u8; 20], bool)| CommitVote {
        validator: ConsensusAddress(*validator),
        signed: !absent,
    };
    let misbehaviour = engine.misbehaviour.iter();
    BlockInput {
        proposer: engine.proposer.map(ConsensusAddress),
        last_commit: engine.votes.iter().map(vote).collect(),
        misbehaviour: misbehaviour.map(|key| ConsensusAddress(*key)).collect(),
    }
}

/// Says it of the chain's next block.
pub fn announce(chain: &mut Chain, input: &BlockInput) {
    chain.proposer = input.proposer;
    chain.last_commit.clone_from(&input.last_commit);
    chain.misbehaviour.clone_from(&input.misbehaviour);
}

/// What unbonds so much of what is bonded.
pub(super) fn unbonding(amount: Amount, bonded: u64) -> Value {
    let amount = match amount {
        Amount::Plain(uait) => uait,
        Amount::All => bonded.max(1),
        Amount::OneTooMuch => bonded + 1,
        Amount::Largest => LIMIT as u64,
    };
    json!({ "amount": amount })
}

pub(super) fn stake_payload(amount: u64, key: StakeKey, by: &Actor) -> Value {
    let own = consensus_key(Who::of(&by.address().to_string()).key_number());
    let proof = |chain_id, account: &Actor| first_stake(chain_id, account, &own, amount);
    match key {
        StakeKey::Unnamed => json!({ "amount": amount }),
        StakeKey::Own => proof(CHAIN_ID, by),
        StakeKey::Number(number) => first_stake(CHAIN_ID, by, &consensus_key(number), amount),
        StakeKey::ProvenForAnother => proof(CHAIN_ID, &Actor::named("mallory")),
        StakeKey::ProvenElsewhere => proof("other-chain", by),
        StakeKey::Forged => {
            let mut payload = proof(CHAIN_ID, by);
            let other = first_stake(CHAIN_ID, by, &Actor::named("mallory"), amount);
            payload["validator_sig"] = other["validator_sig"].clone();
            payload
        }
    }
}
