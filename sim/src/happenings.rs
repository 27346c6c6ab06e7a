//! Owns what befalls nodes: they crash, are stopped, fall behind, lose their disks, take snapshots, and come back.

use std::fs;

use crate::{
    disk::{Failure, Trap},
    node::{Crash, Stop},
    world::World,
};

/// One of so many heights, for each node.
const CRASHES: u64 = 150;
const STOPS: u64 = 800;
const FALLS_BEHIND: u64 = 400;
const LOSES_ALL: u64 = 3_000;
const SNAPSHOTS: u64 = 1_200;
/// One of so many heights, for all nodes at once.
const POWER_CUTS: u64 = 1_000;
/// The longest that a node is away, heights.
const LONGEST_ABSENCE: u64 = 60;

impl World {
    /// What befalls nodes before a height.
    ///
    /// # Errors
    /// What no node may do.
    pub(crate) fn happen(&mut self) -> Result<(), Stop> {
        if self.dice.one_in(POWER_CUTS) {
            self.trace.note("power cut", &[self.log.tip()]);
            for node in &mut self.nodes {
                node.kill();
                self.tally.crashes = self.tally.crashes.saturating_add(1);
            }
        }
        for number in 0..self.nodes.len() {
            self.befall(number)?;
        }
        Ok(())
    }

    fn befall(&mut self, number: usize) -> Result<(), Stop> {
        let (tip, before_first) = (self.log.tip(), self.log.before_first());
        let Some(node) = self.nodes.get_mut(number) else {
            return Ok(());
        };
        if !node.is_up() {
            return match node.away_until <= tip {
                true => self.come_back(number),
                false => Ok(()),
            };
        }
        let place = u64::try_from(number).unwrap_or(0);
        // One draw for all that is rare.
        let draw = self.dice.below(24_000);
        if draw < 24_000 / CRASHES {
            node.kill();
            node.away_until = tip.saturating_add(self.dice.below(4));
            self.trace.note("kill", &[place]);
            self.tally.crashes = self.tally.crashes.saturating_add(1);
            return Ok(());
        }
        let mut limit = 24_000 / CRASHES;
        let mut is_next = |one_in: u64| {
            limit += 24_000 / one_in;
            draw < limit
        };
        if is_next(STOPS) {
            node.stop()?;
            node.away_until = tip.saturating_add(self.dice.below(4));
            self.trace.note("stop", &[place]);
            self.tally.stops = self.tally.stops.saturating_add(1);
        } else if is_next(FALLS_BEHIND) {
            node.away_until = tip.saturating_add(self.dice.below(LONGEST_ABSENCE));
            self.trace.note("falls behind", &[place]);
        } else if is_next(LOSES_ALL) {
            node.lose_everything(before_first);
            node.away_until = tip.saturating_add(self.dice.below(LONGEST_ABSENCE));
            let _ = fs::remove_dir_all(&node.settings.snapshots);
            self.trace.note("loses all", &[place]);
        } else if is_next(SNAPSHOTS) {
            self.take_snapshot(number)?;
        }
        Ok(())
    }

    /// Takes a snapshot of a node's last block, and says whether it has one now.
    pub(crate) fn take_snapshot(&mut self, number: usize) -> Result<bool, Stop> {
        let Some(node) = self.nodes.get(number) else {
            return Ok(false);
        };
        let app = node.app()?;
        let Some(newest) = app.reader().newest() else {
            return Ok(false);
        };
        node.keeps_snapshots()?;
        let taken = app.snapshots().take(&|| true);
        taken.map_err(|error| format!("it takes no snapshot: {error}"))?;
        self.trace.note("snapshot", &[newest.block.height]);
        self.tally.snapshots = self.tally.snapshots.saturating_add(1);
        Ok(true)
    }

    /// Starts a node, whose disk may fail again as it does.
    fn come_back(&mut self, number: usize) -> Result<(), Stop> {
        let trap = self.dice.one_in(20).then(|| self.trap(3));
        match self.start(number, trap) {
            Err(Stop::Crashed) => {
                self.tally.crashes = self.tally.crashes.saturating_add(1);
                Ok(())
            }
            started => started,
        }
    }

    fn start(&mut self, number: usize, trap: Option<Trap>) -> Result<(), Stop> {
        let Some(node) = self.nodes.get_mut(number) else {
            return Ok(());
        };
        self.trace
            .note("start", &[u64::try_from(number).unwrap_or(0)]);
        let has_nothing = node.is_empty();
        node.start(trap)?;
        let has_snapshots = node.settings.snapshots.is_dir();
        if has_snapshots {
            node.keeps_snapshots()?;
        }
        let is_new = has_nothing && self.log.tip() > self.log.before_first().saturating_add(5);
        if is_new && self.join(number)? {
            return Ok(());
        }
        let before_first = self.log.before_first();
        let Some(node) = self.nodes.get_mut(number) else {
            return Ok(());
        };
        if node.has_unknown_state()? {
            node.lose_everything(before_first);
            node.start(None)?;
        }
        node.shake_hands(&self.genesis, &self.log)?;
        if is_new {
            self.tally.rebuilds = self.tally.rebuilds.saturating_add(1);
        }
        Ok(())
    }

    pub(crate) fn trap(&mut self, calls: u64) -> Trap {
        Trap {
            after: self.dice.below(calls),
            failure: self.dice.pick(Failure::Full, &[Failure::Sync]),
            is_written: self.dice.one_in(2),
        }
    }

    /// More than two thirds run and have the last block: otherwise the chain waits for them.
    pub(crate) fn gather(&mut self) -> Result<(), Stop> {
        let count = self.nodes.len();
        let mut number = self.dice.place(count);
        while self.synced().len().saturating_mul(3) <= count.saturating_mul(2) {
            number = number.saturating_add(1) % count.max(1);
            self.bring_up(number)?;
        }
        Ok(())
    }

    /// Starts a node if it is down, and brings it to the last block.
    pub(crate) fn bring_up(&mut self, number: usize) -> Result<(), Stop> {
        for _ in 0..20 {
            let Some(node) = self.nodes.get_mut(number) else {
                return Ok(());
            };
            node.away_until = 0;
            if !node.is_up() {
                self.come_back(number)?;
            }
            self.advance(number)?;
            let tip = self.log.tip();
            let node = self.nodes.get(number);
            if node.is_some_and(|node| node.is_up() && node.applied == tip) {
                return Ok(());
            }
        }
        Err(Stop::Wrong(format!(
            "node {number} does not come to the last block"
        )))
    }

    /// Applies what a node lacks, until it is at the last block or dies.
    pub(crate) fn advance(&mut self, number: usize) -> Result<(), Stop> {
        let tip = self.log.tip();
        let Some(node) = self.nodes.get(number) else {
            return Ok(());
        };
        if !node.is_up() || node.away_until > tip {
            return Ok(());
        }
        if node.applied.saturating_add(1) < tip {
            self.tally.catch_ups = self.tally.catch_ups.saturating_add(1);
        }
        while let Some(node) = self.nodes.get_mut(number)
            && node.applied < tip
        {
            let crash = self.dice.one_in(300).then(|| self.crash());
            let Some(node) = self.nodes.get_mut(number) else {
                return Ok(());
            };
            match node.apply(&mut self.log, crash) {
                Ok(()) => self.tally.executed = self.tally.executed.saturating_add(1),
                Err(Stop::Crashed) => {
                    self.note_crash(number, crash);
                    return Ok(());
                }
                Err(Stop::Wrong(why)) => {
                    return Err(Stop::Wrong(format!("node {number}: {why}")));
                }
            }
        }
        Ok(())
    }

    fn note_crash(&mut self, number: usize, crash: Option<Crash>) {
        let place = u64::try_from(number).unwrap_or(0);
        self.tally.crashes = self.tally.crashes.saturating_add(1);
        if matches!(crash, Some(Crash::InCommit(_))) {
            self.tally.disk_failures = self.tally.disk_failures.saturating_add(1);
        }
        self.trace.tell(|| format!("{crash:?}"));
        self.trace.note("crash", &[place]);
        let away = match self.dice.one_in(3) {
            true => self.dice.below(LONGEST_ABSENCE),
            false => 0,
        };
        let until = self.log.tip().saturating_add(away);
        if let Some(node) = self.nodes.get_mut(number) {
            node.away_until = until;
        }
    }

    fn crash(&mut self) -> Crash {
        match self.dice.below(6) {
            0 => Crash::BeforeFinalize,
            1 => Crash::AfterFinalize,
            2 => Crash::AfterCommit,
            3 => Crash::CometAfterFinalize(1 + self.dice.below(2)),
            _ => Crash::InCommit(self.trap(2)),
        }
    }
}
