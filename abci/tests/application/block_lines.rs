//! What a node logs of the blocks that it commits.

use std::{cell::RefCell, io, sync::Once};

use ait_app::params::update::ParamUpdate;
use serde_json::Value;

use crate::driver::{Comet, sign, transfer, transfer_of};

thread_local! {
    /// What this thread logs, while somebody wants to know.
    static LOGGED: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Adds to what its thread logs.
struct Lines;

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| {
            logged
                .iter_mut()
                .for_each(|logged| logged.extend_from_slice(bytes));
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What this thread logs at info meanwhile.
fn logged(work: impl FnOnce()) -> Vec<Value> {
    // One for all threads: with one for each, what other tests log at the same time decides which lines count.
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = tracing_subscriber::fmt().json().flatten_event(true);
        subscriber.with_writer(|| Lines).init();
    });
    LOGGED.set(Some(Vec::new()));
    work();
    let text = String::from_utf8(LOGGED.take().unwrap()).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn of<'a>(lines: &'a [Value], event: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["event"] == event).collect()
}

#[test]
fn every_block_has_one_line_with_what_an_operator_looks_for() {
    let mut comet = Comet::begin(&["alice"]);
    comet.make_block();
    let lines = logged(|| {
        let too_much = transfer_of("alice", 2, 100, 2_000_000_000);
        let txs = [transfer("alice", 1, 100), too_much];
        comet.decide(txs.iter().map(|tx| tx.to_wire().into()).collect());
        comet.decide(Vec::new());
    });
    let blocks = of(&lines, "block");
    assert_eq!(blocks.len(), 2, "{lines:?}");
    let block = blocks[0];
    assert_eq!(block["level"], "INFO");
    assert_eq!(block["height"], 2);
    assert_eq!((&block["txs"], &block["failed"]), (&2.into(), &1.into()));
    assert_eq!(block["app_hash"].as_str().unwrap().len(), 64);
    let proposer = block["proposer"].as_str().unwrap();
    assert_eq!(proposer, crate::driver::address("vera").to_string());
    assert!(block["latency_ms"].as_u64().unwrap() < 60_000, "{block}");
    assert_eq!(
        blocks[1]["app_hash"],
        comet.node.reader().newest().unwrap().block.app_hash
    );
}

#[test]
fn what_changes_the_rules_has_a_line_of_its_own() {
    let mut comet = Comet::begin(&["admin"]);
    comet.make_block();
    let update = ParamUpdate::new("base_fee", b"3").unwrap();
    comet.submit_all([&sign("admin", 1, 2_000, update)]);
    let lines = logged(|| {
        comet.make_block();
    });
    let updates = of(&lines, "param_updated");
    assert_eq!(updates.len(), 1, "{lines:?}");
    assert_eq!(
        (&updates[0]["height"], &updates[0]["param"]),
        (&2.into(), &"base_fee".into())
    );
}
