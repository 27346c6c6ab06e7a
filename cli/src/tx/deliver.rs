//! Owns what a command says of a transaction that the node took, and whether it waits for its block.

use std::{io::Write, time::Duration};

use ait_api::tx::Sent;
use ait_client::{Client, NotCommitted};
use anyhow::Result;
use clap::Args;
use serde_json::json;

use ait_home::{output, settings::NodeArgs};

/// Where a transaction goes, and whether its outcome is awaited.
#[derive(Debug, Args)]
pub struct Delivery {
    #[command(flatten)]
    pub node: NodeArgs,
    /// Wait until it is in a block, and show what it came to
    #[arg(long)]
    pub wait: bool,
    /// How long --wait waits
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = humantime::parse_duration)]
    pub timeout: Duration,
}

/// Says what came of a transaction that the node took, and waits for its block where that is asked for. From
/// here on the command has done what it was to do: no failure to say so is one of its own.
///
/// # Errors
/// [`NotCommitted`] where it is in no block, [`ait_client::Failed`] where it failed in its block.
pub async fn follow(client: &Client, sent: &Sent, delivery: &Delivery) -> Result<()> {
    if !delivery.wait {
        return output::done(&json!({ "txHash": sent.tx_hash }));
    }
    // Whoever stops waiting knows what was sent.
    let _ = writeln!(std::io::stderr(), "sent {}", sent.tx_hash);
    let committed = client.committed(&sent.tx_hash, Some(delivery.timeout));
    let committed = committed.await.map_err(how_to_ask)?;
    output::done(&committed.view)?;
    committed.done()?;
    Ok(())
}

/// How to learn later what became of it.
fn how_to_ask(error: NotCommitted) -> anyhow::Error {
    match &error {
        NotCommitted::TimeOver { hash, .. } => {
            let message = format!("{error}: ait query tx {hash}");
            anyhow::Error::new(error).context(message)
        }
        _ => error.into(),
    }
}
