//! Values of earlier heights: those that are kept on disk are what they were, over restarts and on every database;
//! those that are not are refused.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use ait_abci::{HistoryKept, roll_back, transport::Application as _};
use ait_store::{Engine, MemoryStore, Store, Table, for_each};
use bytes::Bytes;
use tendermint_proto::v0_38::abci::{
    RequestQuery, ResponseQuery, request::Value as Request, response::Value as Response,
};

use crate::driver::{Comet, address, chain_id, transfer_of, work::escrow};

/// More than the node keeps in memory.
const BLOCKS: u64 = 130;

fn ask(comet: &Comet, path: &str, height: u64, prove: bool) -> ResponseQuery {
    let request = RequestQuery {
        path: path.to_owned(),
        height: i64::try_from(height).unwrap(),
        prove,
        ..RequestQuery::default()
    };
    match comet.node.answer(Request::Query(request)).unwrap() {
        Response::Query(answer) => answer,
        other => panic!("{other:?}"),
    }
}

fn paths() -> Vec<String> {
    let escrow = format!("/escrow/{}/late", address("alice"));
    let accounts = ["alice", "bob", "nobody"].map(|name| format!("/account/{}", address(name)));
    [&accounts[..], &[escrow, "/supply".to_owned()]].concat()
}

/// A chain with what was read of it at each height while that was the last.
struct Told {
    comet: Comet,
    nonce: u64,
    values: BTreeMap<(String, u64), Bytes>,
}

impl Told {
    fn begin(store: Arc<dyn Store>, kept: HistoryKept) -> Self {
        let comet = Comet::begin_on(store, &["alice"]);
        comet.node.consensus().keep_history(kept).unwrap();
        Self {
            comet,
            nonce: 0,
            values: BTreeMap::new(),
        }
    }

    fn reopen(&mut self, store: Arc<dyn Store>, kept: HistoryKept) {
        self.comet = Comet::open(store, self.comet.height);
        self.comet.node.consensus().keep_history(kept).unwrap();
    }

    fn make(&mut self, blocks: u64) {
        for number in 0..blocks {
            self.nonce += 1;
            let tx = match self.comet.height {
                50 => escrow("alice", self.nonce, "late"),
                _ => transfer_of("alice", self.nonce, 2_000, 1 + number),
            };
            let txs = match number % 3 {
                0 => Vec::new(),
                _ => vec![Bytes::from(tx.to_wire())],
            };
            self.nonce -= u64::from(txs.is_empty());
            for (_, result) in self.comet.decide(txs) {
                assert_eq!(result.code, 0, "{}", result.log);
            }
            let height = self.comet.height.unsigned_abs();
            for path in paths() {
                let value = ask(&self.comet, &path, height, false).value;
                self.values.insert((path, height), value);
            }
        }
    }

    fn check(&self, heights: impl Iterator<Item = u64>) {
        for height in heights {
            for path in paths() {
                let answer = ask(&self.comet, &path, height, false);
                assert_eq!(answer.code, 0, "{path} {height}: {}", answer.log);
                assert_eq!(answer.height.unsigned_abs(), height);
                let told = &self.values[&(path.clone(), height)];
                assert_eq!(answer.value, *told, "{path} {height}");
            }
        }
    }

    fn is_gone(&self, height: u64) -> bool {
        let answer = ask(&self.comet, "/supply", height, false);
        answer.code == 2 && answer.log.contains("STATE_HISTORY")
    }
}

fn open(place: &Path, engine: Engine) -> Arc<dyn Store> {
    Arc::from(ait_store::open(place, "ait-test", engine).unwrap())
}

#[test]
fn an_archive_tells_every_value_of_every_height_over_restarts() {
    for engine in [Engine::Fjall, Engine::Sled] {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("db");
        let mut told = Told::begin(open(&place, engine), HistoryKept::All);
        told.make(BLOCKS / 2);
        told.comet = Comet::begin(&[]);
        told.comet.height = i64::try_from(BLOCKS / 2).unwrap();
        told.reopen(open(&place, engine), HistoryKept::All);
        told.make(BLOCKS / 2 + 20);
        told.check(1..=BLOCKS + 20);
        let answer = ask(&told.comet, "/supply", 5, true);
        assert!(
            answer.code == 2 && answer.log.contains("proof"),
            "{}",
            answer.log
        );
    }
}

#[test]
fn as_many_heights_are_kept_as_were_asked_for_and_the_rest_goes_from_disk() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let mut told = Told::begin(store.clone(), HistoryKept::Last(20));
    told.make(BLOCKS);
    let count = || {
        let mut count = 0_usize;
        for_each(store.as_ref(), Table::History, |_| count += 1).unwrap();
        count
    };
    let before = count();
    told.make(BLOCKS);
    assert!(count() <= before + 5, "{before} {}", count());
    told.reopen(store, HistoryKept::Last(20));
    let last = 2 * BLOCKS;
    told.check(last - 20..=last);
    assert!(told.is_gone(last - 21) && told.is_gone(1) && told.is_gone(last + 1));
}

#[test]
fn blocks_that_were_made_without_it_leave_no_wrong_values() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let mut told = Told::begin(store.clone(), HistoryKept::All);
    told.make(10);
    told.reopen(store.clone(), HistoryKept::InMemory);
    told.make(10);
    told.reopen(store.clone(), HistoryKept::All);
    told.make(10);
    told.reopen(store, HistoryKept::All);
    assert!((1..20).all(|height| told.is_gone(height)));
    told.check(20..=30);
}

#[test]
fn a_block_that_is_taken_back_leaves_nothing_in_the_history() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let mut told = Told::begin(store.clone(), HistoryKept::All);
    told.make(12);
    told.comet = Comet::begin(&[]);
    assert_eq!(roll_back(&store, &chain_id()).unwrap().height, 11);
    told.comet.height = 11;
    told.reopen(store.clone(), HistoryKept::All);
    told.check(1..=11);
    assert!(told.is_gone(12));
    // Another block in its place: what the first one changed is as it was.
    let other = transfer_of("alice", told.nonce, 2_000, 77);
    told.comet.decide(vec![other.to_wire().into()]);
    told.make(3);
    told.reopen(store, HistoryKept::All);
    told.check(1..=11);
    told.check(13..=15);
}

#[test]
fn a_history_of_which_some_is_gone_does_not_come_back_with_a_block_that_is_taken_back() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let mut told = Told::begin(store.clone(), HistoryKept::All);
    told.make(10);
    told.reopen(store.clone(), HistoryKept::InMemory);
    told.make(1);
    told.comet = Comet::begin(&[]);
    assert_eq!(roll_back(&store, &chain_id()).unwrap().height, 10);
    told.comet.height = 10;
    told.reopen(store, HistoryKept::All);
    assert!((1..10).all(|height| told.is_gone(height)));
    told.check(10..=10);
}
