//! Stores that are brought over: from the first format, and from one database to another.

use std::{
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use ait_abci::{Application, Checked, bring_over, copy};
use ait_app::tx::TxHash;
use ait_store::{Engine, FirstFormat, MemoryStore, Store, StoreError};

use crate::driver::{CHAIN, Comet, chain_id, transfer};

/// A value of the first format: its length, the first 4,096 bytes; the rest in further entries.
fn put_first(database: &sled::Db, key: &[u8], further: &[u8], head: &[u8], value: &[u8]) {
    let length = u32::try_from(value.len()).unwrap().to_be_bytes();
    let (first, rest) = value.split_at(value.len().min(4_096));
    database
        .insert(key, [head, &length, first].concat())
        .unwrap();
    for (index, chunk) in (0_u32..).zip(rest.chunks(4_096)) {
        let key = [further, &index.to_be_bytes()].concat();
        database.insert(key, chunk).unwrap();
    }
}

/// sled's database of a store. sled's threads may hold the lock of one that was just closed a moment longer.
fn database(store: &Path) -> sled::Db {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match sled::open(store.join("sled")) {
            Err(sled::Error::Io(_)) if Instant::now() < deadline => thread::yield_now(),
            opened => return opened.unwrap(),
        }
    }
}

/// Writes what a chain's store would have been in the first format.
fn write_first_format(folder: &Path, comet: &Comet, pool: &[Vec<u8>]) {
    let database = database(folder);
    let head = comet.node.reader().newest().unwrap();
    for leaf in head.state.entries().map(Result::unwrap) {
        let key = [b"s", leaf.key()].concat();
        let further = [b"S", leaf.key()].concat();
        put_first(&database, &key, &further, &[], leaf.value());
    }
    for height in 1..=head.block.height {
        let wires = comet.node.reader().entries_of(height).unwrap();
        for wire in wires {
            let hash = TxHash::of(&wire);
            let record = comet.node.reader().transaction(&hash).unwrap().unwrap();
            let fixed = serde_json::json!({
                "height": height, "index": record.index, "result": record.result,
            });
            let fixed = fixed.to_string().into_bytes();
            let length = u32::try_from(fixed.len()).unwrap().to_be_bytes();
            let value = [&length[..], &fixed, &wire].concat();
            let of = height.to_be_bytes();
            let further = [&b"T"[..], &of, &hash.0].concat();
            put_first(
                &database,
                &[&b"t"[..], &hash.0].concat(),
                &further,
                &of,
                &value,
            );
            let by_height = [&b"i"[..], &of, &hash.0].concat();
            database.insert(by_height, &length).unwrap();
        }
    }
    let meta = serde_json::to_vec(&head.block).unwrap();
    let length = u32::try_from(meta.len()).unwrap().to_be_bytes();
    let fields = [
        &1_u32.to_be_bytes()[..],
        &head.block.height.to_be_bytes(),
        &length,
        CHAIN.as_bytes(),
    ];
    database.insert(b"h", fields.concat()).unwrap();
    database.insert(b"m\0\0\0\0", meta).unwrap();
    let mut encoded = Vec::new();
    for transaction in pool {
        encoded.extend(u32::try_from(transaction.len()).unwrap().to_be_bytes());
        encoded.extend(transaction);
    }
    let length = u64::try_from(encoded.len()).unwrap().to_be_bytes();
    database.insert(b"p", &length).unwrap();
    database.insert(b"P\0\0\0\0", encoded).unwrap();
    database.flush().unwrap();
}

/// A chain of some blocks, on a store.
fn chain(store: Arc<dyn Store>) -> Comet {
    let mut comet = Comet::begin_on(store, &["alice"]);
    let mut nonce = 0;
    for size in [1, 0, 100, 3] {
        for _ in 0..size {
            nonce += 1;
            comet
                .mempool
                .push(transfer("alice", nonce, 1_000).to_wire().into());
        }
        let txs = std::mem::take(&mut comet.mempool);
        comet.decide(txs);
    }
    comet
}

fn expected(comet: &Comet) -> Option<Checked> {
    let head = comet.node.reader().newest().unwrap();
    Some(Checked {
        height: 4,
        records: head.state.len(),
        transactions: 104,
    })
}

/// A node on the store that was brought over answers as the old one, and makes the same next block.
fn assert_goes_on(store: Arc<dyn Store>, old: &mut Comet) {
    let mut new = Comet::open(store, 4);
    for nonce in [1, 2, 101, 104] {
        let hash = TxHash::of(&transfer("alice", nonce, 1_000).to_wire());
        let found = [&new, &*old].map(|comet| comet.node.reader().transaction(&hash).unwrap());
        assert!(found[0].is_some());
        assert_eq!(found[0], found[1]);
    }
    for height in 1..=4 {
        let found = [&new, &*old].map(|comet| comet.node.reader().entries_of(height).unwrap());
        assert_eq!(found[0], found[1]);
    }
    let next = vec![transfer("alice", 105, 1_000).to_wire().into()];
    for comet in [&mut new, old] {
        assert_eq!(comet.decide(next.clone())[0].1.code, 0);
    }
    let heads = [&new, &*old].map(|comet| comet.node.reader().newest().unwrap().block.clone());
    assert_eq!(heads[0], heads[1]);
}

#[test]
fn a_store_of_the_first_format_is_brought_over_with_its_transactions_and_its_pool() {
    for engine in [Engine::Fjall, Engine::Sled] {
        let folder = tempfile::tempdir().unwrap();
        let mut comet = chain(Arc::new(MemoryStore::new()));
        let pool = vec![transfer("alice", 105, 1_000).to_wire()];
        write_first_format(folder.path(), &comet, &pool);
        let refused = ait_store::open(folder.path(), CHAIN, Engine::Sled).err();
        assert!(
            matches!(refused, Some(StoreError::OlderFormat { .. })),
            "{refused:?}"
        );
        let first = FirstFormat::open(folder.path()).unwrap().unwrap();
        assert_eq!(first.chain_id(), CHAIN);
        let to: Arc<dyn Store> =
            Arc::from(ait_store::open(&folder.path().join("new"), CHAIN, engine).unwrap());
        let checked = bring_over(&first, to.clone(), &chain_id()).unwrap();
        assert_eq!(checked, expected(&comet));
        assert_eq!(to.saved_pool().unwrap(), pool);
        assert_goes_on(to, &mut comet);
    }
}

#[test]
fn a_damaged_store_of_the_first_format_is_not_brought_over() {
    let folder = tempfile::tempdir().unwrap();
    let comet = chain(Arc::new(MemoryStore::new()));
    write_first_format(folder.path(), &comet, &[]);
    let database = database(folder.path());
    let forged = b"s/account/ait1qxxmqhwxgq5xrk9a8llq6qh2guytvrp5mcljxe";
    let value = br#"{"balance":7,"nonce":0,"pubkey":null}"#;
    put_first(&database, forged, b"S", &[], value);
    drop(database);
    let first = FirstFormat::open(folder.path()).unwrap().unwrap();
    let refused = bring_over(&first, Arc::new(MemoryStore::new()), &chain_id());
    let message = refused.unwrap_err().to_string();
    assert!(message.contains("app hash"), "{message}");
}

#[test]
fn a_store_is_copied_from_each_database_to_the_other() {
    for (from, to) in [(Engine::Fjall, Engine::Sled), (Engine::Sled, Engine::Fjall)] {
        let folder = tempfile::tempdir().unwrap();
        let open = |name: &str, engine| -> Arc<dyn Store> {
            Arc::from(ait_store::open(&folder.path().join(name), CHAIN, engine).unwrap())
        };
        let (source, target) = (open("from", from), open("to", to));
        let mut comet = chain(source.clone());
        let pool = vec![transfer("alice", 105, 1_000).to_wire()];
        source.save_pool(&pool).unwrap();
        let checked = copy(source.as_ref(), target.clone(), &chain_id()).unwrap();
        assert_eq!(checked, expected(&comet));
        assert_eq!(source.saved_pool().unwrap(), pool);
        assert_eq!(target.saved_pool().unwrap(), pool);
        assert_goes_on(target, &mut comet);
    }
}

#[test]
fn a_store_without_a_block_is_not_copied() {
    let (from, to) = (MemoryStore::new(), Arc::new(MemoryStore::new()));
    assert_eq!(copy(&from, to, &chain_id()).unwrap(), None);
    let opened = Application::open(Arc::new(from), chain_id(), 0, Arc::new(|_| {}));
    assert!(opened.unwrap().reader().newest().is_none());
}
