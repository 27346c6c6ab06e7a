//! Measures how long a commit takes in a store of 100,000 entries, and how long it takes to open and load it.
//!
//! `cargo run --release -p ait-store --example commit_latency [FOLDER]`: the folder says which disk to measure.

use std::{
    env,
    error::Error,
    fs,
    time::{Duration, Instant},
};

use ait_store::{Loaded, SledStore, Store as _, WriteBatch};

const ENTRIES: u64 = 100_000;
const SMALL_COMMITS: u64 = 2_000;
const LARGE_COMMITS: u64 = 10;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args_os().nth(1).map_or_else(env::temp_dir, Into::into);
    let folder = tempfile::tempdir_in(folder)?;
    let store = SledStore::open(folder.path(), "measured")?;
    let mut height = 0;
    let mut commit = |store: &SledStore, keys: &mut dyn Iterator<Item = u64>| {
        height += 1;
        let state = keys.map(|key| entry(key, height)).collect();
        let batch = WriteBatch {
            height,
            meta: vec![0; 200],
            state,
            ..WriteBatch::default()
        };
        let start = Instant::now();
        store.commit(&batch).map(|()| start.elapsed())
    };

    println!(
        "{ENTRIES} keys into an empty store: {:?}",
        commit(&store, &mut (0..ENTRIES))?
    );
    println!("memory: {}", resident_memory().unwrap_or_default());
    drop(store);
    let store = SledStore::open(folder.path(), "measured")?;
    for (name, commits, keys) in [("10", SMALL_COMMITS, 10), ("20,000", LARGE_COMMITS, 20_000)] {
        let mut times: Vec<Duration> = Vec::new();
        for round in 0..commits {
            // A stride that is prime spreads the keys over all pages.
            let mut spread = (0..keys).map(|key| (round * keys + key) * 7_919 % ENTRIES);
            times.push(commit(&store, &mut spread)?);
        }
        times.sort();
        let at = |percent| {
            times
                .get(times.len() * percent / 100)
                .copied()
                .unwrap_or_default()
        };
        println!(
            "{name} keys: median {:?}, 90 % {:?}, 99 % {:?}",
            at(50),
            at(90),
            at(99)
        );
        println!("memory: {}", resident_memory().unwrap_or_default());
    }

    drop(store);
    let start = Instant::now();
    let store = SledStore::open(folder.path(), "measured")?;
    println!("open: {:?}", start.elapsed());
    if let Some(Loaded { height, state, .. }) = store.load()? {
        println!(
            "load: {} entries of height {height}, {:?}",
            state.count(),
            start.elapsed()
        );
    }
    println!(
        "disk: {} KiB",
        fs::metadata(folder.path().join("sled/db"))?.len() / 1024
    );
    Ok(())
}

fn entry(key: u64, height: u64) -> (Vec<u8>, Option<Vec<u8>>) {
    (
        format!("/account/{key:042}").into_bytes(),
        Some(vec![height.to_le_bytes()[0]; 140]),
    )
}

/// What Linux says of this process' memory.
fn resident_memory() -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .map(|size| size.trim().to_owned())
}
