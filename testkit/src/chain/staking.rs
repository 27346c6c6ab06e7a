//! Owns staking as validators do it on a chain, and what the consensus engine says of them.

use std::collections::BTreeMap;

use ait_app::block::CommitVote;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{CHAIN_ID, Chain, Setup, authority};
use crate::{
    actors::{Actor, alice, coordinator},
    draft::Draft,
};

/// The proof that who holds a consensus key wants it for an account.
pub fn possession(chain_id: &str, account: &Actor, consensus_key: &Actor) -> String {
    let (address, pubkey) = (account.address(), consensus_key.pubkey());
    let text = format!("AIT-VALIDATOR|{chain_id}|{address}|{pubkey}");
    let digest: [u8; 32] = Sha256::digest(text).into();
    consensus_key.key.sign(&digest).to_string()
}

/// The payload of an account's first `STAKE`, with the proof that it holds the validator key.
pub fn first_stake(chain_id: &str, account: &Actor, consensus_key: &Actor, amount: u64) -> Value {
    json!({
        "amount": amount,
        "validator_pubkey": consensus_key.pubkey().to_string(),
        "validator_sig": possession(chain_id, account, consensus_key),
    })
}

/// One of the `authorities` as an update names it whose key is new.
pub fn new_authority(account: &Actor, consensus_key: &Actor, power: u64) -> Value {
    let mut entry = authority(account, consensus_key, power);
    entry["proof"] = possession(CHAIN_ID, account, consensus_key).into();
    entry
}

impl Chain {
    /// An account's first `STAKE`.
    pub fn first_stake(&self, account: &Actor, consensus_key: &Actor, amount: u64) -> Draft {
        let payload = first_stake(CHAIN_ID, account, consensus_key, amount);
        self.draft(account, "STAKE", payload)
    }

    /// A later `STAKE`.
    pub fn stake(&self, account: &Actor, amount: u64) -> Draft {
        self.draft(account, "STAKE", json!({"amount": amount}))
    }

    pub fn unstake(&self, account: &Actor, amount: u64) -> Draft {
        self.draft(account, "UNSTAKE", json!({"amount": amount}))
    }

    pub fn unjail(&self, account: &Actor) -> Draft {
        self.draft(account, "UNJAIL", json!({}))
    }

    /// A validator's record; panics where there is none.
    pub fn validator(&self, account: &Actor) -> Value {
        self.record(&format!("/validator/{}", account.address()))
            .unwrap()
    }

    /// A miner's record; panics where there is none.
    pub fn miner(&self, account: &Actor) -> Value {
        self.record(&format!("/miner/{}", account.address()))
            .unwrap()
    }

    /// Voting power last told to CometBFT.
    pub fn power(&self, account: &Actor) -> u64 {
        self.validator(account)["power"].as_u64().unwrap()
    }

    /// The powers of these, in their order.
    pub fn powers(&self, stakers: &[Staker]) -> Vec<u64> {
        let power = |staker: &Staker| self.power(&staker.account);
        stakers.iter().map(power).collect()
    }

    /// The whole set last told to CometBFT: powers by consensus key.
    pub fn set(&self) -> BTreeMap<String, u64> {
        let sent = self.state.sent_validators().iter();
        sent.map(|(key, validator)| (key.to_string(), validator.power.get()))
            .collect()
    }

    /// The sum of all voting power.
    pub fn whole_power(&self) -> u64 {
        self.set().values().sum()
    }

    /// How validators are chosen at present.
    pub fn mode(&self) -> String {
        let consensus = self.record("/consensus").unwrap();
        consensus["mode"].as_str().unwrap().to_owned()
    }

    /// One more job of Alice's, done by this account and paid 50,000 uait, in two blocks.
    pub fn deliver(&mut self, account: &Actor, units: u64) {
        let job = format!("job_{}_{}", account.name, self.height());
        let open = self.open(&alice(), &job.replace([' ', '\''], "-"), 60_000, 1_000);
        let job = open.payload["job_id"].as_str().unwrap().to_owned();
        assert_eq!(self.commit([open]).codes(), [0]);
        let work = self.work(&alice(), &job, account, &format!("r_{job}"));
        let work = work.costing(units, 50_000);
        let block = self.commit([self.claim(account, &work)]);
        assert_eq!(block.codes(), [0], "{}", block.result(0).log);
    }

    /// A claim of a job of Alice's with a signature that is not the miner's, which is an offence.
    pub fn forged_claim(&self, account: &Actor, job: &str) -> Draft {
        let work = self.work(&alice(), job, account, "forged");
        let attestation = work.attested_by(&coordinator(), work.opened_height);
        let mut payload = work.claim(
            &work.signed_by(&Actor::named("a forger")),
            Some(&attestation),
        );
        payload["opened_height"] = work.opened_height.into();
        self.draft(account, "RECEIPT_CLAIM", payload)
    }

    /// From now on these consensus keys are in the set and sign every block.
    pub fn all_sign(&mut self, consensus_keys: &[&Actor]) {
        self.last_commit = consensus_keys
            .iter()
            .map(|key| CommitVote {
                validator: key.consensus_address(),
                signed: true,
            })
            .collect();
    }

    /// From now on this consensus key of the set doesn't sign.
    pub fn stops_signing(&mut self, consensus_key: &Actor) {
        let address = consensus_key.consensus_address();
        let vote = self.last_commit.iter_mut();
        vote.filter(|vote| vote.validator == address)
            .for_each(|vote| vote.signed = false);
    }

    /// The height of the next block that ends an epoch.
    pub fn next_epoch_end(&self) -> u64 {
        let epoch = self.param("epoch_blocks").as_u64().unwrap();
        (self.height() / epoch + 1) * epoch
    }

    /// The last block of the running epoch, or of the next one right after an epoch's end.
    pub fn finish_epoch(&mut self) {
        let end = self.next_epoch_end();
        self.advance_to(end);
    }
}

/// Somebody who validates: an account, its consensus key, and what it stakes first, in uait.
#[derive(Debug, Clone)]
pub struct Staker {
    pub account: Actor,
    /// Its consensus key.
    pub key: Actor,
    /// uait.
    pub stake: u64,
}

impl Staker {
    /// The staker of that name.
    pub fn named(name: &str, stake: u64) -> Self {
        Self {
            account: Actor::named(name),
            key: Actor::named(&format!("{name}'s consensus key")),
            stake,
        }
    }
}

/// uait that each staker of [`elected`] has besides its stake.
pub const SPENDING_MONEY: u64 = 100_000_000;

/// A chain under compute-backed proof, right after the epoch's end that elected these, who were its
/// authorities before; all of them sign.
pub fn elected(setup: Setup, stakers: &[Staker]) -> Chain {
    let authorities: Vec<Value> = stakers
        .iter()
        .map(|staker| authority(&staker.account, &staker.key, 10))
        .collect();
    let mut setup = setup
        .param("authorities", authorities)
        .param("consensus_mode", "cbp");
    for staker in stakers {
        setup = setup.balance(&staker.account, staker.stake + SPENDING_MONEY);
    }
    let mut chain = setup.start();
    chain.proposer = stakers.first().map(|staker| staker.key.consensus_address());
    let stakes: Vec<Draft> = stakers
        .iter()
        .map(|staker| chain.first_stake(&staker.account, &staker.key, staker.stake))
        .collect();
    assert!(chain.commit(stakes).codes().iter().all(|code| *code == 0));
    let keys: Vec<&Actor> = stakers.iter().map(|staker| &staker.key).collect();
    chain.all_sign(&keys);
    chain.finish_epoch();
    assert_eq!(chain.record("/consensus").unwrap()["mode"], "cbp");
    chain
}
