//! A node joins a running network by the addresses of its nodes alone.

use ait_tests::comet::{
    Network, Setup,
    devnet::said,
    eventually,
    newcomer::{Newcomer, trust_in},
};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn a_home_made_from_two_nodes_that_agree_begins_with_state_sync() {
    let setup = Setup {
        validators: 2,
        ..Setup::default()
    };
    let network = Network::start(setup).await;
    for node in &network.nodes {
        node.rest.reaches(4).await;
        eventually("it has caught up", async || {
            (!node.rpc.is_catching_up().await).then_some(())
        })
        .await;
    }
    let [first, second] = &network.nodes[..] else {
        panic!("two nodes");
    };
    let newcomer = Newcomer::new();

    // Nobody trusts in the operator's place.
    let asked = newcomer.init(&[first, second], &[]);
    let text = said(&asked);
    assert_eq!(asked.status.code(), Some(1), "{text}");
    assert!(!newcomer.home().exists(), "{text}");
    let trust = trust_in(&text);
    let (height, hash) = trust.split_once(':').expect(&text);
    // The one that every node shows its users.
    let block = first.rest.get(&format!("/rpc/getBlock/{height}")).await;
    assert_eq!(block.body["hash"], hash, "{text}");

    // Another hash than the nodes' is refused, with theirs.
    let wrong = format!("{height}:{}", "AB".repeat(32));
    let refused = newcomer.init(&[first, second], &["--trust", &wrong]);
    let text = said(&refused);
    assert_eq!(refused.status.code(), Some(1), "{text}");
    assert!(text.contains(hash), "{text}");
    assert!(text.contains(&second.rpc.url), "{text}");
    assert!(!newcomer.home().exists(), "{text}");

    let joined = newcomer.init(&[first, second], &["--trust", &trust]);
    assert!(joined.status.success(), "{}", said(&joined));
    let report: Value = serde_json::from_slice(&joined.stdout).expect("a report in JSON");
    assert_eq!(report["state_sync"]["trusted"], trust, "{report}");
    let peers = report["peers"].as_array().expect("peers");
    for node in [first, second] {
        assert!(peers.iter().any(|peer| *peer == node.peer()), "{report}");
    }

    // CometBFT takes the home and the block, and looks for snapshots at its peers.
    let (_app, comet) = newcomer.start();
    eventually("CometBFT looks for snapshots", async || {
        comet
            .output()
            .contains("Discovering snapshots")
            .then_some(())
    })
    .await;
    let log = comet.output();
    assert!(log.contains("Starting state sync"), "{log}");
}
