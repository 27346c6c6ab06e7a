//! Owns whether the chain goes on, as this node sees it: it looks at CometBFT and at the last block in
//! the background, so that `health` answers from memory, and finds out why where no block comes.

mod reason;
mod verdict;

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use ait_abci::Reader;
use ait_api::node::{HealthStatus, StallReason};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::{
    comet::{Comet, ConsensusDump},
    stop::Stop,
};
use reason::Look;
pub use verdict::{Liveness, Verdict};

/// How often CometBFT is looked at.
const INTERVAL: Duration = Duration::from_secs(1);
/// How often it is asked where its consensus stands, while no block comes: the answer may be large.
const DUMP_INTERVAL: Duration = Duration::from_secs(3);
/// How long that answer may take.
const DUMP_TIMEOUT: Duration = Duration::from_secs(3);
/// Blocks whose pace is the chain's.
const PACE_BLOCKS: u64 = 20;
/// How many times the chain's pace the last block may be old.
const PACES: u32 = 10;

/// How long ago the last block was made, by its own time; `None` before the first, zero for
/// a time to come.
pub fn last_block_age(reader: &Reader) -> Option<Duration> {
    let seconds = u64::try_from(reader.newest()?.block.time).unwrap_or(0);
    let made = UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?;
    Some(SystemTime::now().duration_since(made).unwrap_or_default())
}

/// Watches until the node stops.
pub(crate) async fn run(liveness: Arc<Liveness>, reader: Reader, comet: Comet, stop: Stop) {
    let mut looks = interval(INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut watcher = Watcher::new(reader, comet, liveness.max_block_age());
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = stop.begun() => return,
        }
        let verdict = tokio::select! {
            verdict = watcher.look() => verdict,
            () = stop.begun() => return,
        };
        liveness.show(verdict, last_block_age(&watcher.reader));
    }
}

const OK: Verdict = Verdict {
    status: HealthStatus::Ok,
    reason: None,
};
const STARTING: Verdict = Verdict {
    status: HealthStatus::Starting,
    reason: None,
};

fn stalled(reason: StallReason) -> Verdict {
    Verdict {
        status: HealthStatus::Stalled,
        reason: Some(reason),
    }
}

/// What one look remembers for the next.
struct Watcher {
    reader: Reader,
    comet: Comet,
    max_block_age: Duration,
    /// Whether CometBFT answered ever: a node begins before its CometBFT does.
    has_answered: bool,
    height: u64,
    /// Since when no block came, or this process has run.
    quiet_since: Instant,
    consensus: Seen,
}

/// What was seen of consensus at one height.
struct Seen {
    dump: Option<ConsensusDump>,
    looked: Option<Instant>,
    /// Height, round and step, and since when it has been there.
    place: Option<(u64, i64, u8)>,
    unmoved_since: Instant,
}

impl Watcher {
    fn new(reader: Reader, comet: Comet, max_block_age: Duration) -> Self {
        Self {
            reader,
            comet,
            max_block_age,
            has_answered: false,
            height: 0,
            quiet_since: Instant::now(),
            consensus: Seen::nothing(),
        }
    }

    async fn look(&mut self) -> Verdict {
        let height = self.reader.height();
        if height != self.height {
            self.height = height;
            self.quiet_since = Instant::now();
            self.consensus = Seen::nothing();
        }
        let patience = self.patience();
        let quiet = self.quiet_since.elapsed();
        let Ok(status) = self.comet.status().await else {
            return if self.has_answered || quiet >= patience {
                stalled(StallReason::CometUnreachable)
            } else {
                STARTING
            };
        };
        self.has_answered = true;
        let catching_up = status.sync_info.catching_up;
        let is_fresh = last_block_age(&self.reader).is_some_and(|age| age <= patience);
        if is_fresh && !catching_up {
            return OK;
        }
        // Where blocks are fetched they come at once or not at all, but finding who has them takes a while.
        let until_stalled = if catching_up { patience } else { patience / 2 };
        // A little before it is needed: a reason takes more than one look.
        if quiet >= until_stalled / 2 {
            self.consensus.look(&self.comet).await;
        }
        if quiet < until_stalled {
            return STARTING;
        }
        if !catching_up && self.consensus.is_pausing() {
            return OK;
        }
        stalled(reason::reason(&Look {
            consensus: self.consensus.dump.as_ref(),
            next: height.saturating_add(1),
            catching_up,
            unmoved: self.consensus.unmoved_since.elapsed(),
        }))
    }
}

impl Watcher {
    /// From which age of the last block on the chain stands still: what was configured, or ten times the
    /// pause between its last blocks, where that is longer.
    fn patience(&self) -> Duration {
        let by_pace = pace(&self.reader).saturating_mul(PACES);
        self.max_block_age.max(by_pace)
    }
}

impl Seen {
    fn nothing() -> Self {
        Self {
            dump: None,
            looked: None,
            place: None,
            unmoved_since: Instant::now(),
        }
    }

    async fn look(&mut self, comet: &Comet) {
        if self
            .looked
            .is_some_and(|looked| looked.elapsed() < DUMP_INTERVAL)
        {
            return;
        }
        self.looked = Some(Instant::now());
        let answer = timeout(DUMP_TIMEOUT, comet.dump_consensus_state()).await;
        self.dump = answer.ok().and_then(Result::ok);
        let state = self.dump.as_ref().map(|dump| &dump.round_state);
        let place = state.map(|state| (state.height, state.round, state.step));
        if place.is_some() && place != self.place {
            self.place = place;
            self.unmoved_since = Instant::now();
        }
    }

    /// Whether CometBFT pauses before the next block, as it was told to.
    fn is_pausing(&self) -> bool {
        let state = self.dump.as_ref().map(|dump| &dump.round_state);
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        state.is_some_and(|state| state.is_pausing(now))
    }
}

/// The usual time between the last blocks that this node remembers: the median, which one long pause
/// does not move.
fn pace(reader: &Reader) -> Duration {
    let last = reader.height();
    let heights = last.saturating_sub(PACE_BLOCKS)..=last;
    let states = heights.filter_map(|height| reader.at(height));
    let times: Vec<i64> = states.map(|state| state.block.time).collect();
    Duration::from_secs(median_pause(&times))
}

/// The median of the pauses between these times, in their unit; 0 for fewer than two.
fn median_pause(times: &[i64]) -> u64 {
    let pauses = times.iter().zip(times.iter().skip(1));
    let mut pauses: Vec<u64> = pauses
        .map(|(before, after)| u64::try_from(after.saturating_sub(*before)).unwrap_or(0))
        .collect();
    pauses.sort_unstable();
    pauses.get(pauses.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::median_pause;

    #[test]
    fn one_long_pause_does_not_change_the_pace_of_a_chain() {
        assert_eq!(median_pause(&[10, 11, 12, 3_612, 3_613, 3_614]), 1);
        assert_eq!(median_pause(&[0, 60, 120]), 60);
        assert_eq!(median_pause(&[0, 60]), 60);
        assert_eq!((median_pause(&[5]), median_pause(&[])), (0, 0));
    }
}
