//! What the pool costs with many transactions pending: CPU and wall time of CheckTx, of a proposal, of an
//! empty block's commit and of a full one's, on a store in memory. `bench_pool [PENDING] [SENDERS]`.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a bench that can't go on has failed"
)]

use std::{env, fs, sync::Arc, time::Instant};

use ait_abci::Application;
use ait_app::{
    quantity::{Nonce, Uait},
    tx::Transaction,
};
use ait_store::MemoryStore;
use ait_testkit::{
    actors::Actor,
    chain::{CHAIN_ID, Setup},
    draft::{self, payload},
};
use bytes::Bytes;
use tendermint_proto::v0_38::{
    abci::{
        CheckTxType, RequestCheckTx, RequestFinalizeBlock, RequestInitChain, RequestPrepareProposal,
    },
    types::{BlockParams, ConsensusParams, EvidenceParams, ValidatorParams},
};

const BLOCK: usize = 5_000;

fn main() {
    let mut args = env::args().skip(1);
    let mut number = |default| args.next().map_or(default, |text| text.parse().unwrap());
    let (pending, senders): (usize, usize) = (number(20_000), number(2_000));
    let actors: Vec<Actor> = (0..senders)
        .map(|i| Actor::named(&format!("sender {i}")))
        .collect();
    let node = begin(&actors);
    let txs = signed(&actors, pending);
    let wires: Vec<Bytes> = txs.iter().map(|tx| tx.to_wire().into()).collect();
    println!(
        "{pending} transfers of {senders} senders, {} bytes each",
        wires[0].len()
    );

    show("CheckTx, signature included", pending, || {
        check(&node, &wires, CheckTxType::New)
    });
    for height in 1..=3 {
        decide(&node, height, Vec::new(), "empty block, all pending");
        show("recheck", pending, || {
            check(&node, &wires, CheckTxType::Recheck)
        });
    }
    let mut rest = wires;
    for height in 4..=6 {
        let mut block = Vec::new();
        let proposed = BLOCK.min(rest.len());
        show("PrepareProposal", proposed, || {
            block = propose(&node, height)
        });
        block.truncate(BLOCK);
        rest.retain(|wire| !block.contains(wire));
        decide(&node, height, block, "block");
        show("recheck", rest.len(), || {
            check(&node, &rest, CheckTxType::Recheck)
        });
    }
}

fn begin(actors: &[Actor]) -> Application {
    let chain_id = CHAIN_ID.parse().unwrap();
    let store = Arc::new(MemoryStore::new());
    let node =
        Application::open(store, chain_id, 1 << 29, Arc::new(|why| panic!("{why}"))).unwrap();
    let setup = Setup::funding(actors.iter().map(|actor| (actor, 1_000_000_000)));
    let request = RequestInitChain {
        chain_id: CHAIN_ID.into(),
        consensus_params: Some(consensus_params()),
        app_state_bytes: setup.app_state().into(),
        initial_height: 1,
        ..RequestInitChain::default()
    };
    node.consensus().init_chain(&request).unwrap();
    node
}

/// Each pays the next one.
fn signed(actors: &[Actor], count: usize) -> Vec<Transaction> {
    let chain_id = CHAIN_ID.parse().unwrap();
    let sign = |i: usize| {
        let from = &actors[i % actors.len()];
        let to = actors[(i + 1) % actors.len()].address();
        let nonce = Nonce::constant((i / actors.len() + 1) as u64);
        let fee = Uait::constant(100 + (i % 97) as u64);
        let fields = payload("TRANSFER", &draft::transfer(to, 1));
        Transaction::sign(&chain_id, &from.key, nonce, fee, fields)
    };
    (0..count).map(sign).collect()
}

fn check(node: &Application, wires: &[Bytes], kind: CheckTxType) {
    for wire in wires {
        let request = RequestCheckTx {
            tx: wire.clone(),
            r#type: kind as i32,
        };
        let response = node.check_tx(&request).unwrap();
        assert_eq!(response.code, 0, "{}", response.log);
    }
}

fn propose(node: &Application, height: i64) -> Vec<Bytes> {
    let request = RequestPrepareProposal {
        max_tx_bytes: BLOCK as i64 * 400,
        height,
        ..RequestPrepareProposal::default()
    };
    node.consensus().prepare_proposal(&request).unwrap().txs
}

fn decide(node: &Application, height: i64, txs: Vec<Bytes>, what: &str) {
    let count = txs.len().max(1);
    let request = RequestFinalizeBlock {
        hash: vec![height as u8; 32].into(),
        txs,
        height,
        ..RequestFinalizeBlock::default()
    };
    show(&format!("FinalizeBlock, {what}"), count, || {
        node.consensus().finalize_block(request).unwrap();
    });
    show(&format!("Commit, {what}"), count, || {
        node.consensus().commit().unwrap();
    });
}

/// Milliseconds in all and microseconds each.
fn show(what: &str, count: usize, work: impl FnOnce()) {
    let (cpu, begun) = (cpu_micros(), Instant::now());
    work();
    let wall = begun.elapsed().as_secs_f64() * 1e6;
    let cpu = cpu_micros() - cpu;
    let count = count.max(1) as f64;
    println!(
        "{what:40} cpu {:9.2} ms, {:8.2} us each; wall {:9.2} ms",
        cpu / 1e3,
        cpu / count,
        wall / 1e3
    );
}

/// CPU time of this process's threads so far, as Linux counts it.
fn cpu_micros() -> f64 {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let spent = |task: fs::DirEntry| -> f64 {
        let stat = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        let nanoseconds = stat.split(' ').next().and_then(|text| text.parse().ok());
        nanoseconds.unwrap_or(0.0)
    };
    tasks.map(|task| spent(task.unwrap())).sum::<f64>() / 1e3
}

fn consensus_params() -> ConsensusParams {
    ConsensusParams {
        block: Some(BlockParams {
            max_bytes: 4 * 1024 * 1024,
            max_gas: -1,
        }),
        evidence: Some(EvidenceParams {
            max_age_num_blocks: 100,
            max_age_duration: None,
            max_bytes: 1024 * 1024,
        }),
        validator: Some(ValidatorParams {
            pub_key_types: vec!["ed25519".into()],
        }),
        ..ConsensusParams::default()
    }
}
