//! Owns the table of SPEC section 5 and what makes a new value of a param wrong.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Model;

/// Name, default, least, most, of every param that is a number.
pub const DEFAULTS: &[(&str, u64, u64, u64)] = &[
    ("base_fee", 2, 0, 1_000_000),
    ("fee_per_kib", 100, 0, 1_000_000),
    ("mint_per_unit", 1_000, 0, 1_000_000_000),
    ("coordinator_bps", 500, 0, 10_000),
    ("treasury_bps", 0, 0, 10_000),
    ("max_mint_per_price", 1_000, 1, 1_000_000_000),
    (
        "coordinator_epoch_mint_cap",
        1_000_000_000_000,
        0,
        9_007_199_254_740_991,
    ),
    ("escrow_max_ttl_blocks", 100_000, 1, 10_000_000),
    ("min_stake", 1_000_000, 1, 9_007_199_254_740_991),
    ("max_validators", 100, 1, 100),
    ("unbonding_blocks", 100, 1, 9_007_199_254_740_991),
    ("epoch_blocks", 10, 1, 1_000_000),
    ("downtime_window", 100, 1, 1_000_000),
    ("jail_blocks", 600, 1, 1_000_000),
    ("offence_limit", 3, 1, 1_000_000),
    ("offence_window_blocks", 1_000, 1, 1_000_000),
    ("ban_blocks", 1_000, 1, 1_000_000),
    ("work_decay_bps", 9_000, 0, 10_000),
    ("work_weight_bps", 5_000, 0, 10_000),
    ("slash_double_sign_bps", 500, 0, 10_000),
    ("slash_downtime_bps", 1, 0, 10_000),
    ("min_signed_bps", 5_000, 0, 10_000),
];

/// The name of the code for this new value of a param, if it is not to be had.
pub fn param_fault(model: &Model, name: &str, value: &Value) -> Option<&'static str> {
    let fits = match name {
        "admin" | "evidence_max_age_num_blocks" => return Some("param_fixed"),
        "consensus_mode" => value == "poa" || value == "cbp",
        "coordinators" => value
            .as_object()
            .is_some_and(|all| all.len() <= 100 && all.iter().all(|(a, k)| is_pair(a, k))),
        "authorities" => value.as_array().is_some_and(|all| are_authorities(all)),
        _ => {
            let row = DEFAULTS.iter().find(|row| row.0 == name);
            let Some((_, _, least, most)) = row else {
                return Some("unknown_param");
            };
            let evidence = model.number("evidence_max_age_num_blocks");
            let floor = if name == "unbonding_blocks" {
                evidence.max(*least)
            } else {
                *least
            };
            value.as_u64().is_some_and(|n| (floor..=*most).contains(&n))
        }
    };
    (!fits).then_some("invalid_param_value")
}

fn is_pair(address: &str, pubkey: &Value) -> bool {
    let lower_hex = |key: &str| key.bytes().all(|b| b"0123456789abcdef".contains(&b));
    let is_address = bech32::decode(address).is_ok() && address.starts_with("ait1");
    is_address
        && pubkey
            .as_str()
            .is_some_and(|key| key.len() == 64 && lower_hex(key))
}

fn are_authorities(all: &[Value]) -> bool {
    let distinct = |field: &str| {
        let values: BTreeSet<_> = all.iter().map(|one| one[field].to_string()).collect();
        values.len() == all.len()
    };
    let is_one = |one: &Value| {
        one.as_object().is_some_and(|fields| fields.len() == 3)
            && is_pair(one["address"].as_str().unwrap_or(""), &one["pubkey"])
            && one["power"]
                .as_u64()
                .is_some_and(|power| (1..=1_000_000_000).contains(&power))
    };
    (1..=100).contains(&all.len())
        && all.iter().all(is_one)
        && distinct("address")
        && distinct("pubkey")
}
