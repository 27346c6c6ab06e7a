//! Slashing with the real CometBFT: a validator that stops, and a key that is run twice.

use std::time::Duration;

use ait_tests::comet::{
    Network,
    devnet::said,
    load::{self, Load},
    network::wallet,
    node,
    validators::{accounts, elect, setup, validator_of},
    wait::eventually_within,
};
use serde_json::json;

const STAKES: [u64; 4] = [100_000_000; 4];
const FOR_GOOD: u64 = (1 << 53) - 1;
/// For a hundred blocks or so, with a missing proposer, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_validator_is_jailed_and_comes_back_by_unjail() {
    let params = [
        ("downtime_window", json!(20)),
        // One that runs but is late on a busy machine is not judged absent.
        ("min_signed_bps", json!(2_000)),
        ("jail_blocks", json!(10)),
        ("slash_downtime_bps", json!(100)),
    ];
    let mut setup = setup(4, &params);
    // Blocks for which the votes of one that came back are in time.
    setup.block_interval = "250ms";
    let mut network = Network::start(setup).await;
    let mut stakers = accounts(4);
    elect(&network, &mut stakers, &STAKES).await;
    let rest = network.nodes[0].rest.clone();
    let stopped = &mut stakers[3];
    network.nodes[3].kill_comet();
    network.nodes[3].kill_app();
    let jailed_until = eventually_within(PATIENCE, "the stopped one is jailed", async || {
        let entry = validator_of(&rest, stopped.address).await;
        entry["jailed_until"].as_u64().filter(|until| *until > 0)
    })
    .await;
    let entry = validator_of(&rest, stopped.address).await;
    assert_eq!(entry["power"], 0);
    assert_eq!(entry["stake"], 99_000_000);
    assert_eq!(rest.supply().await["burned"], 1_000_000);

    // Without it the others go on. It catches up before it asks to come back, or it is jailed again.
    network.nodes[3].start_app();
    network.nodes[3].start_comet();
    eventually_within(PATIENCE, "its time, caught up", async || {
        let there = rest.height().await >= jailed_until;
        (there && !network.nodes[3].rpc.is_catching_up().await).then_some(())
    })
    .await;
    rest.commit(&stopped.unjail()).await;
    eventually_within(PATIENCE, "the next election", async || {
        let entry = validator_of(&rest, stopped.address).await;
        entry["power"].as_u64().filter(|power| *power > 0)
    })
    .await;
    let back = rest.height().await;
    eventually_within(PATIENCE, "it proposes again", async || {
        let height = rest.height().await;
        let block = rest.get(&format!("/rpc/getBlock/{height}")).await.body;
        (height > back && block["proposer"] == stopped.address.to_string()).then_some(())
    })
    .await;
    network.nodes[3].rest.reaches(back).await;
    assert_eq!(rest.supply().await["burned"], 1_000_000, "slashed once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_run_twice_is_slashed_for_equivocation() {
    // Of four who all run, one whose votes are late is not slashed for that.
    let mut setup = setup(4, &[("min_signed_bps", json!(0))]);
    for sender in load::senders(4) {
        setup.accounts.push((sender.address, load::BALANCE));
    }
    let mut network = Network::start(setup).await;
    let mut stakers = accounts(4);
    elect(&network, &mut stakers, &STAKES).await;
    let rest = network.nodes[0].rest.clone();
    let doubled = stakers[3].address;

    let twin = network.twin(3);
    twin.start_app();
    twin.start_comet();
    let behind = rest.height().await;
    twin.rest.reaches(behind).await;
    // The two see different transactions first, and propose different blocks.
    let sink = wallet("sink").address;
    let load = Load::start(&network.nodes[3].rest, 4, sink);
    eventually_within(PATIENCE, "the equivocation is proved", async || {
        let entry = validator_of(&rest, doubled).await;
        (entry["jailed_until"] == FOR_GOOD).then_some(())
    })
    .await;
    load.finish().await;
    let entry = validator_of(&rest, doubled).await;
    assert_eq!(entry["power"], 0);
    assert_eq!(entry["stake"], 95_000_000);
    let supply = rest.supply().await;
    assert_eq!(supply["burned"], 5_000_000);
    assert_eq!(supply["stakes"], 395_000_000);
    // The others go on, all of one mind.
    network.nodes[0].rest.goes_on().await;
    network.nodes[1].rest.goes_on().await;

    // An auditor who executes the elections, the votes and the evidence again finds the same.
    let node = &network.nodes[0];
    let mut audit = node::ait(&node.home);
    audit.args(["audit", "replay", "--rpc", &node.rpc.url]);
    let audited = audit.output().expect("ait starts");
    assert!(audited.status.success(), "{}", said(&audited));
}
