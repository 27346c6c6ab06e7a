//! A disk that fills up beneath a node: it ends with one message that says so, and goes on from where it was once there
//! is room. Needs to mount a small file system: left out, with a word, where the system does not let it.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use ait_tests::comet::{Network, Setup, eventually_within, network::wallet, process::Process};

/// Room for the first blocks of a node.
const BYTES: &str = "size=96m";
/// A CometBFT that ends by itself is started again for about a minute before its node gives up.
const PATIENCE: Duration = Duration::from_secs(150);

/// A file system in memory, until it is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// In the place of a folder, with what that had; `None` where nothing may be mounted here.
    fn beneath(folder: &Path) -> Option<Self> {
        let aside = folder.with_extension("aside");
        if folder.exists() {
            fs::rename(folder, &aside).expect("it can be renamed");
        }
        fs::create_dir(folder).expect("a folder");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", BYTES, "tmpfs"])
            .arg(folder)
            .status();
        let disk = mount.is_ok_and(|status| status.success());
        for entry in fs::read_dir(&aside).into_iter().flatten().flatten() {
            let to = folder.join(entry.file_name());
            fs::copy(entry.path(), to).expect("a plain file");
        }
        if !disk {
            println!("SKIPPED: nothing can be mounted here");
        }
        disk.then(|| Self(folder.to_owned()))
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }

    /// Takes all of its room.
    fn fill(&self) {
        let mut file = File::create(self.ballast()).expect("a file");
        for part in [1 << 20, 4096] {
            while file.write_all(&vec![1; part]).is_ok() {}
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.ballast()).expect("it is there");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

async fn prepared() -> Network {
    Network::prepare(&Setup::default().with_account("alice", 1_000_000_000)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_beneath_the_store_ends_the_node_and_loses_nothing() {
    let mut network = prepared().await;
    let node = network.first();
    let Some(disk) = SmallDisk::beneath(&node.store()) else {
        return;
    };
    node.start_app();
    node.start_comet();
    node.rest.reaches(3).await;
    let tx = wallet("alice").transfer(wallet("bob").address, 1_000);
    let receipt = node.rest.commit(&tx).await;
    disk.fill();
    let app = node.app.as_mut().expect("it runs");
    let status = eventually_within(PATIENCE, "the node ends", async || app.ended()).await;
    assert_eq!(status.code(), Some(3));
    node.kill_comet();
    let said = node.app_log();
    assert!(said.contains("no room is left on the disk"), "{said}");

    disk.make_room();
    node.start_app();
    node.start_comet();
    assert_eq!(node.rest.receipt_of(&tx).await, receipt);
    node.rest.goes_on().await;
    node.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_beneath_cometbft_ends_the_node_that_runs_it() {
    let mut network = prepared().await;
    let node = network.first();
    let Some(disk) = SmallDisk::beneath(&node.home.join("cometbft/data")) else {
        return;
    };
    let log = node.home.join("app.log");
    node.app = Some(Process::start("ait start", &mut node.unit_command(), &log));
    let height = node.rest.reaches(3).await;
    disk.fill();
    let app = node.app.as_mut().expect("it runs");
    let status = eventually_within(PATIENCE, "the node ends", async || app.ended()).await;
    assert_eq!(status.code(), Some(1));
    let said = node.app_log();
    assert!(said.contains("no space left on device"), "{said}");

    disk.make_room();
    node.app = Some(Process::start("ait start", &mut node.unit_command(), &log));
    node.rest.reaches(height + 3).await;
    let app = node.app.take().expect("it runs").stop();
    assert!(app.success(), "{app}");
}
