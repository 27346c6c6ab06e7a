//! Determinism: the same blocks give the same app hashes, whoever runs them, from whatever they were read
//! back, and however often.

use ait_app::{
    block::{BlockInput, execute},
    quantity::Height,
    state::{AppHash, State},
    tx::Anew,
};
use ait_testkit::{
    actors::{alice, bob, miner},
    chain::{Chain, Setup, assert_same_outcome, read_entries},
};
use ait_tests::plan::{self, Plan, Start, announce, block_input, build_block};
use proptest::prelude::*;

/// A block's bytes, and what CometBFT says of it besides.
type Block = (Vec<Vec<u8>>, BlockInput);

/// The bytes of all planned blocks.
fn blocks_of(start: &Start, plans: &[Plan]) -> Vec<Block> {
    let mut model = start.model();
    plans
        .iter()
        .map(|plan| {
            let built = build_block(&model, plan);
            model.block(&built.wires, &built.engine);
            let input = block_input(&built.engine);
            (built.wires, input)
        })
        .collect()
}

fn app_hashes(start: &Start, blocks: &[Block]) -> Vec<AppHash> {
    let mut chain = start.chain();
    let mut hashes = vec![chain.state.app_hash()];
    for (wires, input) in blocks {
        announce(&mut chain, input);
        chain.finalize(wires.clone());
        hashes.push(chain.state.app_hash());
    }
    hashes
}

fn stored_entries(state: &State) -> Vec<(Vec<u8>, Vec<u8>)> {
    let leaves = state.entries().map(Result::unwrap);
    leaves
        .map(|leaf| (leaf.key().to_vec(), leaf.value().to_vec()))
        .collect()
}

fn rebuilt(state: &State) -> State {
    let (chain_id, height) = (state.chain_id().clone(), state.height());
    State::from_entries(chain_id, height, stored_entries(state)).unwrap()
}

fn assert_same_state(left: &State, right: &State) {
    assert_eq!(left.app_hash(), right.app_hash());
    assert_eq!(left.height(), right.height());
    assert_eq!(left.params(), right.params());
    assert_eq!(left.sent_validators(), right.sent_validators());
    let far = Height::MAX;
    assert!(left.due_escrows(far).eq(right.due_escrows(far)));
    assert!(left.due_unbondings(far).eq(right.due_unbondings(far)));
    assert!(left.due_deletions(far).eq(right.due_deletions(far)));
    assert!(left.stakers().eq(right.stakers()));
}

proptest! {
    #![proptest_config(plan::cases(100))]

    #[test]
    fn a_rebuilt_state_goes_on_as_the_one_that_never_stopped((start, plans) in plan::chain(20)) {
        let mut chain = start.chain();
        for (wires, input) in blocks_of(&start, &plans) {
            let again = rebuilt(&chain.state);
            assert_same_state(&again, &chain.state);
            announce(&mut chain, &input);
            let elsewhere = execute(&again, &read_entries(&wires), &chain.input(), &Anew).unwrap();
            let (block, _) = chain.finalize(wires);
            assert_same_outcome(&elsewhere, &block.outcome);
        }
    }

    #[test]
    fn replaying_the_same_blocks_gives_the_same_app_hashes((start, plans) in plan::chain(20)) {
        let blocks = blocks_of(&start, &plans);
        prop_assert_eq!(app_hashes(&start, &blocks), app_hashes(&start, &blocks));
    }
}

#[test]
fn judging_a_block_twice_and_executing_it_leaves_no_trace_in_the_state_before() {
    let mut chain = Chain::start();
    let tx = chain.open(&alice(), "job", 60_000, 100);
    chain.commit([tx]);
    let before = chain.clone();
    let work = chain.work(&alice(), "job", &miner(), "rcpt");
    let txs = [
        chain.claim(&miner(), &work).wire(),
        chain.transfer(&alice(), &bob(), 1).wire(),
    ];
    let read = read_entries(&txs);
    let first = execute(&before.state, &read, &before.input(), &Anew).unwrap();
    let second = execute(&before.state, &read, &before.input(), &Anew).unwrap();
    assert_same_outcome(&first, &second);
    assert_eq!(before.state.app_hash(), chain.state.app_hash());
    chain.commit(txs);
    assert_eq!(chain.state.app_hash(), first.state.app_hash());
}

#[test]
fn the_order_in_which_accounts_came_does_not_show_in_the_app_hash() {
    let txs = |chain: &Chain, order: [u64; 3]| {
        let to = |n: u64| ait_testkit::actors::Actor::named(&format!("receiver {n}"));
        let place = 0..;
        let list: Vec<_> = order
            .into_iter()
            .zip(place)
            .map(|(n, place)| chain.transfer(&alice(), &to(n), 5_000).later(place))
            .collect();
        list
    };
    let app_hash = |order: [u64; 3]| {
        let mut chain = Setup::default().start();
        let list = txs(&chain, order);
        chain.commit(list);
        chain.state.app_hash()
    };
    assert_eq!(app_hash([1, 2, 3]), app_hash([3, 1, 2]));
}
