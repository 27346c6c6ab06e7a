//! A walk reaches a far height over changing sets with few blocks, and survives a node that lies.

use ait_verify::{Policy, Rejection, Trusted, Walk};
use serde_json::Value;

use crate::chain::{Chain, Signer, light_block, listed, set, time_of};

/// Ten validators; every twenty blocks one of them makes place for another.
fn turning() -> Chain {
    Chain::changing(|height| {
        let first = height / 20;
        set((first..first + 10).map(|number| (number, 10)))
    })
}

fn take(walk: &mut Walk, block: &Value) -> Result<(), Rejection> {
    walk.take(light_block(block), time_of(3_600), &Policy::default())
}

/// Walks on with the chain's blocks; how many it wanted.
fn walk_on(walk: &mut Walk, chain: &Chain) -> usize {
    let mut fetched = 0;
    while let Some(height) = walk.wants() {
        take(walk, &chain.light_block(height)).unwrap();
        fetched += 1;
        assert!(fetched < 1_000, "it does not end");
    }
    fetched
}

#[test]
fn a_thousand_heights_take_few_blocks() {
    let chain = turning();
    let mut walk = Walk::to(chain.trusted(1), 1_000);
    let fetched = walk_on(&mut walk, &chain);
    let there = light_block(&chain.light_block(1_000));
    assert_eq!(walk.trusted().hash(), there.hash());
    println!("1,000 heights with 50 changes of the set: {fetched} blocks");
    assert!(fetched <= 30, "{fetched}");
}

#[test]
fn a_set_that_stays_takes_one_block() {
    let chain = Chain::of(set((0..4).map(|number| (number, 10))));
    let mut walk = Walk::to(chain.trusted(1), 1_000);
    assert_eq!(walk_on(&mut walk, &chain), 1);
}

#[test]
fn sets_that_all_change_at_each_block_are_walked_one_by_one() {
    let chain = Chain::changing(|height| set((height * 4..height * 4 + 4).map(|n| (n, 10))));
    let mut walk = Walk::to(chain.trusted(1), 24);
    let fetched = walk_on(&mut walk, &chain);
    assert_eq!(walk.trusted().height(), 24);
    assert_eq!(fetched, 23);
}

#[test]
fn a_target_that_is_not_later_wants_nothing() {
    let trusted = turning().trusted(50);
    for target in [1, 50] {
        let walk = Walk::to(trusted.clone(), target);
        assert_eq!(walk.wants(), None);
        assert_eq!(*walk.trusted(), trusted);
    }
}

#[test]
fn another_block_than_the_wanted_one_is_refused() {
    let chain = turning();
    let mut walk = Walk::to(chain.trusted(1), 1_000);
    let refused = take(&mut walk, &chain.light_block(999)).unwrap_err();
    let (expected, got) = (1_000, 999);
    assert_eq!(refused, Rejection::OtherHeight { expected, got });
    assert_eq!(walk.wants(), Some(1_000));
}

#[test]
fn a_false_block_is_refused_and_that_of_another_node_leads_on() {
    let chain = turning();
    let mut walk = Walk::to(chain.trusted(1), 1_000);
    take(&mut walk, &chain.light_block(1_000)).unwrap();
    let wanted = walk.wants().unwrap();
    let mut lie = chain.light_block(wanted);
    lie["validators"] = listed(&chain.set(1));
    assert!(take(&mut walk, &lie).unwrap_err().is_refuted());
    assert_eq!(walk.wants(), Some(wanted));
    walk_on(&mut walk, &chain);
    assert_eq!(walk.trusted().height(), 1_000);
}

/// A node makes up the target with validators of its own: it can't be told at first, and is found out at
/// the block before it.
#[test]
fn a_target_by_strangers_is_found_out_and_the_true_one_reached() {
    let chain = turning();
    let strangers: Vec<Signer> = set((900..910).map(|number| (number, 10)));
    let usurper = Chain::changing(move |_| strangers.clone());
    let mut walk = Walk::to(chain.trusted(1), 64);
    take(&mut walk, &usurper.light_block(64)).unwrap();
    let refused = loop {
        let height = walk.wants().unwrap();
        assert!(height < 64);
        if let Err(refused) = take(&mut walk, &chain.light_block(height)) {
            break refused;
        }
    };
    assert_eq!(refused, Rejection::UnexpectedSet { height: 64 });
    let before: Trusted = walk.trusted().clone();
    assert_eq!((before.height(), walk.wants()), (63, Some(64)));
    walk_on(&mut walk, &chain);
    let truth = light_block(&chain.light_block(64));
    assert_eq!(walk.trusted().hash(), truth.hash());
}
