//! Nobody but the miner, or as many of the coordinators under whom it signed a receipt as can keep it from
//! being paid, can make the miner an offender (PROTOCOL section 1): clients, strangers, proposers, the
//! admin and too few bad coordinators do what they can with everything that the miner ever signed.

mod moves;
mod world;

use ait_tests::plan;
use proptest::{collection::vec, prelude::*};

use moves::{Move, a_move};
use world::World;

fn history() -> impl Strategy<Value = Vec<Vec<Move>>> {
    vec(vec(a_move(), 2..6), 8..60)
}

proptest! {
    #![proptest_config(plan::cases(150))]

    #[test]
    fn a_miner_that_keeps_to_honest_coordinators_is_never_an_offender(blocks in history()) {
        let mut world = World::new(false);
        for moves in &blocks {
            world.block(moves);
            prop_assert_eq!(world.offences(), 0);
        }
    }
}

#[test]
fn the_same_moves_do_harm_to_a_miner_that_trusts_anybody() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut offences, mut paid, mut paid_of_careful) = (0, 0, 0);
    for _ in 0..100 {
        let blocks = history().new_tree(&mut runner).unwrap().current();
        for is_trusting in [true, false] {
            let mut world = World::new(is_trusting);
            blocks.iter().for_each(|moves| world.block(moves));
            if is_trusting {
                offences += world.offences();
                paid += world.paid();
            } else {
                assert_eq!(world.offences(), 0);
                paid_of_careful += world.paid();
            }
        }
    }
    eprintln!("{offences} offences, {paid} and {paid_of_careful} claims paid");
    assert!(offences >= 15 && paid >= 20 && paid_of_careful >= 20);
}
