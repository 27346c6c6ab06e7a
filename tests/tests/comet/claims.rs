//! One node with the real CometBFT: an escrow, a receipt, its claim, and what it mints.

use ait_tests::comet::{
    Coordinator, Manner, Network, Setup, Wallet,
    network::{validator, wallet},
    wallet::required_fee,
};

const LOCKED: u64 = 50_000;
/// What [`Wallet::receipt`] says: 5 units for 2,000 uait.
const PRICE: u64 = 2_000;
/// 5 units at the default 1,000 uait each.
const MINTED_FOR_MINER: u64 = 5_000;
/// The default 500 basis points of the miner's.
const MINTED_FOR_COORDINATOR: u64 = 250;

async fn chain_with(coordinator: &Coordinator) -> Network {
    let setup = Setup {
        coordinators: vec![wallet("coordinator")],
        coordinator_urls: coordinator.entry(),
        ..Setup::default()
    };
    Network::start(setup.with_account("client", 1_000_000)).await
}

/// Opens an escrow for a job; gives the height and the fee that were paid for it.
async fn open(network: &mut Network, client: &mut Wallet, job: &str) -> (u64, u64) {
    let rest = &network.first().rest;
    let tx = client.open_escrow(job, wallet("coordinator").address, LOCKED, 1_000);
    let receipt = rest.commit(&tx).await;
    let height = receipt["height"].as_u64().expect("a height");
    (height, tx.fee.get())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_with_its_attestation_pays_mints_and_settles() {
    let coordinator = Coordinator::start(wallet("coordinator"), Manner::Honest).await;
    let mut network = chain_with(&coordinator).await;
    let (mut client, mut miner) = (wallet("client"), wallet("miner"));
    let (opened, opening_fee) = open(&mut network, &mut client, "job_1").await;
    let rest = &network.first().rest;
    assert_eq!(rest.supply().await["escrows"], LOCKED);

    let work = miner.receipt("receipt_1", client.address, "job_1", opened);
    let attestation = coordinator.attestation(&work);
    // The miner owns nothing: what the claim costs comes out of the escrow.
    let claim = miner.claim(&work, Some(&attestation));
    let fee = required_fee(&claim.payload);
    rest.commit(&claim).await;
    assert_eq!(coordinator.times_asked(), 0, "the claim carried its answer");

    assert_eq!(rest.balance(miner.address).await, MINTED_FOR_MINER + PRICE);
    assert_eq!(
        rest.balance(coordinator.account()).await,
        MINTED_FOR_COORDINATOR
    );
    let back = LOCKED - PRICE - fee;
    let left = 1_000_000 - opening_fee - LOCKED + back;
    assert_eq!(rest.balance(client.address).await, left);
    assert_eq!(rest.balance(validator(0).address).await, opening_fee + fee);

    let escrow = rest
        .get(&format!("/rpc/getEscrow/{}/job_1", client.address))
        .await
        .ok();
    assert_eq!(escrow["status"], "settled");
    let receipt = rest
        .get(&format!("/rpc/getReceipt/{}/receipt_1", miner.address))
        .await
        .ok();
    assert_eq!(receipt["minted"], MINTED_FOR_MINER + MINTED_FOR_COORDINATOR);
    assert_eq!(receipt["tx_hash"], claim.hash().to_string());
    let supply = rest.supply().await;
    assert_eq!(supply["minted"], MINTED_FOR_MINER + MINTED_FOR_COORDINATOR);
    assert_eq!(
        supply["total"],
        1_000_000 + MINTED_FOR_MINER + MINTED_FOR_COORDINATOR
    );
    assert_eq!(supply["balances"], supply["total"]);
    assert_eq!(supply["escrows"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_asks_the_coordinator_for_a_claim_without_attestation() {
    let coordinator = Coordinator::start(wallet("coordinator"), Manner::Honest).await;
    let mut network = chain_with(&coordinator).await;
    let (mut client, mut miner) = (wallet("client"), wallet("miner"));
    for (job, over_rest) in [("job_1", true), ("job_2", false)] {
        let (opened, _) = open(&mut network, &mut client, job).await;
        let node = network.first();
        let work = miner.receipt(&format!("receipt_{job}"), client.address, job, opened);
        let claim = miner.claim(&work, None);
        if over_rest {
            node.rest
                .post("/rpc/submitReceipt", claim.to_wire())
                .await
                .ok();
        } else {
            let answer = node.rpc.broadcast(&claim.to_wire()).await;
            assert_eq!(answer["code"], 0, "{answer}");
        }
        let receipt = node.rest.receipt_of(&claim).await;
        assert_eq!(receipt["code"], 0, "{receipt}");
        // The proposer put the coordinator's answer in front of the block.
        assert_eq!(receipt["index"], 1, "{receipt}");
    }
    let rest = &network.first().rest;
    let paid = 2 * (MINTED_FOR_MINER + PRICE);
    assert_eq!(rest.balance(miner.address).await, paid);
    assert!(coordinator.times_asked() >= 2);
}
