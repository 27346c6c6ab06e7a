//! Owns which new values of params come, and how often.

use proptest::{collection::vec, prelude::*};
use serde_json::json;

use super::{
    Change, Who,
    strategies::{a_coordinator, who},
};

/// A new value of a param, right or wrong.
pub(super) fn change() -> impl Strategy<Value = Change> {
    let numbers = prop::sample::select(vec![
        ("base_fee", 0),
        ("base_fee", 5),
        ("base_fee", 1_000_001),
        ("fee_per_kib", 0),
        ("fee_per_kib", 1_000),
        ("mint_per_unit", 0),
        ("mint_per_unit", 9),
        ("mint_per_unit", 1_000_000_000),
        ("coordinator_bps", 10_000),
        ("coordinator_bps", 333),
        ("coordinator_bps", 10_001),
        ("treasury_bps", 1_234),
        ("max_mint_per_price", 3),
        ("max_mint_per_price", 0),
        ("coordinator_epoch_mint_cap", 0),
        ("coordinator_epoch_mint_cap", 5_000),
        ("coordinator_epoch_mint_cap", (1 << 53) - 1),
        ("escrow_max_ttl_blocks", 2),
        ("escrow_max_ttl_blocks", 10_000_000),
        ("epoch_blocks", 1),
        ("epoch_blocks", 2),
        ("epoch_blocks", 4),
        ("epoch_blocks", 7),
        ("offence_limit", 1),
        ("offence_limit", 3),
        ("offence_window_blocks", 2),
        ("ban_blocks", 2),
    ]);
    let of_validators = prop::sample::select(vec![
        ("min_stake", 0),
        ("min_stake", 1),
        ("min_stake", 1_000),
        ("min_stake", 8_000),
        ("max_validators", 0),
        ("max_validators", 1),
        ("max_validators", 2),
        ("max_validators", 100),
        ("max_validators", 101),
        ("unbonding_blocks", 2),
        ("unbonding_blocks", 3),
        ("unbonding_blocks", 6),
        ("unbonding_blocks", (1 << 53) - 1),
        ("downtime_window", 1),
        ("downtime_window", 2),
        ("downtime_window", 5),
        ("jail_blocks", 1),
        ("jail_blocks", 4),
        ("jail_blocks", 1_000_001),
        ("min_signed_bps", 0),
        ("min_signed_bps", 6_667),
        ("min_signed_bps", 10_000),
        ("slash_downtime_bps", 0),
        ("slash_downtime_bps", 3_333),
        ("slash_double_sign_bps", 0),
        ("slash_double_sign_bps", 10_000),
        ("work_weight_bps", 0),
        ("work_weight_bps", 7_777),
        ("work_weight_bps", 10_000),
        ("work_decay_bps", 0),
        ("work_decay_bps", 10_000),
        ("work_decay_bps", 10_001),
    ]);
    let mode = prop_oneof![1 => Just("cbp"), 1 => Just("poa")];

    let others = prop::sample::select(vec![
        ("base_fee", json!("5")),
        ("base_fee", json!(true)),
        ("consensus_mode", json!("pow")),
        ("admin", json!(1)),
        ("evidence_max_age_num_blocks", json!(1)),
        ("no_such_param", json!({"a": [1, {"b": false}]})),
        ("coordinators", json!([])),
        ("authorities", json!({})),
    ]);
    let registered = (
        a_coordinator(),
        prop_oneof![4 => Just(None), 1 => who().prop_map(Some)],
    );
    let validators = (who(), 0_u8..4, 1_u64..5);
    prop_oneof![
        10 => numbers.prop_map(|(name, value)| Change::Number(name, value)),
        8 => of_validators.prop_map(|(name, value)| Change::Number(name, value)),
        5 => mode.prop_map(|mode| Change::Other("consensus_mode", json!(mode))),
        3 => others.prop_map(|(name, value)| Change::Other(name, value)),
        2 => vec(registered, 0..3).prop_map(|list| {
            let own = |(who, key): (Who, Option<Who>)| (who, key.unwrap_or(who));
            Change::Coordinators(list.into_iter().map(own).collect())
        }),
        4 => vec(validators, 0..4).prop_map(Change::Authorities),
    ]
}
