//! Owns genesis files: CometBFT's `genesis.json` with our `app_state`, from the template in
//! `cometbft-config/`, checked by the state machine itself before it is written.

mod file;

use std::{collections::BTreeMap, time::SystemTime};

use ait_app::{
    address::Address,
    crypto::PublicKey,
    identifiers::ChainId,
    params::values::Authority,
    quantity::{BasisPoints, Ranged, Uait},
    upgrades::record::ProtocolVersion,
};
use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Value, json};

pub use file::check;

use crate::amounts::{parse_ratio, parse_uait};

/// The largest genesis file that is read: 100,000 accounts take about 6 MB.
pub const MAX_FILE_BYTES: u64 = 256 * 1024 * 1024;

const TEMPLATE: &str = include_str!("../../../cometbft-config/genesis.json");
/// The range of the param `mint_per_unit` (PROTOCOL section 5).
const MAX_MINT_PER_UNIT: u64 = 1_000_000_000;
/// Blocks after which evidence counts no more, where nothing else is said: fits the params' defaults.
pub const DEFAULT_EVIDENCE_AGE: u64 = 100;

/// The size of blocks where nothing else is said, in bytes (PROTOCOL section 6).
pub const DEFAULT_BLOCK_BYTES: u64 = 4 * 1024 * 1024;
/// The smallest size of blocks: evidence may take 1 MiB of them.
const LEAST_BLOCK_BYTES: u64 = 1024 * 1024;
/// The largest that is made here; larger ones were not measured.
const MOST_BLOCK_BYTES: u64 = 10 * 1024 * 1024;

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
    pub accounts: BTreeMap<Address, Uait>,
    /// Other params that differ from their defaults, by name.
    pub params: BTreeMap<String, Value>,
    /// CometBFT's `evidence.max_age_num_blocks`.
    pub evidence_age: u64,
    /// CometBFT's `block.max_bytes`.
    pub block_bytes: u64,
    /// The version of the protocol that the chain begins with.
    pub protocol: ProtocolVersion,
}

/// The params that PROTOCOL section 10 takes from the environment.
#[derive(Debug, Clone, Args)]
pub struct ParamArgs {
    /// uait minted for each compute unit
    #[arg(long, env = "MINT_PER_UNIT", default_value = "1000", value_parser = parse_mint_per_unit)]
    mint_per_unit: Uait,
    /// The coordinator's share of each mint, 0..=1
    #[arg(long, env = "COORDINATOR_RATIO", default_value = "0.05", value_parser = parse_ratio)]
    coordinator_ratio: BasisPoints,
    /// Bytes of a block, 1 to 10 MiB; every validator needs the time and the connection to take them
    #[arg(long, value_name = "BYTES", default_value_t = DEFAULT_BLOCK_BYTES, value_parser = clap::value_parser!(u64).range(LEAST_BLOCK_BYTES..=MOST_BLOCK_BYTES))]
    pub block_bytes: u64,
    /// The version of the protocol that the chain begins with: 2 or 3; a later one can be planned as an upgrade
    #[arg(long, value_name = "VERSION", default_value = "2", value_parser = parse_protocol)]
    pub protocol: ProtocolVersion,
}

impl ParamArgs {
    /// Them by their names: `mint_per_unit`, `coordinator_bps`.
    pub fn params(&self) -> BTreeMap<String, Value> {
        BTreeMap::from([
            ("mint_per_unit".to_owned(), json!(self.mint_per_unit)),
            ("coordinator_bps".to_owned(), json!(self.coordinator_ratio)),
        ])
    }
}

fn parse_mint_per_unit(text: &str) -> Result<Uait, String> {
    parse_uait(text)
        .ok()
        .filter(|uait| uait.get() <= MAX_MINT_PER_UNIT)
        .ok_or_else(|| format!("must be uait 0..={MAX_MINT_PER_UNIT} for each compute unit"))
}

/// A version of the protocol that this program executes.
///
/// # Errors
/// The versions that there are.
pub fn parse_protocol(text: &str) -> Result<ProtocolVersion, String> {
    let version = text.parse().ok().map(ProtocolVersion::of);
    version.filter(|version| version.is_known()).ok_or_else(|| {
        let (oldest, newest) = (ProtocolVersion::V2, ProtocolVersion::NEWEST);
        format!("must be a version of the protocol, {oldest} to {newest}")
    })
}

/// An authority's voting power.
///
/// # Errors
/// The rule it breaks.
pub fn parse_power(text: &str) -> Result<Ranged<1, 1_000_000_000>, String> {
    let power = text.parse().ok().and_then(Ranged::new);
    power.ok_or_else(|| "the power is a number 1..=1000000000".to_owned())
}

/// The text of the genesis file, checked.
///
/// # Errors
/// A message that names the param or account that the state machine refuses.
pub fn build(plan: &GenesisPlan) -> Result<String> {
    let mut params = serde_json::Map::new();
    for (name, value) in &plan.params {
        params.insert(name.clone(), value.clone());
    }
    params.insert("admin".into(), json!(plan.admin));
    params.insert("authorities".into(), json!(plan.authorities));
    params.insert("coordinators".into(), json!(plan.coordinators));
    let mut genesis: Value =
        serde_json::from_str(TEMPLATE).context("the built-in genesis.json template is no JSON")?;
    let time = humantime::format_rfc3339_nanos(plan.time).to_string();
    let values = [
        ("/genesis_time", json!(time)),
        ("/chain_id", json!(plan.chain_id)),
        (
            "/consensus_params/evidence/max_age_num_blocks",
            json!(plan.evidence_age.to_string()),
        ),
        (
            "/consensus_params/block/max_bytes",
            json!(plan.block_bytes.to_string()),
        ),
        (
            "/consensus_params/version/app",
            json!(plan.protocol.number().to_string()),
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

#[cfg(test)]
mod tests {
    use ait_app::{crypto::SecretKey, quantity::Ranged};
    use clap::{Command, FromArgMatches, builder::Resettable};

    use super::*;

    /// As flags say, whatever the environment of the tests has.
    fn configured(flags: &[&str]) -> Result<ParamArgs, clap::Error> {
        let command = ParamArgs::augment_args(Command::new("ait"));
        let command = command.mut_args(|arg| arg.env(Resettable::Reset));
        let matches = command.try_get_matches_from([&["ait"], flags].concat())?;
        ParamArgs::from_arg_matches(&matches)
    }
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
                power: Ranged::new(10).unwrap(),
                proof: None,
                pubkey: account(4).pubkey,
            }],
            coordinators: BTreeMap::from([(coordinator.address, coordinator.pubkey)]),
            accounts: BTreeMap::from([(account(5).address, Uait::constant(7_000_000))]),
            params: configured(&[]).unwrap().params(),
            evidence_age: DEFAULT_EVIDENCE_AGE,
            block_bytes: DEFAULT_BLOCK_BYTES,
            protocol: ProtocolVersion::V2,
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
    fn the_genesis_decides_how_large_blocks_are() {
        let mut larger = plan();
        larger.block_bytes = 8 * 1024 * 1024;
        let genesis: Value = serde_json::from_str(&build(&larger).unwrap()).unwrap();
        assert_eq!(genesis["consensus_params"]["block"]["max_bytes"], "8388608");
    }

    #[test]
    fn what_unbonds_outlives_evidence_and_an_epoch() {
        let with = |age: u64, unbonding: u64| {
            let mut plan = plan();
            plan.evidence_age = age;
            plan.params
                .insert("unbonding_blocks".into(), json!(unbonding));
            build(&plan)
        };
        assert!(with(100, 112).is_ok());
        let error = with(100, 111).unwrap_err().to_string();
        assert!(error.contains("unbonding_blocks"), "{error}");
        let genesis: Value = serde_json::from_str(&with(8, 20).unwrap()).unwrap();
        let evidence = &genesis["consensus_params"]["evidence"];
        assert_eq!(evidence["max_age_num_blocks"], "8");
    }

    #[test]
    fn settings_of_cometbft_that_break_the_protocol_are_refused_by_name() {
        let whole: Value = serde_json::from_str(&build(&plan()).unwrap()).unwrap();
        for (path, value, name) in [
            (
                "evidence/max_age_duration",
                "100000000001",
                "max_age_duration",
            ),
            ("evidence/max_age_num_blocks", "109", "unbonding_blocks"),
            ("evidence/max_age_num_blocks", "x", "max_age_num_blocks"),
            ("block/max_bytes", "0", "max_bytes"),
            ("block/max_bytes", "104857601", "max_bytes"),
            ("block/max_gas", "1", "max_gas"),
            ("abci/vote_extensions_enable_height", "7", "vote_extensions"),
        ] {
            let mut genesis = whole.clone();
            let place = format!("/consensus_params/{path}");
            *genesis.pointer_mut(&place).unwrap() = json!(value);
            let error = format!("{:#}", check(&genesis.to_string()).unwrap_err());
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn what_cometbft_or_the_chain_would_stumble_over_later_is_refused_by_name() {
        let whole = build(&plan()).unwrap();
        let refused = |from: &str, to: &str, name: &str| {
            let changed = whole.replacen(from, to, 1);
            assert_ne!(changed, whole, "{from}");
            let error = format!("{:#}", check(&changed).unwrap_err());
            assert!(error.contains(name), "{to}: {error}");
        };
        refused(r#""ed25519""#, r#""secp256k1""#, "pub_key_types");
        refused(r#""ed25519""#, r#""ed25519", "secp256k1""#, "pub_key_types");
        refused(
            "1970-01-01T00:00:00.000000000Z",
            "yesterday",
            "genesis_time",
        );
        refused(
            r#""initial_height": "1""#,
            r#""initial_height": "x""#,
            "initial_height",
        );
        refused(
            r#""validators": []"#,
            r#""validators": [{"pub_key": {"type": "tendermint/PubKeyEd25519", "value": "AA=="}, "power": "1"}]"#,
            "validators",
        );
        // Written twice, the second would win and the first be lost without a word.
        let account = account(5).address.to_string();
        let entry = format!("\"{account}\": 7000000");
        refused(&entry, &format!("{entry}, {entry}"), &account);
        refused(
            r#""app_hash""#,
            r#""chain_id": "another", "app_hash""#,
            "chain_id",
        );
    }

    #[test]
    fn validators_that_are_the_authorities_are_taken() {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let whole = build(&plan()).unwrap();
        let key = STANDARD.encode(account(4).pubkey.as_bytes());
        let one = |power: &str| {
            let key = json!({"type": "tendermint/PubKeyEd25519", "value": key});
            let list = json!([{"address": "", "name": "", "pub_key": key, "power": power}]);
            whole.replacen(r#""validators": []"#, &format!("\"validators\": {list}"), 1)
        };
        assert!(check(&one("10")).is_ok());
        assert!(check(&one("11")).is_err());
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
                plan.accounts.insert(account(6).address, Uait::MAX);
            },
            "accounts",
        );
        refused(
            |plan| {
                plan.params.insert("epoch_blocks".into(), json!(0));
            },
            "epoch_blocks",
        );
        refused(
            |plan| {
                plan.params.insert("epochs".into(), json!(1));
            },
            "epochs",
        );
        refused(
            |plan| {
                plan.params.insert("unbonding_blocks".into(), json!("x"));
            },
            "unbonding_blocks",
        );
    }

    #[test]
    fn settings_out_of_range_are_named() {
        for (flag, value, name) in [
            ("--mint-per-unit", "1000000001", "MINT_PER_UNIT"),
            ("--coordinator-ratio", "1.5", "COORDINATOR_RATIO"),
        ] {
            let error = configured(&[flag, value]).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
