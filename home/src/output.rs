//! Owns what commands print: one JSON document on standard output, for people and programs alike; and how
//! messages name what people type again.

use std::{
    io::{self, ErrorKind, Write},
    path::Path,
};

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

/// Prints what a deed came to that is done and cannot be taken back. Where standard output can't be written to,
/// standard error gets it: the command has not failed, and whoever runs it again does it twice.
///
/// # Errors
/// When the value is no JSON, which none is.
pub fn done<T: Serialize>(value: &T) -> Result<()> {
    let text = serde_json::to_string_pretty(value).context("cannot show the answer as JSON")?;
    if let Err(error) = line(&text) {
        // With nowhere left to say it, the exit code says that it is done.
        let _ = writeln!(
            io::stderr().lock(),
            "ait: it is done, but {error:#}. It came to:\n{text}"
        );
    }
    Ok(())
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

/// A path as a shell takes it, quoted where it has to be.
pub fn shell_word(path: &Path) -> String {
    let text = path.to_string_lossy();
    match shlex::try_quote(&text) {
        Ok(word) => word.into_owned(),
        // A path with a zero byte, which no system has.
        Err(_) => text.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_a_printed_command_is_one_word_to_a_shell() {
        for (path, word) in [
            ("/tmp/plain-1.json", "/tmp/plain-1.json"),
            ("/tmp/my keys/a.json", "'/tmp/my keys/a.json'"),
            ("it's", "\"it's\""),
            ("$HOME;ls", "'$HOME;ls'"),
        ] {
            assert_eq!(shell_word(Path::new(path)), word);
        }
    }
}
