//! The `ait` command: a node, its keys and genesis, transactions and queries, a devnet and its mocks.
//!
//! Owns the dispatch, and the commands that are about one node or one transaction:
//! - `keys`, `init`, `genesis`: make what `ait_home` keeps.
//! - `join`: how `init` finds what a node needs to join a running network.
//! - `start`: the node. `comet`: CometBFT as its child. `limits`: how much of it who may use. `record`: what of it is
//!   recorded. `store`: its store while it is stopped. `rollback`: its last block taken back. `repair`: what crashes
//!   left of CometBFT's files. `snapshot`: its snapshots as files. `place`: where each of these is.
//!   `values`: how their settings are read.
//! - `audit`: a node's blocks, executed again by whoever does not trust it. `rpc`: how a node's CometBFT is asked.
//! - `verify`: a record with what proves it, from a node or a file that nobody trusts.
//! - `status`: one look at a node, and what is wrong with it. `doctor`: its home and machine, before it runs.
//! - `tx`, `query`: on top of the crate `ait_client`.
//! - `bench`: on top of the crate `ait_load`.
//!
//! Settings, files and exit codes are `ait_home`'s; the devnet and the mocks are `ait_devnet`'s.

mod audit;
mod bench;
mod comet;
mod doctor;
mod genesis;
mod init;
mod join;
mod keys;
mod limits;
mod place;
mod query;
mod record;
mod repair;
mod rollback;
mod rpc;
mod snapshot;
mod start;
mod status;
mod store;
mod tx;
mod values;
mod verify;

use std::{path::PathBuf, process::ExitCode};

use ait_abci::{Halt, OpenError};
use ait_home::{env_file, exit};
use anyhow::{Context, Result};
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand, error::ContextKind};

/// A block is made of many small pieces: glibc's allocator takes a third of the application's time for them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The AIT chain: a token that is minted only for compute that was delivered
#[derive(Debug, Parser)]
#[command(name = "ait", version, after_help = EXIT_CODES)]
struct Command {
    /// A file with settings, NAME=value a line; flags and the environment win over it [default: .env,
    /// if there is one]
    // Read by `env_file::load`, before clap reads the environment.
    #[arg(long, value_name = "FILE", global = true)]
    env_file: Option<PathBuf>,
    #[command(subcommand)]
    what: What,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 a flag or setting is wrong, 3 a running \
node stopped by itself (invariant violation, or an upgrade that it does not have), 4 refused by a node or coordinator, or failed in its block, \
5 sent, or maybe sent, with an outcome that is not known, 6 refuted and 7 cannot tell, of `ait verify`";

#[derive(Debug, Subcommand)]
enum What {
    /// Make the home of a CometBFT node
    Init(Box<init::InitArgs>),
    /// Run the application: ABCI for CometBFT, REST and the web page for users
    Start(Box<start::StartArgs>),
    /// Look at a node's store, or bring it over to another database
    #[command(subcommand)]
    Store(store::StoreCommand),
    /// Mend what crashes left of CometBFT's files, on a node that is stopped
    Repair(Box<repair::RepairArgs>),
    /// Take the last block of a node that is stopped back, so that the next start executes it again
    Rollback(Box<rollback::RollbackArgs>),
    /// Take, show, copy, check and restore snapshots of a node's state
    #[command(subcommand)]
    Snapshot(snapshot::SnapshotCommand),
    /// Verify a chain without trusting a node of it
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Verify a balance, an escrow, a receipt or another record without trusting the node that shows it
    Verify(Box<verify::VerifyArgs>),
    /// Make and show keys
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Make a genesis file
    Genesis(genesis::GenesisArgs),
    /// Make, sign and send a transaction
    #[command(subcommand)]
    Tx(Box<tx::TxCommand>),
    /// Look at a node: its height against its peers', its validator, its disk, and what is wrong
    Status(status::StatusArgs),
    /// Look at a node's home and machine, before it runs or while it does: files, keys, disk, ports, clock
    Doctor(doctor::DoctorArgs),
    /// Ask a node
    Query(query::QueryArgs),
    /// Run the mock coordinator: assigns jobs, attests what is true of the chain, believes every output
    Coordinator(ait_devnet::coordinator::CoordinatorArgs),
    /// Run the mock miner: asks for jobs, hashes for them and claims its receipts
    Miner(ait_devnet::miner::MinerArgs),
    /// Measure a chain from outside
    #[command(subcommand)]
    Bench(bench::BenchCommand),
    /// Run a whole network on this machine
    Devnet(Box<ait_devnet::network::DevnetArgs>),
}

fn main() -> ExitCode {
    if let Some(code) = comet::become_program(std::env::args_os()) {
        return code;
    }
    // First, while there is one thread: what it sets are variables of the process.
    if let Err(error) = env_file::load(std::env::args_os()) {
        return failed(&error);
    }
    let matches = command().try_get_matches();
    let parsed = matches.and_then(|matches| Ok((Command::from_arg_matches(&matches)?, matches)));
    let (command, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            // What clap takes for a flag is a number that nothing here takes.
            if let Some(number) = negative_number(&error) {
                eprintln!("ait: {number}: amounts and numbers are never negative");
            } else {
                // Help, or what is wrong with the flags.
                let _ = error.print();
            }
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(exit::USAGE));
        }
    };
    match run(command, &matches) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("ait: {}", message(error));
    let halts = error.chain().any(is_halt);
    ExitCode::from(if halts {
        exit::FATAL
    } else {
        exit::code_of(error)
    })
}

/// A node that would halt at its first block does not begin: its unit must not try again either.
fn is_halt(cause: &(dyn std::error::Error + 'static)) -> bool {
    let opened = cause.downcast_ref::<OpenError>();
    cause.is::<Halt>() || matches!(opened, Some(OpenError::Halt(_)))
}

fn command() -> clap::Command {
    env_file::without_empty_variables(Command::command())
}

/// The argument that clap took for a flag and is a negative number.
fn negative_number(error: &clap::Error) -> Option<String> {
    let argument = error.get(ContextKind::InvalidArg)?.to_string();
    let digits = argument.strip_prefix('-')?;
    let begins = digits.bytes().next();
    begins
        .is_some_and(|byte| byte.is_ascii_digit() || byte == b'.')
        .then_some(argument)
}

/// An error and its causes, without those that the errors above them quote already.
fn message(error: &anyhow::Error) -> String {
    let mut message = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if message.is_empty() {
            message = cause;
        } else if !message.contains(&cause) {
            message = format!("{message}: {cause}");
        }
    }
    message
}

fn run(command: Command, matches: &ArgMatches) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the asynchronous runtime")?;
    runtime.block_on(async {
        match command.what {
            What::Init(args) => {
                let its = matches.subcommand().map_or(matches, |(_, its)| its);
                init::run(*args, its).await
            }
            What::Start(args) => start::run(*args).await,
            What::Store(command) => store::run(command),
            What::Rollback(args) => rollback::run(*args),
            What::Repair(args) => repair::run(*args),
            What::Snapshot(command) => snapshot::run(command),
            What::Audit(command) => audit::run(command).await,
            What::Keys(command) => keys::run(command),
            What::Genesis(args) => genesis::run(args),
            What::Tx(command) => tx::run(*command).await,
            What::Status(args) => status::run(args).await,
            What::Doctor(args) => doctor::run(args).await,
            What::Query(args) => query::run(args).await,
            What::Verify(args) => verify::run(*args).await,
            What::Coordinator(args) => ait_devnet::coordinator::run(args).await,
            What::Miner(args) => ait_devnet::miner::run(args).await,
            What::Bench(command) => bench::run(command).await,
            What::Devnet(args) => ait_devnet::network::run(*args).await,
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let cause = anyhow::anyhow!("disk full");
        assert_eq!(message(&cause.context("saving")), "saving: disk full");
        let quoted = anyhow::anyhow!("disk full").context("saving: disk full");
        assert_eq!(message(&quoted), "saving: disk full");
    }

    #[test]
    fn a_negative_amount_is_no_unknown_flag() {
        let to = "ait1rsxyjrcm255ds9euthjx6yc3vrjt9sxr7lv9kh";
        for amount in ["-1", "-1.5ait", "-.5ait"] {
            let line = ["ait", "tx", "transfer", to, amount, "--key", "k"];
            let error = Command::try_parse_from(line).unwrap_err();
            let found = negative_number(&error).unwrap();
            assert!(amount.starts_with(&found), "{found}");
        }
        let error = Command::try_parse_from(["ait", "tx", "-x"]).unwrap_err();
        assert_eq!(negative_number(&error), None);
    }

    #[test]
    fn the_commands_contradict_neither_themselves_nor_each_other() {
        Command::command().debug_assert();
    }

    /// The variables that a command and those under it read, with their defaults.
    fn variables(command: &clap::Command, found: &mut BTreeMap<String, String>) {
        for arg in command.get_arguments() {
            let Some(name) = arg.get_env() else { continue };
            let values = arg.get_default_values().iter();
            let default: String = values.map(|value| value.to_string_lossy()).collect();
            let known = found
                .entry(name.to_string_lossy().into_owned())
                .or_default();
            if !default.is_empty() {
                assert!(
                    known.is_empty() || *known == default,
                    "{name:?} has two defaults"
                );
                *known = default;
            }
        }
        for subcommand in command.get_subcommands() {
            variables(subcommand, found);
        }
    }

    #[test]
    fn the_example_file_explains_every_setting_with_its_default_and_nothing_else() {
        let mut found = BTreeMap::new();
        variables(&Command::command(), &mut found);
        // Those of the environment alone.
        found.remove("AIT_DEVNET_HOME");
        found.remove("COMETBFT");
        let example = include_str!("../../.env.example").lines();
        let lines = example.filter(|line| !line.starts_with('#'));
        let explained = lines.filter_map(|line| line.split_once('='));
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        assert_eq!(found, explained.map(owned).collect());
    }
}
