//! Owns the params of SPEC section 5: names, defaults, ranges. A block runs under those after
//! the block before it; `PARAM_UPDATE` changes hold from the next block.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    address::Address,
    amount,
    code::Code,
    crypto::PublicKey,
    error::{Broken, Refusal},
    json::{self, Fields, Json},
};

/// How the validators are chosen (SPEC section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConsensusMode {
    /// Proof of authority: the `authorities`.
    Poa,
    /// Compute-backed proof: by stake and work.
    Cbp,
}

/// A validator under proof of authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// The account that earns its fees.
    pub address: Address,
    /// Its CometBFT consensus key.
    pub pubkey: PublicKey,
    /// Its voting power, 1..=10^9.
    pub power: u64,
}

/// At most this many coordinators, authorities and validators.
const MAX_ENTRIES: usize = 100;
const MAX_POWER: u64 = 1_000_000_000;

macro_rules! params {
    ($($(#[doc = $doc:literal])+ $name:ident = $default:expr, $range:expr;)+) => {
        /// Every param by its name (SPEC section 5).
        #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
        pub struct Params {
            $($(#[doc = $doc])+ pub $name: u64,)+
            /// The account that may send `PARAM_UPDATE`; fixed in the genesis.
            pub admin: Address,
            /// Registered coordinators and the keys that sign their attestations.
            pub coordinators: BTreeMap<Address, PublicKey>,
            /// How the validators are chosen.
            pub consensus_mode: ConsensusMode,
            /// The validators under proof of authority.
            pub authorities: Vec<Authority>,
            /// CometBFT's `evidence.max_age_num_blocks` of the genesis, below which
            /// `unbonding_blocks` never goes; fixed.
            pub evidence_max_age_num_blocks: u64,
        }

        impl Params {
            /// The defaults, for this admin and these authorities.
            pub fn new(admin: Address, authorities: Vec<Authority>, evidence_max_age_num_blocks: u64) -> Self {
                Self {
                    $($name: $default,)+
                    admin,
                    coordinators: BTreeMap::new(),
                    consensus_mode: ConsensusMode::Poa,
                    authorities,
                    evidence_max_age_num_blocks,
                }
            }

            fn set_integer(&mut self, name: &str, value: &Json) -> Option<Result<(), Refusal>> {
                match name {
                    $(stringify!($name) => Some(integer(name, value, $range).map(|v| self.$name = v)),)+
                    _ => None,
                }
            }
        }
    };
}

params! {
    /// uait every transaction pays at least.
    base_fee = 2, 0..=1_000_000;
    /// uait for each 1,024 bytes of canonical payload, rounded up.
    fee_per_kib = 100, 0..=1_000_000;
    /// uait minted to the miner for each compute unit.
    mint_per_unit = 1_000, 0..=1_000_000_000;
    /// The coordinator's mint, in basis points of the miner's.
    coordinator_bps = 500, 0..=10_000;
    /// The treasury's mint, in basis points of the miner's.
    treasury_bps = 0, 0..=10_000;
    /// The miner's mint is at most this many times the price.
    max_mint_per_price = 1_000, 1..=1_000_000_000;
    /// uait that one coordinator's attestations may mint in an epoch.
    coordinator_epoch_mint_cap = 1_000_000_000_000, 0..=amount::MAX;
    /// The longest life of an escrow, in blocks.
    escrow_max_ttl_blocks = 100_000, 1..=10_000_000;
    /// uait of stake from which on an account may validate.
    min_stake = 1_000_000, 1..=amount::MAX;
    /// The most validators under compute-backed proof.
    max_validators = 100, 1..=100;
    /// Blocks from `UNSTAKE` until the coins are spendable.
    unbonding_blocks = 100, 1..=amount::MAX;
    /// Blocks in an epoch.
    epoch_blocks = 10, 1..=1_000_000;
    /// Blocks over which downtime is judged.
    downtime_window = 100, 1..=1_000_000;
    /// Blocks until a validator jailed for downtime may unjail.
    jail_blocks = 600, 1..=1_000_000;
    /// Offences within the window that ban a miner.
    offence_limit = 3, 1..=1_000_000;
    /// Blocks over which offences add up.
    offence_window_blocks = 1_000, 1..=1_000_000;
    /// Blocks that a ban lasts.
    ban_blocks = 1_000, 1..=1_000_000;
    /// What remains of a work score after an epoch, basis points.
    work_decay_bps = 9_000, 0..=10_000;
    /// The weight of work, as against stake, in voting power, basis points.
    work_weight_bps = 5_000, 0..=10_000;
    /// What equivocation costs, in basis points of stake and unbonding stake.
    slash_double_sign_bps = 500, 0..=10_000;
    /// What downtime costs, in basis points of stake and unbonding stake.
    slash_downtime_bps = 1, 0..=10_000;
    /// The share of blocks a validator must sign in a window, basis points.
    min_signed_bps = 5_000, 0..=10_000;
}

impl Params {
    /// `base_fee + ceil(fee_per_kib * payload_bytes / 1024)` uait (SPEC section 3), for a canonical
    /// payload of that many bytes.
    pub fn required_fee(&self, payload_bytes: usize) -> u64 {
        let bytes = u64::try_from(payload_bytes).unwrap_or(u64::MAX);
        let by_size = self.fee_per_kib.saturating_mul(bytes).div_ceil(1024);
        self.base_fee.saturating_add(by_size)
    }

    /// Gives the param `name` a whole new value.
    ///
    /// # Errors
    /// [`Code::UnknownParam`], [`Code::ParamFixed`], [`Code::InvalidParamValue`]; then nothing
    /// has changed.
    pub fn set(&mut self, name: &str, value: &Json) -> Result<(), Refusal> {
        match name {
            "admin" | "evidence_max_age_num_blocks" => Err(Refusal::new(
                Code::ParamFixed,
                format!("param {name} is fixed in the genesis"),
            )),
            "unbonding_blocks" => {
                let floor = self.evidence_max_age_num_blocks.max(1);
                self.unbonding_blocks = integer(name, value, floor..=amount::MAX)?;
                Ok(())
            }
            "coordinators" => {
                self.coordinators = coordinators(value)?;
                Ok(())
            }
            "consensus_mode" => {
                self.consensus_mode = match value {
                    Json::String(mode) if mode == "poa" => ConsensusMode::Poa,
                    Json::String(mode) if mode == "cbp" => ConsensusMode::Cbp,
                    _ => return Err(invalid(name, "must be \"poa\" or \"cbp\"")),
                };
                Ok(())
            }
            "authorities" => {
                self.authorities = authorities(value)?;
                Ok(())
            }
            _ => self.set_integer(name, value).unwrap_or_else(|| {
                let shown: String = name.chars().take(64).collect();
                Err(Refusal::new(
                    Code::UnknownParam,
                    format!("there is no param {shown:?}"),
                ))
            }),
        }
    }

    /// Every param and its value, by name ascending.
    ///
    /// # Errors
    /// [`Broken`] when they don't serialise.
    pub fn entries(&self) -> Result<BTreeMap<String, Json>, Broken> {
        match json::from_typed(self)? {
            Json::Object(entries) => Ok(entries),
            _ => Err(Broken::new("params are an object")),
        }
    }

    /// Reads every param back from what [`Params::entries`] gave.
    ///
    /// # Errors
    /// [`Broken`] when one is missing, unknown or out of range: the stored state is wrong.
    pub fn from_entries(entries: &BTreeMap<String, Json>) -> Result<Self, Broken> {
        let broken = |refusal: Refusal| Broken::new(format!("stored params: {refusal}"));
        let object = Json::Object(entries.clone());
        let fixed = |name: &str| {
            entries
                .get(name)
                .ok_or_else(|| Broken::new(format!("the param {name} is missing in the state")))
        };
        let Json::String(admin) = fixed("admin")? else {
            return Err(Broken::new("the param admin is no address"));
        };
        let age = integer(
            "evidence_max_age_num_blocks",
            fixed("evidence_max_age_num_blocks")?,
            0..=amount::MAX,
        )
        .map_err(broken)?;
        let mut params = Self::new(admin.parse().map_err(broken)?, Vec::new(), age);
        let names: Vec<String> = params.entries()?.into_keys().collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Fields::open(&object, "params", &names, &[]).map_err(broken)?;
        for (name, value) in entries {
            if name != "admin" && name != "evidence_max_age_num_blocks" {
                params.set(name, value).map_err(broken)?;
            }
        }
        Ok(params)
    }
}

fn invalid(name: &str, why: &str) -> Refusal {
    Refusal::new(Code::InvalidParamValue, format!("param {name} {why}"))
}

fn integer(name: &str, value: &Json, range: std::ops::RangeInclusive<u64>) -> Result<u64, Refusal> {
    match value {
        Json::Integer(number) if range.contains(number) => Ok(*number),
        _ => Err(invalid(
            name,
            &format!("must be an integer {}..={}", range.start(), range.end()),
        )),
    }
}

fn coordinators(value: &Json) -> Result<BTreeMap<Address, PublicKey>, Refusal> {
    let name = "coordinators";
    let Json::Object(entries) = value else {
        return Err(invalid(name, "must be an object {address: pubkey}"));
    };
    if entries.len() > MAX_ENTRIES {
        return Err(invalid(name, "must have at most 100 entries"));
    }
    entries
        .iter()
        .map(|(address, key)| {
            let Json::String(key) = key else {
                return Err(invalid(name, "must map each address to a public key"));
            };
            let address = address
                .parse()
                .map_err(|refusal| in_param(name, &refusal))?;
            Ok((
                address,
                key.parse().map_err(|refusal| in_param(name, &refusal))?,
            ))
        })
        .collect()
}

fn authorities(value: &Json) -> Result<Vec<Authority>, Refusal> {
    let name = "authorities";
    let Json::Array(entries) = value else {
        return Err(invalid(name, "must be a list of {address, pubkey, power}"));
    };
    if !(1..=MAX_ENTRIES).contains(&entries.len()) {
        return Err(invalid(name, "must have 1 to 100 entries"));
    }
    let mut addresses = BTreeSet::new();
    let mut keys = BTreeSet::new();
    let mut list = Vec::new();
    for entry in entries {
        let read = || {
            let fields = Fields::open(entry, name, &["address", "pubkey", "power"], &[])?;
            Ok(Authority {
                address: fields.parsed("address")?,
                pubkey: fields.parsed("pubkey")?,
                power: fields.integer("power", 1..=MAX_POWER)?,
            })
        };
        let authority = read().map_err(|refusal: Refusal| in_param(name, &refusal))?;
        if !addresses.insert(authority.address) || !keys.insert(authority.pubkey) {
            return Err(invalid(name, "must name each address and each key once"));
        }
        list.push(authority);
    }
    Ok(list)
}

fn in_param(name: &str, refusal: &Refusal) -> Refusal {
    invalid(name, &format!("is invalid: {}", refusal.message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params() -> Params {
        Params::new(Address::treasury(), Vec::new(), 100)
    }

    #[test]
    fn values_out_of_range_or_mistyped_change_nothing() {
        let cases = [
            ("base_fee", "1000001", Code::InvalidParamValue),
            ("base_fee", "\"2\"", Code::InvalidParamValue),
            ("base_fee", "-1", Code::InvalidParamValue),
            ("coordinator_bps", "10001", Code::InvalidParamValue),
            ("max_mint_per_price", "0", Code::InvalidParamValue),
            ("unbonding_blocks", "99", Code::InvalidParamValue),
            ("consensus_mode", "\"pow\"", Code::InvalidParamValue),
            ("authorities", "[]", Code::InvalidParamValue),
            ("authorities", "[{}]", Code::InvalidParamValue),
            ("coordinators", "{\"x\":\"y\"}", Code::InvalidParamValue),
            ("coordinators", "[]", Code::InvalidParamValue),
            ("admin", "\"x\"", Code::ParamFixed),
            ("nonsense", "1", Code::UnknownParam),
        ];
        for (name, value, code) in cases {
            let mut changed = params();
            let value = Json::parse(value.as_bytes()).unwrap();
            assert_eq!(changed.set(name, &value).unwrap_err().code, code, "{name}");
            assert_eq!(changed, params());
        }
    }

    #[test]
    fn the_required_fee_is_that_of_the_vectors() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/vectors/protocol.json")).unwrap();
        for case in vectors["transactions"].as_array().unwrap() {
            let payload = case["canonical_payload"].as_str().unwrap();
            let fee = case["required_fee"].as_u64().unwrap();
            assert_eq!(params().required_fee(payload.len()), fee);
        }
    }

    #[test]
    fn params_survive_the_state() {
        let key = crate::crypto::SecretKey::from_seed([3; 32]).public_key();
        let address = Address::of(&key);
        let authority = Authority {
            address,
            pubkey: key,
            power: 7,
        };
        let mut before = Params::new(address, vec![authority], 100);
        before.coordinators.insert(address, key);
        assert_eq!(
            Params::from_entries(&before.entries().unwrap()).unwrap(),
            before
        );
    }
}
