//! Owns starting, recognising and stopping processes. It signals only a process whose identity it
//! knows for sure: a number alone may belong to somebody else by now.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use ait_home::surroundings::passed_on;
use anyhow::Context as _;
use rustix::process::{Pid, Signal};
use serde::{Deserialize, Serialize};
use tokio::process::Child;

/// How often a condition is looked at while waiting for it.
pub const POLL: Duration = Duration::from_millis(50);

/// A process, told apart from a later one with the same number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The process id.
    pub pid: u32,
    /// When it started, in the system's own words.
    pub started: String,
}

impl Identity {
    /// The identity of a running process; `None` when there is none with that id.
    pub fn of(pid: u32) -> Option<Self> {
        let started = if Path::new("/proc/self/stat").exists() {
            started_by_proc(pid)?
        } else {
            started_by_ps(pid)?
        };
        Some(Self { pid, started })
    }

    /// Whether this very process still runs.
    pub fn is_running(&self) -> bool {
        Self::of(self.pid).is_some_and(|now| now == *self)
    }

    /// Sends a signal if this very process still runs.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid
            && self.is_running()
        {
            // It may be gone since: then there is nothing to signal.
            let _ = rustix::process::kill_process(pid, signal);
        }
    }

    /// Waits until it is gone; says whether it is.
    pub async fn gone_within(&self, grace: Duration) -> bool {
        let deadline = Instant::now() + grace;
        while self.is_running() {
            if Instant::now() >= deadline {
                return false;
            }
            tokio::time::sleep(POLL).await;
        }
        true
    }
}

/// The boot and the clock ticks since then at which a process started (proc(5), field 22).
fn started_by_proc(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name, in parentheses, may hold spaces and parentheses of its own.
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let state = *fields.first()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    let ticks = *fields.get(19)?;
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    Some(format!("{}:{ticks}", boot.trim()))
}

fn started_by_ps(pid: u32) -> Option<String> {
    let pid = pid.to_string();
    let output = Command::new("ps")
        .args(["-o", "stat=,lstart=", "-p", &pid])
        .env_clear()
        .envs(passed_on())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (state, started) = text.trim().split_once(char::is_whitespace)?;
    (!state.starts_with('Z')).then(|| started.trim().to_owned())
}

/// What to start.
pub struct Program {
    /// What it is, for people.
    pub name: String,
    pub binary: PathBuf,
    pub arguments: Vec<String>,
    /// Variables it gets besides what is passed on of those of this process.
    pub environment: Vec<(String, String)>,
    /// Its working folder.
    pub folder: PathBuf,
    /// The file that gets what it prints; appended to.
    pub log: PathBuf,
    /// When it is stopped: lower ones first.
    pub stage: u8,
}

/// A process this one started.
pub struct Service {
    /// What it is, for people.
    pub name: String,
    /// Where it writes.
    pub log: PathBuf,
    /// When it is stopped: lower ones first.
    pub stage: u8,
    /// Which process it is.
    pub identity: Identity,
    child: Child,
    log_start: u64,
}

impl Service {
    /// Starts a program in a process group of its own, so that a Ctrl-C at the terminal reaches the
    /// supervisor alone, which then stops everything in order.
    ///
    /// # Errors
    /// When the log can't be opened or the program can't be started.
    pub fn start(program: Program) -> anyhow::Result<Self> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&program.log)
            .with_context(|| format!("opening the log {}", program.log.display()))?;
        let log_start = log.metadata().map_or(0, |metadata| metadata.len());
        let mut command = tokio::process::Command::new(&program.binary);
        command
            .args(&program.arguments)
            .env_clear()
            .envs(passed_on())
            .envs(program.environment)
            .current_dir(&program.folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0);
        let child = command
            .spawn()
            .with_context(|| format!("starting {}", program.binary.display()))?;
        let identity = child
            .id()
            .and_then(Identity::of)
            .with_context(|| format!("{} ended as it started", program.name))?;
        Ok(Self {
            name: program.name,
            log: program.log,
            stage: program.stage,
            identity,
            child,
            log_start,
        })
    }

    /// Its exit status once it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// The last lines it wrote in this run, at most so many.
    pub fn last_lines(&self, count: usize) -> Vec<String> {
        last_lines(&self.log, self.log_start, count).unwrap_or_default()
    }
}

fn last_lines(log: &Path, from: u64, count: usize) -> io::Result<Vec<String>> {
    use io::{Read, Seek, SeekFrom};
    const READ_AT_MOST: u64 = 64 * 1024;
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    let from = from.max(length.saturating_sub(READ_AT_MOST));
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let skip = lines.len().saturating_sub(count);
    Ok(lines.into_iter().skip(skip).map(str::to_owned).collect())
}

/// How a process ended, in words.
pub fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}
