//! Owns how `ait tx` comes by a receipt and its attestations: from files, from a transaction that the
//! node knows, from coordinators.

use std::path::{Path, PathBuf};

use ait_app::{
    address::Address,
    crypto::{PublicKey, Signature},
    escrow::record::Escrow,
    identifiers::{ChainId, JobId, OutputHash, ReceiptId},
    json,
    quantity::{Height, Positive, Uait, Units},
    receipts::{attestation::Attestation, terms::ReceiptTerms},
};
use ait_client::{Client, Coordinator, SignedReceipt, http::Trust};
use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use serde::Deserialize;

use super::submit::read_input;
use ait_home::{
    exit::{Refused, Usage},
    settings,
};

/// A receipt as a file gives it: the fields of a claim's or report's payload, of which those may be
/// missing that can be told otherwise.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// The miner's name for it.
    pub receipt_id: ReceiptId,
    pub job_id: JobId,
    /// Whose escrow.
    pub client_addr: Address,
    /// Units of compute delivered.
    pub compute_units: Positive<Units>,
    /// What it asks for.
    pub price: Positive<Uait>,
    /// The hash of the output.
    pub output_hash: OutputHash,
    /// Whose it is.
    pub miner_addr: Option<Address>,
    /// The miner's signature.
    pub miner_sig: Option<Signature>,
    /// The miner's key.
    pub miner_pubkey: Option<PublicKey>,
    /// The opening of the escrow.
    pub opened_height: Option<Height>,
    /// Whether it is the last part of its job.
    #[serde(default, rename = "final")]
    pub is_final: bool,
    pub attestation: Option<Attestation>,
    #[serde(default)]
    pub attestations: Vec<Attestation>,
}

impl Given {
    /// Reads one; `text` may be in any formatting.
    ///
    /// # Errors
    /// A message that names the field.
    pub fn read(text: &[u8]) -> Result<Self> {
        json::read(text, "receipt").map_err(|refusal| anyhow!(Usage(refusal.message)))
    }

    /// What it says, of that miner and for that opening.
    pub fn terms(&self, miner: Address, opened_height: Height) -> ReceiptTerms {
        ReceiptTerms {
            receipt_id: self.receipt_id.clone(),
            job_id: self.job_id.clone(),
            client: self.client_addr,
            miner,
            compute_units: self.compute_units,
            price: self.price,
            output_hash: self.output_hash.clone(),
            opened_height,
        }
    }

    /// The attestations in it.
    pub fn attestations(&self) -> impl Iterator<Item = Attestation> + '_ {
        self.attestation.iter().chain(&self.attestations).cloned()
    }
}

/// Where attestations come from.
#[derive(Debug, Args)]
pub struct Sources {
    /// Fetch the attestation from the coordinator at this URL; repeat it for more coordinators
    #[arg(long, value_name = "URL", value_parser = settings::parse_http_url)]
    pub attest: Vec<String>,
    /// Take the attestation, or a list of them, from a file in JSON; repeat it for more; - for standard
    /// input
    #[arg(long, value_name = "FILE")]
    pub attestation: Vec<PathBuf>,
}

impl Sources {
    /// Whether a coordinator is to be asked.
    pub fn asks(&self) -> bool {
        !self.attest.is_empty()
    }

    /// All of them, for a receipt, after those that came with it.
    ///
    /// # Errors
    /// When a file does not read, or a coordinator answers none.
    pub async fn gather(
        &self,
        receipt: &SignedReceipt,
        chain_id: &ChainId,
        given: &Given,
        trust: &Trust,
    ) -> Result<Vec<Attestation>> {
        let mut found: Vec<Attestation> = given.attestations().collect();
        for file in &self.attestation {
            found.extend(read_attestations(file)?);
        }
        for url in &self.attest {
            let coordinator = Coordinator::new(url, trust)?;
            let answer = coordinator.attest(receipt, chain_id).await;
            found.push(answer.with_context(|| format!("asking {url} to attest"))?);
        }
        Ok(found)
    }
}

fn read_attestations(file: &Path) -> Result<Vec<Attestation>> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMore {
        More(Vec<Attestation>),
        One(Box<Attestation>),
    }
    let text = read_input(file)?;
    let read = serde_json::from_slice(&text).map_err(|_| {
        Usage(format!(
            "{} holds no attestation {{coordinator, exists, not_double_spent, paid, quote, sig}}, nor a \
             list of them",
            file.display()
        ))
    })?;
    Ok(match read {
        OneOrMore::More(list) => list,
        OneOrMore::One(one) => vec![*one],
    })
}

/// The escrow of a receipt.
///
/// # Errors
/// When there is none on the chain, or the node does not answer.
pub async fn escrow_of(client: &Client, given: &Given) -> Result<Escrow> {
    let found = client.escrow(&given.client_addr, &given.job_id).await?;
    let Some(escrow) = found else {
        bail!(Refused(format!(
            "{} has no escrow for job {} on this chain",
            given.client_addr, given.job_id
        )));
    };
    Ok(escrow)
}

/// The opening that a flag, the receipt or else the escrow names.
///
/// # Errors
/// When flag and receipt contradict each other.
pub fn opening(flag: Option<u64>, given: Option<Height>) -> Result<Option<Height>> {
    let flag = flag.map(|height| {
        Height::new(height).ok_or_else(|| Usage("--opened-height is above 2^53-1".to_owned()))
    });
    match (flag.transpose()?, given) {
        (Some(flag), Some(given)) if flag != given => bail!(Usage(format!(
            "--opened-height is {flag}, but the receipt is for opening {given}"
        ))),
        (flag, given) => Ok(flag.or(given)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ait_home::exit;

    const RECEIPT: &str = r#"{"receipt_id":"rcpt_7f3a","job_id":"job_42",
        "client_addr":"ait1rsxyjrcm255ds9euthjx6yc3vrjt9sxr7lv9kh",
        "miner_addr":"ait1jd76yzg3wl8wkdraee7cm87hgq08yp7alpewrf","compute_units":2500,"price":50000,
        "output_hash":"sha256:e0ee8bb50685e05fa0f47ed04203ae953fdfd055f5bd2892ea186504254f8c3a"}"#;

    #[test]
    fn a_receipt_file_is_read_with_or_without_what_can_be_told_otherwise() {
        let given = Given::read(RECEIPT.as_bytes()).unwrap();
        assert_eq!(given.price.get().get(), 50_000);
        assert_eq!(given.job_id.as_str(), "job_42");
        assert!(given.opened_height.is_none() && !given.is_final);
        let more = RECEIPT.replacen(
            "\"price\"",
            "\"opened_height\":17,\"final\":true,\"price\"",
            1,
        );
        let given = Given::read(more.as_bytes()).unwrap();
        assert_eq!(given.opened_height, Some(Height::constant(17)));
        assert!(given.is_final);
    }

    #[test]
    fn a_receipt_file_with_other_fields_is_refused_by_name() {
        for (from, to, name) in [
            ("\"price\":50000", "\"price\":-1", "receipt.price"),
            ("\"price\":50000", "\"price\":0", "receipt.price"),
            ("\"price\"", "\"prize\"", "prize"),
            ("job_42", "../etc", "receipt.job_id"),
            ("50000,", "50000,\"extra\":1,", "extra"),
        ] {
            let text = RECEIPT.replacen(from, to, 1);
            let error = Given::read(text.as_bytes()).map(|_| ()).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
            assert_eq!(exit::code_of(&error), exit::USAGE);
        }
    }

    #[test]
    fn one_opening_is_meant() {
        let seven = Some(Height::constant(7));
        assert_eq!(opening(Some(7), None).unwrap(), seven);
        assert_eq!(opening(None, seven).unwrap(), seven);
        assert_eq!(opening(Some(7), seven).unwrap(), seven);
        assert_eq!(opening(None, None).unwrap(), None);
        assert!(opening(Some(8), seven).is_err());
    }

    #[test]
    fn a_file_holds_one_attestation_or_a_list() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/vectors/protocol.json")).unwrap();
        let one = &vectors["attestations"][0]["response"];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("attestation.json");
        for (text, count) in [(one.to_string(), 1), (format!("[{one}, {one}]"), 2)] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(read_attestations(&path).unwrap().len(), count);
        }
        std::fs::write(&path, "{}").unwrap();
        assert!(read_attestations(&path).is_err());
    }
}
