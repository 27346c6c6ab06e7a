//! A node that runs its CometBFT is one unit: what ends of it by itself comes back, and what ends it ends all of it.

use std::{fs, time::Duration};

use ait_tests::comet::{Network, Node, Setup, eventually, process::Process};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A lone validator that is not started yet.
async fn prepared() -> Network {
    Network::prepare(&Setup::default()).await
}

fn start(node: &mut Node) {
    let log = node.home.join("app.log");
    node.app = Some(Process::start("ait start", &mut node.unit_command(), &log));
}

/// Every line that came out, each of which is JSON.
fn lines(node: &Node) -> Vec<Value> {
    let log = node.app_log();
    // The last one may be half-written.
    let whole = log
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'));
    whole
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

fn of_event<'a>(lines: &'a [Value], event: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["event"] == event).collect()
}

/// The CometBFT that was started last, and how many were before it.
fn comet(node: &Node) -> (i32, usize) {
    let lines = lines(node);
    let started = of_event(&lines, "cometbft_started");
    let pid = started.last().and_then(|line| line["pid"].as_i64());
    let pid = pid.and_then(|pid| i32::try_from(pid).ok());
    (pid.expect("CometBFT was started"), started.len())
}

/// Whether a process is there, and no mere entry that nobody asked for its end yet.
fn is_running(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(')').map(|(_, fields)| fields.trim_start());
    state.is_some_and(|state| !state.starts_with(['Z', 'X']))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cometbft_that_is_killed_comes_back_and_blocks_go_on() {
    let mut network = prepared().await;
    let node = network.first();
    start(node);
    for round in 1..=3 {
        let height = node.rest.goes_on().await;
        let (pid, starts) = comet(node);
        assert_eq!(starts, round);
        let pid = Pid::from_raw(pid).expect("a process id");
        kill_process(pid, Signal::KILL).expect("it runs");
        eventually("it is started again", async || {
            (comet(node).1 > round).then_some(())
        })
        .await;
        node.rest.reaches(height + 2).await;
    }
    let lines = lines(node);
    assert_eq!(of_event(&lines, "cometbft_ended").len(), 3);
    let is_theirs = |line: &&Value| line["component"] == "cometbft" && line["event"] == "log";
    let theirs: Vec<&Value> = lines.iter().filter(is_theirs).collect();
    let told = ["timestamp", "level", "message", "module"];
    assert!(theirs.len() > 10 && told.iter().all(|name| theirs[0][name].is_string()));
}

/// A program in CometBFT's place whose consensus fails as on a full disk, and which lives on as CometBFT does.
const FAILING: &str = r#"#!/bin/sh
if [ "$1" = version ]; then
  echo '{"cometbft":"0.38.26","abci":"2.0.0","block_protocol":11,"p2p_protocol":8}'
  exit 0
fi
echo '{"level":"error","_msg":"CONSENSUS FAILURE!!!","err":"write cs.wal/wal: no space left on device"}'
exec sleep 600
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_cometbft_whose_consensus_failed_ends_the_node_with_the_reason() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut network = prepared().await;
    let node = network.first();
    let program = node.home.join("failing-cometbft");
    fs::write(&program, FAILING).expect("it can be written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("its mode can be set");
    let log = node.home.join("app.log");
    let mut command = node.unit_command();
    command.env("COMETBFT", &program);
    let mut app = Process::start("ait start", &mut command, &log);
    let status = app.wait(Duration::from_secs(60));
    assert_eq!(status.code(), Some(1));
    let said = node.app_log();
    assert!(said.contains("make room on the disk"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_asked_to_stop_stops_its_cometbft_first_and_leaves_nothing() {
    let mut network = prepared().await;
    let node = network.first();
    start(node);
    let height = node.rest.reaches(3).await;
    let (pid, _) = comet(node);
    let status = node.app.take().expect("it runs").stop();
    assert!(status.success(), "{status}");
    assert!(!is_running(pid));
    assert!(!node.home.join("app.sock").exists());
    let said = lines(node);
    let place = |event: &str| said.iter().position(|line| line["event"] == event);
    assert!(
        place("cometbft_stopped").expect("it was stopped") < place("stopped").expect("it stopped")
    );
    assert_eq!(place("cometbft_killed"), None);
    assert_eq!(place("cometbft_ended"), None);

    start(node);
    node.rest.reaches(height + 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_leaves_no_cometbft_that_would_block_its_next_start() {
    let mut network = prepared().await;
    let node = network.first();
    start(node);
    let height = node.rest.reaches(3).await;
    let (pid, _) = comet(node);
    node.kill_app();
    eventually("its CometBFT ends", async || {
        (!is_running(pid)).then_some(())
    })
    .await;
    start(node);
    node.rest.reaches(height + 2).await;

    // Also where it ends before CometBFT has spoken to it: then no connection that breaks tells CometBFT so.
    node.kill_app();
    let before = comet(node).1;
    start(node);
    let pid = eventually("CometBFT is started", async || {
        let (pid, starts) = comet(node);
        (starts > before).then_some(pid)
    })
    .await;
    node.kill_app();
    eventually("its CometBFT ends", async || {
        (!is_running(pid)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_asked_twice_takes_its_cometbft_along() {
    let mut network = prepared().await;
    let node = network.first();
    start(node);
    node.rest.reaches(2).await;
    let (pid, _) = comet(node);
    // Whoever asks twice does not wait.
    let app = node.app.as_mut().expect("it runs");
    app.interrupt();
    app.interrupt();
    app.wait(Duration::from_secs(60));
    eventually("its CometBFT ends", async || {
        (!is_running(pid)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cometbft_that_does_not_stop_holds_its_node_up_for_a_bounded_time() {
    let mut network = prepared().await;
    let node = network.first();
    start(node);
    let height = node.rest.reaches(2).await;
    let (pid, _) = comet(node);
    let paused = Pid::from_raw(pid).expect("a process id");
    kill_process(paused, Signal::STOP).expect("it runs");
    let status = node.app.take().expect("it runs").stop();
    assert!(status.success(), "{status}");
    assert!(!is_running(pid));
    assert_eq!(of_event(&lines(node), "cometbft_killed").len(), 1);
    start(node);
    node.rest.reaches(height + 1).await;
}
