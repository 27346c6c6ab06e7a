//! Owns the table of params: every name with its type, default and range, and the whole of them.

use core::fmt;

use serde::{Serialize, Serializer};

use super::values::{Authorities, ConsensusMode, Coordinators, RevokedKeys};
use crate::{
    address::Address,
    code::Code,
    error::Refusal,
    json,
    prelude::*,
    quantity::{BasisPoints, Count, Height, MAX, Uait, Units},
    upgrades::record::ProtocolVersion,
};

/// A param's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParamValue {
    /// Of a plain integer.
    Integer(u64),
    /// Of `admin`.
    Admin(Address),
    /// Of `authorities`.
    Authorities(Authorities),
    /// Of `consensus_mode`.
    ConsensusMode(ConsensusMode),
    /// Of `coordinators`.
    Coordinators(Coordinators),
    /// Of `revoked_keys`.
    RevokedKeys(RevokedKeys),
}

impl Serialize for ParamValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            ParamValue::Integer(value) => value.serialize(serializer),
            ParamValue::Admin(value) => value.serialize(serializer),
            ParamValue::Authorities(value) => value.serialize(serializer),
            ParamValue::ConsensusMode(value) => value.serialize(serializer),
            ParamValue::Coordinators(value) => value.serialize(serializer),
            ParamValue::RevokedKeys(value) => value.serialize(serializer),
        }
    }
}

macro_rules! params {
    ($($(#[doc = $doc:literal])+ $key:ident $name:ident: $kind:ident = $default:expr, $min:expr, $max:expr;)+) => {
        /// The name of a param.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum ParamKey {
            $($(#[doc = $doc])+ $key,)+
            /// Who may send `PARAM_UPDATE`; changed by `ADMIN_ACCEPT` alone.
            Admin,
            /// The validators under proof of authority.
            Authorities,
            /// How the validators shall be chosen.
            ConsensusMode,
            /// Registered coordinators.
            Coordinators,
            /// CometBFT's `evidence.max_age_num_blocks`; fixed in the genesis.
            EvidenceMaxAgeNumBlocks,
            /// Attestation keys that are worth nothing any more.
            RevokedKeys,
        }

        impl ParamKey {
            /// Every param.
            pub const ALL: &'static [ParamKey] = &[
                $(ParamKey::$key,)+
                ParamKey::Admin,
                ParamKey::Authorities,
                ParamKey::ConsensusMode,
                ParamKey::Coordinators,
                ParamKey::EvidenceMaxAgeNumBlocks,
                ParamKey::RevokedKeys,
            ];

            /// Its name in keys of the state, payloads and the genesis.
            pub const fn name(self) -> &'static str {
                match self {
                    $(ParamKey::$key => stringify!($name),)+
                    ParamKey::Admin => "admin",
                    ParamKey::Authorities => "authorities",
                    ParamKey::ConsensusMode => "consensus_mode",
                    ParamKey::Coordinators => "coordinators",
                    ParamKey::EvidenceMaxAgeNumBlocks => "evidence_max_age_num_blocks",
                    ParamKey::RevokedKeys => "revoked_keys",
                }
            }

            /// The range of a plain integer.
            pub const fn range(self) -> Option<(u64, u64)> {
                match self {
                    $(ParamKey::$key => Some(($min, $max)),)+
                    ParamKey::EvidenceMaxAgeNumBlocks => Some((0, MAX)),
                    _ => None,
                }
            }
        }

        /// Every param by its name.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Params {
            $($(#[doc = $doc])+ pub $name: $kind,)+
            /// Who may send `PARAM_UPDATE`.
            pub admin: Address,
            /// The validators under proof of authority.
            pub authorities: Authorities,
            /// How the validators shall be chosen.
            pub consensus_mode: ConsensusMode,
            /// Registered coordinators and the keys that sign their attestations.
            pub coordinators: Coordinators,
            /// CometBFT's `evidence.max_age_num_blocks` of the genesis, blocks.
            pub evidence_max_age_num_blocks: Height,
            /// Attestation keys that are worth nothing any more.
            pub revoked_keys: RevokedKeys,
        }

        impl Params {
            /// The defaults, for this admin and this age of evidence; no authorities yet.
            pub fn new(admin: Address, evidence_max_age_num_blocks: Height) -> Self {
                Self {
                    $($name: $kind::constant($default),)+
                    admin,
                    authorities: Authorities::default(),
                    consensus_mode: ConsensusMode::Poa,
                    coordinators: Coordinators::default(),
                    evidence_max_age_num_blocks,
                    revoked_keys: RevokedKeys::default(),
                }
            }

            /// A param's value.
            pub fn value(&self, key: ParamKey) -> ParamValue {
                match key {
                    $(ParamKey::$key => ParamValue::Integer(self.$name.get()),)+
                    ParamKey::Admin => ParamValue::Admin(self.admin),
                    ParamKey::Authorities => ParamValue::Authorities(self.authorities.clone()),
                    ParamKey::ConsensusMode => ParamValue::ConsensusMode(self.consensus_mode),
                    ParamKey::Coordinators => ParamValue::Coordinators(self.coordinators.clone()),
                    ParamKey::EvidenceMaxAgeNumBlocks => {
                        ParamValue::Integer(self.evidence_max_age_num_blocks.get())
                    }
                    ParamKey::RevokedKeys => ParamValue::RevokedKeys(self.revoked_keys.clone()),
                }
            }

            /// Gives a param a value that [`ParamValue::read`] read for it.
            pub fn set(&mut self, key: ParamKey, value: ParamValue) {
                match (key, value) {
                    $((ParamKey::$key, ParamValue::Integer(value)) => self.$name = $kind::constant(value),)+
                    (ParamKey::Admin, ParamValue::Admin(value)) => self.admin = value,
                    (ParamKey::Authorities, ParamValue::Authorities(value)) => self.authorities = value,
                    (ParamKey::ConsensusMode, ParamValue::ConsensusMode(value)) => self.consensus_mode = value,
                    (ParamKey::Coordinators, ParamValue::Coordinators(value)) => self.coordinators = value,
                    (ParamKey::EvidenceMaxAgeNumBlocks, ParamValue::Integer(value)) => {
                        self.evidence_max_age_num_blocks = Height::constant(value);
                    }
                    (ParamKey::RevokedKeys, ParamValue::RevokedKeys(value)) => self.revoked_keys = value,
                    _ => {}
                }
            }
        }
    };
}

params! {
    /// What every transaction pays at least.
    BaseFee base_fee: Uait = 2, 0, 1_000_000;
    /// For each 1,024 bytes of canonical payload, rounded up.
    FeePerKib fee_per_kib: Uait = 100, 0, 1_000_000;
    /// Added for what makes a lasting record of the sender's choice.
    RecordFee record_fee: Uait = 1_000, 0, 1_000_000_000;
    /// What an account without a record must receive at least.
    MinAccountBalance min_account_balance: Uait = 1_000, 0, 1_000_000_000;
    /// The least an escrow opens with.
    MinEscrowAmount min_escrow_amount: Uait = 1_000, 1, 1_000_000_000;
    /// Minted to the miner for each compute unit.
    MintPerUnit mint_per_unit: Uait = 1_000, 0, 1_000_000_000;
    /// The coordinators' mint, of the miner's.
    CoordinatorBps coordinator_bps: BasisPoints = 500, 0, 10_000;
    /// The treasury's mint, of the miner's.
    TreasuryBps treasury_bps: BasisPoints = 0, 0, 10_000;
    /// The treasury's share of a block's fees.
    TreasuryFeeBps treasury_fee_bps: BasisPoints = 0, 0, 10_000;
    /// The miner's mint is at most this many times the price.
    MaxMintPerPrice max_mint_per_price: Count = 1_000, 1, 1_000_000_000;
    /// What one coordinator's attestations may mint in an epoch.
    CoordinatorEpochMintCap coordinator_epoch_mint_cap: Uait = 1_000_000_000, 0, MAX;
    /// Above 0: no more than this many times its bond either.
    MintCapPerBond mint_cap_per_bond: Count = 0, 0, 1_000_000_000;
    /// The bond from which on a coordinator may be named by a new escrow.
    CoordinatorMinBond coordinator_min_bond: Uait = 0, 0, MAX;
    /// What equivocation costs a coordinator, of its bond.
    SlashCoordinatorBps slash_coordinator_bps: BasisPoints = 5_000, 0, 10_000;
    /// The informer's part of what a coordinator loses.
    InformerBps informer_bps: BasisPoints = 1_000, 0, 5_000;
    /// The longest life of an escrow, blocks.
    EscrowMaxTtlBlocks escrow_max_ttl_blocks: Height = 100_000, 1, 10_000_000;
    /// Blocks from a client's cancel to its escrow's end.
    CancelNoticeBlocks cancel_notice_blocks: Height = 600, 1, 1_000_000;
    /// The stake from which on an account may validate.
    MinStake min_stake: Uait = 1_000_000, 1, MAX;
    /// The most validators under compute-backed proof.
    MaxValidators max_validators: Count = 100, 4, 100;
    /// Blocks in an epoch.
    EpochBlocks epoch_blocks: Height = 10, 1, 1_000_000;
    /// Blocks over which downtime is judged.
    DowntimeWindow downtime_window: Count = 100, 1, 1_000_000;
    /// Blocks until a validator jailed for downtime may unjail.
    JailBlocks jail_blocks: Height = 600, 1, 1_000_000;
    /// Offences within the window that ban a miner.
    OffenceLimit offence_limit: Count = 3, 1, 1_000_000;
    /// Blocks over which offences add up.
    OffenceWindowBlocks offence_window_blocks: Height = 1_000, 1, 1_000_000;
    /// Blocks that a ban lasts.
    BanBlocks ban_blocks: Height = 1_000, 1, 1_000_000;
    /// Blocks from `UNSTAKE` until the coins are spendable.
    UnbondingBlocks unbonding_blocks: Height = 120, 1, 10_000_000;
    /// The weight of work, as against stake, in voting power.
    WorkWeightBps work_weight_bps: BasisPoints = 5_000, 0, 5_000;
    /// What remains of a work score after an epoch.
    WorkDecayBps work_decay_bps: BasisPoints = 9_000, 0, 10_000;
    /// What equivocation costs a validator, of stake and unbonding stake.
    SlashDoubleSignBps slash_double_sign_bps: BasisPoints = 500, 0, 10_000;
    /// What downtime costs, of stake and unbonding stake.
    SlashDowntimeBps slash_downtime_bps: BasisPoints = 1, 0, 10_000;
    /// The share of blocks a validator must sign in a window.
    MinSignedBps min_signed_bps: BasisPoints = 5_000, 0, 10_000;
    /// Scores count as if all of them together were at least this.
    WorkScoreFloor work_score_floor: Units = 10_000, 1, MAX;
}

impl fmt::Display for ParamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl ParamKey {
    /// The version of the protocol from which on there is such a param.
    pub const fn since(self) -> ProtocolVersion {
        match self {
            Self::TreasuryFeeBps => ProtocolVersion::V3,
            _ => ProtocolVersion::V2,
        }
    }

    /// Every param of a version of the protocol.
    pub fn all_of(version: ProtocolVersion) -> impl Iterator<Item = Self> {
        let all = Self::ALL.iter().copied();
        all.filter(move |key| key.since() <= version)
    }

    /// The param of that name.
    ///
    /// # Errors
    /// [`Code::UnknownParam`].
    pub fn named(name: &str) -> Result<Self, Refusal> {
        let found = Self::ALL.iter().find(|key| key.name() == name);
        found.copied().ok_or_else(|| {
            let shown: String = name.chars().take(64).collect();
            Refusal::new(Code::UnknownParam, format!("there is no param {shown:?}"))
        })
    }

    /// Whether a version of the protocol has it.
    ///
    /// # Errors
    /// [`Code::UnknownParam`], as for a name that no version has.
    pub fn check_known(self, version: ProtocolVersion) -> Result<(), Refusal> {
        if self.since() <= version {
            return Ok(());
        }
        let since = self.since();
        Err(Refusal::new(
            Code::UnknownParam,
            format!(
                "there is no param {self} before version {since} of the protocol, and this chain is at {version}"
            ),
        ))
    }
}

impl ParamValue {
    /// Reads the value of a param, strictly and within its range.
    ///
    /// # Errors
    /// [`Code::InvalidParamValue`] that names the param and the limit; [`Code::MalformedJson`].
    pub fn read(key: ParamKey, text: &[u8]) -> Result<Self, Refusal> {
        let path = key.name();
        let value = match key {
            ParamKey::Admin => json::read(text, path).map(Self::Admin),
            ParamKey::Authorities => json::read(text, path).map(Self::Authorities),
            ParamKey::ConsensusMode => json::read(text, path).map(Self::ConsensusMode),
            ParamKey::Coordinators => json::read(text, path).map(Self::Coordinators),
            ParamKey::RevokedKeys => json::read(text, path).map(Self::RevokedKeys),
            integer => {
                let (min, max) = integer.range().unwrap_or((0, MAX));
                return match json::read::<Units>(text, path) {
                    Ok(value) if (min..=max).contains(&value.get()) => {
                        Ok(Self::Integer(value.get()))
                    }
                    Err(refusal) if refusal.code == Code::MalformedJson => Err(refusal),
                    _ => Err(invalid(key, &format!("must be an integer {min}..={max}"))),
                };
            }
        };
        value.map_err(|refusal| match refusal.code {
            Code::MalformedJson => refusal,
            _ => invalid(key, &format!("is invalid: {}", refusal.message)),
        })
    }
}

fn invalid(key: ParamKey, why: &str) -> Refusal {
    Refusal::new(Code::InvalidParamValue, format!("param {key} {why}"))
}

impl Params {
    /// `base_fee + ceil(fee_per_kib * payload_bytes / 1024)` (PROTOCOL section 3), for a canonical
    /// payload of that many bytes, with `record_fee` where it makes a record.
    pub fn required_fee(&self, payload_bytes: usize, makes_record: bool) -> Uait {
        let bytes = u64::try_from(payload_bytes).unwrap_or(u64::MAX);
        let by_size = self.fee_per_kib.get().saturating_mul(bytes).div_ceil(1024);
        let fee = self.base_fee.saturating_plus(Uait::constant(by_size));
        if makes_record {
            fee.saturating_plus(self.record_fee)
        } else {
            fee
        }
    }

    /// What must hold between params, in the genesis and after every update.
    ///
    /// # Errors
    /// [`Code::ParamConflict`] that names both.
    pub fn check_against_each_other(&self) -> Result<(), Refusal> {
        let age = self.evidence_max_age_num_blocks;
        let least = age
            .get()
            .saturating_add(self.epoch_blocks.get())
            .saturating_add(2);
        if self.unbonding_blocks.get() < least {
            return Err(Refusal::new(
                Code::ParamConflict,
                format!(
                    "unbonding_blocks is {}, below evidence.max_age_num_blocks {age} + epoch_blocks {} + 2",
                    self.unbonding_blocks, self.epoch_blocks
                ),
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_integer_takes_its_ends_and_nothing_beyond() {
        for key in ParamKey::ALL {
            let Some((min, max)) = key.range() else {
                continue;
            };
            for good in [min, max] {
                assert!(
                    ParamValue::read(*key, good.to_string().as_bytes()).is_ok(),
                    "{key} {good}"
                );
            }
            let above = max.saturating_add(1).to_string();
            let below = min.checked_sub(1).map(|below| below.to_string());
            for bad in [Some(above), below].into_iter().flatten() {
                let refusal = ParamValue::read(*key, bad.as_bytes()).unwrap_err();
                assert_eq!(refusal.code, Code::InvalidParamValue, "{key} {bad}");
                assert!(refusal.message.contains(key.name()), "{refusal}");
            }
            let params = Params::new(Address::treasury(), Height::constant(100));
            let ParamValue::Integer(default) = params.value(*key) else {
                panic!("{key}")
            };
            assert!((min..=max).contains(&default), "{key}");
        }
    }

    #[test]
    fn mistyped_values_are_refused() {
        for (name, value) in [
            ("base_fee", "\"2\""),
            ("base_fee", "-1"),
            ("base_fee", "null"),
            ("consensus_mode", "\"pow\""),
            ("authorities", "[]"),
            ("authorities", "[{}]"),
            ("coordinators", "{\"x\":\"y\"}"),
            ("coordinators", "[]"),
            ("revoked_keys", "{}"),
            ("admin", "\"x\""),
        ] {
            let key = ParamKey::named(name).unwrap();
            let refusal = ParamValue::read(key, value.as_bytes()).unwrap_err();
            assert_eq!(refusal.code, Code::InvalidParamValue, "{name} {value}");
        }
        assert_eq!(
            ParamKey::named("nonsense").unwrap_err().code,
            Code::UnknownParam
        );
    }

    #[test]
    fn the_required_fee_is_that_of_the_vectors() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/vectors/protocol.json")).unwrap();
        let params = Params::new(Address::treasury(), Height::constant(100));
        for case in vectors["transactions"].as_array().unwrap() {
            let payload = case["canonical_payload"].as_str().unwrap();
            let fee = case["required_fee_without_record_fee"].as_u64().unwrap();
            assert_eq!(params.required_fee(payload.len(), false).get(), fee);
        }
    }
}
