//! Random chains against the reference model: after every block the codes, fees, balances, escrows,
//! receipts, miners, params, validators and supply are those that the model predicts.

use std::collections::BTreeMap;

use ait_app::state::State;
use ait_tests::{
    actors::validator_key,
    chain::{CHAIN_ID, Chain, EVIDENCE_MAX_AGE, Setup, records},
    draft::Draft,
    model::{Engine, Input, Model},
    plan::{self, Plan, Start, announce, block_input, build_block},
};
use proptest::prelude::*;

/// A chain and its model, side by side.
struct Pair {
    chain: Chain,
    model: Model,
}

impl Pair {
    fn start(start: &Start) -> Self {
        let pair = Self {
            chain: start.chain(),
            model: start.model(),
        };
        assert_eq!(pair.model.differences(&pair.chain.records()), [""; 0]);
        pair
    }

    /// One block through both; everything that users can see must agree.
    fn block(&mut self, plan: &Plan) -> Result<(), TestCaseError> {
        let built = build_block(&self.model, plan);
        let predicted = self.model.apply_block(&built.inputs, &built.engine);
        announce(&mut self.chain, &block_input(&built.engine));
        let wires = built.inputs.iter().map(|input| input.wire.clone());
        let before = self.chain.state.clone();
        let (block, refusal) = self.chain.finalize(wires);
        let logs: Vec<&str> = block.outcome.results.iter().map(|r| &*r.log).collect();
        prop_assert_eq!(block.codes(), predicted.codes, "{:#?}", logs);
        let fees: Vec<u128> = block.outcome.results.iter().map(|r| r.fee.into()).collect();
        prop_assert_eq!(fees, predicted.fees);
        prop_assert_eq!(refusal.map(|r| r.code.name()), predicted.rejected);
        let updates: BTreeMap<String, u64> = block
            .outcome
            .validator_updates
            .iter()
            .map(|update| (update.pubkey.to_string(), update.power))
            .collect();
        prop_assert_eq!(block.outcome.validator_updates.len(), updates.len());
        prop_assert_eq!(updates, predicted.updates);
        let differences = self.model.differences(&self.chain.records());
        prop_assert_eq!(differences, [""; 0]);
        nothing_went_backwards(&before, &self.chain.state)
    }
}

/// Nonces only grow, a receipt stays as it was paid, consensus keys keep their owners.
fn nothing_went_backwards(before: &State, after: &State) -> Result<(), TestCaseError> {
    let after = records(after);
    for (key, old) in records(before) {
        let new = after.get(&key);
        if key.starts_with("/account/") {
            let nonce = |record: &serde_json::Value| record["nonce"].as_u64();
            prop_assert!(new.is_some_and(|new| nonce(new) >= nonce(&old)), "{}", key);
        } else if key.starts_with("/receipt/") {
            prop_assert_eq!(new, Some(&old));
        } else if key.starts_with("/validator/") {
            let kept = |record: &serde_json::Value| record["keys"].as_array().unwrap().clone();
            prop_assert!(kept(new.unwrap()).starts_with(&kept(&old)), "{}", key);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(plan::cases(200))]

    #[test]
    fn every_chain_does_what_the_reference_model_says((start, plans) in plan::chain(32)) {
        let mut pair = Pair::start(&start);
        for plan in &plans {
            pair.block(plan)?;
        }
    }
}

#[test]
fn more_than_a_thousand_due_escrows_go_back_as_the_model_says() {
    let client = plan::Who::Alice.actor();
    let setup = Setup::default()
        .balance(&client, 1_000_000)
        .param("fee_per_kib", 0);
    let mut chain = setup.start();
    let evidence = EVIDENCE_MAX_AGE;
    let mut model = Model::new(CHAIN_ID, 1, &setup.accounts, &setup.params, evidence);
    let mut block = |drafts: Vec<Draft>| {
        let inputs = |draft: &Draft| Input {
            wire: draft.wire(),
            malformed: None,
        };
        let inputs: Vec<Input> = drafts.iter().map(inputs).collect();
        let engine = Engine::proposed_by(&validator_key().pubkey().to_string());
        let predicted = model.apply_block(&inputs, &engine);
        let codes = chain.commit(drafts).codes();
        assert_eq!(codes, predicted.codes);
        assert_eq!(model.differences(&chain.records()), [""; 0]);
        chain.clone()
    };
    let chain = block(Vec::new());
    // Two due heights, and names whose order is not that of their opening.
    let opens = (0..1_100_u64).map(|n| {
        let job = format!("job_{}", (n * 7_919) % 1_100);
        let ttl = if n % 30 == 0 { 2 } else { 3 };
        chain.open(&client, &job, 1 + n, ttl).later(n)
    });
    block(opens.collect());
    block(Vec::new());
    let chain = block(Vec::new());
    // 1,063 are due now, and three of those are opened again before their turn.
    let reopened: Vec<Draft> = ["job_997", "job_998", "job_999"]
        .iter()
        .zip(0..)
        .map(|(job, n)| chain.open(&client, job, 5, 9).later(n))
        .collect();
    block(reopened);
    for _ in 0..3 {
        block(Vec::new());
    }
}
