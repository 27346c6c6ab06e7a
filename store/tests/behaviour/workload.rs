//! Blocks that follow from their height alone, and the state they must lead to.

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use ait_store::{Loaded, Store, StoreError, TransactionHash, WriteBatch};

pub type TestResult = Result<(), Box<dyn Error>>;
pub type State = BTreeMap<Vec<u8>, Vec<u8>>;

/// The chain of every store in these tests.
pub const CHAIN: &str = "test-chain";
/// Blocks whose transactions are kept.
pub const KEPT_BLOCKS: u64 = 20;
const KEYS: u64 = 1_500;
const FIRST_BLOCK_CHANGES: u64 = 2_500;
const CHANGES: u64 = 25;
const TRANSACTIONS: u64 = 6;

/// SplitMix64: numbers that look random and are the same in every run.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

pub fn batch(height: u64) -> WriteBatch {
    let mut numbers = Numbers(height);
    let changes = if height == 1 {
        FIRST_BLOCK_CHANGES
    } else {
        CHANGES
    };
    let state = (0..changes).map(|_| change(&mut numbers, height)).collect();
    let transactions = (0..TRANSACTIONS)
        .map(|index| (transaction_hash(height, index), record(height, index)))
        .collect();
    WriteBatch {
        height,
        meta: meta(height),
        state,
        transactions,
        prune_transactions_below: height.checked_sub(KEPT_BLOCKS - 1),
    }
}

fn change(numbers: &mut Numbers, height: u64) -> (Vec<u8>, Option<Vec<u8>>) {
    let key = format!("/account/{:042}", numbers.below(KEYS)).into_bytes();
    let length = match numbers.below(50) {
        0 => return (key, None),
        1 => 4_000 + numbers.below(9_000),
        _ => numbers.below(200),
    };
    let value = (0..length)
        .map(|byte| (height ^ byte).to_le_bytes()[0])
        .collect();
    (key, Some(value))
}

/// Long enough for several chunks in some blocks, and empty in others.
pub fn meta(height: u64) -> Vec<u8> {
    let length = (height % 4) * 3_000;
    (0..length)
        .map(|byte| (height + byte).to_le_bytes()[0])
        .collect()
}

pub fn transaction_hash(height: u64, index: u64) -> TransactionHash {
    let mut numbers = Numbers(height * TRANSACTIONS + index);
    let mut hash = [0; 32];
    for part in hash.chunks_mut(8) {
        part.copy_from_slice(&numbers.next().to_be_bytes());
    }
    hash
}

pub fn record(height: u64, index: u64) -> Vec<u8> {
    let length = if index == 0 { 10_000 } else { 300 };
    vec![(height + index).to_le_bytes()[0]; length]
}

/// The state after a block.
pub fn state(height: u64) -> State {
    let mut state = State::new();
    for change in (1..=height).flat_map(|height| batch(height).state) {
        match change {
            (key, Some(value)) => state.insert(key, value),
            (key, None) => state.remove(&key),
        };
    }
    state
}

/// Everything a store holds.
pub fn contents(store: &dyn Store) -> Result<Option<(u64, Vec<u8>, State)>, StoreError> {
    let Some(Loaded {
        height,
        meta,
        state,
    }) = store.load()?
    else {
        return Ok(None);
    };
    Ok(Some((height, meta, state.collect::<Result<State, _>>()?)))
}

/// Asserts that a store holds exactly what it must after a block.
pub fn assert_holds_block(store: &dyn Store, height: u64) -> TestResult {
    let (found, found_meta, found_state) = contents(store)?.ok_or("the store is empty")?;
    assert_eq!(found, height);
    assert_eq!(found_meta, meta(height), "meta of block {height}");
    assert!(found_state == state(height), "state of block {height}");
    for kept in height.saturating_sub(KEPT_BLOCKS - 1).max(1)..=height {
        for index in 0..TRANSACTIONS {
            let found = store.transaction(&transaction_hash(kept, index))?;
            assert_eq!(
                found,
                Some(record(kept, index)),
                "transaction {index} of block {kept}"
            );
        }
    }
    for pruned in 1..=height.saturating_sub(KEPT_BLOCKS) {
        assert_eq!(
            store.transaction(&transaction_hash(pruned, 0))?,
            None,
            "block {pruned}"
        );
    }
    Ok(())
}

/// A process that runs one test of this binary, which looks for a store's folder in [`child_folder`].
pub fn child(test: &str, folder: &Path) -> io::Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["--exact", test, "--nocapture", "--quiet"]);
    command.env("STORE_FOLDER", folder).stdout(Stdio::piped());
    Ok(command)
}

/// The folder given to [`child`], or `None` in the test run itself.
pub fn child_folder() -> Option<PathBuf> {
    env::var_os("STORE_FOLDER").map(Into::into)
}

/// Copies a folder with everything in it.
pub fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The sled database of a store that was just closed: sled's threads may hold its lock a moment longer.
pub fn database(store: &Path) -> sled::Result<sled::Db> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match sled::open(store.join("sled")) {
            Err(sled::Error::Io(_)) if Instant::now() < deadline => {
                thread::yield_now();
            }
            other => return other,
        }
    }
}
