//! Owns `ait devnet down`: stops exactly the processes that a home's `devnet.json` names.

use std::{path::Path, time::Duration};

use anyhow::bail;
use rustix::process::Signal;

use super::{
    console::Console,
    fleet::grace_of,
    home,
    manifest::{Manifest, ProcessEntry},
    process::Identity,
};

/// The longest an `ait devnet up` takes to stop everything in order.
const SUPERVISOR_GRACE: Duration = Duration::from_secs(90);

/// Stops the devnet of a home.
///
/// # Errors
/// When there is no devnet, or a process outlives SIGKILL.
pub async fn run(path: &Path) -> anyhow::Result<()> {
    let path = home::absolute(path)?;
    let console = Console::new(None);
    let Some(mut manifest) = Manifest::read(&path)? else {
        bail!(
            "there is no devnet in {}: it has no devnet.json. Name its home with --home DIR",
            path.display()
        );
    };
    if let Some(supervisor) = home::supervisor(&manifest) {
        stop_supervisor(&console, &supervisor).await?;
        // It has written who is left, if anybody.
        manifest = Manifest::read(&path)?.unwrap_or(manifest);
    }
    let left: Vec<ProcessEntry> = manifest
        .processes
        .iter()
        .filter(|process| process.identity.is_running())
        .cloned()
        .collect();
    if left.is_empty() && manifest.processes.is_empty() {
        console.line(format!("The devnet in {} is stopped.", path.display()));
    }
    stop(&console, left).await?;
    manifest.clear_processes();
    manifest.write()
}

async fn stop_supervisor(console: &Console, supervisor: &Identity) -> anyhow::Result<()> {
    let stop = async {
        supervisor.signal(Signal::TERM);
        if !supervisor.gone_within(SUPERVISOR_GRACE).await {
            supervisor.signal(Signal::KILL);
        }
        Ok(())
    };
    console
        .step("stopping what `ait devnet up` started", stop)
        .await
}

/// Stops processes whose supervisor is gone, stage by stage.
async fn stop(console: &Console, mut processes: Vec<ProcessEntry>) -> anyhow::Result<()> {
    processes.sort_by_key(|process| process.stage);
    for process in processes {
        let stop = async {
            process.identity.signal(Signal::TERM);
            if !process.identity.gone_within(grace_of(process.stage)).await {
                process.identity.signal(Signal::KILL);
                if !process.identity.gone_within(Duration::from_secs(10)).await {
                    bail!(
                        "{} (process {}) outlives SIGKILL",
                        process.name,
                        process.identity.pid
                    );
                }
            }
            Ok(())
        };
        console
            .step(&format!("stopping {}", process.name), stop)
            .await?;
    }
    Ok(())
}
