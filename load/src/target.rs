//! Owns who is loaded: the addresses of nodes, and the keys of who pays and who attests.

use std::path::Path;

use ait_app::crypto::SecretKey;
use ait_client::{Client, http::Trust};
use ait_devnet::network::manifest::Manifest;
use ait_home::keys;

use crate::{
    LoadError, Processes,
    args::{LoadArgs, Through, Workload},
};

/// Who is loaded.
#[derive(Debug)]
pub(crate) struct Target {
    /// REST addresses; none where a kvstore is loaded.
    pub rest: Vec<String>,
    /// CometBFT's RPC addresses.
    pub comet: Vec<String>,
    /// Who pays the senders.
    pub payer: Option<SecretKey>,
    /// Who attests jobs.
    pub coordinator: Option<SecretKey>,
    /// The devnet's processes.
    pub processes: Processes,
}

impl Target {
    /// What the flags name, and else the devnet.
    pub fn of(args: &LoadArgs) -> Result<Self, LoadError> {
        let mut target = Self {
            rest: args.node.clone(),
            comet: args.comet_rpc.clone(),
            payer: args.payer.clone(),
            coordinator: args.coordinator.clone(),
            processes: Processes::default(),
        };
        if !target.lacks_something(args) {
            return Ok(target);
        }
        if !target.rest.is_empty() && target.payer.is_none() {
            let lacking = "--node names a chain whose payer is not known: name --payer too";
            return Err(LoadError::Usage(lacking.to_owned()));
        }
        target.fill_in(&args.home)?;
        Ok(target)
    }

    fn lacks_something(&self, args: &LoadArgs) -> bool {
        let lacks_comet = self.comet.is_empty() && args.through == Through::Comet;
        if args.workload == Workload::Kvstore {
            return lacks_comet;
        }
        let lacks_coordinator = self.coordinator.is_none() && has_jobs(args.workload);
        self.rest.is_empty() || self.payer.is_none() || lacks_comet || lacks_coordinator
    }

    fn fill_in(&mut self, home: &Path) -> Result<(), LoadError> {
        let no_devnet = || LoadError::NoDevnet {
            home: home.display().to_string(),
        };
        let manifest = Manifest::read(home).ok().flatten().ok_or_else(no_devnet)?;
        let key = |path: &Path| {
            let read = keys::secret(&path.to_string_lossy());
            read.map_err(|error| LoadError::Usage(error.to_string()))
        };
        if self.rest.is_empty() && self.comet.is_empty() {
            let pids = manifest.nodes.iter().map(|node| node.pids);
            self.processes = Processes {
                application: pids.clone().filter_map(|pids| pids.app).collect(),
                cometbft: pids.filter_map(|pids| pids.cometbft).collect(),
            };
        }
        if self.rest.is_empty() {
            self.rest = manifest
                .nodes
                .iter()
                .map(|node| node.rest.clone())
                .collect();
        }
        if self.comet.is_empty() {
            self.comet = manifest.nodes.iter().map(|node| node.rpc.clone()).collect();
        }
        if self.payer.is_none() {
            self.payer = Some(key(&manifest.faucet.key_file)?);
        }
        if self.coordinator.is_none() {
            self.coordinator = Some(key(&manifest.coordinator.key_file)?);
        }
        Ok(())
    }

    /// The node that is asked about accounts and blocks.
    pub fn client(&self) -> Result<Client, LoadError> {
        let first = self.rest.first().map_or("", String::as_str);
        Ok(Client::new(first, &Trust::default())?)
    }
}

/// Whether some of it is jobs.
pub(crate) fn has_jobs(workload: Workload) -> bool {
    matches!(workload, Workload::Jobs | Workload::Mix)
}
