//! CometBFT ends itself at each of its crash points of a block, singly and in pairs, on a lone validator under load:
//! after `ait repair` it goes on.

use ait_tests::comet::{
    Network, Node,
    faults::{
        Dice,
        invariants::{goes_on_and_agrees, nothing_acknowledged_is_lost, nothing_committed_is_lost},
        load::{MixedLoad, setup},
        named,
    },
    node::{CRASH_POINTS, run},
};
use serde_json::Value;

const CLIENTS: usize = 4;
/// Blocks that are made before the one in which it crashes.
const BLOCKS: u64 = 2;

/// Whether there was something to mend.
fn repaired(node: &Node) -> bool {
    let told: Value = serde_json::from_str(&run(&mut node.repair_command())).expect("JSON");
    match told["write_ahead_log"].as_str() {
        Some("mended") => true,
        Some("nothing_to_mend") => false,
        _ => panic!("{told}"),
    }
}

async fn survives(crashes: &[Vec<u64>]) {
    let mut network = Network::prepare(&setup(1, CLIENTS)).await;
    let node = network.first();
    node.app_arguments.push("--pool-journal=1".to_owned());
    node.start_in_order().await;
    node.rest.reaches(1).await;
    let load = MixedLoad::start(&network, CLIENTS);
    let (mut looked, mut agreed, mut mended) = (0, 1, 0);
    for points in crashes {
        let node = network.first();
        node.kill_comet();
        node.kill_app();
        // The first one in a block that is made as any other, each further one where the node recovers.
        for (i, point) in points.iter().enumerate() {
            let before = if i == 0 { CRASH_POINTS * BLOCKS } else { 0 };
            node.crashes_at(before + point).await;
        }
        mended += u64::from(repaired(node));
        node.start_in_order().await;
        agreed = goes_on_and_agrees(&network, agreed).await;
        let seen = load.seen().committed;
        nothing_committed_is_lost(&network, &seen[looked..]).await;
        looked = seen.len();
    }
    let ledger = load.finish().await;
    nothing_acknowledged_is_lost(&network.nodes[0].rest, &ledger).await;
    println!(
        "{} of {} were mended, {} committed and none lost",
        mended,
        crashes.len(),
        ledger.committed.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_validator_survives_each_crash_point_of_a_block() {
    let singly: Vec<Vec<u64>> = (0..CRASH_POINTS).map(|point| vec![point]).collect();
    survives(&singly).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_validator_survives_a_second_crash_while_it_recovers_from_the_first() {
    let mut dice = Dice::of("pairs of crash points");
    let mut pairs: Vec<Vec<u64>> = (0..CRASH_POINTS * CRASH_POINTS)
        .map(|pair| vec![pair / CRASH_POINTS, pair % CRASH_POINTS])
        .collect();
    let mut chosen = Vec::new();
    for _ in 0..named("AIT_FAULT_PAIRS", 4).min(pairs.len()) {
        chosen.push(pairs.swap_remove(dice.index(pairs.len())));
    }
    println!("{chosen:?}");
    survives(&chosen).await;
}
