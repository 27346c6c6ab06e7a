//! Owns `ait tx report`: shows the chain that a miner's receipt was denied by its coordinators.

use std::path::PathBuf;

use ait_app::{
    address::Address,
    crypto::{PublicKey, Signature},
    escrow::record::Escrow,
    receipts::{
        attestation::{Answer, Attestation},
        claim_payload::Attestations,
        terms::ReceiptTerms,
    },
};
use ait_client::{Client, SignedReceipt, describe, in_order_of};
use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value;

use super::{
    receipt::{Given, Sources, escrow_of, opening},
    submit::{SendOptions, Submission, read_input},
};
use ait_home::exit::{Refused, Usage};

/// `ait tx report`
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The receipt in JSON, with the fields of the claim's payload, miner_addr and miner_sig among them;
    /// - for standard input
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "tx",
        conflicts_with = "tx"
    )]
    receipt: Option<PathBuf>,
    /// Take the receipt from this claim, which the node knows
    #[arg(long, value_name = "HASH")]
    tx: Option<String>,
    /// The opening that the receipt is for [default: as the receipt says, or that of the escrow as it is]
    #[arg(long, value_name = "HEIGHT")]
    opened_height: Option<u64>,
    /// Where the damning attestations come from
    #[command(flatten)]
    sources: Sources,
    #[command(flatten)]
    options: SendOptions,
}

/// A receipt that must be there whole.
struct Accused {
    given: Given,
    miner: Address,
    miner_sig: Signature,
}

/// Runs `ait tx report`.
///
/// # Errors
/// What went wrong, for people.
pub async fn run(args: ReportArgs) -> Result<()> {
    let submission = Submission::open(&args.options)?;
    let client = &submission.client;
    let given = match (&args.receipt, &args.tx) {
        (Some(file), _) => Given::read(&read_input(file)?)?,
        (None, Some(hash)) => from_claim(client, hash).await?,
        (None, None) => bail!(Usage("--receipt or --tx is missing".to_owned())),
    };
    let accused = Accused::new(given)?;
    let escrow = escrow_of(client, &accused.given).await?;
    let named = opening(args.opened_height, accused.given.opened_height)?;
    let opened_height = named.unwrap_or(escrow.opened_height);
    let chain_id = submission.chain_id().await?;
    let receipt = SignedReceipt {
        terms: accused.given.terms(accused.miner, opened_height),
        miner_sig: accused.miner_sig,
        miner_pubkey: accused.given.miner_pubkey,
    };
    let trust = args.options.delivery.node.trust.trust();
    let found = args
        .sources
        .gather(&receipt, &chain_id, &accused.given, &trust)
        .await?;
    let attestations = damning(&escrow, &receipt.terms, &found)?;
    let miner_pubkey = key_to_send(client, &accused).await?;
    submission
        .submit(receipt.to_report(miner_pubkey, attestations))
        .await
}

/// The receipt in a claim that the node knows, pending or in a block.
async fn from_claim(client: &Client, hash: &str) -> Result<Given> {
    if hash.is_empty() || !hash.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        bail!(Usage(format!("{hash:?} is no transaction's hash")));
    }
    let Some(found) = client.tx(hash).await? else {
        bail!(Refused(format!("the node knows no transaction {hash}")));
    };
    if found.tx.is_null() {
        bail!(Refused(format!(
            "the node dropped transaction {hash} and does not remember what it was"
        )));
    }
    if found.tx.get("type").and_then(Value::as_str) != Some("RECEIPT_CLAIM") {
        bail!(Refused(format!("transaction {hash} is no claim")));
    }
    let payload = found.tx.get("payload").context("a claim has a payload")?;
    let mut given = Given::read(payload.to_string().as_bytes())?;
    let key = found.tx.get("pubkey").and_then(Value::as_str);
    given.miner_pubkey = key.and_then(|key| key.parse().ok());
    Ok(given)
}

/// The miner's key where the chain does not know it.
async fn key_to_send(client: &Client, accused: &Accused) -> Result<Option<PublicKey>> {
    let known = client.account(&accused.miner).await?.pubkey;
    match (known, accused.given.miner_pubkey) {
        (Some(_), _) => Ok(None),
        (None, Some(key)) => Ok(Some(key)),
        (None, None) => bail!(Usage(format!(
            "the chain does not know the key of {}: add miner_pubkey to the receipt",
            accused.miner
        ))),
    }
}

/// Damning attestations of so many of the escrow's coordinators that the receipt cannot be paid.
fn damning(escrow: &Escrow, terms: &ReceiptTerms, found: &[Attestation]) -> Result<Attestations> {
    let (damning, other): (Vec<_>, Vec<_>) = in_order_of(escrow, found)
        .into_iter()
        .partition(|attestation| attestation.answer(terms) == Answer::Damning);
    let needed = (escrow.attesters.len() + 1).saturating_sub(escrow.threshold);
    if damning.len() < needed {
        let said: Vec<String> = other.iter().map(describe).collect();
        bail!(Refused(format!(
            "a report takes damning attestations of {needed} of the escrow's coordinators, and here are \
             {}, so nothing was sent. {}",
            damning.len(),
            said.join("; ")
        )));
    }
    Attestations::new(damning).context("an escrow has 1 to 5 coordinators")
}

impl Accused {
    fn new(given: Given) -> Result<Self> {
        let missing = |name: &str| {
            Usage(format!(
                "field receipt.{name} is missing: a report shows what the miner signed"
            ))
        };
        Ok(Self {
            miner: given.miner_addr.ok_or_else(|| missing("miner_addr"))?,
            miner_sig: given.miner_sig.ok_or_else(|| missing("miner_sig"))?,
            given,
        })
    }
}
