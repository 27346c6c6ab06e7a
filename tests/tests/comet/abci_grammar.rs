//! What CometBFT asks of a node, recorded, is what its own grammar of ABCI calls allows, however it began; and asked
//! again, another node answers the same.

use std::time::Duration;

use ait_tests::comet::{
    Network, Setup,
    devnet::said,
    eventually, eventually_within,
    network::wallet,
    newcomer::{Newcomer, trust_in},
    recording::{Began, agrees, check_grammar, record, respects_the_grammar},
};

/// CometBFT looks for snapshots for some 15 s.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_begins_respects_the_grammar_and_its_answers_are_found_again() {
    let setup = Setup::default().with_account("alice", 1_000_000);
    let mut network = Network::prepare(&setup).await;
    let node = network.first();
    let recording = record(node);
    node.start_app();
    node.start_comet();
    node.rest.reaches(1).await;
    let mut alice = wallet("alice");
    for amount in 1..=3 {
        node.rest
            .commit(&alice.transfer(wallet("bob").address, amount))
            .await;
    }
    let path = format!("path=%22/account/{}%22&prove=true", alice.address);
    let queried = node.rpc.call("abci_query", &path).await;
    assert!(queried["response"]["value"].is_string(), "{queried}");
    node.rest.goes_on().await;
    assert!(node.stop().success());

    let sessions = respects_the_grammar(&recording);
    let [session] = &sessions[..] else {
        panic!("{sessions:?}");
    };
    assert_eq!(session.began(), Began::Clean);
    let blocks = session.count("finalize_block");
    assert!(blocks >= 4, "{session:?}");
    let report = agrees(&recording, &[]);
    assert_eq!(report["compared"]["finalize_block"], blocks, "{report}");
    assert_eq!(report["compared"]["query"], 1, "{report}");
    assert_eq!(report["runs"][0]["end"], "stopped", "{report}");
    assert!(
        report["not_compared"]["check_tx"].as_u64() >= Some(3),
        "{report}"
    );

    // Who calls in another order is told so, and who says that it only went on.
    let mut methods = session.methods.clone();
    let of = |name: &str| methods.iter().position(|method| method == name);
    let (finalize, commit) = (of("finalize_block"), of("commit"));
    methods.swap(finalize.expect("a block"), commit.expect("a commit"));
    let told = check_grammar(Began::Clean, &methods).unwrap_err();
    assert!(told.contains("got [commit] instead"), "{told}");
    let without: Vec<String> = session.methods[1..].to_vec();
    let told = check_grammar(Began::Clean, &without).unwrap_err();
    assert!(told.contains("not of valid type"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_the_application_and_cometbft_leaves_recordings_that_respect_the_grammar() {
    let setup = Setup::default().with_account("alice", 1_000_000);
    let mut network = Network::prepare(&setup).await;
    let recording = record(network.first());
    let mut alice = wallet("alice");
    let mut pay = async |network: &mut Network| {
        let rest = &network.first().rest;
        rest.reaches(1).await;
        let payment = alice.transfer(wallet("bob").address, 1);
        eventually("the payment is taken", async || {
            let reply = rest.send(&payment).await;
            (reply.status == 200).then_some(())
        })
        .await;
        assert_eq!(rest.receipt_of(&payment).await["code"], 0);
        rest.goes_on().await;
    };
    let node = network.first();
    node.start_app();
    node.start_comet();
    pay(&mut network).await;
    // CometBFT alone: the application has one more of it.
    let node = network.first();
    node.kill_comet();
    node.start_comet();
    pay(&mut network).await;
    for _ in 0..2 {
        let node = network.first();
        node.kill_app();
        eventually("CometBFT stops without its application", async || {
            let comet = node.comet.as_mut()?;
            comet.ended().map(|_| ())
        })
        .await;
        node.start_app();
        node.start_comet();
        pay(&mut network).await;
    }
    let node = network.first();
    node.kill_comet();
    node.kill_app();
    node.start_app();
    node.start_comet();
    pay(&mut network).await;
    network.first().kill_app();

    let sessions = respects_the_grammar(&recording);
    let of: Vec<(u64, u64)> = sessions.iter().map(|session| session.of).collect();
    assert_eq!(of, [(1, 1), (1, 2), (2, 1), (3, 1), (4, 1)], "{sessions:?}");
    let began: Vec<Began> = sessions.iter().map(|session| session.began()).collect();
    assert_eq!(began[0], Began::Clean);
    assert!(began[1..].iter().all(|began| *began == Began::Recovering));
    let report = agrees(&recording, &[]);
    let ends: Vec<&str> = report["runs"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|run| run["end"].as_str())
        .collect();
    assert_eq!(ends.len(), 4, "{report}");
    assert!(
        ends.iter().all(|end| *end != "stopped" && *end != "unread"),
        "{report}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_joins_by_state_sync_respects_the_grammar_and_so_does_who_serves_it() {
    let setup = Setup {
        validators: 2,
        block_interval: "50ms",
        ..Setup::default()
    };
    let mut network = Network::prepare(&setup.with_account("alice", 1_000_000)).await;
    let serving = record(network.first());
    for node in &mut network.nodes {
        node.app_arguments.push("--snapshot-interval=30".to_owned());
        node.app_arguments.push("--snapshot-keep=10".to_owned());
        node.start_app();
        node.start_comet();
    }
    let [first, second] = &network.nodes[..] else {
        panic!("two nodes");
    };
    first.rest.reaches(1).await;
    first
        .rest
        .commit(&wallet("alice").transfer(wallet("bob").address, 1_000))
        .await;
    first.rest.reaches(35).await;

    let mut late = Newcomer::new();
    let recording = late.record();
    let trust = trust_in(&said(&late.init(&[first, second], &[])));
    let joined = late.init(&[first, second], &["--trust", &trust]);
    assert!(joined.status.success(), "{}", said(&joined));
    let (mut app, mut comet) = late.start();
    let reached = first.rest.goes_on().await;
    eventually_within(PATIENCE, "the late node restores and goes on", async || {
        (late.rest.height().await >= reached).then_some(())
    })
    .await;
    comet.stop();
    assert!(app.stop().success());
    assert!(network.first().stop().success());

    let sessions = respects_the_grammar(&recording);
    let [session] = &sessions[..] else {
        panic!("{sessions:?}");
    };
    assert_eq!(session.began(), Began::Clean);
    assert_eq!(session.methods[0], "offer_snapshot");
    assert_eq!(session.count("init_chain"), 0);
    let report = agrees(&recording, &[]);
    assert!(
        report["compared"]["apply_snapshot_chunk"].as_u64() >= Some(1),
        "{report}"
    );
    assert!(
        report["compared"]["finalize_block"].as_u64() >= Some(1),
        "{report}"
    );

    // Who gave the chunks: what was in them is found again.
    respects_the_grammar(&serving);
    let report = agrees(&serving, &[]);
    assert!(
        report["compared"]["list_snapshots"].as_u64() >= Some(1),
        "{report}"
    );
}
