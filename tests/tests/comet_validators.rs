//! Four validators with the real CometBFT under compute-backed proof: they propose by their power, and
//! the chain goes there and back while it lives.

use std::time::Duration;

use ait_tests::comet::{
    Coordinator, Manner, Network, Setup,
    network::{validator, wallet},
    validators::{accounts, elect, mode, powers, proposed, setup},
    wait::eventually_within,
};
use serde_json::json;

const STAKES: [u64; 4] = [400_000_000, 300_000_000, 200_000_000, 100_000_000];
/// Jobs that each of them does.
const JOBS: [u64; 4] = [1, 0, 3, 2];
/// Blocks over which the shares of proposals are compared.
const BLOCKS: u64 = 240;
/// For so many blocks on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// `1 + floor(10^6 * (0.5 * S + 0.5 * min(S, R)))` with the shares of stake S and of work R; all shares
/// here are tenths and sixths.
fn expected_powers() -> Vec<u64> {
    let (stakes, jobs) = (STAKES.iter().sum::<u64>(), JOBS.iter().sum::<u64>());
    let parts = STAKES.iter().zip(JOBS).map(|(stake, done)| {
        let (by_stake, by_work) = (stake * jobs, done * stakes);
        let above = u128::from(by_stake + by_stake.min(by_work)) * 1_000_000;
        1 + u64::try_from(above / u128::from(2 * stakes * jobs)).expect("below a million")
    });
    parts.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn validators_propose_by_their_power_and_the_mode_moves_there_and_back() {
    let coordinator = Coordinator::start(wallet("coordinator"), Manner::Honest).await;
    let params = [
        ("epoch_blocks", json!(20)),
        // Above the age of evidence and such an epoch.
        ("unbonding_blocks", json!(200)),
        // Scores stay as they are, and so do the powers.
        ("work_decay_bps", json!(10_000)),
        ("mint_per_unit", json!(1)),
        // Their few units are all the work there is.
        ("work_score_floor", json!(1)),
        // Blocks come so fast that the vote of one who runs may be too late for the next: nobody is down here.
        ("min_signed_bps", json!(0)),
    ];
    let setup = Setup {
        coordinators: vec![wallet("coordinator")],
        coordinator_urls: coordinator.entry(),
        ..setup(4, &params).with_account("client", 1_000_000_000)
    };
    let network = Network::start(setup).await;
    let rest = &network.nodes[0].rest;
    let mut stakers = accounts(4);
    let mut admin = elect(&network, &mut stakers, &STAKES).await;

    // Unequal work.
    let mut client = wallet("client");
    for (miner, jobs) in stakers.iter_mut().zip(JOBS) {
        for n in 0..jobs {
            let name = format!("{}_{n}", &miner.address.to_string()[..12]);
            let open = client.open_escrow(&name, coordinator.account(), 50_000, 1_000);
            let opened = rest.commit(&open).await["height"]
                .as_u64()
                .expect("a height");
            let work = miner.receipt(&name, client.address, &name, opened);
            let attestation = coordinator.attestation(&work);
            rest.commit(&miner.claim(&work, Some(&attestation))).await;
        }
    }
    let expected = expected_powers();
    eventually_within(PATIENCE, "powers by stake and work", async || {
        (powers(rest, &stakers).await == expected).then_some(())
    })
    .await;

    // Updates hold two blocks after the one that made them.
    let first = rest.height().await + 3;
    let last = first + BLOCKS - 1;
    eventually_within(PATIENCE, "enough blocks", async || {
        (rest.height().await >= last).then_some(())
    })
    .await;
    let counts = proposed(rest, first, last).await;
    assert_eq!(powers(rest, &stakers).await, expected);
    let total: u64 = expected.iter().sum();
    for (account, power) in stakers.iter().zip(&expected) {
        let count = counts
            .get(&account.address.to_string())
            .copied()
            .unwrap_or(0);
        let share = BLOCKS * power / total;
        println!(
            "{} proposed {count} of {BLOCKS}, its share is {share}",
            account.address
        );
        let allowed = (share / 10).max(2);
        assert!(
            count.abs_diff(share) <= allowed,
            "{counts:?} for {expected:?}"
        );
    }

    // Whoever has no power proposes no more.
    let leaver = &mut stakers[3];
    let receipt = rest.commit(&leaver.unstake(STAKES[3])).await;
    let left = receipt["height"].as_u64().expect("a height");
    let last = left + 40;
    eventually_within(PATIENCE, "blocks without the one who left", async || {
        (rest.height().await >= last).then_some(())
    })
    .await;
    let counts = proposed(rest, left + 2, last).await;
    assert_eq!(counts.get(&leaver.address.to_string()), None, "{counts:?}");
    assert!(counts.len() == 3, "{counts:?}");

    // And back to the authorities.
    let receipt = rest.commit(&admin.set_param("consensus_mode", "poa")).await;
    let updated = receipt["height"].as_u64().expect("a height");
    rest.reaches(updated + 1).await;
    assert_eq!(mode(rest).await, "poa");
    assert_eq!(powers(rest, &stakers).await, [10; 4]);
    // One whose round ended before its block came, on a busy machine, lets the next one propose: as
    // above, two blocks either way are allowed for that.
    rest.reaches(updated + 44).await;
    let counts = proposed(rest, updated + 4, updated + 43).await;
    for i in 0..4 {
        let address = validator(i).address.to_string();
        let count = counts.get(&address).copied().unwrap_or(0);
        assert!(count.abs_diff(10) <= 2, "{counts:?}");
    }
    for node in &network.nodes {
        node.rest.goes_on().await;
    }
}
