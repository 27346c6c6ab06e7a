//! Owns the checks of a node's machine: the disk's room and speed, whether its ports are free, and its clock by the
//! chain's own time.

use std::{
    fs::File,
    io::Write as _,
    net::{SocketAddr, TcpListener},
    path::Path,
    time::{Duration, Instant, SystemTime},
};

use ait_client::http::Trust;
use ait_home::{
    comet::{config, settings::MAX_CONFIG_BYTES},
    files,
};

use super::{Finding, Patient};
use crate::{rpc::Node, status::disk::Disk};

/// Writes that are timed.
const WRITES: usize = 32;
/// The size of each, bytes.
const WRITE_BYTES: usize = 4096;
/// A commit waits for two or three of these; slower disks hold up blocks.
const SLOW: Duration = Duration::from_millis(20);
/// Block time is the median of the validators' clocks: it is never ahead of a right one by more.
const AHEAD: Duration = Duration::from_secs(2);

/// All of them.
pub(super) async fn look(patient: &Patient) -> Vec<Finding> {
    let mut findings = vec![room(patient), speed(patient)];
    if patient.is_running {
        findings.extend(clock(patient).await);
    } else {
        findings.push(ports(patient));
    }
    findings
}

fn room(patient: &Patient) -> Finding {
    const CHECK: &str = "disk_room";
    let Some(disk) = Disk::of(&patient.place) else {
        return Finding::ok(CHECK, "there is no store yet");
    };
    let found = format!("{} of {} bytes are free", disk.free_bytes, disk.disk_bytes);
    if disk.is_nearly_full() {
        let advice = "make room, or keep fewer blocks (KEEP_BLOCKS): a node on a full disk stops";
        return Finding::problem(CHECK, found, advice);
    }
    Finding::ok(CHECK, found)
}

/// How long a synced write takes where the store is, or is to be.
fn speed(patient: &Patient) -> Finding {
    const CHECK: &str = "disk_speed";
    let store = &patient.place.store.db_path;
    let mut folders = store.ancestors().filter(|folder| folder.is_dir());
    let Some(folder) = folders.next() else {
        return Finding::problem(CHECK, "the store's disk can't be found", "look at DB_PATH");
    };
    match median_write(folder) {
        Ok(median) if median <= SLOW => Finding::ok(
            CHECK,
            format!("a synced write takes {:.1} ms", millis(median)),
        ),
        Ok(median) => Finding::warning(
            CHECK,
            format!("a synced write takes {:.1} ms", millis(median)),
            "each block waits for several: use a local solid-state disk",
        ),
        Err(error) => Finding::problem(
            CHECK,
            format!("{} can't be written to: {error}", folder.display()),
            "look at the disk and at the folder's owner",
        ),
    }
}

fn median_write(folder: &Path) -> std::io::Result<Duration> {
    let mut file: File = tempfile::tempfile_in(folder)?;
    let block = [0x5a_u8; WRITE_BYTES];
    let mut times = Vec::with_capacity(WRITES);
    for _ in 0..WRITES {
        let begun = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    times.sort();
    Ok(times.get(WRITES / 2).copied().unwrap_or_default())
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// Whether CometBFT will find its ports free.
fn ports(patient: &Patient) -> Finding {
    const CHECK: &str = "ports";
    let path = patient.home.config_file();
    let listens = files::read_text(&path, MAX_CONFIG_BYTES).and_then(|text| config::listens(&text));
    let addresses = match listens {
        Ok(addresses) => addresses,
        Err(error) => {
            return Finding::problem(CHECK, format!("{error:#}"), "mend config.toml");
        }
    };
    let taken = |(_, address): &&(&'static str, SocketAddr)| TcpListener::bind(address).is_err();
    let taken: Vec<String> = addresses
        .iter()
        .filter(taken)
        .map(|(name, address)| format!("{name} {address}"))
        .collect();
    if taken.is_empty() {
        return Finding::ok(CHECK, "free for CometBFT");
    }
    Finding::problem(
        CHECK,
        format!(
            "taken by another process, or no addresses of this machine: {}",
            taken.join(", ")
        ),
        "stop the other process, or name other ports in config.toml",
    )
}

/// The clock by the chain's: a block from the future means that this clock is behind.
async fn clock(patient: &Patient) -> Option<Finding> {
    const CHECK: &str = "clock";
    let node = Node::new(&patient.place.comet_rpc, &Trust::default()).ok()?;
    let time = node.status().await.ok()?.sync_info.latest_block_time;
    let block = humantime::parse_rfc3339(&time).ok()?;
    match block.duration_since(SystemTime::now()) {
        Ok(ahead) if ahead > AHEAD => Some(Finding::problem(
            CHECK,
            format!("the last block is {:.1} s ahead of it", ahead.as_secs_f64()),
            "set it by NTP: votes with a wrong time move the chain's own",
        )),
        _ => Some(Finding::ok(CHECK, "no block is ahead of it")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_disk_is_timed_and_nothing_is_left_there() {
        let folder = tempfile::tempdir().unwrap();
        let median = median_write(folder.path()).unwrap();
        assert!(median > Duration::ZERO);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
