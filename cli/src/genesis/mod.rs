//! Owns `ait genesis`: CometBFT's `genesis.json` with our `app_state`, from the template in
//! `cometbft-config/`, checked by the state machine itself before it is written.

mod command;

use std::{collections::BTreeMap, time::SystemTime};

use ait_app::{
    Failure,
    address::Address,
    crypto::PublicKey,
    genesis::Genesis,
    identifiers::ChainId,
    json::Json,
    params::{Authority, Params},
};
use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};

pub use command::{GenesisArgs, parse_param_value, run};

use crate::{
    amounts::{parse_ratio, parse_uait},
    config::Environment,
    settings,
};

/// The largest genesis file that is read: 100,000 accounts take about 6 MB.
pub const MAX_FILE_BYTES: u64 = 256 * 1024 * 1024;

const TEMPLATE: &str = include_str!("../../../cometbft-config/genesis.json");
const DEFAULT_MINT_PER_UNIT: &str = "1000";
const DEFAULT_COORDINATOR_RATIO: &str = "0.05";
/// The range of the param `mint_per_unit` (SPEC section 5).
const MAX_MINT_PER_UNIT: u64 = 1_000_000_000;

/// A genesis to be made.
#[derive(Debug, Clone)]
pub struct GenesisPlan {
    /// The chain's name.
    pub chain_id: ChainId,
    /// When it begins.
    pub time: SystemTime,
    /// The account that may change params.
    pub admin: Address,
    /// The first validators, at least one.
    pub authorities: Vec<Authority>,
    /// Registered coordinators.
    pub coordinators: BTreeMap<Address, PublicKey>,
    /// Balances in uait.
    pub accounts: BTreeMap<Address, u64>,
    /// Other params that differ from their defaults, by name.
    pub params: BTreeMap<String, Json>,
}

/// The params that SPEC section 10 takes from the environment: `mint_per_unit`, `coordinator_bps`.
///
/// # Errors
/// When one breaks its rule.
pub fn configured_params(
    environment: &Environment,
    mint_per_unit: Option<&str>,
    coordinator_ratio: Option<&str>,
) -> Result<BTreeMap<String, Json>> {
    let mint_per_unit = settings::MINT_PER_UNIT.or(
        environment,
        mint_per_unit,
        DEFAULT_MINT_PER_UNIT,
        parse_mint_per_unit,
    )?;
    let coordinator_bps = settings::COORDINATOR_RATIO.or(
        environment,
        coordinator_ratio,
        DEFAULT_COORDINATOR_RATIO,
        parse_ratio,
    )?;
    Ok(BTreeMap::from([
        ("mint_per_unit".to_owned(), Json::Integer(mint_per_unit)),
        ("coordinator_bps".to_owned(), Json::Integer(coordinator_bps)),
    ]))
}

fn parse_mint_per_unit(text: &str) -> Result<u64, String> {
    parse_uait(text)
        .ok()
        .filter(|uait| *uait <= MAX_MINT_PER_UNIT)
        .ok_or_else(|| format!("must be uait 0..={MAX_MINT_PER_UNIT} for each compute unit"))
}

/// The text of the genesis file, checked.
///
/// # Errors
/// A message that names the param or account that the state machine refuses.
pub fn build(plan: &GenesisPlan) -> Result<String> {
    let mut params = serde_json::Map::new();
    for (name, value) in &plan.params {
        params.insert(name.clone(), serde_json::to_value(value)?);
    }
    params.insert("admin".into(), json!(plan.admin));
    params.insert("authorities".into(), json!(plan.authorities));
    params.insert("coordinators".into(), json!(plan.coordinators));
    let unbonding = match params.get("unbonding_blocks") {
        Some(given) => given.as_u64().unwrap_or_default(),
        None => Params::new(plan.admin, Vec::new(), 0).unbonding_blocks,
    };
    let mut genesis: Value =
        serde_json::from_str(TEMPLATE).context("the built-in genesis.json template is no JSON")?;
    let time = humantime::format_rfc3339_nanos(plan.time).to_string();
    let values = [
        ("/genesis_time", json!(time)),
        ("/chain_id", json!(plan.chain_id)),
        (
            "/consensus_params/evidence/max_age_num_blocks",
            json!(unbonding.to_string()),
        ),
        ("/app_state/accounts", json!(plan.accounts)),
        ("/app_state/params", Value::Object(params)),
    ];
    for (path, value) in values {
        let place = genesis
            .pointer_mut(path)
            .with_context(|| format!("the built-in genesis.json template has no {path}"))?;
        *place = value;
    }
    let mut text = serde_json::to_string_pretty(&genesis)?;
    text.push('\n');
    check(&text)?;
    Ok(text)
}

/// Whether a chain can start on the text of a genesis file; gives its chain's name.
///
/// # Errors
/// A message that names what is wrong.
pub fn check(text: &str) -> Result<ChainId> {
    let genesis: Value = serde_json::from_str(text).context("the genesis file is no JSON")?;
    let chain_id: ChainId = genesis
        .get("chain_id")
        .and_then(Value::as_str)
        .context("the genesis file has no chain_id")?
        .parse()?;
    let max_age = "/consensus_params/evidence/max_age_num_blocks";
    let max_age: u64 = genesis
        .pointer(max_age)
        .and_then(Value::as_str)
        .and_then(|number| number.parse().ok())
        .with_context(|| format!("the genesis file has no {max_age}"))?;
    let app_state = genesis
        .get("app_state")
        .context("the genesis file has no app_state: it is not of this kind of chain")?;
    let parsed = Genesis::parse(&serde_json::to_vec(app_state)?, max_age)
        .map_err(|refusal| anyhow!("the genesis is refused: {refusal}"))?;
    parsed
        .state(chain_id.clone(), 1)
        .map_err(|failure| match failure {
            Failure::Refused(refusal) => anyhow!("the genesis is refused: {refusal}"),
            Failure::Broken(broken) => anyhow!("the genesis contradicts itself: {broken}"),
        })?;
    Ok(chain_id)
}

#[cfg(test)]
mod tests {
    use ait_app::crypto::SecretKey;

    use super::*;
    use crate::keys::PublicParts;

    fn account(seed: u8) -> PublicParts {
        PublicParts::of(&SecretKey::from_seed([seed; 32]))
    }

    fn plan() -> GenesisPlan {
        let (admin, authority, coordinator) = (account(1), account(2), account(3));
        GenesisPlan {
            chain_id: "test-1".parse().unwrap(),
            time: SystemTime::UNIX_EPOCH,
            admin: admin.address,
            authorities: vec![Authority {
                address: authority.address,
                pubkey: account(4).pubkey,
                power: 10,
            }],
            coordinators: BTreeMap::from([(coordinator.address, coordinator.pubkey)]),
            accounts: BTreeMap::from([(account(5).address, 7_000_000)]),
            params: configured_params(&Environment::default(), None, None).unwrap(),
        }
    }

    #[test]
    fn the_genesis_carries_the_settings_of_the_protocol_and_the_plan() {
        let text = build(&plan()).unwrap();
        let genesis: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(genesis["chain_id"], "test-1");
        assert_eq!(genesis["genesis_time"], "1970-01-01T00:00:00.000000000Z");
        let consensus = &genesis["consensus_params"];
        assert_eq!(consensus["block"]["max_bytes"], "4194304");
        assert_eq!(consensus["block"]["max_gas"], "-1");
        assert_eq!(consensus["evidence"]["max_age_num_blocks"], "100");
        let params = &genesis["app_state"]["params"];
        assert_eq!(params["mint_per_unit"], 1000);
        assert_eq!(params["coordinator_bps"], 500);
        let rich = account(5).address.to_string();
        assert_eq!(genesis["app_state"]["accounts"][&rich], 7_000_000);
        assert_eq!(check(&text).unwrap().as_str(), "test-1");
    }

    #[test]
    fn evidence_lasts_as_long_as_unbonding() {
        let mut plan = plan();
        plan.params
            .insert("unbonding_blocks".into(), Json::Integer(250));
        let genesis: Value = serde_json::from_str(&build(&plan).unwrap()).unwrap();
        let evidence = &genesis["consensus_params"]["evidence"];
        assert_eq!(evidence["max_age_num_blocks"], "250");
    }

    #[test]
    fn what_the_state_machine_refuses_is_refused_by_name() {
        let refused = |change: fn(&mut GenesisPlan), name: &str| {
            let mut plan = plan();
            change(&mut plan);
            let error = format!("{:#}", build(&plan).unwrap_err());
            assert!(error.contains(name), "{error}");
        };
        refused(|plan| plan.authorities.clear(), "authorities");
        refused(
            |plan| {
                plan.accounts
                    .insert(account(6).address, ait_app::amount::MAX);
            },
            "accounts",
        );
        refused(
            |plan| {
                plan.params.insert("epoch_blocks".into(), Json::Integer(0));
            },
            "epoch_blocks",
        );
        refused(
            |plan| {
                plan.params.insert("epochs".into(), Json::Integer(1));
            },
            "epochs",
        );
        refused(
            |plan| {
                plan.params
                    .insert("unbonding_blocks".into(), Json::String("x".into()));
            },
            "unbonding_blocks",
        );
    }

    #[test]
    fn settings_out_of_range_are_named() {
        let nothing = Environment::default();
        for (mint, ratio, name) in [
            (Some("1000000001"), None, "MINT_PER_UNIT"),
            (None, Some("1.5"), "COORDINATOR_RATIO"),
        ] {
            let error = configured_params(&nothing, mint, ratio).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
