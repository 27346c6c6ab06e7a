//! A node whose CometBFT was killed while it made its databases comes up once they are mended: by command, and by itself
//! where the node runs its CometBFT.

use std::fs;

use ait_tests::comet::{Network, Node, Setup, eventually, node::run, process::Process};
use serde_json::{Value, json};

/// A node that never ran, with what LevelDB has on disk before it names its first manifest.
async fn killed_in_its_first_start(database: &str) -> Network {
    let mut network = Network::prepare(&Setup::default()).await;
    let folder = network.first().home.join("cometbft/data").join(database);
    fs::create_dir_all(&folder).expect("a folder");
    for name in ["LOCK", "LOG", "MANIFEST-000000"] {
        fs::write(folder.join(name), "").expect("writable");
    }
    network
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_killed_while_its_databases_were_made_comes_up_once_they_are_mended() {
    let mut network = killed_in_its_first_start("blockstore.db").await;
    let node: &mut Node = network.first();
    node.start_app();
    node.listens().await;
    node.start_comet();
    eventually("CometBFT gives up", async || {
        node.comet.as_mut().and_then(Process::ended)
    })
    .await;
    let log = fs::read_to_string(node.home.join("cometbft.log")).expect("a log");
    assert!(log.contains("database entry point"), "{log}");
    node.kill_comet();
    node.kill_app();
    for begun_anew in [json!(["blockstore.db"]), json!([])] {
        let report: Value = serde_json::from_str(&run(&mut node.repair_command())).expect("JSON");
        assert_eq!(report["databases_begun_anew"], begun_anew, "{report}");
    }
    node.start_in_order().await;
    node.rest.reaches(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_its_cometbft_begins_such_databases_anew_by_itself() {
    let mut network = killed_in_its_first_start("evidence.db").await;
    let node = network.first();
    let log = node.home.join("app.log");
    let mut command = node.unit_command();
    command.arg("--db-path").arg(node.store());
    node.app = Some(Process::start("ait start", &mut command, &log));
    node.rest.reaches(2).await;
    assert!(node.app_log().contains("cometbft_files_mended"));
}
