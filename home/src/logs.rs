//! Owns how the long-running commands log (PROTOCOL section 10): JSON lines or text, on standard output.
//! Standard error has nothing but the one message that a failing command ends with. A level without a module
//! is this project's: other crates log what they warn of, unless they are named.

use std::io;

use anyhow::{Result, anyhow};
use clap::{Args, ValueEnum};
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

/// Flags of every command that logs.
#[derive(Debug, Clone, Args)]
pub struct LogArgs {
    /// How lines are written
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value = "json")]
    log_format: Format,
    /// error, warn, info, debug, trace or off, for this program; other crates log no more than warnings
    /// unless they are named: info,ait_rest=debug,hyper=info
    #[arg(long, env = "LOG_LEVEL", default_value = "info", value_parser = parse_level)]
    log_level: Level,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// One object a line
    Json,
    /// For people
    Text,
}

/// Directives that a filter can be made of.
#[derive(Debug, Clone)]
struct Level(String);

impl Level {
    fn filter(&self) -> EnvFilter {
        EnvFilter::new(&self.0)
    }
}

impl LogArgs {
    /// Whether lines are JSON.
    pub fn is_json(&self) -> bool {
        matches!(self.log_format, Format::Json)
    }
}

/// Begins to log.
///
/// # Errors
/// When something logs already.
pub fn start(args: &LogArgs) -> Result<()> {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(args.log_level.filter())
        .with_writer(io::stdout);
    let started = match args.log_format {
        Format::Json => lines.json().flatten_event(true).try_init(),
        Format::Text => lines.with_ansi(false).try_init(),
    };
    started.map_err(|error| anyhow!("cannot begin to log: {error}"))
}

/// What the targets of this project's crates begin with.
const OURS: &str = "ait";

fn parse_level(text: &str) -> Result<Level, String> {
    let parts = text.split(',').map(str::trim);
    let directives: Vec<String> = parts
        .map(|part| match part.parse::<LevelFilter>() {
            Ok(level) => format!("{},{OURS}={level}", level.min(LevelFilter::WARN)),
            Err(_) => part.to_owned(),
        })
        .collect();
    let directives = directives.join(",");
    match EnvFilter::try_new(&directives) {
        Ok(_) => Ok(Level(directives)),
        Err(error) => Err(format!("must be a log level such as info: {error}")),
    }
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
            .with_env_filter(parse_level(level).unwrap().filter())
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
