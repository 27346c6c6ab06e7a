//! Owns what commands print: one JSON document on standard output, for people and programs alike.

use std::io::{self, ErrorKind, Write};

use anyhow::{Context, Result};
use serde::Serialize;

/// Prints a value as indented JSON.
///
/// # Errors
/// When standard output can't be written to.
pub fn json<T: Serialize>(value: &T) -> Result<()> {
    let text = serde_json::to_string_pretty(value).context("cannot show the answer as JSON")?;
    line(&text)
}

/// Prints one line. A reader that has gone, such as `head`, wanted no more of it.
///
/// # Errors
/// When standard output can't be written to.
pub fn line(text: &str) -> Result<()> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(()),
    }
}
