//! Owns how the long-running commands log (PROTOCOL section 10): JSON lines or text, on standard output.
//! Standard error has nothing but the one message that a failing command ends with.

use std::io;

use anyhow::{Result, anyhow};
use clap::Args;
use tracing_subscriber::EnvFilter;

use crate::{config::Environment, settings};

/// Flags of every command that logs.
#[derive(Debug, Clone, Default, Args)]
pub struct LogArgs {
    /// json (one object a line) or text [env: LOG_FORMAT] [default: json]
    #[arg(long, value_name = "json|text")]
    log_format: Option<String>,
    /// error, warn, info, debug, trace, or by module: info,ait_rest=debug [env: LOG_LEVEL]
    /// [default: info]
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

fn parse_level(text: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(text).map_err(|error| format!("must be a log level such as info: {error}"))
}
