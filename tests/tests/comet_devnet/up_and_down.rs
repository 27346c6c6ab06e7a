//! `ait devnet`: what `scripts/devnet_up.sh` and `scripts/devnet_down.sh` run.

use std::{
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Command, Stdio},
    time::Duration,
};

use ait_tests::comet::{Devnet, devnet::said, eventually, node::free_port, process::Process};
use serde_json::Value;

/// Every process id in a `devnet.json`.
fn pids(manifest: &Value) -> Vec<u64> {
    let processes = manifest["processes"].as_array().expect("a list");
    let ids = processes.iter().map(|process| &process["pid"]);
    let ids: Vec<u64> = ids.filter_map(Value::as_u64).collect();
    let supervisor = manifest["supervisor_pid"].as_u64();
    ids.into_iter().chain(supervisor).collect()
}

fn runs(pid: u64) -> bool {
    let status = Command::new("kill")
        .args(["-0", &pid.to_string()])
        .stderr(Stdio::null())
        .status();
    status.expect("kill runs").success()
}

async fn all_gone(pids: &[u64]) {
    eventually("every process is gone", async || {
        (!pids.iter().any(|pid| runs(*pid))).then_some(())
    })
    .await;
}

fn kill(pid: u64) {
    let killed = Command::new("kill").args(["-9", &pid.to_string()]).status();
    assert!(killed.expect("kill runs").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_devnet_pays_a_job_and_goes_on_with_its_chain_when_started_again() {
    let devnet = Devnet::up(&[]);
    let manifest = devnet.manifest();
    let rest = devnet.rest(0);
    let client = manifest["client"]["address"].as_str().expect("an address");
    let escrow = rest
        .get(&format!("/rpc/getEscrow/{client}/job_1"))
        .await
        .ok();
    assert_eq!(escrow["status"], "settled");
    let miner = manifest["miner"]["address"].as_str().expect("an address");
    let earned = rest.get(&format!("/rpc/getBalance/{miner}")).await.ok();
    assert!(earned["balance"].as_u64() > Some(0));
    assert!(rest.supply().await["minted"].as_u64() > Some(0));
    assert_eq!(manifest["chain_id"], "ait-devnet");
    for field in ["faucet", "admin", "coordinator"] {
        assert!(manifest[field]["address"].is_string(), "{field}");
    }
    for field in ["rest", "rpc", "p2p", "home"] {
        assert!(manifest["nodes"][0][field].is_string(), "{field}");
    }
    assert!(devnet.run(&["status"]).status.success());
    let again = devnet.run(&["up", "--detach"]);
    assert!(said(&again).contains("runs in"), "{}", said(&again));

    let height = rest.height().await;
    let running = pids(&manifest);
    assert_eq!(running.len(), 5);
    assert!(devnet.run(&["down"]).status.success());
    all_gone(&running).await;
    assert!(!devnet.run(&["status"]).status.success());

    let output = devnet.run(&["up", "--detach"]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(devnet.manifest()["client"], manifest["client"]);
    assert_eq!(devnet.manifest()["base_port"], manifest["base_port"]);
    let rest = devnet.rest(0);
    assert!(rest.height().await > height);
    let second = rest
        .get(&format!("/rpc/getEscrow/{client}/job_2"))
        .await
        .ok();
    assert_eq!(second["status"], "settled");
}

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_make_the_same_blocks() {
    let devnet = Devnet::up(&["--nodes", "3", "--no-miner", "--no-coordinator"]);
    let lowest = devnet.rest(2).reaches(4).await;
    let mut hashes = Vec::new();
    for node in 0..3 {
        let rest = devnet.rest(node);
        rest.reaches(lowest).await;
        let block = rest.get(&format!("/rpc/getBlock/{lowest}")).await.ok();
        hashes.push(block["hash"].clone());
        let peers = rest.get("/p2p/peers").await.ok();
        assert_eq!(peers["peers"].as_array().map(Vec::len), Some(2), "{peers}");
    }
    assert!(
        hashes.windows(2).all(|pair| pair[0] == pair[1]),
        "{hashes:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn down_stops_what_is_left_of_a_devnet_and_nothing_else() {
    let devnet = Devnet::up(&["--no-miner"]);
    let mut manifest = devnet.manifest();
    let running = pids(&manifest);
    // Nobody watches over it any more, and the number of one of its processes is somebody else's by now.
    kill(manifest["supervisor_pid"].as_u64().expect("a process"));
    let folder = devnet.path();
    let log = folder.join("stranger.log");
    let mut stranger = Process::start("a stranger", Command::new("sleep").arg("600"), &log);
    let coordinator = &mut manifest["processes"][0];
    assert_eq!(coordinator["name"], "coordinator (mock)");
    let former = coordinator["pid"].as_u64().expect("a process");
    kill(former);
    coordinator["pid"] = stranger.id().into();
    let text = serde_json::to_vec(&manifest).expect("JSON");
    std::fs::write(folder.join("devnet.json"), text).expect("writable");

    let output = devnet.run(&["down"]);
    assert!(output.status.success(), "{}", said(&output));
    all_gone(&running).await;
    assert!(stranger.ended().is_none(), "the stranger lives");
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_stops_everything_that_was_started() {
    let devnet = Devnet::home();
    let log = devnet.path().with_extension("terminal");
    let mut command = devnet.command(&["up", "--base-port", "0"]);
    let mut terminal = Process::start("ait devnet up", &mut command, &log);
    eventually("the devnet is up", async || {
        terminal
            .output()
            .contains("It stays up until Ctrl-C")
            .then_some(())
    })
    .await;
    let manifest = devnet.manifest();
    let rest = devnet.rest(0).url;
    let address = rest.trim_start_matches("http://").to_owned();
    terminal.interrupt();
    let status = terminal.wait(Duration::from_secs(60));
    assert!(status.success(), "{status}");
    let text = terminal.output();
    std::fs::remove_file(&log).expect("removable");
    let order = [
        "miner (mock)",
        "coordinator (mock)",
        "node 0: CometBFT",
        "node 0: application",
    ];
    let stops: Vec<_> = order
        .iter()
        .map(|name| text.find(&format!("stopped {name}")).expect("it is said"))
        .collect();
    assert!(stops.is_sorted(), "{text}");
    all_gone(&pids(&manifest)).await;
    assert!(TcpStream::connect(address).is_err());
    assert_eq!(devnet.manifest()["processes"], serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_is_named_with_its_log() {
    let devnet = Devnet::up(&["--no-miner"]);
    let app = devnet.manifest()["nodes"][0]["pids"]["app"].as_u64();
    kill(app.expect("a process"));
    eventually("its death is said", async || {
        let text = std::fs::read_to_string(devnet.path().join("devnet.log")).ok()?;
        let said = text.lines().find(|line| line.contains("died"))?.to_owned();
        let is_it = said.contains("node 0: application") && said.contains("signal 9");
        (is_it && said.contains("app.log")).then_some(())
    })
    .await;
    let status = devnet.run(&["status"]);
    assert!(!status.status.success());
    assert!(said(&status).contains("gone"), "{}", said(&status));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_named_before_anything_is_made() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, free_port())).expect("a port");
    let port = taken.local_addr().expect("bound").port();
    let devnet = Devnet::home();
    let base = (port - 1).to_string();
    let output = devnet.run(&["up", "--detach", "--base-port", &base]);
    assert!(!output.status.success());
    let text = said(&output);
    assert!(text.contains(&format!("127.0.0.1:{port}")), "{text}");
    assert!(text.contains("--base-port"), "{text}");
    let left: Vec<_> = std::fs::read_dir(devnet.path())
        .expect("a folder")
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_made_home_is_refused_until_it_is_made_afresh() {
    let devnet = Devnet::up(&["--no-miner", "--no-coordinator"]);
    let before = devnet.manifest();
    assert!(devnet.run(&["down"]).status.success());
    let lost = devnet.path().join("keys/faucet.json");
    std::fs::remove_file(&lost).expect("removable");
    let output = devnet.run(&["up", "--detach"]);
    let text = said(&output);
    assert!(!output.status.success());
    assert!(
        text.contains("half-made") && text.contains("--fresh"),
        "{text}"
    );

    let output = devnet.run(&[
        "up",
        "--detach",
        "--fresh",
        "--no-miner",
        "--base-port",
        "0",
    ]);
    assert!(output.status.success(), "{}", said(&output));
    let after = devnet.manifest();
    assert_ne!(after["client"]["address"], before["client"]["address"]);
    let chain_id = after["chain_id"].as_str().expect("a chain id");
    assert!(chain_id.starts_with("ait-devnet-"), "{chain_id}");
    let supply = devnet.rest(0).supply().await;
    assert_eq!(supply["minted"], 0, "another chain");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_devnet_keeps_out_of_the_users_own_cometbft_home() {
    let foreign = tempfile::tempdir().expect("a temporary folder");
    let own = |name: &str| foreign.path().join(name);
    std::fs::create_dir_all(own("config")).expect("writable");
    std::fs::create_dir_all(own("data")).expect("writable");
    let state = r#"{"height":"7","round":0,"step":0}"#;
    std::fs::write(own("data/priv_validator_state.json"), state).expect("writable");
    let files = || {
        let mut found = Vec::new();
        for folder in ["", "config", "data"] {
            let entries = std::fs::read_dir(own(folder)).expect("a folder");
            found.extend(entries.map(|entry| entry.expect("an entry").path()));
        }
        found.sort();
        found
    };
    let before = files();
    let devnet = Devnet::home();
    let mut up = devnet.command(&["up", "--detach", "--base-port", "0"]);
    up.args(["--no-miner", "--no-coordinator"]);
    for name in ["CMTHOME", "TMHOME", "CMT_HOME", "TM_HOME"] {
        up.env(name, foreign.path());
    }
    up.env("CMT_PRIV_VALIDATOR_KEY_FILE", own("config/key.json"))
        .env("CMT_PROXY_APP", "kvstore")
        .env("TM_MONIKER", "somebody");
    let output = up.output().expect("ait starts");
    assert!(output.status.success(), "{}", said(&output));
    let rest = devnet.rest(0);
    let height = rest.height().await;
    rest.reaches(height + 1).await;
    assert!(devnet.run(&["down"]).status.success());
    assert_eq!(files(), before);
    let kept = std::fs::read_to_string(own("data/priv_validator_state.json"));
    assert_eq!(kept.expect("it is there"), state);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_supervisor_left_is_known_as_the_devnets_own_and_down_stops_it() {
    let devnet = Devnet::up(&["--no-miner", "--no-coordinator"]);
    let manifest = devnet.manifest();
    let running = pids(&manifest);
    kill(manifest["supervisor_pid"].as_u64().expect("a process"));
    for flags in [&["up", "--detach"][..], &["up", "--detach", "--fresh"]] {
        let output = devnet.run(flags);
        assert!(!output.status.success());
        let text = said(&output);
        assert!(!text.contains("another program"), "{text}");
        assert!(text.contains("node 0: application (process "), "{text}");
        let command = format!("devnet down --home {}", devnet.path().display());
        assert!(text.contains(&command), "{text}");
    }
    let output = devnet.run(&["down"]);
    assert!(output.status.success(), "{}", said(&output));
    all_gone(&running).await;
    let output = devnet.run(&["up", "--detach", "--no-miner", "--no-coordinator"]);
    assert!(output.status.success(), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn whenever_a_start_is_cut_short_the_next_one_comes_up() {
    let devnet = Devnet::home();
    let log = devnet.path().with_extension("terminal");
    let flags = ["--base-port", "0", "--no-miner", "--no-coordinator"];
    // What has just been said when the Ctrl-C comes; the last is a transaction on its way to its block.
    for moment in [
        "AIT devnet",
        "node 0: application",
        "the first block",
        "The faucet pays",
    ] {
        let mut command = devnet.command(&[&["up"], &flags[..]].concat());
        let mut terminal = Process::start("ait devnet up", &mut command, &log);
        eventually("the moment has come", async || {
            terminal.output().contains(moment).then_some(())
        })
        .await;
        terminal.interrupt();
        terminal.wait(Duration::from_secs(60));
        let said = terminal.output();
        assert!(said.contains("stopped by Ctrl-C"), "{moment}: {said}");
        assert_eq!(devnet.manifest()["processes"], serde_json::json!([]));
        std::fs::remove_file(&log).expect("removable");
    }
    // Or as CometBFT has made half of a database.
    let database = devnet.path().join("node0/cometbft/data/evidence.db");
    std::fs::remove_dir_all(&database).expect("removable");
    std::fs::create_dir(&database).expect("a folder");
    std::fs::write(database.join("MANIFEST-000000"), "").expect("writable");
    let output = devnet.run(&[&["up", "--detach"], &flags[..]].concat());
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("mended what a crash left"), "{text}");
}
