//! Owns what a home says of its node: the chain, where the application listens, where CometBFT has its RPC. Reads, and
//! changes nothing.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
};

use ait_app::identifiers::ChainId;
use serde::Deserialize;
use toml_edit::{DocumentMut, Item};

use super::{
    Home,
    config::{AbciAddress, parse_abci_address},
};
use crate::{files, genesis, settings::parse_http_url};

/// The longest `config.toml` that is read, bytes: CometBFT's has some 20 KiB.
pub const MAX_CONFIG_BYTES: u64 = 1024 * 1024;

/// What `ait init` and the genesis told a home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HomeSettings {
    /// `chain_id` of `config/genesis.json`.
    pub chain_id: ChainId,
    /// `proxy_app` of `config/config.toml`.
    pub abci: AbciAddress,
    /// The URL of `rpc.laddr` of `config/config.toml`; loopback where that is every interface.
    pub comet_rpc: String,
}

/// Why a home can't be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// A file is not there.
    #[error("the home lacks {}: {advice}", file.display())]
    Missing {
        /// Which.
        file: PathBuf,
        /// What to do.
        advice: &'static str,
    },
    /// A file can't be read, or is longer than such files are.
    #[error("{0:#}")]
    Unreadable(anyhow::Error),
    /// A file has not the form that it should have.
    #[error("{} can't be understood ({reason}): {advice}", file.display())]
    Malformed {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        advice: &'static str,
    },
    /// A value is missing, or breaks its rule.
    #[error("{field} in {}: {rule}", file.display())]
    Field {
        /// Where.
        file: PathBuf,
        /// Which.
        field: &'static str,
        /// The rule.
        rule: String,
    },
}

const CONFIG_ADVICE: &str =
    "`ait init --home` makes one; of an existing node, take it from a backup";
const GENESIS_ADVICE: &str =
    "put the chain's genesis file there, or make the one of a new chain with `ait genesis --out`";

/// Of CometBFT's genesis file, what a home is asked for.
#[derive(Deserialize)]
struct GenesisHead {
    chain_id: String,
}

impl HomeSettings {
    /// Reads them.
    ///
    /// # Errors
    /// Names the file, the field where it is one, and what to do.
    pub fn read(home: &Home) -> Result<Self, HomeError> {
        let file = home.config_file();
        let text = read(&file, MAX_CONFIG_BYTES, CONFIG_ADVICE)?;
        let config: DocumentMut = text
            .parse()
            .map_err(|error| malformed(&file, &error, CONFIG_ADVICE))?;
        let proxy_app = Field::of(&file, "proxy_app", config.get("proxy_app"))?;
        let abci = proxy_app.parse(parse_abci_address)?;
        let laddr = config.get("rpc").and_then(|rpc| rpc.get("laddr"));
        let comet_rpc = Field::of(&file, "rpc.laddr", laddr)?.parse(rpc_url)?;

        let file = home.genesis();
        let text = read(&file, genesis::MAX_FILE_BYTES, GENESIS_ADVICE)?;
        let head: GenesisHead = serde_json::from_str(&text)
            .map_err(|error| malformed(&file, &error, GENESIS_ADVICE))?;
        let chain_id = head.chain_id.parse().map_err(|error| HomeError::Field {
            file,
            field: "chain_id",
            rule: format!("{error}"),
        })?;
        Ok(Self {
            chain_id,
            abci,
            comet_rpc,
        })
    }
}

/// A text of `config.toml`.
struct Field<'a> {
    file: &'a Path,
    name: &'static str,
    text: &'a str,
}

impl<'a> Field<'a> {
    fn of(file: &'a Path, name: &'static str, item: Option<&'a Item>) -> Result<Self, HomeError> {
        let text = item
            .and_then(Item::as_str)
            .ok_or_else(|| HomeError::Field {
                file: file.to_owned(),
                field: name,
                rule: "it must be there, and a text".to_owned(),
            })?;
        Ok(Self { file, name, text })
    }

    fn parse<T>(&self, parse: impl Fn(&str) -> Result<T, String>) -> Result<T, HomeError> {
        parse(self.text).map_err(|rule| HomeError::Field {
            file: self.file.to_owned(),
            field: self.name,
            rule: format!("{:?} is no such address: {rule}", self.text),
        })
    }
}

fn read(file: &Path, limit: u64, advice: &'static str) -> Result<String, HomeError> {
    files::read_text(file, limit).map_err(|error| {
        let cause = error.root_cause().downcast_ref::<io::Error>();
        if cause.is_some_and(|cause| cause.kind() == io::ErrorKind::NotFound) {
            let file = file.to_owned();
            return HomeError::Missing { file, advice };
        }
        HomeError::Unreadable(error)
    })
}

fn malformed(file: &Path, error: &dyn std::error::Error, advice: &'static str) -> HomeError {
    // A parser may show the whole place in several lines.
    let reason = error.to_string();
    HomeError::Malformed {
        file: file.to_owned(),
        reason: reason.lines().next().unwrap_or_default().to_owned(),
        advice,
    }
}

/// The URL at which this machine reaches what listens at `tcp://HOST:PORT`.
fn rpc_url(laddr: &str) -> Result<String, String> {
    let address = laddr.strip_prefix("tcp://").unwrap_or(laddr);
    let reached = match address.parse::<SocketAddr>() {
        Ok(mut address) => {
            match address.ip() {
                IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
                IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
                _ => {}
            }
            address.to_string()
        }
        Err(_) => address.to_owned(),
    };
    match reached.rsplit_once(':') {
        Some((host, port)) if !host.contains('/') && port.parse::<u16>().is_ok_and(|p| p > 0) => {
            parse_http_url(&format!("http://{reached}"))
        }
        _ => Err("must be tcp://HOST:PORT, such as tcp://127.0.0.1:26657".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    const CONFIG: &str =
        "proxy_app = \"unix:///run/ait/app.sock\"\n[rpc]\nladdr = \"tcp://0.0.0.0:7001\"\n";
    const GENESIS: &str = r#"{"chain_id":"my-chain","app_state":{"accounts":{}}}"#;

    fn home(config: &str, genesis: &str) -> (TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        fs::create_dir(home.config()).unwrap();
        fs::write(home.config_file(), config).unwrap();
        fs::write(home.genesis(), genesis).unwrap();
        (folder, home)
    }

    fn refusal(config: &str, genesis: &str) -> String {
        let (_folder, home) = home(config, genesis);
        HomeSettings::read(&home).unwrap_err().to_string()
    }

    #[test]
    fn a_home_says_which_chain_it_is_of_and_where_its_node_listens() {
        let (_folder, home) = home(CONFIG, GENESIS);
        let expected = HomeSettings {
            chain_id: "my-chain".parse().unwrap(),
            abci: AbciAddress::Unix("/run/ait/app.sock".into()),
            comet_rpc: "http://127.0.0.1:7001".to_owned(),
        };
        assert_eq!(HomeSettings::read(&home).unwrap(), expected);
    }

    #[test]
    fn a_home_that_lacks_a_file_says_which_and_what_to_do() {
        for (missing, advice) in [
            ("config/config.toml", "ait init --home"),
            ("config/genesis.json", "ait genesis --out"),
        ] {
            let (folder, home) = home(CONFIG, GENESIS);
            fs::remove_file(folder.path().join(missing)).unwrap();
            let said = HomeSettings::read(&home).unwrap_err().to_string();
            assert!(said.contains(missing) && said.contains(advice), "{said}");
        }
    }

    #[test]
    fn a_file_that_does_not_read_is_named_with_its_field() {
        let config = |from: &str, to: &str| refusal(&CONFIG.replace(from, to), GENESIS);
        for (said, named) in [
            (
                config("= \"unix", "\"unix"),
                "config.toml can't be understood",
            ),
            (config("proxy_app", "proxy"), "proxy_app in "),
            (config("unix:///run/ait/app.sock", "kvstore"), "\"kvstore\""),
            (config("\"tcp://0.0.0.0:7001\"", "7001"), "rpc.laddr in "),
            (config("0.0.0.0:7001", ""), "tcp://HOST:PORT"),
            (
                config("tcp://0.0.0.0:7001", "unix:///x:1"),
                "tcp://HOST:PORT",
            ),
            (config("[rpc]", "[rpc]]"), "config.toml can't be understood"),
            (refusal(CONFIG, ""), "genesis.json can't be understood"),
            (refusal(CONFIG, "{}"), "missing field `chain_id`"),
            (
                refusal(CONFIG, r#"{"chain_id":"a","chain_id":"b"}"#),
                "duplicate field `chain_id`",
            ),
            (
                refusal(CONFIG, r#"{"chain_id":"No Chain"}"#),
                "chain_id in ",
            ),
        ] {
            assert!(said.contains(named), "{named}: {said}");
            assert!(said.contains("config/"), "{said}");
        }
    }

    #[test]
    fn a_file_that_is_far_too_long_is_not_read() {
        let long = format!("{CONFIG}# {}\n", "x".repeat(2 << 20));
        let said = refusal(&long, GENESIS);
        assert!(
            said.contains("config.toml has") && said.contains("1048576"),
            "{said}"
        );
    }
}
