//! Owns the processes of a comparison: started with little of this one's environment, stopped in bounded time.

use std::{fs::File, path::Path, process::Stdio, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::{Child, Command},
    time::timeout,
};

use crate::LoadError;

/// How long a process may take to end once it is asked to; then it is ended.
const GRACE: Duration = Duration::from_secs(10);
/// What programs get of the environment. CometBFT takes its settings from variables too, which are nobody's here.
const PASSED: [&str; 6] = [
    "HOME",
    "PATH",
    "TMPDIR",
    "GOMAXPROCS",
    "GOGC",
    "LD_LIBRARY_PATH",
];

/// A command with little of this process' environment.
pub(super) fn command(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .kill_on_drop(true);
    for name in PASSED {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// A process that is ended when this is dropped.
pub(super) struct Running(Child);

impl Running {
    /// Starts a program that writes into a log.
    pub fn start(program: &Path, arguments: &[&str], log: &Path) -> Result<Self, LoadError> {
        let failed = |error: std::io::Error| {
            LoadError::Internal(format!("{} does not start: {error}", program.display()))
        };
        let log = File::create(log).map_err(failed)?;
        let mut command = command(program, arguments);
        // A Ctrl-C at the terminal is this process' alone, which stops all in order.
        command.process_group(0);
        command.stdout(log.try_clone().map_err(failed)?).stderr(log);
        command.spawn().map(Self).map_err(failed)
    }

    /// Its id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.0.id()
    }

    /// Asks it to end, and ends it where it does not.
    pub async fn stop(mut self) {
        let pid = self.0.id().and_then(|pid| i32::try_from(pid).ok());
        if let Some(pid) = pid.and_then(Pid::from_raw) {
            // It may have ended by itself.
            let _ = kill_process(pid, Signal::TERM);
        }
        if timeout(GRACE, self.0.wait()).await.is_err() {
            let _ = self.0.kill().await;
        }
    }
}

/// Runs a program to its end.
pub(super) async fn run(program: &Path, arguments: &[&str]) -> Result<String, LoadError> {
    let output = command(program, arguments).output().await;
    let output = output.map_err(|error| {
        LoadError::Internal(format!("{} does not start: {error}", program.display()))
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(LoadError::Internal(format!(
        "{} failed: {said}",
        program.display()
    )))
}
