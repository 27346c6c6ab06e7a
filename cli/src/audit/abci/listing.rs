//! Owns the listing of a recording's calls, and which of them are of one CometBFT: its connections are open together.

use std::{collections::BTreeSet, path::PathBuf};

use ait_abci::recording::{Item, Recording};
use ait_home::output;
use anyhow::{Context, Result};
use serde::Serialize;

use super::calls;

/// A call, on a line of its own.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The run, from 1 on.
    pub run: usize,
    /// The CometBFT of that run, from 1 on: it may end and start while the application runs.
    pub session: usize,
    /// The call's number in the run.
    pub call: u64,
    /// The connection's in the run.
    pub connection: u32,
    /// As protobuf names it.
    pub method: &'static str,
    /// The height that the request names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u64>,
    /// The hash of the block that it is about, upper-case hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_hash: Option<String>,
}

/// Prints a line for each call of these files.
///
/// # Errors
/// What of a file is not understood; what comes before it is printed.
pub fn list(files: &[PathBuf]) -> Result<()> {
    for (index, path) in files.iter().enumerate() {
        let mut recording = Recording::open(path)?;
        let read = lines(&mut recording, index + 1, |line| {
            output::line(&serde_json::to_string(&line)?)
        });
        read.with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// Gives each call of a run.
///
/// # Errors
/// What of the file is not understood.
pub fn lines(
    recording: &mut Recording,
    run: usize,
    mut show: impl FnMut(Line) -> Result<()>,
) -> Result<()> {
    let (mut open, mut session) = (BTreeSet::new(), 0);
    while let Some(item) = recording.next_item()? {
        match item {
            Item::Opened(connection) => {
                session += usize::from(open.is_empty());
                open.insert(connection);
            }
            Item::Closed(connection) => {
                open.remove(&connection);
            }
            Item::Call(call, request) => show(Line {
                run,
                session,
                call: call.number,
                connection: call.connection,
                method: calls::method(&request),
                height: calls::height(&request),
                block_hash: calls::block_hash(&request).map(hex::encode_upper),
            })?,
            Item::Answer(..) | Item::Ended => {}
        }
    }
    Ok(())
}
