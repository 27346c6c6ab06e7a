//! More unbondings come due at once than one block pays out: the model says which wait.

use ait_testkit::{
    actors::{Actor, validator_key},
    chain::{CHAIN_ID, Chain, EVIDENCE_MAX_AGE, Setup},
    draft::Draft,
};
use ait_tests::model::{Engine, Model};
use serde_json::json;

/// Each takes out of its bond and of its stake 16 times.
const PEOPLE: u64 = 320;

/// A block pays out no more.
const MOST: u64 = 10_000;

/// A chain and its model, side by side.
struct Pair {
    chain: Chain,
    model: Model,
}

impl Pair {
    fn start(setup: &Setup) -> Self {
        let app_state = json!({"accounts": setup.accounts, "params": setup.params});
        Self {
            chain: setup.start(),
            model: Model::new(CHAIN_ID, 1, &app_state, EVIDENCE_MAX_AGE),
        }
    }

    /// One block through both, in which all succeeds.
    fn block(&mut self, drafts: &[Draft]) {
        let wires: Vec<Vec<u8>> = drafts.iter().map(Draft::wire).collect();
        let engine = Engine {
            proposer: Some(validator_key().consensus_address().0),
            ..Engine::default()
        };
        let predicted = self.model.block(&wires, &engine);
        assert!(predicted.entries.iter().all(|entry| entry.code == 0));
        let block = self.chain.commit(wires);
        let unbonded = predicted.events.iter();
        let unbonded = unbonded.filter(|(kind, _)| kind == "unbonded");
        assert_eq!(block.events("unbonded").len(), unbonded.count());
    }

    fn agree(&self) {
        assert_eq!(self.model.differences(&self.chain.records()), [""; 0]);
    }

    fn unbonding(&self) -> u64 {
        self.chain.supply()["unbonding"].as_u64().unwrap()
    }
}

/// Everybody takes 1 uait out, 16 times.
fn taken(pair: &Pair, people: &[Actor], take: fn(&Chain, &Actor, u64) -> Draft) -> Vec<Draft> {
    let all = people.iter().flat_map(|one| {
        let first = take(&pair.chain, one, 1);
        (0..16).map(move |n| first.clone().later(n))
    });
    all.collect()
}

#[test]
fn a_block_pays_ten_thousand_due_unbondings_and_the_next_one_the_rest() {
    let people: Vec<Actor> = (0..PEOPLE)
        .map(|n| Actor::named(&format!("staker {n}")))
        .collect();
    let keys: Vec<Actor> = (0..PEOPLE)
        .map(|n| Actor::named(&format!("staker's key {n}")))
        .collect();
    let setup = people
        .iter()
        .fold(Setup::default(), |setup, one| setup.balance(one, 1_000_000));
    // A bond takes the longest life of an escrow longer.
    let setup = setup
        .param("escrow_max_ttl_blocks", 1)
        .param("epoch_blocks", 1)
        .param("unbonding_blocks", EVIDENCE_MAX_AGE + 3);
    let mut pair = Pair::start(&setup);
    let bonds = people.iter().map(|one| pair.chain.bond(one, 100));
    let bonds: Vec<Draft> = bonds.collect();
    let stakes = people.iter().zip(&keys);
    let stakes = stakes.map(|(one, key)| pair.chain.first_stake(one, key, 100).later(1));
    let both: Vec<Draft> = bonds.into_iter().chain(stakes).collect();
    pair.block(&both);
    pair.block(&taken(&pair, &people, Chain::unbond));
    pair.block(&taken(&pair, &people, Chain::unstake));
    let due = pair.chain.height() + EVIDENCE_MAX_AGE + 3;
    while pair.chain.height() < due - 1 {
        pair.block(&[]);
    }
    pair.agree();
    assert_eq!(pair.unbonding(), PEOPLE * 32);
    pair.block(&[]);
    pair.agree();
    assert_eq!(pair.unbonding(), PEOPLE * 32 - MOST);
    pair.block(&[]);
    pair.agree();
    assert_eq!(pair.unbonding(), 0);
}
