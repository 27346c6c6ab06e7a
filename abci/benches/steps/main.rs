//! What each step of a transfer's life costs the application: CPU time of the whole process, divided by
//! the transfers of a block, without CometBFT. Criterion keeps the figures of earlier runs to compare
//! with; a table of medians follows its own output.
//!
//! `cargo bench -p ait-abci --bench steps [STEP]`. `BENCH_ACCOUNTS` says how many accounts there are
//! (10,000), `BENCH_STORE` where they are (`memory`, `fjall`, `sled`), `BENCH_CACHE_MB` how much
//! memory there is for their records (512), `BENCH_TRANSFERS` how many transfers are in a block (5,000),
//! `BENCH_WARM_BLOCKS` how many blocks come before those that are measured (0: nothing is in memory yet),
//! `BENCH_FOLDER` where the store stays for another run to go on with. Last it says how much memory it took
//! at most.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a measurement that can't go on has failed"
)]

mod socket;
mod table;
mod took;
mod world;

use std::{hint::black_box, time::Duration};

use ait_app::tx::{VerifiedTx, Wire, codec::decode};
use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput, measurement::WallTime};

use table::Table;
use took::Took;
use world::{Block, By, Settings, World};

/// The node's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Blocks that are measured for each step.
const SAMPLES: usize = 10;

fn main() {
    let settings = Settings::from_environment();
    let mut world = World::begin(&settings);
    for _ in 0..settings.warm_blocks {
        world.make_block(By::Calls);
    }
    let mut table = Table::new(&settings);
    let mut criterion = Criterion::default()
        .sample_size(SAMPLES)
        .warm_up_time(Duration::from_millis(1))
        .measurement_time(Duration::from_millis(1))
        .configure_from_args();
    let mut group = criterion.benchmark_group(settings.to_string());
    group.sampling_mode(SamplingMode::Flat);
    group.throughput(Throughput::Elements(settings.transfers as u64));
    measure_reading(&mut group, &mut world, &mut table);
    for (name, part) in Block::STEPS {
        let once = || part(&world.make_block(By::Calls));
        measure(&mut group, &mut table, name, once);
    }
    let (_, check_tx) = Block::STEPS[0];
    measure(&mut group, &mut table, "CheckTx by socket", || {
        check_tx(&world.make_block(By::Socket))
    });
    group.finish();
    criterion.final_summary();
    table.show();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM"));
    println!("{}", peak.unwrap_or("memory: not known here"));
}

/// What is done with a transaction's bytes alone.
fn measure_reading(group: &mut BenchmarkGroup<'_, WallTime>, world: &mut World, table: &mut Table) {
    let wires = world.sign_transfers();
    let chain_id = world::chain_id();
    let read: Vec<_> = wires.iter().map(|wire| decode(wire).unwrap().0).collect();
    let digests: Vec<_> = read.iter().map(|tx| tx.sign_bytes(&chain_id)).collect();
    measure(group, table, "decode", || {
        Took::by(|| {
            for wire in &wires {
                black_box(Wire::read(black_box(wire)).unwrap());
            }
        })
    });
    measure(group, table, "verify_strict", || {
        Took::by(|| {
            for (tx, digest) in read.iter().zip(&digests) {
                assert!(black_box(tx.pubkey.verifies(digest, &tx.sig)));
            }
        })
    });
    measure(group, table, "decode and verify", || {
        Took::by(|| {
            for wire in &wires {
                black_box(VerifiedTx::verify(black_box(wire), &chain_id).unwrap());
            }
        })
    });
}

/// Adds one step; `once` does it for a block of transfers and says what it took.
fn measure(
    group: &mut BenchmarkGroup<'_, WallTime>,
    table: &mut Table,
    name: &'static str,
    mut once: impl FnMut() -> Took,
) {
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|iterations| {
            (0..iterations)
                .map(|_| {
                    let took = once();
                    table.add(name, took);
                    took.cpu
                })
                .sum()
        });
    });
}
