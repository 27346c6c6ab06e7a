//! Owns `--detach`: the devnet goes on in a session of its own, while what it says until all is shown
//! still reaches the terminal.

use std::{
    ffi::OsString,
    fs::OpenOptions,
    io::{self, IsTerminal},
    path::Path,
    process::Stdio,
};

use ait_home::surroundings::passed_on;
use anyhow::{Context as _, bail};
use rustix::process::Signal;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    process::Command,
};

use super::{UpArgs, manifest::Manifest, plan, process::Identity, stop::StopSignals};

/// Starts the background half, shows what it says, and returns when it is through.
///
/// # Errors
/// When it ended instead: then everything it started is stopped.
pub async fn run(args: &UpArgs) -> anyhow::Result<()> {
    let mut stop = StopSignals::listen()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments());
    command.env_clear().envs(passed_on());
    if let Some(path) = std::env::var_os("COMETBFT") {
        command.env("COMETBFT", path);
    }
    command.envs(plan::settings_in_force(&args.chain));
    // Where it does not stand among the arguments, it came from a variable that is not passed on.
    command.env("AIT_DEVNET_HOME", &args.home.home);
    if io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        command.env("CLICOLOR_FORCE", "1");
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("starting the background half")?;
    let identity = child.id().and_then(Identity::of);
    let out = child.stdout.take().context("its output is piped")?;
    let err = child.stderr.take().context("its errors are piped")?;
    // Both end when it is through, or when it ends.
    let show = async {
        tokio::join!(
            copy(out, tokio::io::stdout()),
            copy(err, tokio::io::stderr())
        )
    };
    tokio::select! {
        _ = show => {}
        name = stop.next() => {
            if let Some(identity) = identity {
                identity.signal(Signal::TERM);
            }
            child.wait().await?;
            bail!("stopped by {name} before the devnet was up");
        }
    }
    let is_ready = |home: &Path| {
        let manifest = Manifest::read(home).ok().flatten();
        manifest.is_some_and(|manifest| manifest.ready && manifest.supervisor_pid == child.id())
    };
    if is_ready(&args.home.home) {
        return Ok(());
    }
    // What went wrong stands above: it was shown as it was said.
    std::process::exit(child.wait().await?.code().unwrap_or(1));
}

/// Those of this process, as they are: only that it is the background half now.
fn arguments() -> Vec<OsString> {
    let given = std::env::args_os().skip(1);
    given
        .map(|argument| match argument {
            detach if detach == "--detach" => OsString::from("--detached"),
            other => other,
        })
        .collect()
}

async fn copy(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let Some(read) = buffer.get(..count) else {
            return;
        };
        if to.write_all(read).await.is_err() || to.flush().await.is_err() {
            return;
        }
    }
}

/// The background half lets go of the terminal: from now on it writes into its log alone.
///
/// # Errors
/// When the log can't be opened.
pub fn let_go(log: &Path) -> anyhow::Result<()> {
    let log = OpenOptions::new().create(true).append(true).open(log)?;
    rustix::stdio::dup2_stdout(&log)?;
    rustix::stdio::dup2_stderr(&log)?;
    Ok(())
}
