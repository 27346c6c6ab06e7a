//! Owns what the mock coordinator promised and signed: who has a job, and every answer about every
//! receipt. One JSON line each, on disk before anything is sent, so that no restart forgets it; one
//! process alone holds a ledger, so that no two answers can contradict each other.

use std::{
    collections::{BTreeMap, HashMap},
    fs::{File, OpenOptions},
    io::{Read, Write},
    path::{Path, PathBuf},
};

use ait_app::{
    address::Address,
    identifiers::{ChainId, JobId},
    quantity::{Height, Uait, Units},
    receipts::{
        attestation::{Facts, Quote},
        terms::ReceiptTerms,
    },
};
use anyhow::{Context, Result, bail};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

/// One opening of an escrow.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Opening {
    /// Who opened it.
    pub client: Address,
    /// For which job.
    pub job_id: JobId,
    /// In which block.
    pub opened_height: Height,
}

impl Opening {
    /// Of a receipt.
    pub fn of(terms: &ReceiptTerms) -> Self {
        Self {
            client: terms.client,
            job_id: terms.job_id.clone(),
            opened_height: terms.opened_height,
        }
    }
}

/// What was answered about a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The receipt's miner.
    pub miner: Address,
    /// What it asks for.
    pub price: Uait,
    /// What it says was delivered.
    pub compute_units: Units,
    exists: bool,
    paid: bool,
    not_double_spent: bool,
    quote: Quote,
}

impl Answer {
    /// These facts about a receipt.
    pub fn new(terms: &ReceiptTerms, facts: Facts) -> Self {
        Self {
            miner: terms.miner,
            price: terms.price.get(),
            compute_units: terms.compute_units.get(),
            exists: facts.exists,
            paid: facts.paid,
            not_double_spent: facts.not_double_spent,
            quote: facts.quote,
        }
    }

    /// What is signed.
    pub fn facts(&self) -> Facts {
        Facts {
            exists: self.exists,
            paid: self.paid,
            not_double_spent: self.not_double_spent,
            quote: self.quote,
        }
    }

    /// Whether it is good (PROTOCOL section 4.4).
    pub fn is_good(&self) -> bool {
        let within =
            self.price <= self.quote.price && self.compute_units <= self.quote.compute_units;
        within && self.exists && self.paid && self.not_double_spent
    }
}

/// What is on record of one opening.
#[derive(Debug, Clone, Default)]
pub struct Job {
    holder: Option<Address>,
    answers: BTreeMap<String, Answer>,
}

impl Job {
    /// The miner that has the job: the first one that it was promised to, or that got a good answer.
    pub fn holder(&self) -> Option<Address> {
        self.holder
    }

    /// What was answered about a receipt, by the hex of its sign bytes.
    pub fn answer(&self, receipt: &str) -> Option<&Answer> {
        self.answers.get(receipt)
    }

    /// All good answers.
    pub fn good(&self) -> impl Iterator<Item = &Answer> {
        self.answers.values().filter(|answer| answer.is_good())
    }

    fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Assigned { miner } => {
                self.holder.get_or_insert(miner);
            }
            Entry::Attested { receipt, answer } => {
                if answer.is_good() {
                    self.holder.get_or_insert(answer.miner);
                }
                self.answers.entry(receipt).or_insert(answer);
            }
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Entry {
    /// A miner was promised the job.
    Assigned { miner: Address },
    /// A receipt, by the hex of its sign bytes, was answered.
    Attested { receipt: String, answer: Answer },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    chain_id: ChainId,
    opening: Opening,
    entry: Entry,
}

/// Everything that was promised and signed.
pub struct Ledger {
    path: PathBuf,
    file: File,
    chain_id: ChainId,
    jobs: HashMap<Opening, Job>,
    answers: usize,
    /// A write failed: nobody knows what the file's last line says.
    broken: bool,
}

impl Ledger {
    /// Opens a ledger, or begins one. A last line that a crash cut off never had an effect, and is
    /// removed.
    ///
    /// # Errors
    /// When it can't be read, is damaged, is of another chain, or another process holds it.
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
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            bail!(
                "the ledger {} is in use by another process: one coordinator is one process",
                path.display()
            );
        }
        let mut text = String::new();
        file.read_to_string(&mut text)
            .with_context(|| format!("cannot read the ledger {}", path.display()))?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let mut ledger = Self {
            path: path.to_owned(),
            file,
            chain_id: chain_id.clone(),
            jobs: HashMap::new(),
            answers: 0,
            broken: false,
        };
        ledger.load(text.get(..whole).unwrap_or_default())?;
        if whole < text.len() {
            ledger.file.set_len(whole as u64).with_context(name)?;
            ledger.file.sync_all().with_context(name)?;
        }
        Ok(ledger)
    }

    fn load(&mut self, text: &str) -> Result<()> {
        for (number, line) in text.lines().enumerate() {
            let line: Line = serde_json::from_str(line).with_context(|| {
                format!(
                    "line {} of the ledger {} is damaged: restore the file from a copy",
                    number + 1,
                    self.path.display()
                )
            })?;
            if line.chain_id != self.chain_id {
                bail!(
                    "the ledger {} is of chain {}, not of {}: name another by --ledger, or take that \
                     chain's id",
                    self.path.display(),
                    line.chain_id,
                    self.chain_id
                );
            }
            self.apply(line.opening, line.entry);
        }
        Ok(())
    }

    fn apply(&mut self, opening: Opening, entry: Entry) {
        self.answers += usize::from(matches!(entry, Entry::Attested { .. }));
        self.jobs.entry(opening).or_default().apply(entry);
    }

    /// How many receipts were answered.
    pub fn len(&self) -> usize {
        self.answers
    }

    /// What is on record of an opening.
    pub fn job(&self, opening: &Opening) -> Job {
        self.jobs.get(opening).cloned().unwrap_or_default()
    }

    /// Promises a job to a miner.
    ///
    /// # Errors
    /// When it can't be written: then it is promised to nobody.
    pub fn assign(&mut self, opening: &Opening, miner: Address) -> Result<()> {
        self.write(opening, Entry::Assigned { miner })
    }

    /// Notes the answer about a receipt, by the hex of its sign bytes.
    ///
    /// # Errors
    /// When it can't be written: then it must not be given.
    pub fn attest(&mut self, opening: &Opening, receipt: String, answer: Answer) -> Result<()> {
        self.write(opening, Entry::Attested { receipt, answer })
    }

    fn write(&mut self, opening: &Opening, entry: Entry) -> Result<()> {
        if self.broken {
            bail!(
                "the ledger {} could not be written earlier: mend that and restart the coordinator",
                self.path.display()
            );
        }
        let line = Line {
            chain_id: self.chain_id.clone(),
            opening: opening.clone(),
            entry: entry.clone(),
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
        self.apply(opening.clone(), entry);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain() -> ChainId {
        "ait-devnet".parse().unwrap()
    }

    fn opening(opened_height: u64) -> Opening {
        Opening {
            client: Address::module("client"),
            job_id: "job_1".parse().unwrap(),
            opened_height: Height::constant(opened_height),
        }
    }

    fn answer(price: u64) -> Answer {
        Answer {
            miner: Address::module("miner"),
            price: Uait::constant(price),
            compute_units: Units::constant(10),
            exists: true,
            paid: true,
            not_double_spent: true,
            quote: Quote {
                compute_units: Units::constant(10),
                price: Uait::constant(500),
            },
        }
    }

    #[test]
    fn what_was_promised_and_signed_survives_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.jsonl");
        let mut ledger = Ledger::open(&path, &chain()).unwrap();
        let (first, second) = (Address::module("first"), Address::module("second"));
        ledger.assign(&opening(7), first).unwrap();
        ledger.assign(&opening(7), second).unwrap();
        ledger
            .attest(&opening(7), "aa".into(), answer(500))
            .unwrap();
        ledger
            .attest(&opening(7), "bb".into(), answer(501))
            .unwrap();
        ledger
            .attest(&opening(8), "aa".into(), answer(500))
            .unwrap();
        drop(ledger);
        let ledger = Ledger::open(&path, &chain()).unwrap();
        assert_eq!(ledger.len(), 3);
        let job = ledger.job(&opening(7));
        assert_eq!(job.holder(), Some(first), "the first one keeps it");
        assert_eq!(job.answer("bb"), Some(&answer(501)));
        assert_eq!(job.good().count(), 1);
        let other = ledger.job(&opening(8));
        assert_eq!(
            other.holder(),
            Some(answer(1).miner),
            "a good answer promises it too"
        );
        assert!(ledger.job(&opening(9)).answer("aa").is_none());
    }

    #[test]
    fn a_line_that_a_crash_cut_off_is_forgotten_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.jsonl");
        let mut ledger = Ledger::open(&path, &chain()).unwrap();
        ledger
            .attest(&opening(7), "aa".into(), answer(500))
            .unwrap();
        drop(ledger);
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{whole}{{\"chain_id\":\"ait-de")).unwrap();
        let mut ledger = Ledger::open(&path, &chain()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), whole);
        ledger
            .attest(&opening(8), "aa".into(), answer(500))
            .unwrap();
        drop(ledger);
        assert_eq!(Ledger::open(&path, &chain()).unwrap().len(), 2);
    }

    #[test]
    fn a_damaged_ledger_one_of_another_chain_and_one_in_use_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.jsonl");
        let mut ledger = Ledger::open(&path, &chain()).unwrap();
        ledger
            .attest(&opening(7), "aa".into(), answer(500))
            .unwrap();
        let refused = |chain: &ChainId| {
            let error = Ledger::open(&path, chain).map(|_| ()).unwrap_err();
            error.to_string()
        };
        assert!(refused(&chain()).contains("in use"));
        drop(ledger);
        assert!(refused(&"other".parse().unwrap()).contains("ait-devnet"));
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, whole.replacen("client", "klient", 1)).unwrap();
        assert!(refused(&chain()).contains("line 1"));
    }
}
