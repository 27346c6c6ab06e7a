//! A store that is of another chain, damaged or lost is refused with a message that says so, and is
//! left as it is; one that was moved away is built again from the chain's blocks.

use std::{fs, path::Path, time::Duration};

use ait_tests::comet::{Network, Node, Setup, process::Process};

/// A chain with some blocks, stopped.
async fn stopped_chain() -> Network {
    let mut network = Network::start(Setup::default()).await;
    network.first().rest.reaches(4).await;
    assert!(network.first().stop().success());
    network
}

/// Starts the application, which must end by itself with a message; gives that.
fn refusal(node: &Node) -> String {
    let log = node.home.join("refusal.log");
    let mut app = Process::start("ait start", &mut node.app_command(), &log);
    let status = app.wait(Duration::from_secs(60));
    assert!(!status.success(), "{}", app.output());
    app.output()
}

/// Every file below a folder with its bytes.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.push((
                path.display().to_string(),
                fs::read(&path).expect("readable"),
            ));
        }
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_another_chain_is_refused_and_left_alone() {
    let mut network = stopped_chain().await;
    let node = network.first();
    let before = contents(&node.store());
    node.chain_id = "another-chain".to_owned();
    let text = refusal(node);
    assert!(
        text.contains("another-chain") && text.contains("ait-test"),
        "{text}"
    );
    assert_eq!(contents(&node.store()), before);

    node.chain_id = ait_tests::comet::network::CHAIN_ID.to_owned();
    node.start_app();
    node.start_comet();
    node.rest.reaches(6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_store_is_refused() {
    let mut network = stopped_chain().await;
    let node = network.first();
    let (largest, mut bytes) = contents(&node.store())
        .into_iter()
        .max_by_key(|(_, bytes)| bytes.len())
        .expect("a store has files");
    for byte in bytes.iter_mut().step_by(97) {
        *byte ^= 0x55;
    }
    fs::write(largest, bytes).expect("writable");
    let text = refusal(node);
    // What is left of it decides how it looks; it never passes for a store of fewer blocks.
    let named = ["is damaged", "is lost", "went back"];
    assert!(named.iter().any(|name| text.contains(name)), "{text}");
    assert!(text.contains("chain.db"), "it names the store: {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_store_is_refused_and_one_that_was_moved_away_is_built_again() {
    let mut network = stopped_chain().await;
    let node = network.first();
    let height = 4;
    // The database's own files go, as on a disk that never wrote them; what marks the store stays.
    fs::remove_dir_all(node.store().join("fjall")).expect("removable");
    let text = refusal(node);
    assert!(text.contains("is lost"), "{text}");

    fs::rename(node.store(), node.home.join("moved-away")).expect("movable");
    node.start_app();
    node.start_comet();
    node.rest.reaches(height + 2).await;
    let block = node.rest.get("/rpc/getBlock/1").await.ok();
    assert_eq!(block["height"], 1);
}
