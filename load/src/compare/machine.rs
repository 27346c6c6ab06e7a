//! Owns what is said of the machine that figures come from: without it they say little.

use std::{fmt, fs, path::Path, process::Command, thread};

use serde::{Deserialize, Serialize};

/// A machine, its system, and the programs measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor, as the system names it.
    pub processor: String,
    /// Processors that this program may use.
    pub cores: usize,
    /// The system.
    pub system: String,
    /// `ait`'s version.
    pub ait: String,
    /// CometBFT's, as it says itself.
    pub cometbft: String,
    /// Programs that ran or waited to, in the means of 1, 5 and 15 minutes, at the end: what is well above what the
    /// contenders take was somebody else's.
    pub load: String,
}

impl Machine {
    pub(super) fn here(cometbft: &Path) -> Self {
        let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let name = cpus
            .lines()
            .find_map(|line| line.strip_prefix("model name"));
        let name = name
            .and_then(|line| line.split_once(':'))
            .map(|(_, name)| name.trim());
        let system = rustix::system::uname();
        let words = [system.sysname(), system.release(), system.machine()];
        let words = words.map(|word| word.to_string_lossy().into_owned());
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let version = Command::new(cometbft).arg("version").output();
        let version = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        Self {
            processor: name.unwrap_or("unknown").to_owned(),
            cores: thread::available_parallelism().map_or(1, usize::from),
            system: words.join(" "),
            ait: env!("CARGO_PKG_VERSION").to_owned(),
            cometbft: version.unwrap_or_default().trim().to_owned(),
            load: load
                .split_whitespace()
                .take(3)
                .collect::<Vec<_>>()
                .join(" "),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, {} cores, {}; ait {}, CometBFT {}; load {}",
            self.processor, self.cores, self.system, self.ait, self.cometbft, self.load
        )
    }
}
