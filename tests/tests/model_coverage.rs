//! The random chains of the reference model's test are worth something: they meet every code that a
//! block can give, and every kind of transaction succeeds in them often.

use std::collections::BTreeMap;

use ait_app::code::Code;
use ait_tests::plan::{self, build_block};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};

/// Only the pool gives these.
const OF_THE_POOL: [Code; 4] = [
    Code::NonceTooFarAhead,
    Code::PoolFull,
    Code::ReplacementUnderpriced,
    Code::Dropped,
];

/// Bytes, not plans, bring these about; `bad_input` does.
const OF_BYTES: [Code; 2] = [Code::InvalidAddress, Code::InvalidPublicKey];

#[test]
fn random_chains_meet_every_code_of_a_block() {
    let mut runner = TestRunner::deterministic();
    let strategy = plan::chain(32);
    let mut met: BTreeMap<u32, u32> = BTreeMap::new();
    for _ in 0..400 {
        let (start, plans) = strategy.new_tree(&mut runner).unwrap().current();
        let mut model = start.model();
        for plan in &plans {
            let built = build_block(&model, plan);
            for code in model.apply_block(&built.inputs, &built.engine).codes {
                *met.entry(code).or_default() += 1;
            }
        }
    }
    eprintln!("{met:#?}");
    let expected = Code::ALL
        .iter()
        .filter(|code| !OF_THE_POOL.contains(code) && !OF_BYTES.contains(code));
    let missed: Vec<_> = expected
        .filter(|code| !met.contains_key(&code.number()))
        .collect();
    assert!(missed.is_empty(), "never met: {missed:?}");
}
