//! A lone validator that two crashes at the wrong moments halt goes on once its log is mended: by command, and by
//! itself where the node runs its CometBFT.

use ait_tests::comet::{
    Network, Node, Setup, eventually,
    node::{CRASH_POINTS, run},
    process::Process,
};
use serde_json::Value;

/// Of the crash points of a block, the one after it is stored and before its end is noted.
const AFTER_STORING: u64 = 3;
/// At a restart the block that was stored is executed first, past four points; then come the votes for the next one.
const AFTER_VOTING: u64 = 5;
/// The block whose end is not noted.
const BLOCK: u64 = 3;

/// A validator that signs nothing any more.
async fn halted() -> Network {
    let mut network = Network::prepare(&Setup::default()).await;
    let node = network.first();
    node.crashes_at(CRASH_POINTS * (BLOCK - 1) + AFTER_STORING)
        .await;
    node.crashes_at(AFTER_VOTING).await;
    network
}

fn comet_log(node: &Node) -> String {
    let bytes = std::fs::read(node.home.join("cometbft.log")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_that_two_crashes_halted_goes_on_after_ait_repair() {
    let mut network = halted().await;
    let node = network.first();
    node.start_app();
    node.start_comet();
    eventually("it can't sign what it signed otherwise", async || {
        let log = comet_log(node);
        let told = ["does not contain #ENDHEIGHT", "failed signing"];
        told.iter().all(|told| log.contains(told)).then_some(())
    })
    .await;
    assert_eq!(node.rest.height().await, BLOCK);

    // Not beneath a node that runs.
    let output = node.repair_command().output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("in use"),
        "{said}"
    );
    node.kill_app();
    node.kill_comet();

    for outcome in ["mended", "nothing_to_mend"] {
        let report: Value = serde_json::from_str(&run(&mut node.repair_command())).expect("JSON");
        assert_eq!(report["write_ahead_log"], outcome, "{report}");
        assert_eq!(report["height"], BLOCK);
    }
    node.start_app();
    node.start_comet();
    node.rest.reaches(BLOCK + 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_its_cometbft_mends_that_by_itself() {
    let mut network = halted().await;
    let node = network.first();
    let log = node.home.join("app.log");
    let mut command = node.unit_command();
    command.arg("--db-path").arg(node.store());
    node.app = Some(Process::start("ait start", &mut command, &log));
    node.rest.reaches(BLOCK + 3).await;
    assert!(node.app_log().contains("cometbft_files_mended"));
}
