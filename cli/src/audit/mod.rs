//! Owns `ait audit`: whoever trusts nobody executes a node's blocks again, and compares; `abci` does the same with the
//! calls that a node recorded.
//!
//! Reading order of the former: `source` (what the node is asked), `request` (what CometBFT would ask of the application for a
//! block), `hashes`, `evidence` and `validators` (what a header has of them), `compare` (what a difference is), `start`
//! (from where), `replay` (the blocks, one after the other), `report` (what it came to). Touches no node's store.

mod abci;
mod compare;
mod evidence;
mod hashes;
mod replay;
mod report;
mod request;
mod source;
mod start;
#[cfg(test)]
mod tests;
mod validators;

use std::path::PathBuf;

use ait_abci::SnapshotFiles;
use ait_app::state::AppHash;
use ait_home::{
    files,
    genesis::{self, MAX_FILE_BYTES},
    output,
    settings::{TrustArgs, parse_http_url},
};
use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Subcommand};

use crate::{
    rpc::{Node, SyncInfo, shown},
    snapshot::parse_app_hash,
};
use replay::replay;
use report::{Report, VERIFIED};
use source::Source;
use start::Given;

/// `ait audit`
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Execute a node's blocks again, from the genesis or a snapshot on, and compare; the first difference ends it with
    /// exit code 1
    Replay(ReplayArgs),
    /// Execute the calls that a node recorded (AIT_ABCI_RECORD) again, and compare the answers; the first difference
    /// ends it with exit code 1
    Abci(abci::AbciArgs),
}

/// `ait audit replay`
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// CometBFT's RPC of the node, http(s)://HOST:PORT; it is trusted for nothing
    #[arg(long, value_name = "URL", value_parser = parse_http_url)]
    rpc: String,
    /// The chain's genesis file, as you have it from somebody you trust [default: the node's own]
    #[arg(long, value_name = "FILE", conflicts_with = "from_snapshot")]
    genesis: Option<PathBuf>,
    /// Begin with the snapshot in this folder; the blocks behind its height follow
    #[arg(long, value_name = "DIR")]
    from_snapshot: Option<PathBuf>,
    /// The app hash that the snapshot must have, in hex, as you have it from somebody you trust
    #[arg(long, value_name = "HEX", requires = "from_snapshot", value_parser = parse_app_hash)]
    app_hash: Option<AppHash>,
    /// The last block to execute [default: the last but one of the node, whose app hash the last one has]
    #[arg(long, value_name = "HEIGHT", value_parser = clap::value_parser!(u64).range(1..))]
    to: Option<u64>,
    #[command(flatten)]
    tls: TrustArgs,
}

/// Runs the command.
///
/// # Errors
/// What differs, or what kept it from being found out, for people.
pub async fn run(command: AuditCommand) -> Result<()> {
    match command {
        AuditCommand::Replay(args) => run_replay(args).await,
        AuditCommand::Abci(args) => tokio::task::block_in_place(|| abci::run(&args)),
    }
}

async fn run_replay(args: ReplayArgs) -> Result<()> {
    let source = Source::new(Node::new(&args.rpc, &args.tls.trust())?);
    let (given, trusted) = given(&args, &source).await?;
    let status = source.status().await?;
    let (chain_id, network) = (given.chain_id(), &status.node_info.network);
    ensure!(
        network == chain_id.as_str(),
        "{} is of chain {:?}, not of {chain_id}",
        args.rpc,
        shown(network)
    );
    let (from, needed) = given.first_blocks()?;
    let to = last_block(&args, &status.sync_info, from, needed)?;
    let folder = tempfile::Builder::new()
        .prefix("ait-audit-")
        .tempdir()
        .context("cannot make a temporary folder")?;
    let start = given.start(&source, &folder).await?;
    let outcome = replay(&source, start, to).await?;
    let report = Report {
        agrees: outcome.differences.is_empty(),
        chain_id: chain_id.to_string(),
        trusted,
        from,
        to,
        counts: outcome.counts,
        app_hash: hex::encode_upper(&outcome.app_hash),
        verified: VERIFIED,
        differences: outcome.differences,
    };
    output::json(&report)?;
    if report.agrees {
        return Ok(());
    }
    let lines: Vec<String> = report.differences.iter().map(ToString::to_string).collect();
    bail!("{} differs:\n  {}", args.rpc, shown_lines(&lines));
}

/// What others wrote is in it: nothing that a terminal would obey.
fn shown_lines(lines: &[String]) -> String {
    let plain = |line: &String| line.replace(char::is_control, "\u{fffd}");
    lines.iter().map(plain).collect::<Vec<_>>().join("\n  ")
}

/// What the replay begins with, and what is taken as given then.
async fn given(args: &ReplayArgs, source: &Source) -> Result<(Given, String)> {
    if let Some(path) = &args.from_snapshot {
        let files = SnapshotFiles::open(path)
            .with_context(|| format!("no snapshot in {}", path.display()))?;
        let hash = files.manifest().app_hash();
        let trusted = match args.app_hash {
            Some(_) => format!("app hash {hash} of --app-hash"),
            None => format!("app hash {hash} of the snapshot in {}", path.display()),
        };
        return Ok((Given::Snapshot(files, args.app_hash), trusted));
    }
    let (text, origin) = match &args.genesis {
        Some(path) => {
            let text = files::read_text(path, MAX_FILE_BYTES)?;
            (text, path.display().to_string())
        }
        None => (source.genesis().await?, args.rpc.clone()),
    };
    let chain_id = genesis::check(&text).with_context(|| format!("the genesis of {origin}"))?;
    Ok((
        Given::Genesis(chain_id, text),
        format!("the genesis of {origin}"),
    ))
}

/// The last block to execute, where the node has all that are needed.
fn last_block(args: &ReplayArgs, has: &SyncInfo, from: u64, needed: u64) -> Result<u64> {
    let (earliest, latest) = (has.earliest_block_height, has.latest_block_height);
    if earliest > needed {
        bail!(
            "{} keeps blocks {earliest} to {latest}, and block {needed} is needed: name a node that keeps all, or \
             begin by --from-snapshot with a snapshot of height {earliest} or later",
            args.rpc
        );
    }
    let last = latest.saturating_sub(1);
    let to = args.to.unwrap_or(last);
    if to > last {
        bail!(
            "{} is at block {latest}, and the app hash after block {to} is in block {}: name an earlier block by --to",
            args.rpc,
            to.saturating_add(1)
        );
    }
    if to < from {
        bail!(
            "block {from} is the first to execute, and {to} the last: there is nothing to replay"
        );
    }
    Ok(to)
}
