//! Owns what the mock coordinator attested: one receipt for each opening of an escrow, the first that
//! came. One JSON line each, on disk before the attestation is signed, so that no restart forgets it.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{Read, Write},
    path::{Path, PathBuf},
};

use ait_app::{
    address::Address,
    identifiers::{ChainId, JobId},
    receipts::AttestationRequest,
};
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

/// One opening of an escrow.
type Opening = (Address, JobId, u64);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    chain_id: ChainId,
    client: Address,
    job_id: JobId,
    opened_height: u64,
    /// The receipt's sign bytes in hex: all that the miner signed.
    receipt: String,
}

/// The receipts that were attested.
pub struct Ledger {
    path: PathBuf,
    file: File,
    attested: HashMap<Opening, String>,
    /// A write failed: nobody knows what the file's last line says.
    broken: bool,
}

impl Ledger {
    /// Opens a ledger, or begins one. A last line that a crash cut off was never attested, and is
    /// removed.
    ///
    /// # Errors
    /// When it can't be read, is damaged, or is of another chain.
    pub fn open(path: &Path, chain_id: &ChainId) -> Result<Self> {
        let name = || path.display().to_string();
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(name)?;
        }
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .with_context(|| format!("cannot open the ledger {}", path.display()))?;
        let mut text = String::new();
        file.read_to_string(&mut text)
            .with_context(|| format!("cannot read the ledger {}", path.display()))?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let mut attested = HashMap::new();
        for (number, line) in text.get(..whole).unwrap_or_default().lines().enumerate() {
            let line: Line = serde_json::from_str(line).with_context(|| {
                format!(
                    "line {} of the ledger {} is damaged: restore the file from a copy",
                    number + 1,
                    path.display()
                )
            })?;
            if line.chain_id != *chain_id {
                bail!(
                    "the ledger {} is of chain {}, not of {chain_id}: name another by --ledger, or \
                     take that chain's id",
                    path.display(),
                    line.chain_id
                );
            }
            let opening = (line.client, line.job_id, line.opened_height);
            attested.entry(opening).or_insert(line.receipt);
        }
        if whole < text.len() {
            file.set_len(whole as u64).with_context(name)?;
            file.sync_all().with_context(name)?;
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            attested,
            broken: false,
        })
    }

    /// How many receipts were attested.
    pub fn len(&self) -> usize {
        self.attested.len()
    }

    /// Whether a receipt is the first for its escrow, or the one that was.
    pub fn is_first(&self, request: &AttestationRequest) -> bool {
        self.attested
            .get(&opening(request))
            .is_none_or(|first| *first == digest(request))
    }

    /// Remembers a receipt if it is the first for its escrow; tells whether it is, or was.
    ///
    /// # Errors
    /// When it can't be written: then it must not be attested.
    pub fn take(&mut self, request: &AttestationRequest) -> Result<bool> {
        if let Some(first) = self.attested.get(&opening(request)) {
            return Ok(*first == digest(request));
        }
        if self.broken {
            bail!(
                "the ledger {} could not be written earlier: mend that and restart the coordinator",
                self.path.display()
            );
        }
        let line = Line {
            chain_id: request.chain_id.clone(),
            client: request.client,
            job_id: request.job_id.clone(),
            opened_height: request.opened_height,
            receipt: digest(request),
        };
        let mut bytes = serde_json::to_vec(&line)?;
        bytes.push(b'\n');
        let written = self
            .file
            .write_all(&bytes)
            .and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            self.broken = true;
            return Err(error)
                .with_context(|| format!("cannot write the ledger {}", self.path.display()));
        }
        self.attested.insert(opening(request), line.receipt);
        Ok(true)
    }
}

fn opening(request: &AttestationRequest) -> Opening {
    (
        request.client,
        request.job_id.clone(),
        request.opened_height,
    )
}

fn digest(request: &AttestationRequest) -> String {
    hex::encode(request.terms().sign_bytes(&request.chain_id))
}

#[cfg(test)]
mod tests {
    use ait_app::crypto::Signature;

    use super::*;

    fn chain() -> ChainId {
        "ait-devnet".parse().unwrap()
    }

    fn request(receipt: &str, opened_height: u64) -> AttestationRequest {
        AttestationRequest {
            chain_id: chain(),
            receipt_id: receipt.parse().unwrap(),
            job_id: "job_1".parse().unwrap(),
            client: Address::module("client"),
            miner: Address::module("miner"),
            compute_units: 10,
            price: 500,
            output_hash: format!("sha256:{}", "00".repeat(32)).parse().unwrap(),
            opened_height,
            miner_sig: Signature::from_bytes([0; 64]),
        }
    }

    #[test]
    fn the_first_receipt_for_an_escrow_wins_also_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.jsonl");
        let mut ledger = Ledger::open(&path, &chain()).unwrap();
        assert!(ledger.take(&request("first", 7)).unwrap());
        assert!(ledger.take(&request("first", 7)).unwrap(), "asked again");
        assert!(!ledger.take(&request("second", 7)).unwrap());
        assert!(ledger.take(&request("second", 8)).unwrap(), "opened anew");
        drop(ledger);
        let mut ledger = Ledger::open(&path, &chain()).unwrap();
        assert_eq!(ledger.len(), 2);
        assert!(!ledger.take(&request("second", 7)).unwrap());
        assert!(ledger.is_first(&request("first", 7)));
        let mut dearer = request("first", 7);
        dearer.price = 501;
        assert!(!ledger.is_first(&dearer), "same name, other terms");
    }

    #[test]
    fn a_line_that_a_crash_cut_off_is_forgotten_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.jsonl");
        let mut ledger = Ledger::open(&path, &chain()).unwrap();
        ledger.take(&request("first", 7)).unwrap();
        drop(ledger);
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{whole}{{\"chain_id\":\"ait-de")).unwrap();
        let mut ledger = Ledger::open(&path, &chain()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), whole);
        assert!(ledger.take(&request("next", 8)).unwrap());
        drop(ledger);
        assert_eq!(Ledger::open(&path, &chain()).unwrap().len(), 2);
    }

    #[test]
    fn a_damaged_ledger_and_one_of_another_chain_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.jsonl");
        let mut ledger = Ledger::open(&path, &chain()).unwrap();
        ledger.take(&request("first", 7)).unwrap();
        drop(ledger);
        let error = Ledger::open(&path, &"other".parse().unwrap())
            .map(|_| ())
            .unwrap_err();
        assert!(error.to_string().contains("ait-devnet"), "{error}");
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, whole.replacen("client", "klient", 1)).unwrap();
        let error = Ledger::open(&path, &chain()).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("line 1"), "{error}");
    }
}
