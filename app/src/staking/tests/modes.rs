//! Authorities, changes of the mode, and epochs, rule by rule.

use super::*;
use crate::quantity::Count;

#[test]
fn the_authorities_of_a_genesis_are_proven_validators() {
    let chain = Chain::new(&[(0, 0, 10), (1, 5, 7)], &[]);
    assert_eq!(chain.powers(), BTreeMap::from([(0, 10), (1, 7)]));
    let record = chain.record(1).unwrap();
    assert!(record.proven);
    assert_eq!(
        (record.pubkey, record.keys, record.stake_pubkey),
        (key(5), vec![key(5)], None)
    );
}

#[test]
fn compute_backed_proof_begins_when_the_authorities_hold_more_than_two_thirds() {
    let mut chain = Chain::new(&[(0, 0, 10)], &[("consensus_mode", "\"cbp\"")]);
    chain.block(&[Act::Stake(0, 2 * AIT), Act::Stake(1, AIT)], everybody);
    chain.run_to(10);
    assert_eq!(chain.powers(), BTreeMap::from([(0, 10)]));
    assert_eq!(chain.state.consensus().unwrap().mode_changes, Count::ZERO);
    // One uait below the least that counts is none at all.
    chain.block(&[Act::Unstake(1, 1)], everybody);
    chain.run_to(19);
    assert_eq!(chain.powers(), BTreeMap::from([(0, 10)]));
    chain.run_to(20);
    assert_eq!(chain.powers(), BTreeMap::from([(0, 500_001)]));
    assert_eq!(
        chain.state.consensus().unwrap().mode_changes,
        Count::constant(1)
    );
}

#[test]
fn a_window_goes_on_after_a_pause_and_begins_anew_with_the_mode() {
    let mut chain = four([AIT; 4], &[]);
    chain.run_to(14);
    assert_eq!(chain.record(0).unwrap().counted_blocks.get(), 4);
    chain.block(&[Act::Unstake(0, AIT), Act::Stake(0, AIT)], everybody);
    assert!(!chain.powers().contains_key(&0));
    // CometBFT's set still has it for two blocks, and again from block 22 on.
    chain.run_to(22);
    assert_eq!(chain.record(0).unwrap().counted_blocks.get(), 7);
    chain.run_to(24);
    assert_eq!(chain.record(0).unwrap().counted_blocks.get(), 9);
    chain.block(&[set_param("consensus_mode", "\"poa\"")], everybody);
    chain.block(&[set_param("consensus_mode", "\"cbp\"")], everybody);
    assert_eq!(chain.powers(), (0..4).map(|i| (i, 10)).collect());
    chain.run_to(31);
    let record = chain.record(0).unwrap();
    assert_eq!((record.counted_blocks.get(), record.window.get()), (1, 3));
}

#[test]
fn proof_of_authority_comes_back_in_the_next_block_and_punishes_nobody() {
    let mut chain = four([AIT; 4], &[]);
    chain.block(
        &[set_param("consensus_mode", "\"poa\""), Act::Equivocate(0)],
        everybody,
    );
    assert_eq!(chain.powers().len(), 3);
    let (events, _) = chain.block(&[Act::Equivocate(1)], everybody);
    assert_eq!(events, []);
    // A tombstoned authority is an authority.
    assert_eq!(chain.powers(), (0..4).map(|i| (i, 10)).collect());
    assert!(!chain.record(0).unwrap().proven);
    assert!(chain.record(1).unwrap().proven);
}

#[test]
fn an_authority_that_changes_its_key_has_to_prove_it() {
    let mut chain = Chain::new(&[(0, 0, 10), (1, 1, 5)], &[]);
    chain.run_to(3);
    let known = chain.record(1).unwrap();
    let mut overlay = Overlay::new(Base::new(&chain.state));
    let keys = vec![key(1), key(9)];
    overlay.put(&account(1), Validator { keys, ..known });
    let changes = overlay.into_changes();
    let (state, _) = chain
        .state
        .updated(&changes, &chain.state, chain.state.height())
        .unwrap();
    chain.state = state;
    let list = authorities(&[(0, 0, 10), (1, 9, 5)]);
    chain.block(&[set_param("authorities", &list)], everybody);
    let (_, updates) = chain.block(&[], everybody);
    assert_eq!(updates.len(), 2);
    let record = chain.record(1).unwrap();
    assert_eq!(
        (record.pubkey, record.proven, record.power.get()),
        (key(9), false, 5)
    );
    chain.run_to(7);
    assert!(!chain.record(1).unwrap().proven);
    chain.run_to(8);
    assert!(chain.record(1).unwrap().proven);
}

#[test]
fn stake_of_authorities_counts_from_its_key_being_in_use_and_proven_on() {
    let list: Vec<_> = (0..3).map(|i| (i, i, 7)).collect();
    let mut chain = Chain::new(&list, &[("consensus_mode", "\"cbp\"")]);
    let mut acts: Vec<Act> = (0..3).map(|i| Act::StakeWith(i, 9 * AIT, 20 + i)).collect();
    acts.push(Act::Stake(5, AIT));
    chain.block(&acts, everybody);
    chain.run_to(30);
    // Otherwise account 5 would be the only one proven with its stake key, and have all the power.
    assert_eq!(chain.powers(), BTreeMap::from([(0, 7), (1, 7), (2, 7)]));
    assert_eq!(chain.record(0).unwrap().pubkey, key(0));
    let list = authorities(&[(0, 20, 7), (1, 21, 7), (2, 22, 7)]);
    chain.block(&[set_param("authorities", &list)], everybody);
    chain.run_to(39);
    assert_eq!(chain.powers(), BTreeMap::from([(0, 7), (1, 7), (2, 7)]));
    chain.run_to(40);
    assert_eq!(
        chain.powers(),
        BTreeMap::from([(0, 166_667), (1, 166_667), (2, 166_667), (5, 1)])
    );
}

#[test]
fn epochs_are_counted_in_every_mode_with_the_history_of_decays() {
    let mut chain = Chain::new(&[(0, 0, 10)], &[]);
    chain.block(&[Act::Score(0, 1_000)], everybody);
    chain.run_to(19);
    chain.block(&[set_param("work_decay_bps", "5000")], everybody);
    chain.run_to(40);
    let consensus = chain.state.consensus().unwrap();
    assert_eq!(
        (consensus.epochs.get(), consensus.last_epoch_end.get()),
        (4, 40)
    );
    let decays: Vec<_> = consensus
        .decays
        .iter()
        .map(|d| (d.epoch.get(), d.bps.get()))
        .collect();
    assert_eq!(decays, [(0, 9_000), (2, 5_000)]);
    let mut miner: Miner = chain.state.get(&account(0)).unwrap().unwrap();
    assert_eq!((miner.epoch.get(), miner.score.get()), (0, 1_000));
    miner.roll(consensus.epochs, &consensus.decays);
    assert_eq!(miner.score.get(), 202);
}
