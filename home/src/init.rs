//! Owns making the home of one CometBFT node: whole or not at all, never over another.

use std::{
    fs::{self, DirBuilder, Permissions},
    net::SocketAddr,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use ait_app::crypto::{PublicKey, SecretKey};
use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::Value;

use crate::{
    comet::{
        Home,
        config::{NodeConfig, config_toml},
        keys::{fresh_validator_state_json, node_id, node_key_json, validator_key_json},
        state_sync::StateSync,
    },
    files, keys,
};

/// A home to be made.
#[derive(Debug)]
pub struct InitPlan {
    /// Where.
    pub home: Home,
    /// Its settings.
    pub node: NodeConfig,
    /// The consensus key; random if none.
    pub validator_key: Option<SecretKey>,
    /// The text of its genesis file, checked already.
    pub genesis: Option<String>,
}

/// What others must know of a home.
#[derive(Debug, Clone, Serialize)]
pub struct InitReport {
    /// Its folder.
    pub home: PathBuf,
    /// The id in `id@host:port`.
    pub node_id: String,
    /// The consensus key, for `ait genesis --authority`.
    pub consensus_pubkey: PublicKey,
    /// Where it listens for peers.
    pub p2p: SocketAddr,
    /// Where it serves its RPC.
    pub rpc: SocketAddr,
    /// Where it finds the application.
    pub abci: String,
    /// Whom it keeps connections to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub peers: Vec<String>,
    /// How it begins, if not with the first block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_sync: Option<StateSync>,
}

/// Whether a home can be made there: before anything is asked that takes time.
///
/// # Errors
/// When its `config/` or `data/` exists already.
pub fn check_absent(home: &Home) -> Result<()> {
    for existing in [home.config(), home.data()] {
        if existing.exists() {
            bail!(
                "{} exists already: a home is never made over another, its keys and votes would \
                 be lost. Choose another --home, or move that one away",
                existing.display()
            );
        }
    }
    Ok(())
}

/// Makes a home.
///
/// # Errors
/// When its `config/` or `data/` exists already, or it can't be written. A home is made aside and
/// moved into its place when it is whole.
pub fn create(plan: &InitPlan) -> Result<InitReport> {
    let home = &plan.home;
    check_absent(home)?;
    let validator_key = match &plan.validator_key {
        Some(key) => key.clone(),
        None => keys::random()?,
    };
    let node_key = keys::random()?;
    create_folder(home.folder())?;
    let aside = tempfile::Builder::new()
        .prefix(".init-")
        .tempdir_in(home.folder())
        .with_context(|| format!("cannot write to the folder {}", home.folder().display()))?;
    let draft = Home::new(aside.path());
    write_files(&draft, plan, &validator_key, &node_key)?;
    for (from, to) in [(draft.data(), home.data()), (draft.config(), home.config())] {
        fs::rename(&from, &to).with_context(|| format!("cannot create {}", to.display()))?;
    }
    Ok(InitReport {
        home: home.folder().to_owned(),
        node_id: node_id(&node_key),
        consensus_pubkey: validator_key.public_key(),
        p2p: plan.node.p2p,
        rpc: plan.node.rpc,
        abci: plan.node.abci.to_string(),
        peers: plan.node.peers.iter().map(ToString::to_string).collect(),
        state_sync: plan.node.state_sync.clone(),
    })
}

/// The home's folder, where it is new: its owner's alone, as all in it.
fn create_folder(folder: &Path) -> Result<()> {
    let create = || {
        fs::create_dir_all(folder.parent().unwrap_or(folder))?;
        DirBuilder::new().recursive(true).mode(0o700).create(folder)
    };
    create().with_context(|| format!("cannot create the folder {}", folder.display()))
}

fn write_files(
    draft: &Home,
    plan: &InitPlan,
    validator_key: &SecretKey,
    node_key: &SecretKey,
) -> Result<()> {
    let (config, data) = (draft.config(), draft.data());
    let json = |path: PathBuf, value: Value, mode: u32| {
        let text = serde_json::to_vec_pretty(&value)?;
        files::write_new(&path, &text, mode)
    };
    json(
        config.join("priv_validator_key.json"),
        validator_key_json(validator_key),
        files::SECRET,
    )?;
    json(
        config.join("node_key.json"),
        node_key_json(node_key),
        files::SECRET,
    )?;
    json(
        data.join("priv_validator_state.json"),
        fresh_validator_state_json(),
        files::SECRET,
    )?;
    let toml = config_toml(&plan.node)?;
    files::write_new(&config.join("config.toml"), toml.as_bytes(), files::PUBLIC)?;
    if let Some(genesis) = &plan.genesis {
        files::write_new(&draft.genesis(), genesis.as_bytes(), files::PUBLIC)?;
    }
    for folder in [config, data] {
        fs::set_permissions(&folder, Permissions::from_mode(0o700))
            .with_context(|| format!("cannot write to {}", folder.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::comet::config::AbciAddress;

    fn plan(folder: &Path, seed: u8) -> InitPlan {
        InitPlan {
            home: Home::new(folder.join("comet")),
            node: NodeConfig {
                abci: AbciAddress::Tcp("127.0.0.1:3".parse().unwrap()),
                moniker: "test".into(),
                rpc: "127.0.0.1:2".parse().unwrap(),
                p2p: "127.0.0.1:1".parse().unwrap(),
                peers: Vec::new(),
                block_interval: Duration::from_secs(1),
                devnet: true,
                state_sync: None,
            },
            validator_key: Some(SecretKey::from_seed([seed; 32])),
            genesis: None,
        }
    }

    #[test]
    fn a_home_holds_the_validator_s_key_and_nothing_is_readable_by_others() {
        let folder = tempfile::tempdir().unwrap();
        let plan = plan(folder.path(), 5);
        let report = create(&plan).unwrap();
        let expected = SecretKey::from_seed([5; 32]).public_key();
        assert_eq!(report.consensus_pubkey, expected);
        let config = plan.home.config();
        let text = fs::read_to_string(config.join("priv_validator_key.json")).unwrap();
        assert_eq!(crate::comet::keys::consensus_key_of(&text), Some(expected));
        let folder = plan.home.folder().to_owned();
        let secrets = ["priv_validator_key.json", "node_key.json"].map(|name| config.join(name));
        for secret in secrets.into_iter().chain([folder]) {
            let mode = fs::metadata(&secret).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{}", secret.display());
        }
        let left: Vec<_> = fs::read_dir(plan.home.folder()).unwrap().collect();
        assert_eq!(left.len(), 2, "config and data alone");
    }

    #[test]
    fn a_home_is_never_made_over_another() {
        let folder = tempfile::tempdir().unwrap();
        create(&plan(folder.path(), 5)).unwrap();
        let again = plan(folder.path(), 6);
        let error = create(&again).unwrap_err();
        assert!(error.to_string().contains("exists already"), "{error}");
        let text = fs::read_to_string(again.home.config().join("priv_validator_key.json")).unwrap();
        let kept = SecretKey::from_seed([5; 32]).public_key();
        assert_eq!(crate::comet::keys::consensus_key_of(&text), Some(kept));
    }
}
