//! Owns how planned stakes become transactions, and what CometBFT says of a planned block.

use ait_app::block::{BlockInput, CommitVote};
use ait_app::{crypto::PublicKey, state::ConsensusAddress};
use serde_json::{Value, json};

use super::{
    Absent, Amount, Evidence, Fee, Plan, Proposer, StakeKey, Who, build::Builder, consensus_key,
};
use crate::{
    actors::Actor,
    chain::{CHAIN_ID, Chain, first_stake},
    draft::Draft,
    model::{Engine, LIMIT, Model},
};

/// The consensus keys that accounts call their own.
const KEYS: u8 = 9;

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
        }
    }
}

/// What CometBFT says of the planned block after `model`.
pub(super) fn engine(model: &Model, plan: &Plan) -> Engine {
    let hex = |number: u8| consensus_key(number).pubkey().to_string();
    let missing: Vec<String> = match plan.absent {
        Absent::Keys(mask) => (0..KEYS)
            .filter(|number| mask & (1 << number) != 0)
            .map(hex)
            .collect(),
        Absent::Everybody => model.voters().keys().cloned().collect(),
    };
    let vote = |key: &String| (key.clone(), !missing.contains(key));
    Engine {
        proposer: match plan.proposer {
            Proposer::Key(number) => Some(hex(number)),
            Proposer::Nobody => None,
        },
        votes: model.voters().keys().map(vote).collect(),
        evidence: match &plan.evidence {
            Evidence::Against(numbers) => numbers.iter().map(|number| hex(*number)).collect(),
            Evidence::AgainstEverybody => model.voters().keys().cloned().collect(),
        },
    }
}

fn named(key: &str) -> ConsensusAddress {
    let key: PublicKey = key.parse().unwrap();
    ConsensusAddress::of(&key)
}

/// The same for the chain.
pub fn block_input(engine: &Engine) -> BlockInput {
    let vote = |(key, signed): &(String, bool)| CommitVote {
        validator: named(key),
        signed: *signed,
    };
    BlockInput {
        proposer: engine.proposer.as_deref().map(named),
        last_commit: engine.votes.iter().map(vote).collect(),
        misbehaviour: engine.evidence.iter().map(|key| named(key)).collect(),
    }
}

/// Says it of the chain's next block.
pub fn announce(chain: &mut Chain, input: &BlockInput) {
    chain.proposer = input.proposer;
    chain.last_commit.clone_from(&input.last_commit);
    chain.misbehaviour.clone_from(&input.misbehaviour);
}

impl Builder {
    pub(super) fn stake(&self, amount: Amount, key: StakeKey, by: &Actor, fee: Fee) -> Draft {
        let make = |uait| Draft::new(CHAIN_ID, by, "STAKE", stake_payload(uait, key, by));
        self.sized(by, fee, amount, &make)
    }

    pub(super) fn unstake(&self, amount: Amount, by: &Actor, fee: Fee) -> Draft {
        let record = self.now.validators.get(&by.address().to_string());
        let stake = record.map_or(0, |record| record.stake as u64);
        let amount = match amount {
            Amount::Plain(uait) => uait,
            Amount::All => stake.max(1),
            Amount::OneTooMuch => stake + 1,
            Amount::Largest => LIMIT as u64,
        };
        let payload = json!({ "amount": amount });
        self.priced(Draft::new(CHAIN_ID, by, "UNSTAKE", payload), by, fee)
    }
}

fn stake_payload(amount: u64, key: StakeKey, by: &Actor) -> Value {
    let number = |actor: &Actor| {
        let mut everybody = super::EVERYBODY.iter();
        let who = everybody.find(|who| who.actor().address() == actor.address());
        who.unwrap().key_number()
    };
    let own = consensus_key(number(by));
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
