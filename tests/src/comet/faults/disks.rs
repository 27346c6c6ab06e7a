//! Owns disks that fail: a file system on an image, in the place of a folder. What the system has not written to the
//! image yet is what a power cut takes away; where the image itself finds no room, the disk answers with I/O errors.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output},
    thread,
    time::Duration,
};

/// Bytes of the file system, and of the memory that holds its image and a copy of that.
const DISK: &str = "768M";
const MEMORY: &str = "size=1536m";
const TRIES: u32 = 100;

/// A file system until it is dropped.
pub struct ImageDisk {
    folder: PathBuf,
    /// The folder in memory that has the image.
    memory: PathBuf,
}

impl ImageDisk {
    /// In the place of a folder, with all that this had; `None`, with a word, where nothing may be mounted here.
    ///
    /// # Panics
    /// When the folder can't be copied.
    pub fn beneath(folder: &Path) -> Option<Self> {
        let memory = folder.with_extension("memory");
        fs::create_dir(&memory).expect("a folder");
        let disk = Self {
            folder: folder.to_owned(),
            memory,
        };
        let mut tmpfs = Command::new("mount");
        tmpfs.args(["-t", "tmpfs", "-o", MEMORY, "tmpfs"]);
        let mut image = Command::new("truncate");
        image.args(["--size", DISK]);
        let mut format = Command::new("mkfs.ext4");
        format.args(["-q", "-F"]);
        let aside = folder.with_extension("aside");
        fs::rename(folder, &aside).expect("it can be renamed");
        fs::create_dir(folder).expect("a folder");
        let steps = [
            tmpfs.arg(&disk.memory),
            image.arg(disk.image()),
            format.arg(disk.image()),
            &mut disk.mount_command(),
        ];
        for step in steps {
            if !step.status().is_ok_and(|status| status.success()) {
                println!("SKIPPED: {step:?} is not possible here");
                return None;
            }
        }
        done(
            Command::new("cp")
                .arg("--archive")
                .arg(aside.join("."))
                .arg(folder),
        );
        disk.sync();
        Some(disk)
    }

    fn image(&self) -> PathBuf {
        self.memory.join("image")
    }

    fn ballast(&self) -> PathBuf {
        self.memory.join("ballast")
    }

    fn mount_command(&self) -> Command {
        let mut command = Command::new("mount");
        command.args(["-o", "loop,errors=remount-ro"]);
        command.arg(self.image()).arg(&self.folder);
        command
    }

    /// Has the system write all that it has.
    ///
    /// # Panics
    /// When it can't.
    pub fn sync(&self) {
        done(Command::new("sync").arg("--file-system").arg(&self.folder));
    }

    /// Notes what a power cut at this moment leaves. Nobody may write meanwhile but the system.
    ///
    /// # Panics
    /// When there is no room.
    pub fn note(&self) {
        let copy = self.memory.join("noted");
        done(
            Command::new("cp")
                .arg("--sparse=always")
                .arg(self.image())
                .arg(copy),
        );
    }

    /// Goes back to what was noted, as after a power cut. Nothing of the folder may be in use.
    ///
    /// # Panics
    /// When something is.
    pub fn lose_what_came_after(&self) {
        self.unmount();
        fs::rename(self.memory.join("noted"), self.image()).expect("it was noted");
        done(&mut self.mount_command());
    }

    /// From now on what needs new room on the disk ends in an I/O error.
    ///
    /// # Panics
    /// When the ballast can't be made.
    pub fn fail(&self) {
        let mut file = File::create(self.ballast()).expect("a file");
        for part in [1 << 20, 4096] {
            while file.write_all(&vec![1; part]).is_ok() {}
        }
    }

    /// As a system that was started again has it: whole, or to be read only. Nothing of the folder may be in use.
    ///
    /// # Panics
    /// When something is.
    pub fn mount_again(&self, read_only: bool) {
        self.unmount();
        let _ = fs::remove_file(self.ballast());
        done(&mut self.mount_command());
        if read_only {
            done(
                Command::new("mount")
                    .args(["-o", "remount,ro"])
                    .arg(&self.folder),
            );
        }
    }

    fn unmount(&self) {
        let mut said = String::new();
        for _ in 0..TRIES {
            let output = output(Command::new("umount").arg(&self.folder));
            if output.status.success() {
                return;
            }
            said = String::from_utf8_lossy(&output.stderr).into_owned();
            thread::sleep(Duration::from_millis(50));
        }
        panic!("{said}");
    }
}

impl Drop for ImageDisk {
    fn drop(&mut self) {
        for folder in [&self.folder, &self.memory] {
            let _ = Command::new("umount")
                .args(["--lazy", "--quiet"])
                .arg(folder)
                .status();
        }
    }
}

fn output(command: &mut Command) -> Output {
    command.output().expect("it starts")
}

fn done(command: &mut Command) {
    let output = output(command);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}
