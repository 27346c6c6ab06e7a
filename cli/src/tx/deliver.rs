//! Owns a signed transaction's way from here to its outcome. It is signed once and never again: where no clear
//! answer comes, the same bytes are sent again, which does nothing twice.

use std::{io::Write, time::Duration};

use ait_api::tx::Sent;
use ait_api::tx::TxView;
use ait_app::tx::TxHash;
use ait_client::Client;
use ait_client::ClientError;
use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::{
    exit::{OutcomeUnknown, Refused},
    output,
};

/// How often a waiting command looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(300);
/// How many looks in a row may find nothing: a node may take a moment to tell of what it accepted.
const MISSING_LOOKS: u32 = 10;
/// The pauses before the same bytes are sent again, where nothing says whether they were heard.
const RESEND_PAUSES: [Duration; 3] = [
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(3),
];

/// Where a transaction goes, and whether its outcome is awaited.
#[derive(Debug, Args)]
pub struct Delivery {
    /// The node's REST address [env: AIT_NODE] [default: http://127.0.0.1:8080]
    #[arg(long, value_name = "URL")]
    pub node: Option<String>,
    /// Wait until it is in a block, and show what it came to
    #[arg(long)]
    pub wait: bool,
    /// How long --wait waits
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = humantime::parse_duration)]
    pub timeout: Duration,
}

/// What may become of a pending transaction with the same nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nonce {
    /// The user named the nonce: a higher fee replaces what is pending.
    Named,
    /// It was found to be free: nothing is replaced.
    Found,
}

/// Sends wire bytes until the node says clearly that it took or refused them; gives its answer.
///
/// # Errors
/// [`ClientError`] where it did not take them, [`OutcomeUnknown`] where it may have.
pub async fn send(client: &Client, wire: &[u8], nonce: Nonce) -> Result<Sent> {
    let mut may_be_sent = false;
    let mut pauses = RESEND_PAUSES.iter();
    loop {
        let answer = match nonce {
            Nonce::Named => client.send(wire.to_vec()).await,
            Nonce::Found => client.send_new(wire.to_vec()).await,
        };
        let error = match answer {
            Ok(sent) => return Ok(sent),
            Err(error) => error,
        };
        may_be_sent |= error.may_be_done();
        // A refusal of bytes that may be here already may be due to them.
        let is_clear = matches!(&error, ClientError::Refused { .. }) && !error.may_be_done();
        if !may_be_sent || (is_clear && !error.is_passing()) {
            return Err(error.into());
        }
        let Some(pause) = pauses.next() else {
            bail!(OutcomeUnknown(format!(
                "the transaction {} may have been sent: the last answer was: {error}. Ask `ait query tx` for it \
                 before you send it again",
                hash_of(wire)
            )));
        };
        sleep(*pause).await;
    }
}

/// Says what came of a transaction that the node took, and waits for its block where that is asked for. From
/// here on the command has done what it was to do: no failure to say so is one of its own.
///
/// # Errors
/// [`Refused`] when it failed in its block or was dropped, [`OutcomeUnknown`] when the time is over.
pub async fn follow(client: &Client, sent: &Sent, delivery: &Delivery) -> Result<()> {
    if !delivery.wait {
        return output::done(&json!({ "txHash": sent.tx_hash }));
    }
    // Whoever stops waiting knows what was sent.
    let _ = writeln!(std::io::stderr(), "sent {}", sent.tx_hash);
    let status = await_block(client, &sent.tx_hash, delivery.timeout).await?;
    output::done(&status)?;
    match &status.receipt {
        Some(receipt) if receipt.code != 0 => bail!(Refused(format!(
            "the transaction failed in block {} with {} code {}: {}",
            receipt.height, receipt.codespace, receipt.code, receipt.log
        ))),
        _ => Ok(()),
    }
}

/// The hash of canonical wire bytes.
fn hash_of(wire: &[u8]) -> String {
    TxHash::of(wire).to_string()
}

/// Follows a transaction into its block.
async fn await_block(client: &Client, hash: &str, timeout: Duration) -> Result<TxView> {
    let deadline = Instant::now() + timeout;
    let mut missing = 0;
    loop {
        match client.tx(hash).await {
            Ok(Some(status)) if status.receipt.is_some() => return Ok(status),
            Ok(Some(status)) => {
                if let Some(reason) = status.reason {
                    bail!(Refused(format!(
                        "the node dropped transaction {hash}: {reason}. Its nonce is free again"
                    )));
                }
                missing = 0;
            }
            Ok(None) => missing += 1,
            // The node may be restarting: it keeps what it accepted.
            Err(error) if error.is_passing() => {}
            Err(error) => bail!(OutcomeUnknown(format!(
                "transaction {hash} was sent, and the node does not tell what became of it: {error}"
            ))),
        }
        if missing > MISSING_LOOKS {
            bail!(Refused(format!(
                "the node dropped transaction {hash}: it is neither pending nor in a block. Its \
                 nonce is free again, unless another transaction took it"
            )));
        }
        if Instant::now() >= deadline {
            bail!(OutcomeUnknown(format!(
                "transaction {hash} was sent and is in no block after {}; it may still come: \
                 ait query tx {hash}",
                humantime::format_duration(timeout)
            )));
        }
        sleep(LOOK_INTERVAL).await;
    }
}
