//! What `ait tx` says of a payment that its node neither takes nor refuses.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "../../client/tests/stand_in/mod.rs"]
mod stand_in;

use std::process::{Command, Output};

use ait_app::tx::TxHash;
use stand_in::{Answer, StandIn};

/// `ait tx transfer`, against a node that answers so.
async fn pay(answer: Answer) -> (Output, StandIn) {
    let node = StandIn::start(&[answer], &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ait"));
    command
        .current_dir(folder.path())
        .args(["tx", "transfer"])
        .args(["ait1rsxyjrcm255ds9euthjx6yc3vrjt9sxr7lv9kh", "5"])
        .args(["--key", &"07".repeat(32), "--node", &node.url]);
    let output = tokio::task::spawn_blocking(move || command.output());
    (output.await.unwrap().unwrap(), node)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_whose_outcome_is_unknown_exits_with_5_and_names_its_hash() {
    for silence in [Answer::Nothing, Answer::Page(502)] {
        let (output, node) = pay(silence).await;
        let said = said(&output);
        assert_eq!(output.status.code(), Some(5), "{said}");
        assert!(node.sent().len() > 1, "it was sent once");
        let hash = TxHash::of(&node.sent_bytes()).to_string();
        assert!(said.contains(&hash), "{said}");
        assert!(output.stdout.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_refused_exits_with_4_at_once() {
    let (output, node) = pay(Answer::refused(422, "insufficient_balance")).await;
    assert_eq!(output.status.code(), Some(4), "{}", said(&output));
    assert!(said(&output).contains("insufficient_balance"));
    assert_eq!(node.sent().len(), 1);
}
