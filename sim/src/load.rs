//! Owns what people send: random plans of blocks, those of the reference model's own test, in bursts with quiet
//! heights between them; and what coordinators answer.

use std::collections::VecDeque;

use ait_abci::WantedAttestation;
use ait_app::receipts::attestation::Attestation;
use ait_testkit::{actors::Actor, work::Work};
use ait_tests::{
    model::Model,
    plan::{self, Plan, Start, key_holder, signed_answer},
};
use proptest::{
    strategy::{BoxedStrategy, Strategy as _, ValueTree as _},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::dice::Dice;

/// Blocks of a burst, about.
const BURST: usize = 12;

/// Where transactions come from.
pub struct Load {
    runner: TestRunner,
    strategy: BoxedStrategy<(Start, Vec<Plan>)>,
    plans: VecDeque<Plan>,
    /// Quiet heights between two bursts, on average.
    quiet: u64,
    quiet_left: u64,
}

impl Load {
    /// Load from this chance on, and what a chain begins with.
    ///
    /// # Errors
    /// Where no plan can be made.
    pub fn begin(dice: &mut Dice, quiet: u64) -> Result<(Self, Start), String> {
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &dice.seed());
        let config = Config {
            failure_persistence: None,
            ..Config::default()
        };
        let mut load = Self {
            runner: TestRunner::new_with_rng(config, rng),
            strategy: plan::chain(BURST).boxed(),
            plans: VecDeque::new(),
            quiet,
            quiet_left: 0,
        };
        let start = load.burst()?;
        Ok((load, start))
    }

    fn burst(&mut self) -> Result<Start, String> {
        let tree = self.strategy.new_tree(&mut self.runner);
        let (start, plans) = tree.map_err(|why| format!("no plan: {why}"))?.current();
        self.plans.extend(plans);
        Ok(start)
    }

    /// What is planned for the next height; nothing for a quiet one.
    ///
    /// # Errors
    /// Where no plan can be made.
    pub fn next(&mut self, dice: &mut Dice) -> Result<Option<Plan>, String> {
        if let Some(left) = self.quiet_left.checked_sub(1) {
            self.quiet_left = left;
            return Ok(None);
        }
        if self.plans.is_empty() {
            self.burst()?;
        }
        let plan = self.plans.pop_front();
        if self.plans.is_empty() {
            self.quiet_left = dice.below(self.quiet.saturating_mul(2).saturating_add(1));
        }
        Ok(plan)
    }
}

/// What the coordinator of a claim answers now: mostly the truth, now and then nothing yet, a lie, or under a key
/// that is not its own. It may tell each node something else.
pub fn attest(dice: &mut Dice, model: &Model, wanted: &WantedAttestation) -> Option<Attestation> {
    if dice.one_in(3) {
        return None;
    }
    let coordinator = wanted.coordinator.to_string();
    let work = Work::requested(&serde_json::to_value(&wanted.request).ok()?);
    let key = model.params["coordinators"][&coordinator].as_str();
    let mut signer = key.map_or_else(|| Actor::named("mallory"), key_holder);
    let mut says = work.praise();
    match dice.below(16) {
        0 => says = work.denial(),
        1 => says.paid = false,
        2 => says.quote_price = says.quote_price.saturating_sub(1),
        3 => signer = Actor::named("mallory"),
        _ => {}
    }
    let answer = signed_answer(&work, &coordinator, &signer, says);
    serde_json::from_value(answer).ok()
}
