//! Owns how what a step takes is measured.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// What a step took for a whole block.
#[derive(Debug, Clone, Copy)]
pub struct Took {
    /// CPU time of the process, all threads of it.
    pub cpu: Duration,
    /// From begin to end.
    pub wall: Duration,
}

impl Took {
    /// Does the work, and says what it took, the end of what it returned included.
    pub fn by<T>(work: impl FnOnce() -> T) -> Self {
        let (begun, cpu) = (Instant::now(), cpu_time());
        drop(work());
        Self {
            cpu: cpu_time() - cpu,
            wall: begun.elapsed(),
        }
    }
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.try_into().unwrap(),
        time.tv_nsec.try_into().unwrap(),
    )
}
