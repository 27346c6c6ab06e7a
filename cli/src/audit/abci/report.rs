//! Owns what executing a recording reports.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use super::compare::FieldDifference;

/// Calls, by their methods.
pub type Counts = BTreeMap<&'static str, u64>;

/// What it came to, on standard output.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Whether every answer that is compared is what executing its call gives.
    pub agrees: bool,
    /// The chain.
    pub chain_id: String,
    /// The runs, one for each file.
    pub runs: Vec<RunReport>,
    /// Calls whose answers were compared.
    pub compared: Counts,
    /// Calls whose answers were not: they depend on more than the calls before them.
    pub not_compared: Counts,
    /// Calls before the snapshot that it began with.
    pub passed_over: u64,
    /// Calls that have no answer: the run ended while they were under way.
    pub unanswered: u64,
    /// The last block.
    pub height: u64,
    /// The app hash after it, upper-case hex.
    pub app_hash: String,
    /// The first answer that differs.
    pub difference: Option<Difference>,
}

/// What is said of a run.
#[derive(Debug, Serialize)]
pub struct RunReport {
    /// Its file.
    pub file: String,
    /// The program's version.
    pub version: String,
    /// The last block in the node's store when it began.
    pub height: u64,
    /// How it ended.
    pub end: End,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The node was asked to stop.
    Stopped,
    /// The recording ends with a whole frame: the node was killed, or it still ran, or it could write no more.
    Open,
    /// The recording ends within a frame, which is left out.
    Cut,
    /// Not all of it was read.
    Unread,
}

/// The first answer that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The run, from 1 on.
    pub run: usize,
    /// Its file.
    pub file: String,
    /// The call's number; none where it is the beginning of the run that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<u64>,
    /// Its method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<&'static str>,
    /// The block that it is about.
    pub height: u64,
    /// The field of the answer.
    pub field: String,
    /// What the recording has.
    pub recorded: String,
    /// What executing gives.
    pub found: String,
}

impl Difference {
    /// A difference in an answer, or in the beginning of a run.
    pub fn new(run: usize, file: String, height: u64, differs: FieldDifference) -> Self {
        Self {
            run,
            file,
            call: None,
            method: None,
            height,
            field: differs.field,
            recorded: differs.recorded,
            found: differs.found,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            height,
            field,
            recorded,
            found,
            ..
        } = self;
        match (self.call, self.method) {
            (Some(call), Some(method)) => write!(f, "{file}: call {call} ({method}, ")?,
            _ => write!(f, "{file}: the beginning of the run (")?,
        }
        write!(
            f,
            "height {height}) differs: {field}: recorded {recorded}, found {found}"
        )
    }
}
