//! Owns how fast the state is read from disk while the node runs, to find what the disk lost.

use std::time::Duration;

use ait_abci::Scrubber;
use tokio::time::{MissedTickBehavior, interval};

use crate::{Stop, off_thread};

/// How often, and how many buckets of about 17 records each time: a few thousandths of a core.
const PAUSE: Duration = Duration::from_secs(1);
const BUCKETS: usize = 100;

/// Reads until the node stops, or is stopped by what it reads.
pub(crate) async fn run(mut scrubber: Scrubber, stop: Stop) {
    let mut ticks = interval(PAUSE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.begun() => return,
            _ = ticks.tick() => {}
        }
        let step = move || {
            let read = scrubber.step(BUCKETS);
            read.map(|_| scrubber)
        };
        match off_thread(step).await {
            Ok(Ok(after)) => scrubber = after,
            // Whoever is told of a violation ends the process.
            Ok(Err(_)) | Err(_) => return,
        }
    }
}
