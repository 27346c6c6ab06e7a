//! Owns the files in which the trusted block of each chain is kept between runs, and evidence of forks.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use ait_home::{
    exit::{CannotTell, Usage},
    files,
};
use ait_verify::Trusted;
use anyhow::{Context, Result};
use serde_json::Value;

/// A set has at most 10,000 validators of some 80 bytes.
const MOST_BYTES: u64 = 2 * 1024 * 1024;
/// Where they are kept unless another folder is named, in the user's home.
const FOLDER: &str = ".ait/light";

/// A folder with a file for each chain.
pub struct Kept(PathBuf);

impl Kept {
    /// In this folder, or the one in the user's home.
    ///
    /// # Errors
    /// [`Usage`] where neither is named.
    pub fn in_folder(named: Option<PathBuf>) -> Result<Self> {
        let home = || env::var_os("HOME").filter(|home| !home.is_empty());
        match named.or_else(|| Some(Path::new(&home()?).join(FOLDER))) {
            Some(folder) => Ok(Self(folder)),
            None => Err(Usage("--state names a folder, since there is no HOME".to_owned()).into()),
        }
    }

    fn file(&self, chain_id: &str) -> PathBuf {
        // A chain's id may have any characters: no other folder is ever reached by one.
        let safe = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        let name: String = chain_id
            .chars()
            .map(|c| if safe(c) { c } else { '_' })
            .collect();
        self.0.join(format!("{name}.json"))
    }

    /// Whether blocks of more than one chain are trusted.
    pub fn has_several(&self) -> bool {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        // Evidence of a fork has one more dot in its name.
        let chains = names.filter(|name| name.split('.').collect::<Vec<_>>().len() == 2);
        chains.filter(|name| name.ends_with(".json")).count() > 1
    }

    /// What is trusted of a chain.
    ///
    /// # Errors
    /// [`CannotTell`] where nothing was kept; what is wrong with the file.
    pub fn of(&self, chain_id: &str) -> Result<Trusted> {
        let path = self.file(chain_id);
        if !path.exists() {
            let message = format!(
                "nothing of the chain {chain_id} is trusted yet: name a block by --trust HEIGHT:HASH, as you know it \
                 from elsewhere"
            );
            return Err(CannotTell(message).into());
        }
        let text = files::read_text(&path, MOST_BYTES)?;
        let trusted: Trusted =
            serde_json::from_str(&text).with_context(|| format!("{}", path.display()))?;
        if trusted.chain_id() != chain_id {
            let message = format!(
                "{} is of the chain {}, not of {chain_id}: name a block by --trust",
                path.display(),
                trusted.chain_id()
            );
            return Err(CannotTell(message).into());
        }
        Ok(trusted)
    }

    /// Keeps what is trusted from now on; never goes back to an earlier block.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn keep(&self, trusted: &Trusted) -> Result<()> {
        if let Ok(before) = self.of(trusted.chain_id())
            && before.height() >= trusted.height()
        {
            return Ok(());
        }
        self.make_folder()?;
        let text = serde_json::to_string_pretty(trusted)? + "\n";
        files::replace(
            &self.file(trusted.chain_id()),
            text.as_bytes(),
            files::SECRET,
        )
    }

    /// Keeps two blocks of one height; gives the file.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn keep_evidence(&self, chain_id: &str, height: u64, blocks: &Value) -> Result<PathBuf> {
        self.make_folder()?;
        let mut path = self.file(chain_id);
        path.set_extension(format!("fork-{height}.json"));
        let text = serde_json::to_string_pretty(blocks)? + "\n";
        files::replace(&path, text.as_bytes(), files::PUBLIC)?;
        Ok(path)
    }

    fn make_folder(&self) -> Result<()> {
        let made: io::Result<()> = fs::create_dir_all(&self.0);
        made.with_context(|| format!("cannot make {}", self.0.display()))
    }
}
