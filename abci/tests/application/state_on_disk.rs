//! A state whose records lie on disk: whatever is remembered, and whenever the node starts again, it is the
//! one that never left memory; and every kept height is read as it was, while blocks go on.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use ait_abci::{CommittedState, check};
use ait_app::{
    address::Address,
    quantity::{Nonce, Uait},
    state::{AppHash, Key, app_hash},
    tx::{Payload, Transaction},
};
use ait_store::{Engine, MemoryStore, Store};
use ait_testkit::draft::payload;
use bytes::Bytes;
use proptest::prelude::*;

use crate::driver::{Comet, address, chain_id, key};

/// No memory for a record, for a bucket, for a few, for all.
const CACHES: [usize; 4] = [0, 5_000, 60_000, 1 << 24];
const PEOPLE: u64 = 700;

fn person(number: u64) -> Address {
    address(&format!("person {number}"))
}

/// A block in which alice pays people; new ones get an account.
fn block(nonce: &mut u64, people: &[u64]) -> Vec<Bytes> {
    let pay = |number: &u64| {
        *nonce += 1;
        let to = person(*number).to_string();
        let payload = payload(
            "TRANSFER",
            &serde_json::json!({"amount": 1_000 + number, "to": to}),
        );
        signed(*nonce, payload)
    };
    people.iter().map(pay).collect()
}

fn signed(nonce: u64, payload: Payload) -> Bytes {
    let (nonce, fee) = (Nonce::new(nonce).unwrap(), Uait::new(1_000).unwrap());
    let tx = Transaction::sign(&chain_id(), &key("alice"), nonce, fee, payload);
    tx.to_wire().into()
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Memory,
    Disk(Engine),
}

const KINDS: [Kind; 3] = [
    Kind::Memory,
    Kind::Disk(Engine::Fjall),
    Kind::Disk(Engine::Sled),
];

fn app_hash_of(comet: &Comet) -> AppHash {
    comet.node.reader().newest().unwrap().state.app_hash()
}

#[derive(Debug, Clone)]
struct Step {
    people: Vec<u64>,
    /// With how much memory the node starts again before it.
    restart: Option<usize>,
}

fn step() -> impl Strategy<Value = Step> {
    let people = prop::collection::vec(0..PEOPLE, 0..60);
    let restart = prop::option::weighted(0.3, prop::sample::select(&CACHES[..]));
    (people, restart).prop_map(|(people, restart)| Step { people, restart })
}

/// The app hashes of a chain that is never restarted, after each of the steps.
fn reference(steps: &[Step]) -> Vec<AppHash> {
    let mut comet = Comet::begin(&["alice"]);
    let mut nonce = 0;
    let mut hashes = Vec::new();
    for step in steps {
        comet.decide(block(&mut nonce, &step.people));
        hashes.push(app_hash_of(&comet));
    }
    hashes
}

fn open(kind: Kind, folder: &Path, memory: &Arc<dyn Store>) -> Arc<dyn Store> {
    match kind {
        Kind::Memory => memory.clone(),
        Kind::Disk(engine) => Arc::from(ait_store::open(folder, "ait-test", engine).unwrap()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn restarts_and_memories_of_any_size_change_no_app_hash(
        steps in prop::collection::vec(step(), 1..25),
        cache in prop::sample::select(&CACHES[..]),
    ) {
        let expected = reference(&steps);
        for kind in KINDS {
            let folder = tempfile::tempdir().unwrap();
            let memory: Arc<dyn Store> = Arc::new(MemoryStore::new());
            let mut comet = Comet::begin_on(open(kind, folder.path(), &memory), &["alice"]);
            let mut nonce = 0;
            for (height, (step, expected)) in (0_i64..).zip(steps.iter().zip(&expected)) {
                if let Some(cache) = step.restart.filter(|_| height > 0).or((height == 1).then_some(cache)) {
                    drop(comet);
                    let store = open(kind, folder.path(), &memory);
                    comet = Comet::open_with(store, height, cache);
                }
                comet.decide(block(&mut nonce, &step.people));
                prop_assert_eq!(app_hash_of(&comet), *expected);
            }
            let records = comet.node.reader().newest().unwrap().state.len();
            drop(comet);
            let store = open(kind, folder.path(), &memory);
            let checked = check(store, &chain_id(), |_| {}).unwrap().unwrap();
            prop_assert_eq!(checked.records, records);
            let paid: usize = steps.iter().map(|step| step.people.len()).sum();
            prop_assert_eq!(checked.transactions, paid);
        }
    }
}

/// What is known of every block so far: its app hash, and what each person owned.
type Known = BTreeMap<u64, (AppHash, BTreeMap<u64, u64>)>;

fn assert_reads(committed: &CommittedState, known: &Known, number: u64) {
    let height = committed.block.height;
    let (app_hash, balances) = &known[&height];
    let key = Key::Account(person(number));
    let value = committed.state.bytes(&key).unwrap();
    let balance = value.as_deref().map(|bytes| {
        let record: serde_json::Value = serde_json::from_slice(bytes).unwrap();
        record["balance"].as_u64().unwrap()
    });
    assert_eq!(balance, balances.get(&number).copied(), "block {height}");
    let ops = committed.state.prove(&key).unwrap().unwrap();
    let proved = app_hash::verify(app_hash, &key.to_bytes(), value.as_deref(), &ops);
    assert!(proved, "person {number} at block {height}");
}

/// Commits blocks while another thread reads every kept height, and keeps one state for longer.
fn blocks_go_on_while_heights_are_read(store: Arc<dyn Store>) {
    let mut comet = Comet::begin_on(store.clone(), &["alice"]);
    comet.decide(Vec::new());
    drop(comet);
    // A start with memory for one bucket: nearly everything is read from disk.
    let mut comet = Comet::open_with(store, 1, 5_000);
    let known = Arc::new(Mutex::new(Known::new()));
    let done = Arc::new(AtomicBool::new(false));
    let reader = {
        let (reader, known, done) = (comet.node.reader().clone(), known.clone(), done.clone());
        thread::spawn(move || {
            let mut reads = 0_u64;
            while !done.load(Ordering::Relaxed) {
                let heights: Vec<u64> = known.lock().unwrap().keys().copied().collect();
                let height = heights.iter().rev().nth((reads % 97) as usize);
                let committed = height.and_then(|height| reader.at(*height));
                if let Some(committed) = committed {
                    let known = known.lock().unwrap().clone();
                    assert_reads(&committed, &known, reads * 31 % PEOPLE);
                    reads += 1;
                }
            }
            reads
        })
    };
    let mut nonce = 0;
    let mut balances = BTreeMap::new();
    let mut held = None;
    for height in 2..=140_u64 {
        let people: Vec<u64> = (0..20)
            .map(|index| (height * 37 + index * 53) % PEOPLE)
            .collect();
        comet.decide(block(&mut nonce, &people));
        for number in people {
            *balances.entry(number).or_insert(0) += 1_000 + number;
        }
        let hash = app_hash_of(&comet);
        known
            .lock()
            .unwrap()
            .insert(height, (hash, balances.clone()));
        if height == 5 {
            held = comet.node.reader().newest();
        }
    }
    done.store(true, Ordering::Relaxed);
    let reads = reader.join().unwrap();
    assert!(reads >= 50, "{reads} reads");
    let known = known.lock().unwrap();
    let reader = comet.node.reader();
    assert!(reader.at(39).is_none() && reader.at(40).is_some());
    for height in [40, 41, 77, 136, 137, 140] {
        for number in (0..PEOPLE).step_by(50) {
            assert_reads(&reader.at(height).unwrap(), &known, number);
        }
    }
    for number in (0..PEOPLE).step_by(50) {
        assert_reads(&held.clone().unwrap(), &known, number);
    }
}

#[test]
fn every_kept_height_is_proved_while_blocks_go_on() {
    for kind in KINDS {
        let folder = tempfile::tempdir().unwrap();
        let memory: Arc<dyn Store> = Arc::new(MemoryStore::new());
        blocks_go_on_while_heights_are_read(open(kind, folder.path(), &memory));
    }
}
