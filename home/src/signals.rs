//! Owns how the long-running commands are asked to stop: SIGTERM or SIGINT (Ctrl-C).

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};

/// Resolves when the program is asked to stop.
///
/// # Errors
/// When the system installs no signal handlers.
pub async fn stop_requested() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let name = tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    };
    tracing::info!(component = "cli", event = "stop_requested", signal = name);
    Ok(())
}
