//! Owns a transaction's way from its payload to its outcome: fee, nonce, signature, sending, waiting.

use std::{
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use ait_app::{
    address::Address,
    crypto::SecretKey,
    identifiers::ChainId,
    quantity::{Nonce, Uait},
    tx::{MAX_WIRE_BYTES, Payload, Transaction, codec},
};
use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::fee;
use crate::{
    amounts::parse_uait,
    client::{Client, Health, TxStatus},
    config::Environment,
    exit::{Refused, Usage},
    keys, output, settings,
};

/// How often a waiting command looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(300);
/// How many looks in a row may find nothing: a node may take a moment to tell of what it accepted.
const MISSING_LOOKS: u32 = 10;
/// The largest input that is read: a transaction in a generous formatting.
const MAX_INPUT_BYTES: u64 = 16 * MAX_WIRE_BYTES as u64;

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

/// How a transaction is signed and sent.
#[derive(Debug, Args)]
pub struct SendOptions {
    #[command(flatten)]
    pub delivery: Delivery,
    /// The sender's key file
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// What to offer the proposer, in uait or such as 0.001ait; auto takes what the node says that its
    /// pool takes
    #[arg(long, value_name = "auto|AMOUNT", default_value = "auto", value_parser = parse_auto_amount)]
    pub fee: Auto<Uait>,
    /// The most that --fee auto may offer [default: 10 times what the params say]
    #[arg(long, value_name = "AMOUNT", value_parser = parse_uait)]
    pub max_fee: Option<Uait>,
    /// The nonce; auto takes the one after all that the sender has committed and pending
    #[arg(long, value_name = "auto|N", default_value = "auto", value_parser = parse_auto_number)]
    pub nonce: Auto<Nonce>,
    /// The chain to sign for; asked of the node if not given
    #[arg(long, value_name = "CHAIN_ID")]
    pub chain_id: Option<ChainId>,
    /// Show what it would do in the next block, and send nothing
    #[arg(long, conflicts_with_all = ["sign_only", "wait"])]
    pub dry_run: bool,
    /// Print the signed transaction, and send nothing; with --chain-id, --fee and --nonce given it
    /// needs no node
    #[arg(long, conflicts_with = "wait")]
    pub sign_only: bool,
}

/// A number, or the one that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auto<T> {
    /// The one that fits.
    Fitting,
    /// This one.
    Given(T),
}

fn parse_auto_amount(text: &str) -> Result<Auto<Uait>, String> {
    match text {
        "auto" => Ok(Auto::Fitting),
        amount => parse_uait(amount).map(Auto::Given),
    }
}

fn parse_auto_number(text: &str) -> Result<Auto<Nonce>, String> {
    match text {
        "auto" => Ok(Auto::Fitting),
        number => number
            .parse()
            .ok()
            .and_then(Nonce::new)
            .map(Auto::Given)
            .ok_or_else(|| "must be auto or a number 0..=2^53-1".to_owned()),
    }
}

/// Everything that is needed to sign and send.
pub struct Submission<'a> {
    /// The flags.
    pub options: &'a SendOptions,
    /// The node.
    pub client: Client,
    /// The sender's key.
    pub key: SecretKey,
    /// Its account.
    pub sender: Address,
}

impl<'a> Submission<'a> {
    /// Reads the key and finds the node.
    ///
    /// # Errors
    /// When the key file or a setting is wrong.
    pub fn open(options: &'a SendOptions, environment: &Environment) -> Result<Self> {
        let key = keys::read(&options.key)?;
        let node = settings::node(environment, options.delivery.node.as_deref())?;
        Ok(Self {
            options,
            client: Client::new(&node)?,
            sender: Address::of(&key.public_key()),
            key,
        })
    }

    /// The chain to sign for.
    ///
    /// # Errors
    /// When the node has to be asked and does not answer.
    pub async fn chain_id(&self) -> Result<ChainId> {
        match &self.options.chain_id {
            Some(chain_id) => Ok(chain_id.clone()),
            None => Ok(self.client.health::<Health>().await?.chain_id),
        }
    }

    /// Signs a payload, once, and does with it what the flags say.
    ///
    /// # Errors
    /// What went wrong, for people.
    pub async fn submit(&self, payload: impl Into<Payload>) -> Result<()> {
        let payload = payload.into();
        if self.options.dry_run {
            return self.simulate(&payload).await;
        }
        let wire = self.sign(payload).await?;
        if self.options.sign_only {
            return output::line(&String::from_utf8_lossy(&wire));
        }
        deliver(&self.client, wire, &self.options.delivery).await
    }

    async fn sign(&self, payload: Payload) -> Result<Vec<u8>> {
        let chain_id = self.chain_id().await?;
        let (client, sender) = (&self.client, &self.sender);
        let fee = match self.options.fee {
            Auto::Given(fee) => fee,
            Auto::Fitting => fee::fitting(client, &payload, sender, self.options.max_fee).await?,
        };
        let nonce = match self.options.nonce {
            Auto::Given(nonce) => nonce,
            Auto::Fitting => client.account(sender).await?.next_nonce,
        };
        let tx = Transaction::sign(&chain_id, &self.key, nonce, fee, payload);
        checked(tx.to_wire())
    }

    async fn simulate(&self, payload: &Payload) -> Result<()> {
        let mut body = json!({
            "type": payload.kind(),
            "sender": self.sender,
            "payload": payload,
            "pubkey": self.key.public_key(),
        });
        if let Auto::Given(fee) = self.options.fee {
            body["fee"] = fee.get().into();
        }
        if let Auto::Given(nonce) = self.options.nonce {
            body["nonce"] = nonce.get().into();
        }
        let answer: Value = self
            .client
            .post("/rpc/simulate", body.to_string().into_bytes())
            .await?;
        output::json(&answer)?;
        let code = answer
            .get("code")
            .or_else(|| answer.pointer("/result/code"));
        match code.and_then(Value::as_u64) {
            Some(0) | None => Ok(()),
            Some(code) => bail!(Refused(format!(
                "it would fail with code {code}; nothing was sent"
            ))),
        }
    }
}

/// A transaction is read as a node will read it, so that a bad one is refused before it is sent.
///
/// # Errors
/// What the node would say.
fn checked(wire: Vec<u8>) -> Result<Vec<u8>> {
    match codec::decode(&wire) {
        Ok(_) => Ok(wire),
        Err(refusal) => Err(anyhow!(Usage(refusal.message))),
    }
}

/// Runs a command that makes one transaction.
///
/// # Errors
/// What went wrong, for people.
pub async fn run(
    payload: impl Into<Payload>,
    options: &SendOptions,
    environment: &Environment,
) -> Result<()> {
    Submission::open(options, environment)?
        .submit(payload)
        .await
}

/// Runs `ait tx send`.
///
/// # Errors
/// What went wrong, for people.
pub async fn run_raw(file: &Path, delivery: &Delivery, environment: &Environment) -> Result<()> {
    let text = read_input(file)?;
    let node = settings::node(environment, delivery.node.as_deref())?;
    deliver(&Client::new(&node)?, text, delivery).await
}

/// Reads a file, or standard input for `-`.
///
/// # Errors
/// When it can't be read or is too large.
pub fn read_input(file: &Path) -> Result<Vec<u8>> {
    if file != Path::new("-") {
        return Ok(crate::files::read_text(file, MAX_INPUT_BYTES)?.into_bytes());
    }
    let mut text = Vec::new();
    std::io::stdin()
        .take(MAX_INPUT_BYTES + 1)
        .read_to_end(&mut text)
        .context("cannot read standard input")?;
    if text.len() as u64 > MAX_INPUT_BYTES {
        bail!(Usage(format!(
            "standard input has more than {MAX_INPUT_BYTES} bytes"
        )));
    }
    Ok(text)
}

async fn deliver(client: &Client, text: Vec<u8>, delivery: &Delivery) -> Result<()> {
    let sent = client.send(text).await?;
    if !delivery.wait {
        return output::json(&json!({ "txHash": sent.tx_hash }));
    }
    let status = await_block(client, &sent.tx_hash, delivery.timeout).await?;
    output::json(&status)?;
    match &status.receipt {
        Some(receipt) if receipt.code != 0 => bail!(Refused(format!(
            "the transaction failed in block {} with {} code {}: {}",
            receipt.height, receipt.codespace, receipt.code, receipt.log
        ))),
        _ => Ok(()),
    }
}

/// Follows a transaction into its block.
///
/// # Errors
/// When the node dropped it, or the time is over.
async fn await_block(client: &Client, hash: &str, timeout: Duration) -> Result<TxStatus> {
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
            Err(error) => return Err(error.into()),
        }
        if missing > MISSING_LOOKS {
            bail!(Refused(format!(
                "the node dropped transaction {hash}: it is neither pending nor in a block. Its \
                 nonce is free again, unless another transaction took it"
            )));
        }
        if Instant::now() >= deadline {
            bail!(
                "transaction {hash} is in no block after {}; it may still come: \
                 ait query tx {hash}",
                humantime::format_duration(timeout)
            );
        }
        sleep(LOOK_INTERVAL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_or_a_number_is_read() {
        assert_eq!(parse_auto_amount("auto"), Ok(Auto::Fitting));
        let half = Auto::Given(Uait::constant(500_000));
        assert_eq!(parse_auto_amount("0.5ait"), Ok(half));
        assert_eq!(parse_auto_number("7"), Ok(Auto::Given(Nonce::constant(7))));
        for bad in ["", "-1", "Auto", "9007199254740992", "1ait"] {
            assert!(parse_auto_number(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_the_node_would_refuse_is_refused_before_it_is_sent() {
        use ait_app::{
            receipts::claim_payload::Attestations,
            receipts::{attestation::Attestation, report::ReceiptReport},
        };
        let key = SecretKey::from_seed([1; 32]);
        let vectors: Value =
            serde_json::from_str(include_str!("../../../tests/vectors/protocol.json")).unwrap();
        let request = &vectors["attestations"][0]["request"];
        let denied: Attestation =
            serde_json::from_value(vectors["attestations"][2]["response"].clone()).unwrap();
        let field = |name: &str| request[name].as_str().unwrap();
        let report = ReceiptReport {
            attestations: Attestations::new(vec![denied]).unwrap(),
            client_addr: field("client").parse().unwrap(),
            compute_units: serde_json::from_value(request["compute_units"].clone()).unwrap(),
            job_id: field("job_id").parse().unwrap(),
            miner_addr: field("miner").parse().unwrap(),
            // Not the miner's.
            miner_pubkey: Some(key.public_key()),
            miner_sig: field("miner_sig").parse().unwrap(),
            opened_height: serde_json::from_value(request["opened_height"].clone()).unwrap(),
            output_hash: field("output_hash").parse().unwrap(),
            price: serde_json::from_value(request["price"].clone()).unwrap(),
            receipt_id: field("receipt_id").parse().unwrap(),
        };
        let chain_id = "ait-devnet".parse().unwrap();
        let (nonce, fee) = (Nonce::constant(1), Uait::constant(5_000));
        let tx = Transaction::sign(&chain_id, &key, nonce, fee, report);
        let error = checked(tx.to_wire()).unwrap_err();
        assert!(
            error.to_string().contains("payload.miner_pubkey"),
            "{error}"
        );
        assert_eq!(crate::exit::code_of(&error), crate::exit::USAGE);
    }
}
