//! Owns which node a command is about: what its flags and variables say, else what its home says, else the defaults.

use std::path::{Path, PathBuf};

use ait_app::identifiers::ChainId;
use ait_home::{
    comet::{
        Home,
        config::{AbciAddress, parse_abci_address},
        settings::HomeSettings,
        socket_in,
    },
    settings::{
        DEFAULT_CHAIN_ID, DEFAULT_COMETBFT_RPC, DEFAULT_DB_PATH, parse_chain_id, parse_http_url,
    },
};
use anyhow::{Context, Result, anyhow};
use clap::Args;

/// Which chain.
#[derive(Debug, Args)]
pub struct ChainArgs {
    /// The node's home, made by `ait init`: what it says takes the place of the defaults
    #[arg(long, value_name = "DIR", env = "AIT_HOME")]
    home: Option<PathBuf>,
    /// The chain's name [default: that of the home's genesis; without a home ait-devnet]
    #[arg(long, env = "CHAIN_ID", value_parser = parse_chain_id)]
    chain_id: Option<ChainId>,
}

/// Which store.
#[derive(Debug, Args)]
pub struct StoreArgs {
    #[command(flatten)]
    chain: ChainArgs,
    /// The folder of the store [default: chain.db in the home; without a home ./data/chain.db]
    #[arg(long, env = "DB_PATH")]
    db_path: Option<PathBuf>,
}

/// Which node, and where its two processes find each other.
#[derive(Debug, Args)]
pub struct NodePlaceArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// Where to listen for CometBFT: unix:///PATH, or tcp://IP:PORT, where every user of the machine can speak for
    /// CometBFT [default: as the home's config.toml says; without a home the socket app.sock beside the store]
    #[arg(long, env = "ABCI_BIND", value_parser = parse_abci_address)]
    abci_bind: Option<AbciAddress>,
    /// CometBFT's RPC [default: as the home's config.toml says; without a home http://127.0.0.1:26657]
    #[arg(long, value_name = "COMETBFT_RPC", env = "COMETBFT_RPC", value_parser = parse_http_url)]
    comet_rpc: Option<String>,
}

/// A node's chain and store.
#[derive(Debug)]
pub struct StorePlace {
    /// The chain's name.
    pub chain_id: ChainId,
    /// The folder of the store.
    pub db_path: PathBuf,
}

/// Where a node is.
#[derive(Debug)]
pub struct NodePlace {
    /// Its chain and store.
    pub store: StorePlace,
    /// Its home, if it has one.
    pub home: Option<PathBuf>,
    /// Where it listens for CometBFT.
    pub abci: AbciAddress,
    /// CometBFT's RPC, a URL.
    pub comet_rpc: String,
    /// The settings in force that contradict the home.
    pub overridden: Vec<&'static str>,
}

impl ChainArgs {
    /// The chain's name.
    ///
    /// # Errors
    /// What is wrong with the home.
    pub fn chain_id(&self) -> Result<ChainId> {
        self.given_or(self.settings()?.as_ref())
    }

    fn settings(&self) -> Result<Option<HomeSettings>> {
        let read = |home| HomeSettings::read(&Home::new(home));
        Ok(self.home.as_ref().map(read).transpose()?)
    }

    fn given_or(&self, home: Option<&HomeSettings>) -> Result<ChainId> {
        let given = self.chain_id.as_ref();
        match given.or(home.map(|home| &home.chain_id)) {
            Some(chain_id) => Ok(chain_id.clone()),
            None => parse_chain_id(DEFAULT_CHAIN_ID).map_err(|rule| anyhow!(rule)),
        }
    }
}

impl StoreArgs {
    /// Its chain and its folder.
    ///
    /// # Errors
    /// What is wrong with the home.
    pub fn place(&self) -> Result<StorePlace> {
        self.given_or(self.chain.settings()?.as_ref())
    }

    fn given_or(&self, home: Option<&HomeSettings>) -> Result<StorePlace> {
        let of_home = self.chain.home.as_ref().map(|home| Home::new(home).store());
        let given = self.db_path.clone();
        Ok(StorePlace {
            chain_id: self.chain.given_or(home)?,
            db_path: given.or(of_home).unwrap_or_else(|| DEFAULT_DB_PATH.into()),
        })
    }
}

impl NodePlaceArgs {
    /// Where the node is.
    ///
    /// # Errors
    /// What is wrong with the home, or that ABCI_BIND must be named.
    pub fn place(&self) -> Result<NodePlace> {
        let home = self.store.chain.settings()?;
        let store = self.store.given_or(home.as_ref())?;
        let abci = match (&self.abci_bind, &home) {
            (Some(given), _) => given.clone(),
            (None, Some(home)) => home.abci.clone(),
            (None, None) => socket_in(folder_of(&store.db_path)?)?,
        };
        let comet_rpc = match (&self.comet_rpc, &home) {
            (Some(given), _) => given.clone(),
            (None, Some(home)) => home.comet_rpc.clone(),
            (None, None) => DEFAULT_COMETBFT_RPC.to_owned(),
        };
        let overridden = home.map_or_else(Vec::new, |home| {
            let settings = [
                ("CHAIN_ID", store.chain_id != home.chain_id),
                ("ABCI_BIND", abci != home.abci),
                ("COMETBFT_RPC", comet_rpc != home.comet_rpc),
            ];
            let differing = settings.into_iter().filter(|(_, differs)| *differs);
            differing.map(|(name, _)| name).collect()
        });
        Ok(NodePlace {
            store,
            home: self.store.chain.home.clone(),
            abci,
            comet_rpc,
            overridden,
        })
    }
}

fn folder_of(db_path: &Path) -> Result<&Path> {
    let parent = db_path.parent();
    parent.with_context(|| format!("DB_PATH {} is no folder's name", db_path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::{CommandFactory, FromArgMatches, Parser, builder::Resettable};
    use tempfile::TempDir;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        place: NodePlaceArgs,
    }

    fn place(flags: &[&str]) -> Result<NodePlace> {
        // What the environment of the tests has is not meant.
        let command = Command::command().mut_args(|arg| arg.env(Resettable::Reset));
        let matches = command.get_matches_from([&["ait"], flags].concat());
        Command::from_arg_matches(&matches).unwrap().place.place()
    }

    fn home() -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config");
        fs::create_dir(&config).unwrap();
        let toml = "proxy_app = \"unix:///run/x.sock\"\nrpc.laddr = \"tcp://127.0.0.1:7001\"\n";
        fs::write(config.join("config.toml"), toml).unwrap();
        fs::write(config.join("genesis.json"), "{\"chain_id\":\"of-home\"}").unwrap();
        folder
    }

    #[test]
    fn without_a_home_the_defaults_hold_and_no_port_is_open_to_other_users() {
        let place = place(&[]).unwrap();
        assert_eq!(place.store.chain_id.as_str(), "ait-devnet");
        assert_eq!(place.store.db_path, PathBuf::from("./data/chain.db"));
        assert_eq!(place.comet_rpc, "http://127.0.0.1:26657");
        let beside = std::env::current_dir().unwrap().join("data/app.sock");
        assert_eq!(place.abci, AbciAddress::Unix(beside));
    }

    #[test]
    fn a_home_takes_the_place_of_the_defaults_and_flags_win_over_it() {
        let folder = home();
        let path = folder.path().to_str().unwrap();
        let of_home = place(&["--home", path]).unwrap();
        assert_eq!(of_home.store.chain_id.as_str(), "of-home");
        assert_eq!(of_home.store.db_path, folder.path().join("chain.db"));
        assert_eq!(of_home.abci, AbciAddress::Unix("/run/x.sock".into()));
        assert_eq!(of_home.comet_rpc, "http://127.0.0.1:7001");
        assert!(of_home.overridden.is_empty());

        let flags = ["--home", path, "--db-path", "/d/chain.db", "--comet-rpc"];
        let given = place(&[&flags[..], &["http://127.0.0.1:1"]].concat()).unwrap();
        assert_eq!(given.store.db_path, PathBuf::from("/d/chain.db"));
        assert_eq!(given.comet_rpc, "http://127.0.0.1:1");
        assert_eq!(given.store.chain_id.as_str(), "of-home");
        assert_eq!(given.overridden, ["COMETBFT_RPC"]);
    }

    #[test]
    fn a_folder_that_is_no_home_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let said = place(&["--home", folder.path().to_str().unwrap()]).unwrap_err();
        assert!(said.to_string().contains("config.toml"), "{said}");
    }
}
