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

use ait_store::{Engine, Store, StoreError, Table, WriteBatch, for_each};

pub type TestResult = Result<(), Box<dyn Error>>;
pub type State = BTreeMap<Vec<u8>, Vec<u8>>;

pub const ENGINES: [Engine; 2] = [Engine::Fjall, Engine::Sled];

/// The chain of every store in these tests.
pub const CHAIN: &str = "test-chain";
/// Blocks of which something is kept besides the state.
pub const KEPT_BLOCKS: u64 = 20;
const KEYS: u64 = 1_500;
const FIRST_BLOCK_CHANGES: u64 = 2_500;
const CHANGES: u64 = 25;
const GROUPS: u64 = 6;

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
    let mut batch = WriteBatch {
        height,
        meta: meta(height),
        ..WriteBatch::default()
    };
    for _ in 0..changes {
        change(&mut numbers, &mut batch);
    }
    for index in 0..GROUPS {
        batch.put(
            Table::Blocks,
            group_key(height, index),
            group(height, index),
        );
    }
    if let Some(old) = height.checked_sub(KEPT_BLOCKS).filter(|old| *old > 0) {
        for index in 0..GROUPS {
            batch.remove(Table::Blocks, group_key(old, index));
        }
    }
    batch
}

fn change(numbers: &mut Numbers, batch: &mut WriteBatch) {
    let key = format!("/account/{:042}", numbers.below(KEYS)).into_bytes();
    let length = match numbers.below(50) {
        0 => return batch.remove(Table::Records, key),
        1 => 4_000 + numbers.below(9_000),
        _ => numbers.below(200),
    };
    let bytes = (0..length).map(|byte| (batch.height ^ byte).to_le_bytes()[0]);
    let value: Vec<u8> = bytes.collect();
    batch.put(Table::Records, key, value);
}

/// Long enough for several chunks in some blocks, and empty in others.
pub fn meta(height: u64) -> Vec<u8> {
    let length = (height % 4) * 3_000;
    (0..length)
        .map(|byte| (height + byte).to_le_bytes()[0])
        .collect()
}

fn group_key(height: u64, index: u64) -> Vec<u8> {
    [height.to_be_bytes(), index.to_be_bytes()].concat()
}

fn group(height: u64, index: u64) -> Vec<u8> {
    let length = if index == 0 { 10_000 } else { 300 };
    vec![(height + index).to_le_bytes()[0]; length]
}

/// The state after a block.
pub fn state(height: u64) -> State {
    let mut state = State::new();
    for write in (1..=height).flat_map(|height| batch(height).writes) {
        match write.value {
            _ if write.table != Table::Records => None,
            Some(value) => state.insert(write.key, value.to_vec()),
            None => state.remove(&write.key),
        };
    }
    state
}

/// Everything that a table holds.
pub fn table(store: &dyn Store, table: Table) -> Result<State, StoreError> {
    let mut entries = State::new();
    for_each(store, table, |(key, value)| {
        entries.insert(key, value);
    })?;
    Ok(entries)
}

/// The head and the state of a store.
pub fn contents(store: &dyn Store) -> Result<Option<(u64, Vec<u8>, State)>, StoreError> {
    let Some(head) = store.head()? else {
        return Ok(None);
    };
    Ok(Some((
        head.height,
        head.meta,
        table(store, Table::Records)?,
    )))
}

/// Asserts that a store holds exactly what it must after a block.
pub fn assert_holds_block(store: &dyn Store, height: u64) -> TestResult {
    let (found, found_meta, found_state) = contents(store)?.ok_or("the store is empty")?;
    assert_eq!(found, height);
    assert_eq!(found_meta, meta(height), "meta of block {height}");
    assert!(found_state == state(height), "state of block {height}");
    let first = height.saturating_sub(KEPT_BLOCKS - 1).max(1);
    let mut kept = State::new();
    for block in first..=height {
        for index in 0..GROUPS {
            kept.insert(group_key(block, index), group(block, index));
        }
    }
    for (key, value) in &kept {
        assert_eq!(store.get(Table::Blocks, key)?.as_ref(), Some(value));
    }
    assert!(
        table(store, Table::Blocks)? == kept,
        "blocks up to {height}"
    );
    Ok(())
}

/// Opens the store of the tests' chain.
pub fn open(engine: Engine, folder: &Path) -> Result<Box<dyn Store>, StoreError> {
    ait_store::open(folder, CHAIN, engine)
}

/// A process that runs one test of this binary, which looks for a store's folder in [`child_folder`].
pub fn child(test: &str, engine: Engine, folder: &Path) -> io::Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["--exact", test, "--nocapture", "--quiet"]);
    command.env("STORE_FOLDER", folder).stdout(Stdio::piped());
    command.env("STORE_ENGINE", engine.name());
    Ok(command)
}

/// The database and the folder given to [`child`], or `None` in the test run itself.
pub fn child_folder() -> Option<(Engine, PathBuf)> {
    let folder = env::var_os("STORE_FOLDER")?;
    let name = env::var_os("STORE_ENGINE")?;
    let engine = ENGINES.into_iter().find(|engine| name == engine.name())?;
    Some((engine, folder.into()))
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
