//! Four validators whose links are slow, lossy, held or cut, and one that stands still for a while.

use std::time::{Duration, Instant};

use ait_tests::comet::{
    Network, eventually,
    faults::{
        Dice,
        invariants::{goes_on_and_agrees, nothing_acknowledged_is_lost, nothing_committed_is_lost},
        links::{Link, Links},
        load::{MixedLoad, setup},
        named,
    },
    process::Process,
};

const CLIENTS: usize = 8;

fn how_long() -> Duration {
    Duration::from_secs(named("AIT_FAULT_SECONDS", 2))
}

async fn linked(dice: &mut Dice) -> (Network, Links) {
    let mut network = Network::prepare(&setup(4, CLIENTS)).await;
    let links = Links::between(&mut network, dice).await;
    for node in &mut network.nodes {
        node.app_arguments.push("--pool-journal=1".to_owned());
        node.start_in_order().await;
    }
    for node in &network.nodes {
        node.rest.reaches(2).await;
    }
    (network, links)
}

async fn heights(network: &Network) -> Vec<u64> {
    let mut heights = Vec::new();
    for node in &network.nodes {
        heights.push(node.rest.height().await);
    }
    heights
}

async fn ends_well(network: &Network, load: MixedLoad) {
    let ledger = load.finish().await;
    nothing_acknowledged_is_lost(&network.nodes[0].rest, &ledger).await;
    nothing_committed_is_lost(network, &ledger.committed).await;
    assert!(!ledger.committed.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_split_in_halves_decides_nothing_and_goes_on_when_it_is_whole() {
    let mut dice = Dice::of("halves");
    let (network, links) = linked(&mut dice).await;
    let load = MixedLoad::start(&network, CLIENTS);
    let mut agreed = 1;
    for link in [Link::Held, Link::Cut] {
        links.around(&[0, 1], link);
        if link == Link::Cut {
            for node in &network.nodes {
                eventually("each half is alone", async || {
                    (node.rpc.peers().await == 1).then_some(())
                })
                .await;
            }
        }
        // What was decided already may still arrive.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let before = heights(&network).await;
        tokio::time::sleep(how_long()).await;
        assert_eq!(heights(&network).await, before, "{link:?}");

        links.all(Link::CLEAR);
        let healed = Instant::now();
        let highest = before.iter().max().copied().unwrap_or_default();
        for node in &network.nodes {
            node.rest.reaches(highest + 1).await;
        }
        let took = healed.elapsed().as_secs_f64();
        println!("{link:?}: all decide again after {took:.2} s");
        agreed = goes_on_and_agrees(&network, agreed).await;
    }
    ends_well(&network, load).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_with_100_ms_of_latency_and_5_percent_loss_goes_on() {
    let mut dice = Dice::of("latency and loss");
    let (network, links) = linked(&mut dice).await;
    links.all(Link::Open {
        latency: Duration::from_millis(100),
        loss_percent: 5,
    });
    let load = MixedLoad::start(&network, CLIENTS);
    let first = network.nodes[0].rest.goes_on().await;
    let begun = Instant::now();
    tokio::time::sleep(how_long()).await;
    let last = network.nodes[0].rest.reaches(first + 3).await;
    let took = begun.elapsed().as_secs_f64();
    println!("{:.2} blocks a second", (last - first) as f64 / took);
    goes_on_and_agrees(&network, 1).await;
    ends_well(&network, load).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_that_stands_still_holds_nobody_up_for_long_and_comes_back() {
    let mut network = Network::prepare(&setup(4, CLIENTS)).await;
    for node in &mut network.nodes {
        node.app_arguments.push("--pool-journal=1".to_owned());
        node.start_in_order().await;
    }
    for node in &network.nodes {
        node.rest.reaches(2).await;
    }
    let load = MixedLoad::start(&network, CLIENTS);
    let node = &mut network.nodes[0];
    let before = node.rest.height().await;
    let both = [&mut node.app, &mut node.comet];
    both.into_iter().flatten().for_each(Process::pause);
    let begun = Instant::now();
    // Each of four proposes in its turn: in so many blocks its own comes, and passes.
    let reached = network.nodes[1].rest.reaches(before + 5).await;
    tokio::time::sleep((how_long()).saturating_sub(begun.elapsed())).await;
    let rate = (reached - before) as f64 / begun.elapsed().as_secs_f64();
    let highest = network.nodes[1].rest.height().await;
    let node = &mut network.nodes[0];
    let both = [&mut node.app, &mut node.comet];
    both.into_iter().flatten().for_each(Process::resume);
    let resumed = Instant::now();
    node.rest.reaches(highest + 1).await;
    println!(
        "without it {rate:.2} blocks a second at least; it has all of them after {:.2} s",
        resumed.elapsed().as_secs_f64()
    );
    goes_on_and_agrees(&network, 1).await;
    ends_well(&network, load).await;
}
