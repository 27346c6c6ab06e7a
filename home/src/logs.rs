//! Owns how the long-running commands log (PROTOCOL section 10): JSON lines or text, on standard output.
//! Standard error has nothing but the one message that a failing command ends with. A level without a module
//! is this project's: other crates log what they warn of, unless they are named.

use std::io;

use anyhow::{Result, anyhow};
use clap::Args;
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use crate::{config::Environment, settings};

/// Flags of every command that logs.
#[derive(Debug, Clone, Default, Args)]
pub struct LogArgs {
    /// json (one object a line) or text [env: LOG_FORMAT] [default: json]
    #[arg(long, value_name = "json|text")]
    log_format: Option<String>,
    /// error, warn, info, debug, trace or off, for this program; other crates log no more than warnings
    /// unless they are named: info,ait_rest=debug,hyper=info [env: LOG_LEVEL] [default: info]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

#[derive(Clone, Copy)]
enum Format {
    Json,
    Text,
}

/// Begins to log.
///
/// # Errors
/// When a setting breaks its rule.
pub fn start(args: &LogArgs, environment: &Environment) -> Result<()> {
    let format = settings::LOG_FORMAT.or(
        environment,
        args.log_format.as_deref(),
        "json",
        parse_format,
    )?;
    let filter =
        settings::LOG_LEVEL.or(environment, args.log_level.as_deref(), "info", parse_level)?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stdout);
    let started = match format {
        Format::Json => lines.json().flatten_event(true).try_init(),
        Format::Text => lines.with_ansi(false).try_init(),
    };
    started.map_err(|error| anyhow!("cannot begin to log: {error}"))
}

fn parse_format(text: &str) -> Result<Format, String> {
    match text {
        "json" => Ok(Format::Json),
        "text" => Ok(Format::Text),
        _ => Err("must be json or text".to_owned()),
    }
}

/// What the targets of this project's crates begin with.
const OURS: &str = "ait";

fn parse_level(text: &str) -> Result<EnvFilter, String> {
    let parts = text.split(',').map(str::trim);
    let directives: Vec<String> = parts
        .map(|part| match part.parse::<LevelFilter>() {
            Ok(level) => format!("{},{OURS}={level}", level.min(LevelFilter::WARN)),
            Err(_) => part.to_owned(),
        })
        .collect();
    EnvFilter::try_new(directives.join(","))
        .map_err(|error| format!("must be a log level such as info: {error}"))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Lines {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    /// What of eight lines, two of each of four crates, is logged at this level.
    fn logged(level: &str) -> Vec<String> {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(parse_level(level).unwrap())
            .with_writer(lines.clone())
            .without_time()
            .with_ansi(false)
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(target: "ait::start", "");
            tracing::info!(target: "ait::start", "");
            tracing::info!(target: "ait_rest::server", "");
            tracing::debug!(target: "ait_rest::server", "");
            tracing::warn!(target: "hyper::proto", "");
            tracing::info!(target: "hyper::proto", "");
            tracing::error!(target: "sled", "");
            tracing::info!(target: "sled", "");
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        text.lines().map(words).collect()
    }

    #[test]
    fn a_level_is_this_programs_and_other_crates_log_no_more_than_warnings() {
        let by_default = [
            "WARN ait::start:",
            "INFO ait::start:",
            "INFO ait_rest::server:",
            "WARN hyper::proto:",
            "ERROR sled:",
        ];
        assert_eq!(logged("info"), by_default);
        assert_eq!(logged("error"), ["ERROR sled:"]);
        assert_eq!(logged("off"), Vec::<String>::new());
        let debug = logged("debug");
        assert!(debug.contains(&"DEBUG ait_rest::server:".to_owned()));
        assert!(!debug.contains(&"INFO sled:".to_owned()));
    }

    #[test]
    fn a_crate_that_is_named_has_a_level_of_its_own() {
        let lines = logged("warn, ait_rest=debug,sled=info");
        assert_eq!(
            lines,
            [
                "WARN ait::start:",
                "INFO ait_rest::server:",
                "DEBUG ait_rest::server:",
                "WARN hyper::proto:",
                "ERROR sled:",
                "INFO sled:",
            ]
        );
        assert!(parse_level("loud=very").is_err() && parse_level("ait=").is_ok());
    }
}
