//! Owns the genesis: CometBFT's `app_state` = `{accounts, params}` and the state it stands for
//! (SPEC section 10).

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    address::Address,
    amount,
    error::{Broken, Failure, Refusal},
    identifiers::ChainId,
    json::{Fields, Json},
    params::{Authority, Params},
    state::{
        Key, State,
        overlay::Overlay,
        records::{Account, Supply},
    },
    validators,
};

/// The highest first block: half of the protocol's integers are left for the chain's own heights, so
/// that no due height passes their limit.
pub const MAX_INITIAL_HEIGHT: u64 = 1 << 52;

/// What a chain begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Genesis {
    /// Balances in uait.
    pub accounts: BTreeMap<Address, u64>,
    /// The first params.
    pub params: Params,
}

impl Genesis {
    /// Reads `app_state`. `accounts` maps addresses to balances in uait; `params` names `admin`,
    /// `authorities` and any others that shall differ from their defaults.
    ///
    /// `evidence_max_age_num_blocks` is CometBFT's, of the same genesis file.
    ///
    /// # Errors
    /// A refusal that names the field: the chain does not start on it.
    pub fn parse(app_state: &[u8], evidence_max_age_num_blocks: u64) -> Result<Self, Refusal> {
        let json = Json::parse(app_state)?;
        let fields = Fields::open(&json, "app_state", &["accounts", "params"], &[])?;
        let params = parse_params(fields.json("params")?, evidence_max_age_num_blocks)?;
        let Json::Object(entries) = fields.json("accounts")? else {
            return Err(fields.refuse("accounts", "must be an object {address: balance}"));
        };
        let mut accounts = BTreeMap::new();
        for (address, balance) in entries {
            let Json::Integer(balance) = balance else {
                return Err(fields.refuse("accounts", "balances are integers 0..=2^53-1"));
            };
            accounts.insert(address.parse()?, *balance);
        }
        let total: u128 = accounts.values().map(|balance| u128::from(*balance)).sum();
        if total > u128::from(amount::MAX) {
            return Err(fields.refuse("accounts", "add up to more than 2^53-1 uait"));
        }
        Ok(Self { accounts, params })
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
        let height = initial_height.saturating_sub(1);
        let empty = State::empty(chain_id, height, self.params.clone());
        let mut overlay = Overlay::new(&empty);
        for (name, value) in self.params.entries()? {
            overlay.put(&Key::Param(name), &value)?;
        }
        let mut total = 0;
        for (address, balance) in &self.accounts {
            let account = Account {
                balance: *balance,
                ..Account::default()
            };
            overlay.put(&Key::Account(*address), &account)?;
            total = amount::add(total, *balance)?;
        }
        let supply = Supply {
            total,
            genesis: total,
            balances: total,
            ..Supply::default()
        };
        overlay.put(&Key::Supply, &supply)?;
        validators::register_keys(&mut overlay, &self.params.authorities)?;
        validators::install_authorities(&mut overlay, &self.params)?;
        Ok(empty.updated(overlay.into_changes(), height)?)
    }
}

fn parse_params(json: &Json, evidence_max_age_num_blocks: u64) -> Result<Params, Refusal> {
    let Json::Object(entries) = json else {
        return Err(Refusal::field("app_state.params must be an object"));
    };
    let known: BTreeSet<String> = Params::new(Address::treasury(), Vec::new(), 0)
        .entries()
        .map_err(|broken: Broken| Refusal::field(broken.to_string()))?
        .into_keys()
        .collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let fields = Fields::open(json, "app_state.params", &["admin", "authorities"], &known)?;
    let admin: Address = fields.parsed("admin")?;
    let nobody: Vec<Authority> = Vec::new();
    let mut params = Params::new(admin, nobody, evidence_max_age_num_blocks);
    for (name, value) in entries {
        if name != "admin" {
            params.set(name, value)?;
        }
    }
    if params.unbonding_blocks < evidence_max_age_num_blocks {
        return Err(Refusal::field(format!(
            "app_state.params.unbonding_blocks is {}, below CometBFT's \
             evidence.max_age_num_blocks {evidence_max_age_num_blocks}",
            params.unbonding_blocks
        )));
    }
    Ok(params)
}
