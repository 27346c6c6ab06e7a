//! Owns `ait verify`: a record of the state, or that there is none, with what proves it, from nodes that nobody trusts or
//! from a file. What is trusted is a block's height and hash; it is kept and moved forward.

mod kept;
mod network;
mod proof;
mod question;

use std::{
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use ait_app::identifiers::ChainId;
use ait_home::{
    comet::state_sync::TrustedBlock,
    exit::{CannotTell, Refuted},
    files, output,
    settings::{TrustArgs, parse_http_url},
};
use ait_verify::{MAX_DOCUMENT_BYTES, Policy, Rejection, UnixTime};
use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;

use kept::Kept;
use network::Network;
use proof::{Proof, Proven, Shown};
use question::Question;

/// `ait verify`
#[derive(Debug, Args)]
pub struct VerifyArgs {
    #[command(subcommand)]
    question: Question,
    /// The REST addresses of nodes, separated by commas: the first answers, the others are its witnesses
    #[arg(long, value_name = "URL[,URL…]", env = "AIT_NODE", default_value = "http://127.0.0.1:8080", value_parser = parse_http_url, value_delimiter = ',', global = true)]
    node: Vec<String>,
    /// A block that you trust, as you know it from elsewhere; without it, what was kept of an earlier run is trusted
    #[arg(long, value_name = "HEIGHT:HASH", global = true)]
    trust: Option<TrustedBlock>,
    /// The chain that is asked about; needed where several are trusted, since a node could name the other one
    #[arg(long, value_name = "ID", global = true)]
    chain_id: Option<ChainId>,
    /// For how many seconds after its time a block is trusted: less than the chain locks its validators' stake
    #[arg(long, value_name = "SECONDS", default_value_t = Policy::default().trusting_period_seconds, global = true)]
    trusting_period: u64,
    /// The folder in which the trusted block of each chain is kept [default: ~/.ait/light]
    #[arg(long, value_name = "DIR", global = true)]
    state: Option<PathBuf>,
    /// Whom https is trusted by.
    #[command(flatten)]
    tls: TrustArgs,
}

/// What was verified, for people and programs.
#[derive(Debug, Serialize)]
struct Report {
    verified: bool,
    chain_id: String,
    #[serde(flatten)]
    what: Shown,
    /// The header that it hangs from, `HEIGHT:HASH`: it can be trusted from now on.
    header: String,
    /// Its time; of a transaction that of its block.
    time: String,
    /// How many blocks were fetched to get there.
    blocks_fetched: u64,
    /// The nodes that have the same header, besides the one that answered.
    witnesses: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// What is wrong, for people; [`Refuted`] and [`CannotTell`] have exit codes of their own.
pub async fn run(args: VerifyArgs) -> Result<()> {
    let policy = Policy {
        trusting_period_seconds: args.trusting_period,
        ..Policy::default()
    };
    let kept = Kept::in_folder(args.state.clone())?;
    let report = match &args.question {
        Question::File { file } => offline(file, &args, &kept, &policy)?,
        asked => {
            let network = Network::new(&args.node, &args.tls.trust())?;
            online(asked, &args, network, &kept, &policy).await?
        }
    };
    output::json(&report)
}

fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    UnixTime::from_seconds(since.map_or(0, |since| since.as_secs()))
}

async fn online(
    question: &Question,
    args: &VerifyArgs,
    mut network: Network,
    kept: &Kept,
    policy: &Policy,
) -> Result<Report> {
    let trusted = match args.trust {
        Some(block) => network.begin(&block).await?,
        None => kept.of(&asked_chain(args, &network, kept).await?)?,
    };
    is_of_chain(args, trusted.chain_id())?;
    let proof = network.proof(question).await?;
    let target = proof.header_height();
    let (trusted, proven) = if target < trusted.height() {
        let block = network.go_back(&trusted, target).await?;
        (trusted, proof.verify_at(&block).map_err(judged)?)
    } else {
        let trusted = network.follow(trusted, target, now(), policy).await?;
        let proven = proof.verify(&trusted, now(), policy).map_err(judged)?;
        (trusted, proven)
    };
    question.is_answered_by(&proven)?;
    let witnesses = network.witnesses(&trusted, &proven, kept).await?;
    kept.keep(&trusted)?;
    report(&proven, network.fetched(), witnesses)
}

/// The chain whose trusted block is meant.
async fn asked_chain(args: &VerifyArgs, network: &Network, kept: &Kept) -> Result<String> {
    if let Some(chain) = &args.chain_id {
        return Ok(chain.to_string());
    }
    if kept.has_several() {
        let message =
            "blocks of several chains are trusted: name the one that is asked about by --chain-id";
        return Err(CannotTell(message.to_owned()).into());
    }
    network.chain_id().await
}

fn is_of_chain(args: &VerifyArgs, chain_id: &str) -> Result<()> {
    match &args.chain_id {
        Some(asked) if asked.to_string() != chain_id => {
            let message = format!("it is of the chain {chain_id}, not of {asked}");
            Err(Refuted(message).into())
        }
        _ => Ok(()),
    }
}

fn offline(file: &Path, args: &VerifyArgs, kept: &Kept, policy: &Policy) -> Result<Report> {
    let limit = u64::try_from(MAX_DOCUMENT_BYTES).unwrap_or(u64::MAX);
    let text = files::read_text(file, limit)?;
    let proof = Proof::parse(text.as_bytes())
        .map_err(|error| judged(error.into()))
        .with_context(|| format!("{}", file.display()))?;
    let proven = match &args.trust {
        // The trusted block is the one that it hangs from: there is nothing to follow.
        Some(block) => proof.verify_at(block).map_err(judged)?,
        None => {
            let trusted = kept.of(proof.chain_id())?;
            proof.verify(&trusted, now(), policy).map_err(judged)?
        }
    };
    is_of_chain(args, proven.chain_id())?;
    report(&proven, 0, Vec::new())
}

fn report(proven: &Proven, blocks_fetched: u64, witnesses: Vec<String>) -> Result<Report> {
    let (height, hash) = proven.header();
    Ok(Report {
        verified: true,
        chain_id: proven.chain_id().to_owned(),
        what: proven.shown()?,
        header: format!("{height}:{}", hex::encode_upper(hash)),
        time: proven.time().to_string(),
        blocks_fetched,
        witnesses,
    })
}

/// What a rejection means for whoever asked.
fn judged(rejection: Rejection) -> anyhow::Error {
    if rejection.is_refuted() {
        Refuted(rejection.to_string()).into()
    } else {
        CannotTell(rejection.to_string()).into()
    }
}
