//! Owns how much of the processors the chain's own processes took, where they run on this machine and the system tells.

use std::{fs, time::Duration};

/// The processes of a chain on this machine, by their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Processes {
    /// Of the application; none where it has no process of its own.
    pub application: Vec<u32>,
    /// Of CometBFT.
    pub cometbft: Vec<u32>,
}

/// Time of the processors that a chain's processes took, where the system tells it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Cpu {
    pub application: Option<Duration>,
    pub cometbft: Option<Duration>,
}

impl Cpu {
    /// What was taken so far.
    pub fn of(processes: &Processes) -> Self {
        let sum = |pids: &[u32]| {
            let all: Option<Duration> = pids.iter().map(|pid| taken(*pid)).sum();
            all.filter(|_| !pids.is_empty())
        };
        Self {
            application: sum(&processes.application),
            cometbft: sum(&processes.cometbft),
        }
    }

    /// What was taken since then.
    pub fn since(&self, before: &Self) -> Self {
        let minus = |now: Option<Duration>, then: Option<Duration>| {
            now.zip(then).map(|(now, then)| now.saturating_sub(then))
        };
        Self {
            application: minus(self.application, before.application),
            cometbft: minus(self.cometbft, before.cometbft),
        }
    }
}

/// User and system time of a process (proc(5), fields 14 and 15).
fn taken(pid: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name, in parentheses, may hold spaces and parentheses of its own.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let ticks = |field: Option<&str>| field?.parse::<u64>().ok();
    let (user, system) = (ticks(fields.next())?, ticks(fields.next())?);
    let per_second = rustix::param::clock_ticks_per_second();
    let micros = user.saturating_add(system).saturating_mul(1_000_000);
    Some(Duration::from_micros(micros.checked_div(per_second)?))
}
