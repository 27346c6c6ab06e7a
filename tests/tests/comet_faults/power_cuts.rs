//! Power cuts beneath a lone validator under a mixed load: whatever the system had not written yet is gone, of both
//! processes' files. Needs to mount a small file system: left out, with a word, where the system does not let it.

use std::time::Instant;

use ait_tests::comet::{
    Network,
    faults::{
        Dice, Times,
        disks::ImageDisk,
        invariants::{goes_on_and_agrees, nothing_committed_is_lost},
        load::{MixedLoad, setup},
        named,
    },
    node::run,
    process::Process,
};

const CLIENTS: usize = 8;
/// From a power cut to the next.
const PAUSE_MS: u64 = 400;

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_takes_nothing_away_that_was_seen_in_a_block() {
    let mut dice = Dice::of("power cuts");
    let mut network = Network::prepare(&setup(1, CLIENTS)).await;
    let Some(disk) = ImageDisk::beneath(&network.first().home) else {
        return;
    };
    let node = network.first();
    // Snapshots are taken all the time.
    node.app_arguments.push("--snapshot-interval=5".to_owned());
    node.start_in_order().await;
    node.rest.reaches(1).await;
    let load = MixedLoad::start(&network, CLIENTS);
    let cuts: u64 = named("AIT_FAULT_POWER_CUTS", 25);
    let (mut recovery, mut looked, mut agreed) = (Times::default(), 0, 1);
    for _ in 0..cuts {
        tokio::time::sleep(dice.pause(PAUSE_MS)).await;
        let node = network.first();
        let both = [&mut node.app, &mut node.comet];
        both.into_iter().flatten().for_each(Process::pause);
        let seen = load.seen().committed;
        disk.note();
        node.kill_comet();
        node.kill_app();
        disk.lose_what_came_after();
        run(&mut node.repair_command());
        let begun = Instant::now();
        node.start_in_order().await;
        node.rest.goes_on().await;
        recovery.add(begun.elapsed());
        nothing_committed_is_lost(&network, &seen[looked..]).await;
        looked = seen.len();
        agreed = goes_on_and_agrees(&network, agreed).await;
    }
    let committed = load.finish().await.committed;
    nothing_committed_is_lost(&network, &committed).await;
    assert!(!committed.is_empty());
    println!(
        "{cuts} power cuts, {} committed and none lost; recovery {}",
        committed.len(),
        recovery.told()
    );
    network.first().stop();
}
