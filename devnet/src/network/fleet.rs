//! Owns the processes of a running devnet: starting them, noticing that one died, stopping all of
//! them in order.

use std::{path::PathBuf, process::ExitStatus, time::Duration};

use anyhow::bail;
use rustix::process::Signal;

use super::{
    console::Console,
    manifest::ProcessEntry,
    process::{POLL, Program, Service, describe},
};

/// The lines of a log that are shown when its process died.
const SHOWN_LINES: usize = 12;

/// The order in which processes are stopped: those who ask before those who answer, CometBFT before
/// the application, which then saves its pool with nobody calling any more.
#[derive(Debug, Clone, Copy)]
pub enum Stage {
    /// Works and claims.
    Miner = 0,
    /// Attests.
    Coordinator = 1,
    /// Consensus and P2P.
    Comet = 2,
    /// The application.
    App = 3,
}

/// How long a process of a stage may take to stop before it is killed.
pub fn grace_of(stage: u8) -> Duration {
    if stage == Stage::App as u8 {
        Duration::from_secs(20)
    } else {
        Duration::from_secs(10)
    }
}

/// A process that ended by itself.
pub struct Death {
    /// What it was.
    pub name: String,
    /// Its process id.
    pub pid: u32,
    /// How it ended.
    pub status: ExitStatus,
    /// Where it wrote.
    pub log: PathBuf,
    /// What it wrote last.
    pub last_lines: Vec<String>,
}

impl Death {
    /// What it is said with, in one line.
    pub fn headline(&self) -> String {
        format!(
            "{} (process {}) died: {}. Its log: {}",
            self.name,
            self.pid,
            describe(self.status),
            self.log.display()
        )
    }
}

/// The running processes.
#[derive(Default)]
pub struct Fleet {
    services: Vec<Service>,
}

impl Fleet {
    /// Starts a program; gives its process id.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn start(&mut self, program: Program) -> anyhow::Result<u32> {
        let service = Service::start(program)?;
        let pid = service.identity.pid;
        self.services.push(service);
        Ok(pid)
    }

    /// Every process that was started and not seen dead, for the manifest.
    pub fn entries(&self) -> Vec<ProcessEntry> {
        let mut entries: Vec<ProcessEntry> = self
            .services
            .iter()
            .map(|service| ProcessEntry {
                name: service.name.clone(),
                identity: service.identity.clone(),
                stage: service.stage,
                log: service.log.clone(),
            })
            .collect();
        entries.sort_by_key(|entry| entry.stage);
        entries
    }

    /// Whether any process is left.
    pub fn is_empty(&self) -> bool {
        self.services.is_empty()
    }

    /// The processes that died since the last call.
    pub fn deaths(&mut self) -> Vec<Death> {
        let mut deaths = Vec::new();
        self.services.retain_mut(|service| {
            let Some(status) = service.ended() else {
                return true;
            };
            deaths.push(Death {
                name: service.name.clone(),
                pid: service.identity.pid,
                status,
                log: service.log.clone(),
                last_lines: service.last_lines(SHOWN_LINES),
            });
            false
        });
        deaths
    }

    /// Waits for work to be done while every process lives.
    ///
    /// # Errors
    /// Those of the work; or when a process dies, with what it wrote last.
    pub async fn alive_while<T>(
        &mut self,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                result = &mut work => return result,
                () = tokio::time::sleep(POLL) => {}
            }
            if let Some(death) = self.deaths().first() {
                let mut said = death.headline();
                for line in &death.last_lines {
                    said.push_str("\n    ");
                    said.push_str(line);
                }
                bail!("{said}");
            }
        }
    }

    /// Stops everything in order. When `at_once` is through, whoever is left is killed.
    pub async fn stop(&mut self, console: &Console, at_once: impl Future<Output = ()>) {
        let gently = self.stop_gently(console);
        tokio::select! {
            () = gently => {}
            () = at_once => console.notice("killing what is left"),
        }
        for service in &self.services {
            service.identity.signal(Signal::KILL);
        }
        for service in &mut self.services {
            while service.ended().is_none() {
                tokio::time::sleep(POLL).await;
            }
        }
        self.services.clear();
    }

    async fn stop_gently(&self, console: &Console) {
        for stage in [Stage::Miner, Stage::Coordinator, Stage::Comet, Stage::App] {
            let stage = stage as u8;
            let members: Vec<&Service> = self
                .services
                .iter()
                .filter(|service| service.stage == stage)
                .collect();
            for service in &members {
                service.identity.signal(Signal::TERM);
            }
            for service in &members {
                let stop = async {
                    if service.identity.gone_within(grace_of(stage)).await {
                        return Ok(());
                    }
                    service.identity.signal(Signal::KILL);
                    bail!("it was killed: it did not stop by itself");
                };
                let named = format!("stopped {}", service.name);
                if let Err(error) = console.step(&named, stop).await {
                    console.notice(&format!("{}: {error}", service.name));
                }
            }
        }
    }
}
