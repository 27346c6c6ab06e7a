//! A coordinator that is away, slow, lying or confused: its claims wait or are refused, nothing else
//! is held up, and no coin moves that shouldn't.

use std::time::Duration;

use ait_app::tx::Transaction;
use ait_tests::comet::{Coordinator, Manner, Network, Setup, Wallet, eventually, network::wallet};

const CLIENT_BALANCE: u64 = 1_000_000;

struct Scene {
    network: Network,
    client: Wallet,
    miner: Wallet,
    opening_fee: u64,
    opened: u64,
}

impl Scene {
    /// A chain on which `job_1` waits to be claimed.
    async fn with(urls: String) -> Self {
        let setup = Setup {
            coordinators: vec![wallet("coordinator")],
            coordinator_urls: urls,
            ..Setup::default()
        };
        let setup = setup
            .with_account("client", CLIENT_BALANCE)
            .with_account("alice", 1_000_000);
        let network = Network::start(setup).await;
        let mut client = wallet("client");
        let tx = client.open_escrow("job_1", wallet("coordinator").address, 50_000, 10_000);
        let receipt = network.nodes[0].rest.commit(&tx).await;
        let opened = receipt["height"].as_u64().expect("a height");
        Self {
            network,
            client,
            miner: wallet("miner"),
            opening_fee: tx.fee.get(),
            opened,
        }
    }

    /// Hands in a claim without attestation.
    async fn claim(&mut self, receipt_id: &str) -> Transaction {
        let client = self.client.address;
        let work = self.miner.receipt(receipt_id, client, "job_1", self.opened);
        let claim = self.miner.claim(&work, None);
        let answer = self.network.nodes[0].rpc.broadcast(&claim.to_wire()).await;
        assert_eq!(answer["code"], 0, "{answer}");
        claim
    }

    /// Others are served while the claim waits.
    async fn others_are_served(&self) {
        let mut alice = wallet("alice");
        let rest = &self.network.nodes[0].rest;
        alice.nonce = rest.account(alice.address).await.1;
        rest.commit(&alice.transfer(wallet("bob").address, 1)).await;
    }

    async fn nothing_was_paid(&self) {
        let rest = &self.network.nodes[0].rest;
        assert_eq!(rest.balance(self.miner.address).await, 0);
        let client = CLIENT_BALANCE - 50_000 - self.opening_fee;
        assert_eq!(rest.balance(self.client.address).await, client);
        let supply = rest.supply().await;
        assert_eq!(supply["minted"], 0);
        assert_eq!(supply["escrows"], 50_000);
    }

    async fn is_pending(&self, claim: &Transaction) -> bool {
        let rest = &self.network.nodes[0].rest;
        let reply = rest.get(&format!("/rpc/getTx/{}", claim.hash())).await;
        reply.status == 200 && reply.body["status"] == "pending"
    }

    async fn is_dropped(&self, claim: &Transaction) {
        let rest = &self.network.nodes[0].rest;
        eventually("the claim is dropped", async || {
            let reply = rest.get(&format!("/rpc/getTx/{}", claim.hash())).await;
            (reply.body["status"] == "dropped").then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_waits_for_a_coordinator_that_is_away_and_is_dropped_in_the_end() {
    let nobody = ait_tests::comet::node::free_port();
    let url = format!(
        "{}=http://127.0.0.1:{nobody}",
        wallet("coordinator").address
    );
    let mut scene = Scene::with(url).await;
    let claim = scene.claim("receipt_1").await;
    assert!(scene.is_pending(&claim).await);
    scene.others_are_served().await;
    scene.is_dropped(&claim).await;
    scene.nothing_was_paid().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_coordinator_holds_up_its_own_claim_alone() {
    let slow = Manner::Slow(Duration::from_millis(700));
    let coordinator = Coordinator::start(wallet("coordinator"), slow).await;
    let mut scene = Scene::with(coordinator.entry()).await;
    let claim = scene.claim("receipt_1").await;
    scene.others_are_served().await;
    let receipt = scene.network.nodes[0].rest.receipt_of(&claim).await;
    assert_eq!(receipt["code"], 0, "{receipt}");
    assert_eq!(coordinator.times_asked(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_but_a_right_one_pays() {
    let coordinator = Coordinator::start(wallet("coordinator"), Manner::WrongKey).await;
    let mut scene = Scene::with(coordinator.entry()).await;
    let elsewhere = Coordinator::start(wallet("coordinator"), Manner::Honest).await;
    let redirect = elsewhere.entry();
    let (_, redirect) = redirect.split_once('=').expect("address=url");
    let wrong = [
        Manner::WrongKey,
        Manner::OtherJob,
        Manner::NotYet,
        Manner::Garbage,
        Manner::Redirect(format!("{redirect}/attest/receipt")),
    ];
    for (i, manner) in wrong.into_iter().enumerate() {
        coordinator.answers(manner.clone());
        let asked = coordinator.times_asked();
        let claim = scene.claim(&format!("receipt_{i}")).await;
        eventually("the coordinator is asked", async || {
            (coordinator.times_asked() > asked).then_some(())
        })
        .await;
        scene.others_are_served().await;
        scene.is_dropped(&claim).await;
        scene.nothing_was_paid().await;
        // The claim had no effect at all: its nonce is free again.
        scene.miner.nonce -= 1;
        assert_eq!(elsewhere.times_asked(), 0, "redirects are not followed");
    }

    coordinator.answers(Manner::Honest);
    let claim = scene.claim("receipt_right").await;
    let receipt = scene.network.nodes[0].rest.receipt_of(&claim).await;
    assert_eq!(receipt["code"], 0, "{receipt}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinators_no_pays_nothing_and_leaves_the_escrow_open() {
    let coordinator = Coordinator::start(wallet("coordinator"), Manner::Negative).await;
    let mut scene = Scene::with(coordinator.entry()).await;
    // It is no offence, and a claim that fails has no place in a block.
    let claim = scene.claim("receipt_1").await;
    scene.is_dropped(&claim).await;
    scene.nothing_was_paid().await;
    let rest = &scene.network.nodes[0].rest;
    let path = format!("/rpc/getEscrow/{}/job_1", scene.client.address);
    assert_eq!(rest.get(&path).await.ok()["status"], "open");
}
