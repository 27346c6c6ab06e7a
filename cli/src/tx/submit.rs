//! Owns a transaction's way from its payload to its signed bytes: chain, fee, nonce, signature. `deliver` takes
//! it from there.

use std::{
    io::{Read, Write},
    path::Path,
    time::Duration,
};

use ait_api::node::{Health, HealthStatus, StallReason};
use ait_app::{
    address::Address,
    crypto::SecretKey,
    identifiers::ChainId,
    quantity::{Nonce, Uait},
    tx::{MAX_WIRE_BYTES, Payload},
};
use ait_client::{Client, FeeChoice, IfPending, NonceChoice, SendError, SignError, Terms, Wallet};
use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};

use super::deliver::{self, Delivery};
use ait_home::{
    amounts::parse_uait,
    exit::{Refused, Usage},
    keys::{self, KeyLock},
    output,
};

/// How long another command may send with the same key.
const PATIENCE: Duration = Duration::from_secs(60);
/// The largest input that is read: a transaction in a generous formatting.
const MAX_INPUT_BYTES: u64 = 16 * MAX_WIRE_BYTES as u64;

/// How a transaction is signed and sent.
#[derive(Debug, Args)]
pub struct SendOptions {
    #[command(flatten)]
    pub delivery: Delivery,
    /// The sender's key: a key file, a PEM, a seed in hex, or - for standard input. Commands that send with the
    /// same key wait for each other
    #[arg(long, value_name = "FILE|HEX|-")]
    pub key: String,
    /// What to offer the proposer, in uait or such as 0.001ait; auto takes what the node says that its
    /// pool takes
    #[arg(long, value_name = "auto|AMOUNT", default_value = "auto", value_parser = parse_auto_amount)]
    pub fee: Auto<Uait>,
    /// The most that --fee auto may offer [default: 10 times what the params say]
    #[arg(long, value_name = "AMOUNT", value_parser = parse_uait)]
    pub max_fee: Option<Uait>,
    /// The nonce; auto takes the one after all that the sender has committed and pending. One that is named
    /// replaces a pending transaction which has it, where the fee is that much higher
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
    /// Held while something is sent with it.
    lock: KeyLock,
    /// Its account.
    pub sender: Address,
}

impl<'a> Submission<'a> {
    /// Reads the key and finds the node.
    ///
    /// # Errors
    /// When the key file or a setting is wrong.
    pub fn open(options: &'a SendOptions) -> Result<Self> {
        let key = keys::account(&options.key)?;
        Ok(Self {
            options,
            client: options.delivery.node.client()?,
            sender: key.address(),
            key: key.key,
            lock: key.lock,
        })
    }

    /// The chain to sign for.
    ///
    /// # Errors
    /// When the node has to be asked and does not answer, or is to get what is signed and is of another chain.
    pub async fn chain_id(&self) -> Result<ChainId> {
        if self.options.sign_only
            && let Some(chain_id) = &self.options.chain_id
        {
            return Ok(chain_id.clone());
        }
        let health: Health = self.client.health().await?;
        warn_if_stalled(&health);
        let of_node = health.chain_id;
        match &self.options.chain_id {
            Some(given) if *given != of_node => bail!(Usage(format!(
                "--chain-id is {given}, but the node at {} is of chain {of_node}, which takes nothing that is \
                 signed for another: nothing was sent",
                self.client.base()
            ))),
            _ => Ok(of_node),
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
        if self.options.sign_only {
            let signed = self.wallet().await?.sign(payload, &self.terms()).await;
            let signed = signed.map_err(|error| advised(error.into()))?;
            return output::line(&String::from_utf8_lossy(signed.wire()));
        }
        let sent = {
            // Until the node has taken it, no other command finds a nonce for the key.
            let _turn = self.lock.turn(PATIENCE).await?;
            let sent = self.wallet().await?.send(payload, &self.terms()).await;
            sent.map_err(advised)?
        };
        deliver::follow(&self.client, &sent, &self.options.delivery).await
    }

    async fn wallet(&self) -> Result<Wallet> {
        let (client, key) = (self.client.clone(), self.key.clone());
        Ok(Wallet::new(client, self.chain_id().await?, key))
    }

    fn terms(&self) -> Terms {
        Terms {
            fee: match self.options.fee {
                Auto::Given(fee) => FeeChoice::Named(fee),
                Auto::Fitting => FeeChoice::AtMost(self.options.max_fee),
            },
            nonce: match self.options.nonce {
                Auto::Given(nonce) => NonceChoice::Named(nonce),
                Auto::Fitting => NonceChoice::Found,
            },
        }
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

/// What the user of a command can do about it.
fn advised(error: SendError) -> anyhow::Error {
    let advice = match &error {
        SendError::NotSigned(SignError::FeeAboveLimit { .. }) => {
            ". --max-fee sets another limit".to_owned()
        }
        SendError::Unknown { hash, .. } => format!(": ait query tx {hash}"),
        _ => return error.into(),
    };
    let message = format!("{error}{advice}");
    anyhow::Error::new(error).context(message)
}

/// Runs a command that makes one transaction.
///
/// # Errors
/// What went wrong, for people.
pub async fn run(payload: impl Into<Payload>, options: &SendOptions) -> Result<()> {
    Submission::open(options)?.submit(payload).await
}

/// What is sent to a chain that stands still waits in its mempool: whoever sends shall know.
fn warn_if_stalled(health: &Health) {
    if health.status == HealthStatus::Stalled {
        let age = health.last_block_age_seconds.unwrap_or(0);
        let why = health.reason.map_or("unknown", StallReason::name);
        let _ = writeln!(
            std::io::stderr(),
            "warning: the chain stands still: no block for {age} s ({why}). What is sent waits until it goes on"
        );
    }
}

/// Runs `ait tx send`.
///
/// # Errors
/// What went wrong, for people.
pub async fn run_raw(file: &Path, delivery: &Delivery) -> Result<()> {
    let text = read_input(file)?;
    let client = delivery.node.client()?;
    let sent = client.deliver(&text, IfPending::Replace).await;
    let sent = sent.map_err(advised)?;
    deliver::follow(&client, &sent, delivery).await
}

/// Reads a file, or standard input for `-`.
///
/// # Errors
/// When it can't be read or is too large.
pub fn read_input(file: &Path) -> Result<Vec<u8>> {
    if file != Path::new("-") {
        return Ok(ait_home::files::read_text(file, MAX_INPUT_BYTES)?.into_bytes());
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
}
