//! `kill -9` at random moments under a mixed load, on one validator and on four. Pools have a journal: what was
//! acknowledged is not lost either.

use std::{
    fs,
    time::{Duration, Instant},
};

use ait_tests::comet::{
    Network, Node, eventually_within,
    faults::{
        Dice, Times,
        invariants::{
            goes_on_and_agrees, is_signed_by, nothing_acknowledged_is_lost,
            nothing_committed_is_lost,
        },
        load::{MixedLoad, setup},
        named,
    },
    network::consensus_key,
    node::run,
    process::Process,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

const CLIENTS: usize = 8;
/// Of 100 kills, those of a lone validator and of one that runs as a unit; the others are of four.
const SHARES: [u64; 2] = [44, 22];
/// From a kill to the next.
const PAUSE_MS: u64 = 400;
/// A lone validator that makes no block for so long is taken for halted: its recovery takes less than a second.
const HALTED: Duration = Duration::from_secs(8);
/// CometBFT without its application is killed after so long; it ends within a tenth of a second or never.
const STOPS: Duration = Duration::from_secs(3);

fn kills() -> u64 {
    named("AIT_FAULT_KILLS", 50)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    App,
    Comet,
    Both,
}

const VICTIMS: [Victim; 3] = [Victim::App, Victim::Comet, Victim::Both];

/// What a run came to.
#[derive(Default)]
struct Report {
    kills: u64,
    repairs: u64,
    stood_still: u64,
    recovery: Times,
    signing: Times,
}

impl Report {
    fn tell(&self, of: &str, committed: usize) {
        println!(
            "{of}: {} kills, {committed} committed and none lost; recovery {}; {} repairs; CometBFT stood \
             still {} times",
            self.kills,
            self.recovery.told(),
            self.repairs,
            self.stood_still,
        );
        if self.signing.count() > 0 {
            println!("{of}: signs again after {}", self.signing.told());
        }
    }
}

/// What was seen since the last look is still there, on all nodes, and all go on; gives the height.
async fn holds(network: &Network, load: &MixedLoad, looked: &mut usize, from: u64) -> u64 {
    let seen = load.seen().committed;
    nothing_committed_is_lost(network, &seen[*looked..]).await;
    *looked = seen.len();
    goes_on_and_agrees(network, from).await
}

async fn ends_well(network: &Network, load: MixedLoad) -> usize {
    let ledger = load.finish().await;
    nothing_acknowledged_is_lost(&network.nodes[0].rest, &ledger).await;
    nothing_committed_is_lost(network, &ledger.committed).await;
    ledger.committed.len()
}

fn kill(node: &mut Node, victim: Victim) {
    if victim != Victim::App {
        node.kill_comet();
    }
    if victim != Victim::Comet {
        node.kill_app();
    }
}

/// Starts what was killed, and CometBFT also where it ended because its application went away. Gives whether it had to
/// be killed: now and then it stands still in the middle of its stop, where its application went away while it noted a
/// commit.
async fn restart(node: &mut Node) -> bool {
    let mut stood_still = false;
    if node.app.is_none() {
        if let Some(mut comet) = node.comet.take() {
            stood_still = !ends(&mut comet).await;
        }
        node.start_app();
        node.listens().await;
    }
    node.start_comet();
    stood_still
}

/// Whether CometBFT ends by itself.
async fn ends(comet: &mut Process) -> bool {
    let deadline = Instant::now() + STOPS;
    while Instant::now() < deadline {
        if comet.ended().is_some() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

async fn prepared(validators: usize) -> Network {
    let mut network = Network::prepare(&setup(validators, CLIENTS)).await;
    for node in &mut network.nodes {
        node.app_arguments.push("--pool-journal=1".to_owned());
    }
    network
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_validator_survives_kills_of_either_process() {
    let mut dice = Dice::of("a lone validator");
    let mut network = prepared(1).await;
    network.first().start_in_order().await;
    network.first().rest.reaches(1).await;
    let load = MixedLoad::start(&network, CLIENTS);
    let (mut report, mut looked, mut agreed) = (Report::default(), 0, 1);
    while report.kills < kills() * SHARES[0] / 100 {
        tokio::time::sleep(dice.pause(PAUSE_MS)).await;
        let victim = VICTIMS[dice.index(3)];
        let node = network.first();
        let height = node.rest.height().await;
        kill(node, victim);
        report.kills += 1;
        let mut begun = Instant::now();
        if restart(node).await {
            report.stood_still += 1;
            begun = Instant::now();
        }
        if !makes_a_block(node, height + 1).await {
            // Two crashes at the wrong moments: CometBFT's log lacks the end of a block.
            kill(node, Victim::Both);
            let told: Value = serde_json::from_str(&run(&mut node.repair_command())).expect("JSON");
            assert_eq!(told["write_ahead_log"], "mended", "{victim:?}: {told}");
            report.repairs += 1;
            node.start_in_order().await;
            node.rest.reaches(height + 1).await;
        } else {
            report.recovery.add(begun.elapsed());
        }
        agreed = holds(&network, &load, &mut looked, agreed).await;
    }
    let committed = ends_well(&network, load).await;
    report.tell("a lone validator", committed);
}

async fn makes_a_block(node: &Node, height: u64) -> bool {
    let deadline = Instant::now() + HALTED;
    while Instant::now() < deadline {
        if node.rest.height().await >= height {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

fn start_unit(node: &mut Node) {
    let log = node.home.join("app.log");
    let mut command = node.unit_command();
    command.arg("--db-path").arg(node.store());
    command.args(&node.app_arguments);
    node.app = Some(Process::start("ait start", &mut command, &log));
}

/// The CometBFT that a unit started last.
fn comet_of_unit(node: &Node) -> Option<Pid> {
    let log = fs::read_to_string(node.home.join("app.log")).unwrap_or_default();
    let started = log.lines().rev().find_map(|line| {
        let line: Value = serde_json::from_str(line).ok()?;
        (line["event"] == "cometbft_started").then(|| line["pid"].as_i64())?
    });
    Pid::from_raw(i32::try_from(started?).ok()?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_validator_that_is_one_unit_survives_them_by_itself() {
    let mut dice = Dice::of("one unit");
    let mut network = prepared(1).await;
    start_unit(network.first());
    network.first().rest.reaches(1).await;
    let load = MixedLoad::start(&network, CLIENTS);
    let (mut report, mut looked, mut agreed) = (Report::default(), 0, 1);
    while report.kills < kills() * SHARES[1] / 100 {
        tokio::time::sleep(dice.pause(PAUSE_MS)).await;
        let victim = VICTIMS[dice.index(3)];
        let node = network.first();
        let height = node.rest.height().await;
        if victim != Victim::App {
            let comet = comet_of_unit(node).expect("it was started");
            kill_process(comet, Signal::KILL).expect("it runs");
        }
        if victim != Victim::Comet {
            node.kill_app();
        }
        report.kills += 1;
        let begun = Instant::now();
        if node.app.is_none() {
            start_unit(node);
        }
        node.rest.reaches(height + 1).await;
        report.recovery.add(begun.elapsed());
        agreed = holds(&network, &load, &mut looked, agreed).await;
    }
    let committed = ends_well(&network, load).await;
    report.repairs = network
        .first()
        .app_log()
        .matches("cometbft_files_mended")
        .count() as u64;
    report.tell("one unit", committed);
}

/// Which of four are killed: mostly one, sometimes as many as stop the chain, sometimes all.
fn victims(dice: &mut Dice) -> Vec<(usize, Victim)> {
    let first = dice.index(4);
    let count = match dice.within(0..10) {
        0..=6 => 1,
        7 | 8 => 2,
        _ => 4,
    };
    let nodes = (0..count).map(|i| (first + i) % 4);
    nodes.map(|node| (node, VICTIMS[dice.index(3)])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn four_validators_survive_kills_and_sign_again() {
    let mut dice = Dice::of("four validators");
    let mut network = prepared(4).await;
    for node in &mut network.nodes {
        node.start_in_order().await;
    }
    for node in &network.nodes {
        node.rest.reaches(1).await;
    }
    let load = MixedLoad::start(&network, CLIENTS);
    let (mut report, mut looked, mut agreed) = (Report::default(), 0, 1);
    while report.kills < kills() * (100 - SHARES[0] - SHARES[1]) / 100 {
        tokio::time::sleep(dice.pause(PAUSE_MS)).await;
        let killed = victims(&mut dice);
        for (i, victim) in &killed {
            kill(&mut network.nodes[*i], *victim);
            report.kills += 1;
        }
        let mut begun = Instant::now();
        let mut height = agreed;
        for node in &network.nodes {
            height = height.max(node.rest.height().await);
        }
        for (i, _) in &killed {
            if restart(&mut network.nodes[*i]).await {
                report.stood_still += 1;
                begun = Instant::now();
            }
        }
        for (i, _) in &killed {
            network.nodes[*i].rest.reaches(height + 1).await;
        }
        report.recovery.add(begun.elapsed());
        for (i, _) in &killed {
            signs_after(&network, *i, height).await;
        }
        report.signing.add(begun.elapsed());
        agreed = holds(&network, &load, &mut looked, agreed).await;
    }
    let committed = ends_well(&network, load).await;
    report.tell("four validators", committed);
}

/// Waits until a commit for a block above a height has a validator's signature.
async fn signs_after(network: &Network, i: usize, height: u64) {
    let address = consensus_key(i).actor.consensus_address();
    let address = hex::encode(address.0);
    let observer = &network.nodes[(i + 1) % network.nodes.len()].rpc;
    let mut next = height + 2;
    let patience = Duration::from_secs(60);
    eventually_within(patience, "it signs again", async || {
        loop {
            // A block has the commit of the one before it.
            let block = observer.call("block", &format!("height={next}")).await;
            if !block["block"].is_object() {
                return None;
            }
            if is_signed_by(&block, &address) {
                return Some(());
            }
            next += 1;
        }
    })
    .await;
}
