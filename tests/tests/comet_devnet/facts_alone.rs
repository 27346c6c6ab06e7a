//! A devnet's coordinator says what it knows of a job to whoever asks for the facts alone, as the document says.

use ait_tests::comet::Devnet;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_facts_of_a_job_are_answered_without_a_signature() {
    let devnet = Devnet::up(&["--no-miner"]);
    let manifest = devnet.manifest();
    let client = &manifest["client"]["address"];
    let facts = json!({
        "client": client,
        "compute_units": 1,
        "job_id": "my-job",
        "miner": client,
        "output_hash": format!("sha256:{}", "0".repeat(64)),
        "price": 1,
    });
    // The answer is held against the document, too.
    let answer = devnet
        .rest(0)
        .post("/rpc/attest", facts.to_string().into_bytes())
        .await
        .ok();
    assert_eq!(answer["exists"], true, "{answer}");
    assert_eq!(answer["sig"], json!(null), "{answer}");
}
