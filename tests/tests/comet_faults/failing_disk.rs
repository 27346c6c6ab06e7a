//! A disk that answers with I/O errors, and one that can only be read: the node ends with one message, and goes on from
//! where it was once the disk works. Needs to mount a small file system: left out, with a word, where the system does
//! not let it.

use std::time::Duration;

use ait_tests::comet::{
    Network, Setup, eventually_within, faults::disks::ImageDisk, network::wallet,
};

const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fails_beneath_the_store_ends_the_node_and_loses_nothing() {
    let setup = Setup::default().with_account("alice", 1_000_000_000);
    let mut network = Network::prepare(&setup).await;
    let node = network.first();
    std::fs::create_dir_all(node.store()).expect("a folder");
    let Some(disk) = ImageDisk::beneath(&node.store()) else {
        return;
    };
    node.start_in_order().await;
    node.rest.reaches(3).await;
    let tx = wallet("alice").transfer(wallet("bob").address, 1_000);
    let receipt = node.rest.commit(&tx).await;
    disk.fail();
    let app = node.app.as_mut().expect("it runs");
    let status = eventually_within(PATIENCE, "the node ends", async || app.ended()).await;
    assert_eq!(status.code(), Some(3));
    node.kill_app();
    node.kill_comet();
    let said = node.app_log();
    assert!(said.contains("the block could not be stored"), "{said}");
    assert!(said.contains("Input/output error"), "{said}");

    disk.mount_again(true);
    node.start_app();
    let app = node.app.as_mut().expect("it runs");
    let status = eventually_within(PATIENCE, "the node ends", async || app.ended()).await;
    assert_eq!(status.code(), Some(1));
    node.kill_app();
    let said = node.app_log();
    assert!(said.contains("give the node's user write access"), "{said}");

    disk.mount_again(false);
    node.start_in_order().await;
    assert_eq!(node.rest.receipt_of(&tx).await, receipt);
    node.rest.goes_on().await;
    node.stop();
}
