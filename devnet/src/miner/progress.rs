//! Owns how far the mock miner has come: which blocks it looked through, which escrows it works on,
//! and the file that lets the next start go on from there.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use ait_app::{
    address::Address,
    identifiers::{ChainId, JobId},
    quantity::Uait,
};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use ait_home::files;

const MAX_FILE_BYTES: u64 = 4096;
/// The file is written once so many blocks have gone by, and whenever a job is done.
const SAVE_EVERY: u64 = 20;

/// An escrow that was opened in a block.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Opened {
    /// The block.
    pub height: u64,
    /// Who opened it.
    pub client: Address,
    /// For which job.
    pub job_id: JobId,
    /// In whose name.
    pub coordinator: Address,
    /// What was locked at first. Offers follow from it, not from what is added later: so a restart
    /// offers the same.
    pub amount: Uait,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    chain_id: ChainId,
    height: u64,
}

/// How far the miner has come.
#[derive(Debug)]
pub struct Progress {
    path: PathBuf,
    chain_id: ChainId,
    /// The last block that was looked through.
    height: u64,
    /// Escrows found and not done with.
    open: BTreeSet<Opened>,
    saved: Option<u64>,
}

impl Progress {
    /// Goes on from where the file says, or begins `lookback` blocks before `head`. No more than
    /// `most` blocks are looked through in either case.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn resume(
        path: &Path,
        chain_id: &ChainId,
        head: u64,
        lookback: u64,
        most: u64,
    ) -> Result<Self> {
        let saved = if path.exists() {
            let text = files::read_text(path, MAX_FILE_BYTES)?;
            let saved: Saved = serde_json::from_str(&text).with_context(|| {
                format!(
                    "{} is no miner's progress: remove it to look through the latest blocks anew",
                    path.display()
                )
            })?;
            // A chain that began anew under the old name is shorter than what was seen of it.
            (saved.chain_id == *chain_id && saved.height <= head).then_some(saved.height)
        } else {
            None
        };
        let earliest = head.saturating_sub(most);
        Ok(Self {
            path: path.to_owned(),
            chain_id: chain_id.clone(),
            height: saved
                .unwrap_or_else(|| head.saturating_sub(lookback))
                .max(earliest),
            open: BTreeSet::new(),
            saved,
        })
    }

    /// The last block that was looked through.
    pub fn height(&self) -> u64 {
        self.height
    }

    /// A block was looked through, and these escrows are to be worked on. Gives those that are new.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn looked_through(&mut self, height: u64, found: Vec<Opened>) -> Result<Vec<Opened>> {
        self.height = self.height.max(height);
        let new: Vec<Opened> = found
            .into_iter()
            .filter(|opened| self.open.insert(opened.clone()))
            .collect();
        let resume = self.resume_height();
        if resume >= self.saved.unwrap_or_default().saturating_add(SAVE_EVERY) {
            self.save()?;
        }
        Ok(new)
    }

    /// An escrow is done with.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn done(&mut self, opened: &Opened) -> Result<()> {
        self.open.remove(opened);
        self.save()
    }

    /// Writes the file.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn save(&mut self) -> Result<()> {
        let height = self.resume_height();
        if self.saved == Some(height) {
            return Ok(());
        }
        let saved = Saved {
            chain_id: self.chain_id.clone(),
            height,
        };
        files::replace(&self.path, &serde_json::to_vec(&saved)?, files::PUBLIC)?;
        self.saved = Some(height);
        Ok(())
    }

    /// The next start looks through the blocks after this one: the first with an escrow that is not
    /// done with is among them.
    fn resume_height(&self) -> u64 {
        match self.open.first() {
            Some(opened) => self.height.min(opened.height.saturating_sub(1)),
            None => self.height,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain() -> ChainId {
        "ait-devnet".parse().unwrap()
    }

    fn opened(height: u64) -> Opened {
        Opened {
            height,
            client: Address::module("client"),
            job_id: format!("job_{height}").parse().unwrap(),
            coordinator: Address::module("coordinator"),
            amount: Uait::constant(500),
        }
    }

    #[test]
    fn a_restart_looks_again_at_what_was_not_done() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("progress.json");
        let mut progress = Progress::resume(&path, &chain(), 500, 100, 1_000).unwrap();
        assert_eq!(progress.height(), 400);
        let new = progress
            .looked_through(450, vec![opened(410), opened(430)])
            .unwrap();
        assert_eq!(new.len(), 2);
        assert!(
            progress
                .looked_through(450, vec![opened(430)])
                .unwrap()
                .is_empty(),
            "seen twice, worked on once"
        );
        progress.done(&opened(410)).unwrap();
        progress.save().unwrap();
        let progress = Progress::resume(&path, &chain(), 900, 100, 1_000).unwrap();
        assert_eq!(progress.height(), 429);
        let far = Progress::resume(&path, &chain(), 5_000, 100, 1_000).unwrap();
        assert_eq!(far.height(), 4_000, "never more than the limit");
    }

    #[test]
    fn another_chain_and_one_begun_anew_start_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("progress.json");
        let mut progress = Progress::resume(&path, &chain(), 500, 100, 1_000).unwrap();
        progress.looked_through(500, Vec::new()).unwrap();
        progress.save().unwrap();
        let anew = Progress::resume(&path, &chain(), 30, 100, 1_000).unwrap();
        assert_eq!(anew.height(), 0);
        let other = "other".parse().unwrap();
        let other = Progress::resume(&path, &other, 700, 100, 1_000).unwrap();
        assert_eq!(other.height(), 600);
        std::fs::write(&path, "garbage").unwrap();
        assert!(Progress::resume(&path, &chain(), 30, 100, 1_000).is_err());
    }
}
