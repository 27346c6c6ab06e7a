//! Owns `ait devnet status`: what runs of a devnet, and where it listens.

use std::path::Path;

use anyhow::bail;

use super::{
    console::{BAD, Console, GOOD, paint},
    home,
    manifest::Manifest,
    up::show_addresses,
};

/// Says what runs of the devnet of a home.
///
/// # Errors
/// When there is no devnet, nothing of it runs, or a part of it does not.
pub async fn run(path: &Path) -> anyhow::Result<()> {
    let path = home::absolute(path)?;
    let console = Console::new(None);
    let Some(manifest) = Manifest::read(&path)? else {
        bail!(
            "there is no devnet in {}: it has no devnet.json",
            path.display()
        );
    };
    if manifest.processes.is_empty() {
        bail!("the devnet in {} is stopped", path.display());
    }
    let mut missing = 0;
    for process in &manifest.processes {
        let runs = process.identity.is_running();
        missing += u32::from(!runs);
        let word = if runs {
            paint(GOOD, "runs")
        } else {
            paint(BAD, "gone")
        };
        let pid = process.identity.pid;
        console.line(format!(
            "  {word}  {:<24} {pid:>8}  {}",
            process.name,
            process.log.display()
        ));
    }
    if home::supervisor(&manifest).is_none() {
        console.notice("nobody watches over it: its `ait devnet up` is gone");
    }
    show_addresses(&console, &manifest);
    if missing > 0 {
        bail!(
            "{missing} of {} processes are gone",
            manifest.processes.len()
        );
    }
    Ok(())
}
