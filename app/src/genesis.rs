//! Owns the genesis: CometBFT's `app_state` = `{accounts, params}` and the state it stands for
//! (PROTOCOL section 10).

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    address::Address,
    bank::record::{Account, Supply},
    code::Code,
    engine::ConsensusAddress,
    error::{Failure, InvariantViolation, Refusal},
    identifiers::ChainId,
    json,
    params::{
        table::{ParamKey, ParamValue, Params},
        values::ConsensusMode,
    },
    prelude::*,
    quantity::{Count, Height, Uait},
    receipts::record::Decay,
    staking::{end_block::install_authorities, record::Consensus},
    state::{Key, Overlay, State, Value, View},
    upgrades::record::{Protocol, ProtocolVersion},
};

/// The highest first block: half of the protocol's integers are left for the chain's own heights, so
/// that no due height passes their limit.
pub const MAX_INITIAL_HEIGHT: u64 = 1 << 52;

/// What a chain begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Genesis {
    /// Balances.
    pub accounts: BTreeMap<Address, Uait>,
    /// The first params.
    pub params: Params,
    /// The version of the protocol that its first block runs under.
    pub protocol: ProtocolVersion,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AppState<'a> {
    #[serde(deserialize_with = "json::unique_map")]
    accounts: BTreeMap<Address, Uait>,
    #[serde(borrow, deserialize_with = "json::unique_map")]
    params: BTreeMap<alloc::borrow::Cow<'a, str>, &'a RawValue>,
}

impl Genesis {
    /// Reads `app_state`. `accounts` maps addresses to balances in uait; `params` names `admin`,
    /// `authorities` and any others that shall differ from their defaults.
    ///
    /// `evidence_max_age_num_blocks` is CometBFT's, of the same genesis file, and so is `protocol`, the
    /// `version.app` of its consensus params.
    ///
    /// # Errors
    /// A refusal that names the field: the chain does not start on it.
    pub fn parse(
        app_state: &[u8],
        evidence_max_age_num_blocks: u64,
        protocol: ProtocolVersion,
    ) -> Result<Self, Refusal> {
        if !protocol.is_known() {
            return Err(Refusal::field(format!(
                "field version.app is {protocol}: this program knows the protocol's versions {} to {}",
                ProtocolVersion::V2,
                ProtocolVersion::NEWEST
            )));
        }
        let form: AppState<'_> = json::read(app_state, "app_state")?;
        let age = Height::new(evidence_max_age_num_blocks)
            .ok_or_else(|| Refusal::field("evidence.max_age_num_blocks is above 2^53-1"))?;
        let params = parse_params(&form.params, age, protocol)?;
        let total: u128 = form
            .accounts
            .values()
            .map(|balance| u128::from(balance.get()))
            .sum();
        if total > u128::from(Uait::MAX.get()) {
            return Err(Refusal::field(
                "field app_state.accounts: balances add up to more than 2^53-1 uait",
            ));
        }
        Ok(Self {
            accounts: form.accounts,
            params,
            protocol,
        })
    }

    /// The state before block `initial_height`, with the authorities as its validators.
    ///
    /// # Errors
    /// [`Failure::Refused`] when the genesis contradicts itself or begins too high.
    pub fn state(&self, chain_id: ChainId, initial_height: u64) -> Result<State, Failure> {
        if initial_height > MAX_INITIAL_HEIGHT {
            return Err(Failure::Refused(Refusal::field(format!(
                "field initial_height is {initial_height}, above {MAX_INITIAL_HEIGHT}"
            ))));
        }
        let height = Height::constant(initial_height.saturating_sub(1));
        let mut overlay = Overlay::new(Nothing);
        for key in ParamKey::all_of(self.protocol) {
            overlay.put(&key, self.params.value(key));
        }
        let protocol = Protocol {
            version: self.protocol,
            ..Protocol::default()
        };
        // What has no record is of version 2.
        if protocol != Protocol::default() {
            overlay.put(&(), protocol);
        }
        let mut total = Uait::ZERO;
        for (address, balance) in &self.accounts {
            let account = Account {
                balance: *balance,
                ..Account::default()
            };
            overlay.put(address, account);
            total = total.plus(*balance)?;
        }
        overlay.put(&(), supply(total));
        overlay.put(&(), consensus(&self.params, height));
        install_authorities(&mut overlay, &self.params)?;
        let records = overlay.into_changes();
        Ok(State::of_records(chain_id, height, &records)?)
    }
}

/// A view of what there is before a genesis.
struct Nothing;

impl View for Nothing {
    fn value(&self, _key: &Key) -> Result<Option<Arc<Value>>, InvariantViolation> {
        Ok(None)
    }

    fn key_owner(&self, _key: &ConsensusAddress) -> Option<Address> {
        None
    }
}

fn supply(total: Uait) -> Supply {
    Supply {
        total,
        genesis: total,
        balances: total,
        ..Supply::default()
    }
}

fn consensus(params: &Params, height: Height) -> Consensus {
    Consensus {
        admin_candidate: None,
        decays: vec![Decay {
            bps: params.work_decay_bps,
            epoch: Count::ZERO,
        }],
        epochs: Count::ZERO,
        last_epoch_end: height,
        mode: ConsensusMode::Poa,
        mode_changes: Count::ZERO,
    }
}

fn parse_params(
    entries: &BTreeMap<alloc::borrow::Cow<'_, str>, &RawValue>,
    evidence_max_age_num_blocks: Height,
    protocol: ProtocolVersion,
) -> Result<Params, Refusal> {
    let missing = |name: &str| Refusal::field(format!("field app_state.params.{name} is missing"));
    let mut params = Params::new(Address::treasury(), evidence_max_age_num_blocks);
    for required in ["admin", "authorities"] {
        if !entries.contains_key(required) {
            return Err(missing(required));
        }
    }
    for (name, value) in entries {
        let key = ParamKey::named(name)?;
        key.check_known(protocol)?;
        if key == ParamKey::EvidenceMaxAgeNumBlocks {
            return Err(Refusal::new(
                Code::ParamFixed,
                format!("field app_state.params.{name} is CometBFT's, in consensus_params"),
            ));
        }
        match ParamValue::read(key, value.get().as_bytes())? {
            ParamValue::Authorities(authorities) => {
                params.authorities = authorities.without_proofs();
            }
            value => params.set(key, value),
        }
    }
    params.check_against_each_other()?;
    Ok(params)
}
