//! What the command prints, and how it ends.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::process::{Command, Output};

fn sim(arguments: &[&str]) -> (Output, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ait-sim"));
    let output = command.args(arguments).output().unwrap();
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    (output, text)
}

#[test]
fn it_ends_with_a_summary() {
    let (output, text) = sim(&[
        "--seeds", "2", "--blocks", "30", "--jobs", "2", "--quiet", "5",
    ]);
    assert!(output.status.success(), "{text}");
    let last = text.lines().last().unwrap();
    assert!(last.contains("2 seeds: 60 heights decided"), "{last}");
    assert!(last.contains("a second and core"), "{last}");
}

#[test]
fn one_seed_shows_what_happens_and_is_the_same_again() {
    let [one, other] = [(); 2].map(|()| sim(&["--seed", "5", "--blocks", "40", "--nodes", "4"]));
    assert!(one.0.status.success());
    assert_eq!(one.1, other.1);
    let blocks = one.1.lines().filter(|line| line.starts_with("block ["));
    assert_eq!(blocks.count(), 40, "{}", one.1);
    assert!(one.1.lines().last().unwrap().starts_with("trace "));
}

#[test]
fn a_wrong_flag_is_named() {
    let (output, _) = sim(&["--nodes", "3"]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        error.contains("--nodes") && error.contains("4..=7"),
        "{error}"
    );
}
