//! The command `ait-sim`: runs simulated worlds, and one again by its seed.

use std::{process::ExitCode, thread};

use ait_sim::{Fault, Options, Report, run, run_many};
use clap::Parser;

/// As in the node: blocks are made of many small pieces.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Simulated networks of 4 to 7 applications: crashes, lost disks, liars, and the reference model as judge
#[derive(Debug, Parser)]
#[command(
    name = "ait-sim",
    version,
    after_help = "Exit codes: 0 nothing found, 1 a fault, 2 a flag is wrong"
)]
struct Arguments {
    /// How many worlds
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The seed of the first world
    #[arg(long, default_value_t = 1)]
    first_seed: u64,
    /// The one world of this seed; what happens in it is printed
    #[arg(long, conflicts_with_all = ["seeds", "first_seed"])]
    seed: Option<u64>,
    /// Heights of each world
    #[arg(long, default_value_t = Options::default().blocks)]
    blocks: u64,
    /// Nodes of each world, 4 to 7 [default: by the seed]
    #[arg(long, value_parser = clap::value_parser!(u8).range(4..=7))]
    nodes: Option<u8>,
    /// Heights without planned transactions between two bursts of them, on average
    #[arg(long, default_value_t = Options::default().quiet)]
    quiet: u64,
    /// Worlds at once [default: one for each core]
    #[arg(long)]
    jobs: Option<usize>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let options = Options {
        blocks: arguments.blocks,
        nodes: arguments.nodes.map(usize::from),
        quiet: arguments.quiet,
        trace: arguments.seed.is_some(),
        ..Options::default()
    };
    if let Some(seed) = arguments.seed {
        return match run(seed, &options) {
            Ok(Report { tally, trace_hash }) => {
                println!("{tally}\ntrace {trace_hash:016x}");
                ExitCode::SUCCESS
            }
            Err(fault) => show(&options, &fault),
        };
    }
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    let jobs = arguments.jobs.unwrap_or_else(cores);
    let summary = run_many(arguments.first_seed, arguments.seeds, jobs, &options);
    println!("{}", summary.tally);
    println!("{}", summary.tally.summary(summary.seeds, summary.busy));
    for fault in &summary.faults {
        show(&options, fault);
    }
    match summary.faults.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn show(options: &Options, fault: &Fault) -> ExitCode {
    println!("FAULT: {fault}");
    println!("again: {}", fault.command(options));
    ExitCode::FAILURE
}
