//! Owns `--detach`: the devnet goes on in a session of its own, while what it says until all is shown
//! still reaches the terminal.

use std::{
    fs::OpenOptions,
    io::{self, IsTerminal},
    path::Path,
    process::Stdio,
};

use anyhow::{Context as _, bail};
use rustix::process::Signal;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    process::Command,
};

use super::{
    UpArgs, manifest::Manifest, plan, process::Identity, stop::StopSignals, surroundings::passed_on,
};
use ait_home::config::Environment;

/// Starts the background half, shows what it says, and returns when it is through.
///
/// # Errors
/// When it ended instead: then everything it started is stopped.
pub async fn run(args: &UpArgs, environment: &Environment) -> anyhow::Result<()> {
    let mut stop = StopSignals::listen()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments(args)?);
    command.env_clear().envs(passed_on());
    if let Some(path) = std::env::var_os("COMETBFT") {
        command.env("COMETBFT", path);
    }
    // What stands in the settings file reaches it too, wherever that file lies.
    command.envs(plan::settings_in_force(environment)?);
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

fn arguments(args: &UpArgs) -> anyhow::Result<Vec<String>> {
    let home = args.home.home.to_str().context("--home is not UTF-8")?;
    let mut list: Vec<String> = ["devnet", "up", "--detached", "--home", home]
        .map(str::to_owned)
        .into();
    let mut number = |flag: &str, value: Option<u16>| {
        if let Some(value) = value {
            list.extend([flag.to_owned(), value.to_string()]);
        }
    };
    number("--nodes", args.nodes);
    number("--base-port", args.base_port);
    for (flag, given) in [
        ("--fresh", args.fresh),
        ("--no-miner", args.no_miner),
        ("--no-coordinator", args.no_coordinator),
        ("--known-jobs", args.known_jobs),
    ] {
        if given {
            list.push(flag.to_owned());
        }
    }
    Ok(list)
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
