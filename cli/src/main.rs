//! The `ait` command: a node, its keys and genesis, transactions and queries, a devnet and its mocks.
//!
//! Owns the dispatch, and the commands that are about one node or one transaction:
//! - `keys`, `init`, `genesis`: make what `ait_home` keeps.
//! - `start`: the node. `limits`: how much of it who may use.
//! - `tx`, `query`: on top of the crate `ait_client`.
//!
//! Settings, files and exit codes are `ait_home`'s; the devnet and the mocks are `ait_devnet`'s.

mod genesis;
mod init;
mod keys;
mod limits;
mod query;
mod start;
mod tx;

use std::{path::PathBuf, process::ExitCode};

use ait_home::{config, exit};
use anyhow::{Context, Result};
use clap::{Parser, Subcommand, error::ContextKind};

/// The AIT chain: a token that is minted only for compute that was delivered
#[derive(Debug, Parser)]
#[command(name = "ait", version, after_help = EXIT_CODES)]
struct Command {
    /// A file with settings, NAME=value a line; flags and the environment win over it [default: .env,
    /// if there is one]
    #[arg(long, value_name = "FILE", global = true)]
    env_file: Option<PathBuf>,
    #[command(subcommand)]
    what: What,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 a flag or setting is wrong, 3 a running \
node stopped by itself (broken invariant), 4 refused by a node or coordinator, or failed in its block, \
5 sent, or maybe sent, with an outcome that is not known";

#[derive(Debug, Subcommand)]
enum What {
    /// Make the home of a CometBFT node
    Init(init::InitArgs),
    /// Run the application: ABCI for CometBFT, REST and the web page for users
    Start(Box<start::StartArgs>),
    /// Make and show keys
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Make a genesis file
    Genesis(genesis::GenesisArgs),
    /// Make, sign and send a transaction
    #[command(subcommand)]
    Tx(Box<tx::TxCommand>),
    /// Ask a node
    Query(query::QueryArgs),
    /// Run the mock coordinator: assigns jobs, attests what is true of the chain, believes every output
    Coordinator(ait_devnet::coordinator::CoordinatorArgs),
    /// Run the mock miner: asks for jobs, hashes for them and claims its receipts
    Miner(ait_devnet::miner::MinerArgs),
    /// Run a whole network on this machine
    Devnet(ait_devnet::network::DevnetArgs),
}

fn main() -> ExitCode {
    let command = match Command::try_parse() {
        Ok(command) => command,
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
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ait: {}", message(&error));
            ExitCode::from(exit::code_of(&error))
        }
    }
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

fn run(command: Command) -> Result<()> {
    let environment = config::Environment::read(command.env_file.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the asynchronous runtime")?;
    runtime.block_on(async {
        match command.what {
            What::Init(args) => init::run(&args, &environment),
            What::Start(args) => start::run(*args, &environment).await,
            What::Keys(command) => keys::run(command, &environment),
            What::Genesis(args) => genesis::run(args, &environment),
            What::Tx(command) => tx::run(*command, &environment).await,
            What::Query(args) => query::run(args, &environment).await,
            What::Coordinator(args) => ait_devnet::coordinator::run(args, &environment).await,
            What::Miner(args) => ait_devnet::miner::run(args, &environment).await,
            What::Devnet(args) => ait_devnet::network::run(args, &environment).await,
        }
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

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
}
