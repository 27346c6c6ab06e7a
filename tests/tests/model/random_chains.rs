//! Random chains against the reference model: after every block the codes, fees and events, the verdict of
//! honest validators, the validator updates and every field of every record are those that the model
//! predicts.

use std::collections::BTreeMap;

use ait_app::{events::Event, state::State};
use ait_testkit::{
    actors::validator_key,
    chain::{Block, CHAIN_ID, Chain, EVIDENCE_MAX_AGE, Setup, records},
    draft::Draft,
};
use ait_tests::{
    model::{self, Engine, Model, Outcome},
    plan::{self, Plan, Start, announce, block_input, build_block},
};
use proptest::prelude::*;
use serde_json::json;

/// A chain and its model, side by side.
struct Pair {
    chain: Chain,
    model: Model,
}

fn told(event: &Event) -> model::Event {
    let attributes = event.attributes.iter();
    let attributes = attributes.map(|one| (one.key.to_string(), one.value.clone()));
    (event.kind.to_string(), attributes.collect())
}

fn as_the_model_says(block: &Block, accepted: bool) -> Outcome {
    let outcome = &block.outcome;
    let entry = |result: &ait_app::tx::TxResult| model::EntryResult {
        code: result.code,
        fee: result.fee.get(),
        events: result.events.iter().map(told).collect(),
    };
    Outcome {
        entries: outcome.results.iter().map(entry).collect(),
        events: outcome.events.iter().map(told).collect(),
        updates: block.updates(),
        accepted,
    }
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
        let predicted = self.model.block(&built.wires, &built.engine);
        announce(&mut self.chain, &block_input(&built.engine));
        let before = self.chain.state.clone();
        let (block, refusal) = self.chain.finalize(built.wires.clone());
        let came = as_the_model_says(&block, refusal.is_none());
        for (place, (came, expected)) in came.entries.iter().zip(&predicted.entries).enumerate() {
            let names = (model::name_of(came.code), model::name_of(expected.code));
            let wire = String::from_utf8_lossy(&built.wires[place]);
            let log = &block.result(place).log;
            prop_assert_eq!(came, expected, "{:?} {} {}", names, log, wire);
        }
        prop_assert_eq!(came, predicted, "{:?}", refusal);
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
        } else if key.starts_with("/receipt/") && old["status"] == "paid" {
            prop_assert_eq!(new, Some(&old));
        } else if key.starts_with("/validator/") {
            let kept = |record: &serde_json::Value| record["keys"].as_array().unwrap().clone();
            prop_assert!(kept(new.unwrap()).starts_with(&kept(&old)), "{}", key);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(plan::cases(250))]

    #[test]
    fn every_chain_does_what_the_reference_model_says((start, plans) in plan::chain(32)) {
        let mut pair = Pair::start(&start);
        for plan in &plans {
            pair.block(plan)?;
        }
    }
}

/// A chain of ordinary size and its model.
struct Large {
    chain: Chain,
    model: Model,
}

impl Large {
    fn start(setup: &Setup) -> Self {
        let app_state = json!({"accounts": setup.accounts, "params": setup.params});
        Self {
            chain: setup.start(),
            model: Model::new(CHAIN_ID, 1, &app_state, EVIDENCE_MAX_AGE),
        }
    }

    fn block(&mut self, drafts: &[Draft]) -> BTreeMap<&'static str, usize> {
        let wires: Vec<Vec<u8>> = drafts.iter().map(Draft::wire).collect();
        let engine = Engine {
            proposer: Some(validator_key().consensus_address().0),
            ..Engine::default()
        };
        let predicted = self.model.block(&wires, &engine);
        let (block, refusal) = self.chain.finalize(wires);
        let came = as_the_model_says(&block, refusal.is_none());
        assert_eq!(came, predicted);
        assert_eq!(self.model.differences(&self.chain.records()), [""; 0]);
        let mut kinds = BTreeMap::new();
        for (kind, _) in &predicted.events {
            let name = ["escrow_refunded", "unbonded"]
                .into_iter()
                .find(|name| name == kind);
            *kinds.entry(name.unwrap_or("other")).or_default() += 1;
        }
        kinds
    }
}

/// Names whose order is not that of their opening.
fn job(number: u64) -> String {
    format!("job_{}", (number * 7_919) % 10_100)
}

#[test]
fn of_more_than_ten_thousand_due_escrows_the_rest_goes_back_a_block_later() {
    let client = plan::Who::Alice.actor();
    let setup = Setup::default().param("fee_per_kib", 0);
    let setup = setup.param("record_fee", 0).param("min_escrow_amount", 1);
    let setup = setup.param("escrow_max_ttl_blocks", 5);
    let mut large = Large::start(&setup.param("cancel_notice_blocks", 1));
    // Two due heights.
    let opens = |chain: &Chain, from: u64| -> Vec<Draft> {
        let numbers = from..from + 5_050;
        let opens = numbers.map(|n| {
            let ttl = if n % 30 == 0 { 3 } else { 4 };
            let draft = chain.open(&client, &job(n), 1 + n, ttl);
            let first = n - from;
            draft.later(first)
        });
        opens.collect()
    };
    let first = opens(&large.chain, 0);
    large.block(&first);
    let ttl_one_less = opens(&large.chain, 5_050)
        .into_iter()
        .map(|draft| {
            let ttl = draft.payload["ttl_blocks"].as_u64().unwrap();
            draft.with("ttl_blocks", ttl - 1)
        })
        .collect::<Vec<_>>();
    large.block(&ttl_one_less);
    large.block(&[]);
    let early = large.block(&[]);
    assert_eq!(early.get("escrow_refunded"), Some(&337));
    assert_eq!(large.block(&[]).get("escrow_refunded"), Some(&9_763));
}
