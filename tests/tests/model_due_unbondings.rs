//! More unbondings come due at once than one block pays out: the model says which wait.

use ait_tests::{
    actors::{Actor, validator_key},
    chain::{CHAIN_ID, Chain, EVIDENCE_MAX_AGE, Setup},
    draft::Draft,
    model::{Engine, Input, Model},
};

/// A chain and its model, side by side.
struct Pair {
    chain: Chain,
    model: Model,
}

impl Pair {
    fn start(setup: &Setup) -> Self {
        let (accounts, params) = (&setup.accounts, &setup.params);
        Self {
            chain: setup.start(),
            model: Model::new(CHAIN_ID, 1, accounts, params, EVIDENCE_MAX_AGE),
        }
    }

    /// One block through both, in which all succeeds.
    fn block(&mut self, drafts: Vec<Draft>) {
        let inputs: Vec<Input> = drafts
            .iter()
            .map(|draft| Input {
                wire: draft.wire(),
                malformed: None,
            })
            .collect();
        let engine = Engine::proposed_by(&validator_key().pubkey().to_string());
        let predicted = self.model.apply_block(&inputs, &engine);
        assert!(predicted.codes.iter().all(|code| *code == 0));
        assert_eq!(self.chain.commit(drafts).codes(), predicted.codes);
        assert_eq!(self.model.differences(&self.chain.records()), [""; 0]);
    }

    fn unbonding(&self) -> u64 {
        self.chain.supply()["unbonding"].as_u64().unwrap()
    }
}

#[test]
fn a_block_pays_a_thousand_due_unbondings_and_the_next_one_the_rest() {
    let stakers: Vec<Actor> = (0..70)
        .map(|n| Actor::named(&format!("staker {n}")))
        .collect();
    let keys = (0..70).map(|n| Actor::named(&format!("staker's key {n}")));
    let setup = Setup::default().param("unbonding_blocks", EVIDENCE_MAX_AGE);
    let setup = stakers
        .iter()
        .fold(setup, |setup, staker| setup.balance(staker, 1_000_000));
    let mut pair = Pair::start(&setup);
    let stakes = stakers.iter().zip(keys);
    let stakes = stakes.map(|(staker, key)| pair.chain.first_stake(staker, &key, 1_000));
    pair.block(stakes.collect());
    // 16 each, the first of every third account's one block before all the others.
    let early = stakers.iter().step_by(3);
    let early = early.map(|staker| pair.chain.unstake(staker, 1));
    pair.block(early.collect());
    let mut rest = Vec::new();
    for (staker, place) in stakers.iter().zip(0_u64..) {
        for n in 0..16 - u64::from(place.is_multiple_of(3)) {
            rest.push(pair.chain.unstake(staker, 1).later(n));
        }
    }
    let late = rest.len() as u64;
    assert!(late > 1_050);
    pair.block(rest);
    let due = pair.chain.height() + EVIDENCE_MAX_AGE;
    let mut left = Vec::new();
    while pair.chain.height() <= due {
        pair.block(Vec::new());
        left.push(pair.unbonding());
    }
    let early = 24;
    let last = &left[left.len() - 4..];
    assert_eq!(last, [late + early, late, late - 1_000, 0]);
}
