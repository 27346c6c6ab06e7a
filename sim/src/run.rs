//! Owns running worlds: one by its seed, or many on several cores.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use rayon::{ThreadPool, ThreadPoolBuilder};
use rustix::time::{ClockId, clock_gettime};

use crate::{node::Stop, sabotage::Sabotage, tally::Tally, world::World};

/// How a world is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Heights.
    pub blocks: u64,
    /// 4 to 7 nodes; chosen by the seed where none are named.
    pub nodes: Option<usize>,
    /// Heights without planned transactions between two bursts of them, on average.
    pub quiet: u64,
    /// A fault that must be found.
    pub sabotage: Option<Sabotage>,
    /// Whether what happens is printed.
    pub trace: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            blocks: 1_000,
            nodes: None,
            quiet: 400,
            sabotage: None,
            trace: false,
        }
    }
}

/// What a world came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What happened in it.
    pub tally: Tally,
    /// A hash of everything that happened: the same seed has the same one.
    pub trace_hash: u64,
}

/// What no node may do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("seed {seed}, after block {height}: {what}")]
pub struct Fault {
    /// The world's seed.
    pub seed: u64,
    /// The last block that was decided.
    pub height: u64,
    /// What happened.
    pub what: String,
}

impl Fault {
    /// The command that shows it again.
    pub fn command(&self, options: &Options) -> String {
        let Options { blocks, quiet, .. } = options;
        let nodes = options.nodes.map(|nodes| format!(" --nodes {nodes}"));
        let nodes = nodes.unwrap_or_default();
        let seed = self.seed;
        format!("ait-sim --seed {seed} --blocks {blocks} --quiet {quiet}{nodes}")
    }
}

/// What many worlds came to.
#[derive(Debug, Default)]
pub struct Summary {
    /// Worlds that were run to their end.
    pub seeds: u64,
    /// What happened in them.
    pub tally: Tally,
    /// The time that their threads had of a core, together.
    pub busy: Duration,
    /// The faults, in no order.
    pub faults: Vec<Fault>,
}

/// Runs the world of a seed, on one thread.
///
/// # Errors
/// [`Fault`].
pub fn run(seed: u64, options: &Options) -> Result<Report, Fault> {
    run_timed(seed, options).0
}

/// The same, with the time that it took of its core.
fn run_timed(seed: u64, options: &Options) -> (Result<Report, Fault>, Duration) {
    match one_thread() {
        Ok(pool) => pool.install(|| {
            let begun = cpu_time();
            let ran = run_here(seed, options);
            (ran, cpu_time().saturating_sub(begun))
        }),
        Err(what) => {
            let height = 0;
            (Err(Fault { seed, height, what }), Duration::ZERO)
        }
    }
}

/// How long this thread had a core.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let [seconds, nanos] = [time.tv_sec, time.tv_nsec].map(|part| u64::try_from(part).unwrap_or(0));
    Duration::from_secs(seconds).saturating_add(Duration::from_nanos(nanos))
}

/// Runs worlds from a seed on, as many at once as there are jobs. Begins no more after a fault.
pub fn run_many(first: u64, seeds: u64, jobs: usize, options: &Options) -> Summary {
    let next = AtomicU64::new(first);
    let end = first.saturating_add(seeds);
    let goes_on = AtomicBool::new(true);
    let summary = Mutex::new(Summary::default());
    thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                while goes_on.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        break;
                    }
                    let (ran, took) = run_timed(seed, options);
                    if ran.is_err() {
                        goes_on.store(false, Ordering::Relaxed);
                    }
                    let mut summary = summary.lock().unwrap_or_else(PoisonError::into_inner);
                    summary.busy = summary.busy.saturating_add(took);
                    match ran {
                        Ok(report) => {
                            summary.seeds = summary.seeds.saturating_add(1);
                            summary.tally.add(&report.tally);
                        }
                        Err(fault) => summary.faults.push(fault),
                    }
                }
            });
        }
    });
    summary.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// What the application does on all cores it does on this one thread, in one order.
fn one_thread() -> Result<ThreadPool, String> {
    let pool = ThreadPoolBuilder::new().num_threads(1).build();
    pool.map_err(|error| format!("no thread: {error}"))
}

fn run_here(seed: u64, options: &Options) -> Result<Report, Fault> {
    let mut height = 0;
    let ran = catch_unwind(AssertUnwindSafe(|| run_blocks(seed, options, &mut height)));
    let what = match ran {
        Ok(Ok(report)) => return Ok(report),
        Ok(Err(Stop::Wrong(what))) => what,
        Ok(Err(Stop::Crashed)) => "a node was asked that is down".to_owned(),
        Err(panic) => format!("it panicked: {}", message(panic.as_ref())),
    };
    Err(Fault { seed, height, what })
}

fn run_blocks(seed: u64, options: &Options, height: &mut u64) -> Result<Report, Stop> {
    let mut world = World::begin(seed, options)?;
    for _ in 0..options.blocks {
        *height = world.log.tip();
        world.step()?;
    }
    world.finish()?;
    world
        .trace
        .tell(|| format!("{} transactions wait", world.waiting()));
    Ok(Report {
        trace_hash: world.trace.hash(),
        tally: world.tally,
    })
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned())
}
