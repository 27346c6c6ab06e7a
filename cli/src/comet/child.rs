//! Owns how CometBFT becomes a child that does not outlive `ait start`. On Linux this program is started once more,
//! asks the system for a signal at its parent's death, and then becomes CometBFT: only the process itself can ask so.
//! Elsewhere CometBFT ends by itself once its application is gone.

use std::{
    ffi::{OsStr, OsString},
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, ExitCode},
};

use ait_home::exit;
use rustix::process::{Pid, getppid};

/// The first argument of a process that is to become CometBFT, before the parent's id and the command.
const MARK: &str = "become-cometbft";

/// A command that runs a program as a child of this process, to be started by a thread that lives as long as the child
/// may: the system takes the end of that thread for the parent's death.
pub fn command(program: &Path) -> Command {
    if cfg!(target_os = "linux") {
        // This very program, also where its file was replaced by a newer one since.
        let mut command = Command::new("/proc/self/exe");
        command.arg(MARK).arg(std::process::id().to_string());
        command.arg(program);
        command
    } else {
        Command::new(program)
    }
}

/// Becomes the program that the arguments of this process name, where they are those of [`command`]. Returns only
/// where they are not, or that failed.
pub fn become_program(mut arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    arguments
        .nth(1)
        .filter(|argument| argument == OsStr::new(MARK))?;
    let parent = arguments.next();
    let parent: Option<i32> = parent.and_then(|id| id.to_str()?.parse().ok());
    let program = arguments.next()?;
    // Asked too late, it would wait for the death of whoever inherits orphans.
    let failure = match end_with_parent() {
        Ok(()) if getppid() == parent.and_then(Pid::from_raw) => {
            let error = Command::new(&program).args(arguments).exec();
            format!("cannot start {}: {error}", program.display())
        }
        Ok(()) => "the node is gone already".to_owned(),
        Err(error) => format!("cannot be told of the node's end: {error}"),
    };
    eprintln!("ait: {failure}");
    Some(ExitCode::from(exit::FAILED))
}

#[cfg(target_os = "linux")]
fn end_with_parent() -> rustix::io::Result<()> {
    // To be ended cleanly: killed, its write-ahead log would lack its end.
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM))
}

#[cfg(not(target_os = "linux"))]
fn end_with_parent() -> rustix::io::Result<()> {
    Ok(())
}
