//! Power cuts while a stopped node's store is written by a command: a snapshot is taken or imported, or the store
//! brought over to the other database. Done again, the command does all of it, and the node goes on. Needs to mount a
//! small file system: left out, with a word, where the system does not let it.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use ait_tests::comet::{
    Network, Node,
    faults::{
        Dice,
        disks::ImageDisk,
        invariants::supply_adds_up,
        load::{MixedLoad, setup},
        named,
    },
    network::CHAIN_ID,
    node::ait,
    process::Process,
};
use serde_json::Value;

const CLIENTS: usize = 8;
/// From a command's start to the power cut: they take up to about as long.
const PAUSE_MS: u64 = 80;

/// What is done to the store.
#[derive(Debug, Clone, Copy)]
enum Doing {
    TakeSnapshot,
    ImportSnapshot,
    Migrate,
}

const ALL: [Doing; 3] = [Doing::TakeSnapshot, Doing::ImportSnapshot, Doing::Migrate];

fn about_store<S: AsRef<OsStr>>(node: &Node, arguments: &[S]) -> Command {
    let mut command = ait(&node.home);
    command.args(arguments);
    command.args(["--chain-id", CHAIN_ID, "--db-path"]);
    command.arg(node.store());
    command
}

fn done(command: &mut Command) -> String {
    let output = command.output().expect("ait starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn other_engine(node: &Node) -> &'static str {
    if node.store().join("sled").exists() {
        "fjall"
    } else {
        "sled"
    }
}

/// The newest snapshot of a store that was moved away.
fn newest_snapshot(lost: &Path) -> PathBuf {
    let folders = fs::read_dir(lost.join("snapshots")).expect("a folder");
    let heights = folders.filter_map(|entry| {
        let name = entry.ok()?.file_name();
        name.to_str()?.parse::<u64>().ok()
    });
    let newest = heights.max().expect("a snapshot");
    lost.join("snapshots").join(newest.to_string())
}

/// Prepares what is to be done; gives the arguments of the command that does it.
fn prepare(doing: Doing, node: &Node) -> Vec<String> {
    match doing {
        Doing::TakeSnapshot => ["snapshot", "create"].map(str::to_owned).to_vec(),
        Doing::ImportSnapshot => {
            let lost = node.store().with_extension("lost");
            fs::rename(node.store(), &lost).expect("a store");
            let snapshot = newest_snapshot(&lost).display().to_string();
            vec!["snapshot".to_owned(), "import".to_owned(), snapshot]
        }
        Doing::Migrate => ["store", "migrate", "--to", other_engine(node)]
            .map(str::to_owned)
            .to_vec(),
    }
}

/// Does it again after the power cut, and removes what is left over.
fn do_again(doing: Doing, arguments: &[String], node: &Node) {
    let output = about_store(node, arguments).output().expect("ait starts");
    let said = String::from_utf8_lossy(&output.stderr);
    let is_done = matches!(doing, Doing::Migrate) && said.contains("already");
    assert!(output.status.success() || is_done, "{doing:?}: {said}");
    for ending in ["lost", "old", "new"] {
        let left = node.store().with_extension(format!("db.{ending}"));
        let _ = fs::remove_dir_all(left);
        let _ = fs::remove_dir_all(node.store().with_extension(ending));
    }
    if matches!(doing, Doing::TakeSnapshot) {
        let listed = done(&mut about_store(node, &["snapshot", "list"]));
        let listed: Value = serde_json::from_str(&listed).expect("JSON");
        let path = listed[0]["path"].as_str().expect("a snapshot");
        done(ait(&node.home).args(["snapshot", "verify", path]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_a_power_cut_ended_is_done_again_and_the_node_goes_on() {
    let mut dice = Dice::of("interrupted commands");
    let mut network = Network::prepare(&setup(1, CLIENTS)).await;
    let Some(disk) = ImageDisk::beneath(&network.first().home) else {
        return;
    };
    network.first().start_in_order().await;
    let load = MixedLoad::start(&network, CLIENTS);
    network.first().rest.reaches(20).await;
    let committed = load.finish().await.committed;
    assert!(!committed.is_empty());
    let node = network.first();
    let mut height = node.rest.height().await;
    node.stop();
    done(&mut about_store(node, &["snapshot", "create"]));

    let mut cut_short = 0;
    for round in 0..named("AIT_FAULT_COMMANDS", 12) {
        let doing = ALL[round % ALL.len()];
        let arguments = prepare(doing, node);
        disk.sync();
        let log = node.home.join("command.log");
        let mut process = Process::start("ait", &mut about_store(node, &arguments), &log);
        tokio::time::sleep(dice.pause(PAUSE_MS)).await;
        cut_short += u64::from(process.ended().is_none());
        process.pause();
        disk.note();
        process.kill();
        disk.lose_what_came_after();
        do_again(doing, &arguments, node);
        done(&mut about_store(node, &["store", "check"]));

        node.start_in_order().await;
        height = node.rest.reaches(height + 1).await;
        supply_adds_up(&node.rest).await;
        node.stop();
    }
    println!("{cut_short} commands were cut short");
    assert!(cut_short > 0);
}
