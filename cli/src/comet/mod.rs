//! Owns CometBFT as a child of `ait start --with-comet`: starts it, starts it again when it ends by itself, and stops it
//! before the application. What crashes left of CometBFT's files is mended before each start (`ait_home::comet::recovery`).

mod child;
mod lines;

use std::{
    fs::File,
    io::{self, Read},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use ait_home::{
    comet::{Home, config::AbciAddress, program, recovery},
    surroundings::passed_on,
};
use anyhow::{Context, Result, anyhow, bail};
use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
    process::{Pid, Signal, kill_process},
};
use tokio::sync::oneshot;

pub use child::become_program;
use lines::Tail;

/// How long CometBFT may take to stop before it is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(20);
/// How often its end is looked for.
const POLL: Duration = Duration::from_millis(100);
/// A run that lasted this long, or made a block, was no failed start.
const SETTLED: Duration = Duration::from_secs(60);
/// How long an application that fails has to end the node.
const APPLICATION_FIRST: Duration = Duration::from_secs(2);
/// The pauses after failed starts, each before the next one. A further failure is the last.
const PAUSES: [Duration; 6] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
    Duration::from_secs(30),
];

/// What is run.
#[derive(Debug)]
pub struct CometPlan {
    program: PathBuf,
    home: PathBuf,
    abci: AbciAddress,
    /// Whether lines are JSON.
    json: bool,
}

impl CometPlan {
    /// CometBFT in this home, for an application that listens there.
    ///
    /// # Errors
    /// When there is no CometBFT of the kind that is needed.
    pub fn find(home: PathBuf, abci: AbciAddress, json: bool) -> Result<Self> {
        Ok(Self {
            program: program::find()?,
            home,
            abci,
            json,
        })
    }

    fn command(&self) -> Command {
        let mut command = child::command(&self.program);
        command
            .args(["node", "--home"])
            .arg(&self.home)
            .args(["--proxy_app", &self.abci.to_string()])
            .env_clear()
            .envs(passed_on())
            .env("CMT_LOG_FORMAT", if self.json { "json" } else { "plain" })
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // A Ctrl-C at the terminal is for the node, which stops CometBFT in its order.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command
    }
}

/// A CometBFT that is watched over.
pub struct Supervisor {
    stop: Sender<()>,
    gave_up: oneshot::Receiver<anyhow::Error>,
    thread: JoinHandle<()>,
}

impl Supervisor {
    /// Starts CometBFT. `height` is that of the last block.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(plan: CometPlan, height: impl Fn() -> u64 + Send + 'static) -> Result<Self> {
        let (stop, stopped) = channel();
        let (give_up, gave_up) = oneshot::channel();
        // A thread of its own: the child ends with the thread that started it (`child::command`).
        let thread = thread::Builder::new()
            .name("cometbft".to_owned())
            .spawn(move || {
                if let Err(error) = supervise(&plan, &height, &stopped) {
                    // Where nobody waits for it any more, the node stops already.
                    let _ = give_up.send(error);
                }
            })
            .context("cannot watch over CometBFT")?;
        Ok(Self {
            stop,
            gave_up,
            thread,
        })
    }

    /// Waits until it is given up; gives why.
    pub async fn gave_up(&mut self) -> anyhow::Error {
        match (&mut self.gave_up).await {
            Ok(error) => error,
            Err(_) => anyhow!("nobody watches over CometBFT any more"),
        }
    }

    /// Stops CometBFT, and waits until it is gone.
    pub async fn stop(self) {
        // Where CometBFT was given up, nobody receives it, and nothing runs.
        let _ = self.stop.send(());
        let thread = self.thread;
        let _ = tokio::task::spawn_blocking(move || thread.join()).await;
    }
}

/// Keeps CometBFT running until it is asked to stop.
fn supervise(plan: &CometPlan, height: &dyn Fn() -> u64, stop: &Receiver<()>) -> Result<()> {
    let tail = Tail::default();
    let mut pauses = PAUSES.iter();
    loop {
        let (since, before) = (Instant::now(), height());
        tail.clear();
        recover(plan, before);
        let ended = match Run::start(plan, &tail)?.end(&tail, stop) {
            End::Asked => return Ok(()),
            End::ByItself(status) => status,
            End::Failed(reason) => return Err(failed(&reason)),
        };
        if since.elapsed() >= SETTLED || height() > before {
            pauses = PAUSES.iter();
        }
        let Some(pause) = pauses.next() else {
            return Err(anyhow!(
                "CometBFT ended {} times in a row without a block, the last time with {ended}. Its last lines:\n{}",
                PAUSES.len() + 1,
                tail.text()
            ));
        };
        tracing::warn!(
            component = "node",
            event = "cometbft_ended",
            status = %ended,
            next_start_seconds = pause.as_secs(),
        );
        if stop.recv_timeout(*pause) != Err(RecvTimeoutError::Timeout) {
            return Ok(());
        }
    }
}

/// A CometBFT whose consensus ended would go on answering, and make no block. What ended it is still there at another
/// start.
fn failed(reason: &str) -> anyhow::Error {
    let advice = match reason.contains("no space left on device") {
        true => "make room on the disk of the home, and start again",
        false => "keep the data; docs/operators.md says what its messages mean",
    };
    anyhow!("CometBFT's consensus failed ({reason}), so the node makes no more blocks: {advice}")
}

/// Before each start: where CometBFT was killed at the wrong moments, it would never go on by itself.
fn recover(plan: &CometPlan, height: u64) {
    match recovery::recover(&Home::new(&plan.home), height) {
        Ok(recovery) if recovery.is_empty() => {}
        Ok(recovery) => tracing::warn!(
            component = "node",
            event = "cometbft_files_mended",
            height,
            databases_begun_anew = ?recovery.databases_begun_anew,
            write_ahead_log = ?recovery.write_ahead_log,
        ),
        Err(error) => tracing::warn!(component = "node", event = "cometbft_files_unread", %error),
    }
}

/// A sign that no CometBFT runs in a home, as long as it is held.
///
/// # Errors
/// When one runs, or that can't be seen.
pub fn hold_stopped(home: &Home) -> Result<Option<File>> {
    // CometBFT's databases lock this file of theirs.
    let path = home.data().join("state.db/LOCK");
    let file = match File::options().read(true).write(true).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot open {}", path.display())),
    };
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(Errno::WOULDBLOCK) => bail!(
            "CometBFT runs in {}: stop it first",
            home.folder().display()
        ),
        Err(error) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}

/// CometBFT from one start to its end.
struct Run {
    child: Child,
    readers: Vec<JoinHandle<()>>,
}

/// Why it ended.
enum End {
    Asked,
    ByItself(ExitStatus),
    /// Its consensus did, for good: why.
    Failed(String),
}

impl Run {
    fn start(plan: &CometPlan, tail: &Tail) -> Result<Self> {
        let spawned = plan.command().spawn();
        let mut child =
            spawned.with_context(|| format!("cannot start {}", plan.program.display()))?;
        tracing::info!(
            component = "node",
            event = "cometbft_started",
            pid = child.id(),
            program = %plan.program.display(),
        );
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let out = out.map(|out| read(out, plan.json, tail.clone()));
        let err = err.map(|err| read(err, plan.json, tail.clone()));
        let readers = out.into_iter().chain(err).collect();
        Ok(Self { child, readers })
    }

    /// Waits for its end, or that of its consensus, or for the request to stop it.
    fn end(mut self, tail: &Tail, stop: &Receiver<()>) -> End {
        let mut failing = None;
        let end = loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                break End::ByItself(status);
            }
            if stop.recv_timeout(POLL) != Err(RecvTimeoutError::Timeout) {
                self.stop();
                break End::Asked;
            }
            let Some(reason) = tail.failure() else {
                continue;
            };
            // Where the application is the reason, it ends the node by itself, and says so better.
            if failing.get_or_insert_with(Instant::now).elapsed() > APPLICATION_FIRST {
                self.stop();
                break End::Failed(reason);
            }
        };
        for reader in self.readers {
            let _ = reader.join();
        }
        end
    }

    /// Asks it to stop, and kills it when it takes too long.
    fn stop(&mut self) {
        // It is this process' child until it was waited for: the number is no other one's.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let asked = Instant::now();
        while asked.elapsed() < STOP_PATIENCE {
            if let Ok(Some(status)) = self.child.try_wait() {
                tracing::info!(component = "node", event = "cometbft_stopped", %status);
                return;
            }
            thread::sleep(POLL);
        }
        tracing::warn!(
            component = "node",
            event = "cometbft_killed",
            seconds = STOP_PATIENCE.as_secs(),
            message = "CometBFT did not stop in time",
        );
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(from: impl Read + Send + 'static, json: bool, tail: Tail) -> JoinHandle<()> {
    thread::spawn(move || lines::pass_on(from, json, &tail))
}
