//! Owns what the chains of the tests begin with.

use std::collections::BTreeMap;

use ait_app::{genesis::Genesis, identifiers::ChainId, upgrades::record::ProtocolVersion};
use serde_json::{Value, json};

use super::{Chain, Records, audit::check_records};
use crate::{
    actors::{Actor, admin, alice, bob, coordinator, validator, validator_key},
    draft,
};

/// The chain of the tests.
pub const CHAIN_ID: &str = "ait-devnet";

/// CometBFT's `evidence.max_age_num_blocks` of the tests' genesis.
pub const EVIDENCE_MAX_AGE: u64 = 100;

/// What a chain begins with; tests change it before the start.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Balances in uait by address.
    pub accounts: BTreeMap<String, u64>,
    /// Params that differ from their defaults, `admin` and `authorities` among them.
    pub params: Records,
    /// The first block.
    pub initial_height: u64,
}

impl Default for Setup {
    /// Alice, Bob, the admin and the coordinator have money; one coordinator, one authority.
    fn default() -> Self {
        let rich = [alice(), bob(), admin(), coordinator()];
        Self {
            accounts: rich
                .iter()
                .map(|actor| (actor.address().to_string(), 1_000_000_000))
                .collect(),
            params: Records::from([
                ("admin".into(), json!(admin().address().to_string())),
                (
                    "authorities".into(),
                    json!([authority(&validator(), &validator_key(), 10)]),
                ),
                (
                    "coordinators".into(),
                    json!({coordinator().address().to_string(): coordinator().pubkey().to_string()}),
                ),
            ]),
            initial_height: 1,
        }
    }
}

/// One of the `authorities`.
pub fn authority(account: &Actor, consensus_key: &Actor, power: u64) -> Value {
    json!({
        "address": account.address().to_string(),
        "pubkey": consensus_key.pubkey().to_string(),
        "power": power,
    })
}

impl Setup {
    /// The usual params, and money for these.
    pub fn funding<'a>(balances: impl IntoIterator<Item = (&'a Actor, u64)>) -> Self {
        let named = balances.into_iter();
        let accounts = named.map(|(actor, uait)| (actor.address().to_string(), uait));
        Self {
            accounts: accounts.collect(),
            ..Self::default()
        }
    }

    /// With these coordinators, each under its account key.
    #[must_use]
    pub fn coordinators(self, coordinators: &[&Actor]) -> Self {
        let named = coordinators.iter().map(|actor| {
            let key = Value::from(actor.pubkey().to_string());
            (actor.address().to_string(), key)
        });
        self.param("coordinators", named.collect::<Value>())
    }

    /// With this param.
    #[must_use]
    pub fn param(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.params.insert(name.to_owned(), value.into());
        self
    }

    /// With this balance.
    #[must_use]
    pub fn balance(mut self, actor: &Actor, uait: u64) -> Self {
        self.accounts.insert(actor.address().to_string(), uait);
        self
    }

    /// The genesis' `app_state`.
    pub fn app_state(&self) -> Vec<u8> {
        draft::canonical(&json!({"accounts": self.accounts, "params": self.params}))
    }

    /// The chain before its first block.
    pub fn start(&self) -> Chain {
        let genesis =
            Genesis::parse(&self.app_state(), EVIDENCE_MAX_AGE, ProtocolVersion::V2).unwrap();
        let chain_id: ChainId = CHAIN_ID.parse().unwrap();
        let state = genesis.state(chain_id, self.initial_height).unwrap();
        check_records(&state);
        Chain {
            state,
            proposer: Some(validator_key().consensus_address()),
            last_commit: Vec::new(),
            misbehaviour: Vec::new(),
        }
    }
}
