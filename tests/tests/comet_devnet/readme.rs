//! The README's examples work as printed.

use std::process::Command;

use ait_tests::comet::{
    Devnet,
    binaries::{ait, project},
    devnet::said,
};

/// Where the README says the devnet listens.
const PRINTED: &str = "http://127.0.0.1:28600";

/// The shell examples of the README, in their order.
fn examples(readme: &str) -> Vec<String> {
    let mut examples = Vec::new();
    let mut open: Option<String> = None;
    for line in readme.lines() {
        match &mut open {
            None if line == "```sh" => open = Some(String::new()),
            None => {}
            Some(_) if line == "```" => examples.extend(open.take()),
            Some(example) => {
                example.push_str(line);
                example.push('\n');
            }
        }
    }
    examples
}

#[test]
fn the_readmes_examples_work_as_printed() {
    let readme = std::fs::read_to_string(project().join("README.md")).expect("a README");
    let examples = examples(&readme);
    assert!(examples.len() >= 7, "{examples:?}");
    let devnet = Devnet::up(&[]);
    let rest = devnet.rest(0).url;
    let binaries = ait().parent().expect("a folder").display().to_string();
    // Printed for the default port and the default build folder.
    let script = examples
        .join("echo\necho ---\n")
        .replace(PRINTED, &rest)
        .replace("$PWD/target/release", &binaries);
    assert!(script.contains(&rest) && script.contains(&binaries));
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .current_dir(project())
        .output()
        .expect("bash starts");
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    // The receipt that is shown is the one of the job that was opened above.
    let shown: Vec<&str> = text.split("\n---\n").collect();
    let place = examples
        .iter()
        .position(|example| example.contains("/getReceipt/"));
    let receipt = shown[place.expect("an example with a receipt")];
    let receipt = receipt
        .lines()
        .find(|line| line.contains("\"receipt_id\":") && line.contains("\"minted\":"));
    // curl ends no line.
    let mut values = serde_json::Deserializer::from_str(receipt.expect("a receipt")).into_iter();
    let receipt: serde_json::Value = values.next().expect("JSON").expect("JSON");
    assert_eq!(receipt["job_id"], "job_42", "{receipt}");
    assert_eq!(receipt["status"], "paid", "{receipt}");
    // One sign of each example's success.
    for sign in [
        "\"txHash\":",
        "\"balance\":50000000",
        "\"status\":\"committed\"",
        "{\"balance\":1500000,\"nonce\":0}",
        "\"status\":\"settled\"",
        "\"compute_units\":",
        "\"minted\":",
        "\"status\":\"ok\"",
        "\"ics23:smt\"",
        "\"verified\": true",
        "\"peers\":[]",
        "ait_tx_total",
        "\"insufficient_balance\"",
    ] {
        assert!(text.contains(sign), "no {sign} in\n{text}");
    }
}
