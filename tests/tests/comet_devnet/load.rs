//! `ait bench load` on a real devnet: what it sends is committed, counted and told, and what makes no sense is refused
//! by name.

use std::process::Output;

use ait_tests::comet::{Devnet, devnet::said, node};
use serde_json::Value;

fn load(devnet: &Devnet, flags: &[&str]) -> Output {
    let mut command = node::ait(&devnet.path());
    let command = command.args(["bench", "load", "--json"]).args(flags);
    let command = command.arg("--home").arg(devnet.path());
    command.output().expect("ait starts")
}

fn report(devnet: &Devnet, flags: &[&str]) -> Value {
    let output = load(devnet, flags);
    assert!(output.status.success(), "{}", said(&output));
    serde_json::from_slice(&output.stdout).expect("a report in JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_load_sends_is_committed_and_the_sums_hold() {
    let quiet = [
        "--no-miner",
        "--no-coordinator",
        "--block-interval",
        "100ms",
    ];
    let devnet = Devnet::up(&quiet);
    let rest = devnet.rest(0);
    let small = ["--count", "200", "--connections", "10", "--accounts", "20"];

    for through in ["rest", "lines", "comet"] {
        let flags = [&small[..], &["--through", through, "--workload", "mix"]].concat();
        let report = report(&devnet, &flags);
        assert_eq!(report["through"], through);
        // One connection of ten opens escrows, and each of them is claimed.
        assert_eq!(report["jobs"]["done"], 20, "{report}");
        assert_eq!(report["committed"], 220, "{report}");
        assert_eq!(report["sent"], 220, "{report}");
        assert_eq!(report["checked"]["accounts"], 20);
        assert_eq!(report["checked"]["jobs"], 20);
        assert!(report["commit"]["p99_ms"].as_f64() > Some(0.0), "{report}");
    }
    let minted = rest.supply().await["minted"].as_u64();
    assert!(minted > Some(0), "the jobs' claims mint");

    // 100 at 100 a second take a second, whatever the node could do.
    let paced = report(
        &devnet,
        &["--count", "100", "--connections", "10", "--rate", "100"],
    );
    assert_eq!(paced["committed"], 100, "{paced}");
    assert!(paced["seconds"].as_f64() > Some(0.9), "{paced}");

    // What there is no time for is not sent, and the sums hold all the same.
    let flags = [
        "--count",
        "100000",
        "--connections",
        "10",
        "--duration",
        "1s",
    ];
    let cut = report(&devnet, &flags);
    assert!(cut["sent"].as_u64() < Some(100_000), "{cut}");
    assert_eq!(cut["sent"], cut["committed"], "{cut}");
}

#[test]
fn a_load_that_makes_no_sense_is_refused_by_name() {
    let nowhere = Devnet::home();
    let output = load(&nowhere, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("no devnet runs in"),
        "{}",
        said(&output)
    );
    for (flags, told) in [
        (&["--workload", "kvstore"][..], "--through comet"),
        (&["--node", "http://127.0.0.1:1"], "--payer"),
        (&["--count", "0"], "--count"),
        (&["--lines", "1001"], "1..=1000"),
    ] {
        let output = load(&nowhere, flags);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(told), "{}", said(&output));
    }
}
