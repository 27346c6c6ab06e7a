//! `ait store` on a node that is stopped: it finds what the disk changed, and brings the store over to the
//! other database, in which the node goes on.

use std::process::Output;

use ait_tests::comet::{
    Network, Node, Setup,
    network::{CHAIN_ID, wallet},
    node::ait,
};

fn store(node: &Node, arguments: &[&str]) -> Output {
    let mut command = ait(&node.home);
    command.arg("store").args(arguments);
    command.args(["--chain-id", CHAIN_ID, "--db-path"]);
    command.arg(node.store()).output().expect("ait starts")
}

fn succeeded(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn refused(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_checked_and_brought_over_and_the_node_goes_on() {
    let setup = Setup::default().with_account("alice", 1_000_000);
    let mut network = Network::start(setup).await;
    let node = network.first();
    let (mut alice, bob) = (wallet("alice"), wallet("bob"));
    let paid = alice.transfer(bob.address, 5_000);
    node.rest.commit(&paid).await;
    let running = refused(&store(node, &["check"]));
    assert!(running.contains("in use by another process"), "{running}");
    let height = node.rest.height().await;
    assert!(node.stop().success());

    let checked = succeeded(&store(node, &["check"]));
    assert!(
        checked.contains("records are as its app hash says"),
        "{checked}"
    );
    let again = refused(&store(node, &["migrate", "--to", "fjall"]));
    assert!(again.contains("in fjall already"), "{again}");
    let moved = succeeded(&store(node, &["migrate", "--to", "sled"]));
    assert!(moved.contains("chain.db.old"), "{moved}");
    assert!(node.store().join("sled").is_dir());
    assert!(!node.store().join("fjall").exists());
    assert_eq!(succeeded(&store(node, &["check"])), checked);
    let kept = refused(&store(node, &["migrate", "--to", "fjall"]));
    assert!(kept.contains("move it away first"), "{kept}");

    node.start_app();
    node.start_comet();
    node.rest.reaches(height + 2).await;
    assert_eq!(node.rest.balance(bob.address).await, 5_000);
    assert_eq!(node.rest.receipt_of(&paid).await["code"], 0);
    node.rest.commit(&alice.transfer(bob.address, 7)).await;
    assert_eq!(node.rest.balance(bob.address).await, 5_007);
}
