//! Owns what a test asks of a recording of ABCI calls: the methods of each CometBFT, whether CometBFT's own grammar takes
//! them, and what executing them again gives.

use std::{
    env,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use super::{Node, binaries::project, devnet::said, node::ait};

/// Methods that the grammar is about; all others may come at any time.
const OF_THE_GRAMMAR: [&str; 9] = [
    "init_chain",
    "offer_snapshot",
    "apply_snapshot_chunk",
    "prepare_proposal",
    "process_proposal",
    "extend_vote",
    "verify_vote_extension",
    "finalize_block",
    "commit",
];

/// How a CometBFT began, as far as its application can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Began {
    /// It had no block.
    Clean,
    /// It had some.
    Recovering,
}

/// The calls of one CometBFT.
#[derive(Debug, PartialEq, Eq)]
pub struct Session {
    /// The run of the application, and the CometBFT in it.
    pub of: (u64, u64),
    /// In their order, those of the grammar alone.
    pub methods: Vec<String>,
}

impl Session {
    /// How it began, by its first call: only who has no block is given a beginning.
    pub fn began(&self) -> Began {
        match self.methods.first().map(String::as_str) {
            Some("init_chain" | "offer_snapshot") => Began::Clean,
            _ => Began::Recovering,
        }
    }

    /// How often it called a method.
    pub fn count(&self, method: &str) -> usize {
        self.methods
            .iter()
            .filter(|called| *called == method)
            .count()
    }
}

/// Has a node record its calls from its next start on; gives the folder.
pub fn record(node: &mut Node) -> PathBuf {
    let folder = node.home.join("abci");
    node.app_arguments
        .push(format!("--abci-record={}", folder.display()));
    folder
}

/// `ait audit abci` of a recording.
///
/// # Panics
/// When `ait` does not start.
pub fn audit(recording: &Path, more: &[&str]) -> Output {
    let mut command = ait(recording.parent().expect("a folder"));
    command.args(["audit", "abci"]).arg(recording).args(more);
    command.output().expect("ait starts")
}

/// The same, which agrees; its report.
///
/// # Panics
/// When it does not agree.
pub fn agrees(recording: &Path, more: &[&str]) -> Value {
    let output = audit(recording, more);
    assert!(output.status.success(), "{}", said(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report in JSON");
    assert_eq!(report["agrees"], true, "{report}");
    report
}

/// All calls of a recording.
///
/// # Panics
/// When it can't be read.
pub fn calls(recording: &Path) -> Vec<Value> {
    let output = audit(recording, &["--list"]);
    assert!(output.status.success(), "{}", said(&output));
    let text = String::from_utf8(output.stdout).expect("text");
    let lines = text.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().expect("JSON lines")
}

/// The same, by the CometBFT that called, without those that called nothing of the grammar.
///
/// # Panics
/// When it can't be read.
pub fn sessions(recording: &Path) -> Vec<Session> {
    let mut found: Vec<Session> = Vec::new();
    for call in calls(recording) {
        let number = |name: &str| call[name].as_u64().expect("a number");
        let method = call["method"].as_str().expect("a method");
        if !OF_THE_GRAMMAR.contains(&method) {
            continue;
        }
        let of = (number("run"), number("session"));
        match found.last_mut() {
            Some(last) if last.of == of => last.methods.push(method.to_owned()),
            _ => found.push(Session {
                of,
                methods: vec![method.to_owned()],
            }),
        }
    }
    found
}

/// Whether CometBFT's own checker takes these calls, or why not.
///
/// # Errors
/// The checker's words.
///
/// # Panics
/// When there is no checker: `scripts/setup.sh` builds it.
pub fn check_grammar(began: Began, methods: &[String]) -> Result<(), String> {
    let named = env::var_os("ABCI_GRAMMAR").map(PathBuf::from);
    let program = named.unwrap_or_else(|| project().join(".tools/bin/abci-grammar"));
    let mut checker = Command::new(&program)
        .arg(match began {
            Began::Clean => "clean-start",
            Began::Recovering => "recovery",
        })
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}: run scripts/setup.sh", program.display()));
    let mut input = checker.stdin.take().expect("a pipe");
    input
        .write_all(methods.join("\n").as_bytes())
        .expect("it reads");
    drop(input);
    let output = checker.wait_with_output().expect("it ends");
    match output.status.code() {
        Some(0) => Ok(()),
        Some(1) => Err(said(&output)),
        _ => panic!("{}", said(&output)),
    }
}

/// Checks every CometBFT's calls in a recording; gives how each began.
///
/// # Panics
/// When the grammar does not take one's.
pub fn respects_the_grammar(recording: &Path) -> Vec<Session> {
    let sessions = sessions(recording);
    for session in &sessions {
        let checked = check_grammar(session.began(), &session.methods);
        assert_eq!(checked, Ok(()), "{session:?}");
    }
    sessions
}
