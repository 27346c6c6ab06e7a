//! Owns `ait tx claim`: a miner's claim from a receipt file or flags, with its coordinator's
//! attestation where the miner fetches it.

use std::path::PathBuf;

use ait_app::{
    address::Address,
    amount,
    identifiers::{ChainId, JobId, OutputHash, ReceiptId},
    json::{Fields, Json},
    receipts::{Attestation, ReceiptTerms},
    tx::{Payload, ReceiptClaim},
};
use anyhow::{Context, Result, bail};
use clap::Args;

use super::submit::{SendOptions, Submission, read_input};
use crate::{
    amounts::parse_uait,
    attest::{self, SignedReceipt},
    client::Client,
    config::Environment,
    exit::{Refused, Usage},
    settings,
};

/// `ait tx claim`
#[derive(Debug, Args)]
pub struct ClaimArgs {
    /// The receipt in JSON, with the fields of the claim's payload; - for standard input. Without it
    /// the next six flags are needed
    #[arg(long, value_name = "FILE", conflicts_with_all = ["receipt_id", "job_id", "client", "compute_units", "price", "output_hash"])]
    receipt: Option<PathBuf>,
    /// The receipt's name, unique on the chain
    #[arg(long, value_name = "ID")]
    receipt_id: Option<ReceiptId>,
    /// The job
    #[arg(long, value_name = "ID")]
    job_id: Option<JobId>,
    /// Whose escrow pays
    #[arg(long, value_name = "ADDRESS")]
    client: Option<Address>,
    /// Units of compute delivered
    #[arg(long, value_name = "N")]
    compute_units: Option<u64>,
    /// What the escrow shall pay, in uait or such as 1.5ait
    #[arg(long, value_name = "AMOUNT", value_parser = parse_uait)]
    price: Option<u64>,
    /// sha256: and the hash of the job's output
    #[arg(long, value_name = "HASH")]
    output_hash: Option<OutputHash>,
    /// Fetch the attestation from the coordinator at this URL; without it the nodes do
    #[arg(long, value_name = "URL", value_parser = settings::parse_http_url)]
    attest: Option<String>,
    #[command(flatten)]
    options: SendOptions,
}

/// A receipt as a file or flags give it.
struct Given {
    terms: ReceiptTerms,
    attestation: Option<Attestation>,
}

/// Runs `ait tx claim`.
///
/// # Errors
/// What went wrong, for people.
pub async fn run(args: ClaimArgs, environment: &Environment) -> Result<()> {
    let submission = Submission::open(&args.options, environment)?;
    let given = match &args.receipt {
        Some(file) => parse_receipt(&read_input(file)?, submission.sender)?,
        None => from_flags(&args, submission.sender)?,
    };
    let chain_id = submission.chain_id().await?;
    let receipt = SignedReceipt::sign(&chain_id, given.terms, &submission.key);
    let attestation = match &args.attest {
        Some(url) => Some(fetch(url, &submission.client, &receipt, &chain_id).await?),
        None => given.attestation,
    };
    let claim = ReceiptClaim {
        terms: receipt.terms,
        miner_sig: receipt.miner_sig,
        attestation,
    };
    submission
        .submit(Payload::ReceiptClaim(Box::new(claim)))
        .await
}

fn from_flags(args: &ClaimArgs, miner: Address) -> Result<Given> {
    fn needed<T: Clone>(name: &str, value: &Option<T>) -> Result<T> {
        let missing = || {
            Usage(format!(
                "{name} is missing (or give the receipt by --receipt FILE)"
            ))
        };
        Ok(value.clone().ok_or_else(missing)?)
    }
    Ok(Given {
        terms: ReceiptTerms {
            receipt_id: needed("--receipt-id", &args.receipt_id)?,
            job_id: needed("--job-id", &args.job_id)?,
            client: needed("--client", &args.client)?,
            miner,
            compute_units: needed("--compute-units", &args.compute_units)?,
            price: needed("--price", &args.price)?,
            output_hash: needed("--output-hash", &args.output_hash)?,
        },
        attestation: None,
    })
}

/// Reads a receipt with the fields of a claim's payload. A `miner_addr` must be the signer's; a
/// `miner_sig` is made anew.
fn parse_receipt(text: &[u8], miner: Address) -> Result<Given> {
    let json = Json::parse(text).context("the receipt")?;
    let required = [
        "receipt_id",
        "job_id",
        "client_addr",
        "compute_units",
        "price",
        "output_hash",
    ];
    let optional = ["miner_addr", "miner_sig", "attestation"];
    let fields = Fields::open(&json, "receipt", &required, &optional)?;
    if fields.has("miner_addr") {
        let named: Address = fields.parsed("miner_addr")?;
        if named != miner {
            bail!(Usage(format!(
                "the receipt is of miner {named}, but --key is that of {miner}"
            )));
        }
    }
    let attestation = if fields.has("attestation") {
        let json = fields.json("attestation")?;
        Some(Attestation::from_json(json, "receipt.attestation")?)
    } else {
        None
    };
    Ok(Given {
        terms: ReceiptTerms {
            receipt_id: fields.parsed("receipt_id")?,
            job_id: fields.parsed("job_id")?,
            client: fields.parsed("client_addr")?,
            miner,
            compute_units: fields.integer("compute_units", 1..=amount::MAX)?,
            price: fields.integer("price", 1..=amount::MAX)?,
            output_hash: fields.parsed("output_hash")?,
        },
        attestation,
    })
}

async fn fetch(
    url: &str,
    node: &Client,
    receipt: &SignedReceipt,
    chain_id: &ChainId,
) -> Result<Attestation> {
    let terms = &receipt.terms;
    let escrow = node.escrow(&terms.client, &terms.job_id).await?;
    let Some(escrow) = escrow else {
        bail!(Refused(format!(
            "{} has no escrow for job {} on this chain",
            terms.client, terms.job_id
        )));
    };
    let coordinator = Client::new(url)?;
    let attestation = attest::ask(&coordinator, receipt, chain_id, escrow.opened_height).await?;
    if !attestation.is_good_for(terms) {
        bail!(Refused(format!(
            "the coordinator attests {}: claiming with that would be an offence, so nothing was sent",
            attest::describe(&attestation)
        )));
    }
    Ok(attestation)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECEIPT: &str = r#"{"receipt_id":"rcpt_7f3a","job_id":"job_42",
        "client_addr":"ait1rsxyjrcm255ds9euthjx6yc3vrjt9sxr7lv9kh",
        "miner_addr":"ait1jd76yzg3wl8wkdraee7cm87hgq08yp7alpewrf","compute_units":2500,"price":50000,
        "output_hash":"sha256:e0ee8bb50685e05fa0f47ed04203ae953fdfd055f5bd2892ea186504254f8c3a"}"#;

    #[test]
    fn a_receipt_file_is_read_for_its_own_miner_alone() {
        let miner = "ait1jd76yzg3wl8wkdraee7cm87hgq08yp7alpewrf"
            .parse()
            .unwrap();
        let given = parse_receipt(RECEIPT.as_bytes(), miner).unwrap();
        assert_eq!(given.terms.price, 50_000);
        assert_eq!(given.terms.job_id.as_str(), "job_42");
        assert!(parse_receipt(RECEIPT.as_bytes(), Address::treasury()).is_err());
    }

    #[test]
    fn a_receipt_file_with_other_fields_is_refused_by_name() {
        let miner = "ait1jd76yzg3wl8wkdraee7cm87hgq08yp7alpewrf"
            .parse()
            .unwrap();
        for (from, to, name) in [
            ("\"price\":50000", "\"price\":-1", "receipt.price"),
            ("\"price\"", "\"prize\"", "receipt.price"),
            ("job_42", "../etc", "receipt.job_id"),
            ("50000,", "50000,\"extra\":1,", "receipt.extra"),
        ] {
            let text = RECEIPT.replacen(from, to, 1);
            let error = parse_receipt(text.as_bytes(), miner)
                .map(|_| ())
                .unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
