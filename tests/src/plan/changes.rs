//! Owns which new values of params come, and how often.

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::json;

use super::{
    Action, Change, Does, Proof, Sender, SigningKey, Who,
    strategies::{a_coordinator, who},
};
use crate::model::{ADDED, DEFAULTS};

/// Values near the small ones that the plans' chains begin with.
const NEAR: &[(&str, &[u64])] = &[
    ("base_fee", &[0, 5]),
    ("fee_per_kib", &[0, 1_000]),
    ("record_fee", &[0, 300]),
    ("min_account_balance", &[0, 500]),
    ("min_escrow_amount", &[1, 2_000]),
    ("mint_per_unit", &[0, 9, 1_000_000_000]),
    ("coordinator_bps", &[10_000, 333]),
    ("treasury_bps", &[1_234]),
    ("treasury_fee_bps", &[3_333, 10_000]),
    ("max_mint_per_price", &[3]),
    ("coordinator_epoch_mint_cap", &[0, 5_000]),
    ("mint_cap_per_bond", &[0, 1, 5]),
    ("coordinator_min_bond", &[0, 1_500]),
    ("slash_coordinator_bps", &[0, 3_333, 10_000]),
    ("informer_bps", &[0, 5_000]),
    ("escrow_max_ttl_blocks", &[2, 9]),
    ("cancel_notice_blocks", &[1, 4]),
    ("epoch_blocks", &[1, 2, 4, 7]),
    ("offence_limit", &[1, 3]),
    ("offence_window_blocks", &[2, 9]),
    ("ban_blocks", &[2]),
    ("min_stake", &[1, 1_000, 8_000]),
    ("max_validators", &[4, 5, 8, 100]),
    ("unbonding_blocks", &[4, 7, 9]),
    ("downtime_window", &[1, 2, 5]),
    ("jail_blocks", &[1, 4]),
    ("min_signed_bps", &[0, 6_667, 10_000]),
    ("slash_downtime_bps", &[0, 3_333]),
    ("slash_double_sign_bps", &[0, 10_000]),
    ("work_weight_bps", &[0, 2_777, 5_000]),
    ("work_decay_bps", &[0, 5_000, 10_000]),
    ("work_score_floor", &[1, 100]),
];

fn number() -> impl Strategy<Value = Change> {
    let near = NEAR.iter().flat_map(|(name, values)| {
        let values = values.iter();
        values.map(|value| Change::Number(name, *value))
    });
    let near: Vec<Change> = near.collect();
    let row = select([DEFAULTS, ADDED].concat());
    let anywhere = (row, any::<u64>(), 0_u8..8).prop_map(|((name, _, least, most), seed, kind)| {
        let value = match kind {
            0 => least,
            1 => most,
            2 => most + 1,
            3 => least.saturating_sub(1),
            _ => least + seed % (most - least + 1).min(20_000),
        };
        Change::Number(name, value)
    });
    let anywhere = anywhere.prop_filter("it would stop all else", |change| {
        let Change::Number(name, value) = change else {
            return true;
        };
        let fee = ["base_fee", "fee_per_kib", "record_fee"].contains(name);
        !(fee && (5_000..=1_000_000_000).contains(value))
    });
    prop_oneof![8 => select(near), 1 => anywhere]
}

fn others() -> impl Strategy<Value = Change> {
    let all = select(vec![
        ("base_fee", json!("5")),
        ("base_fee", json!(true)),
        ("consensus_mode", json!("pow")),
        ("admin", json!(1)),
        ("evidence_max_age_num_blocks", json!(1)),
        ("no_such_param", json!({"a": [1, {"b": false}]})),
        ("coordinators", json!([])),
        ("authorities", json!({})),
        ("authorities", json!([])),
        ("revoked_keys", json!({})),
        ("upgrade", json!({})),
        ("upgrade", json!({"height": 1, "name": "Treasury"})),
        ("upgrade", json!(["treasury-fees", 1])),
    ]);
    all.prop_map(|(name, value)| Change::Other(name, value))
}

fn signing_key() -> impl Strategy<Value = SigningKey> {
    prop_oneof![
        3 => (0_u8..4).prop_map(SigningKey::Spare),
        1 => who().prop_map(SigningKey::Own),
    ]
}

fn registered() -> impl Strategy<Value = Change> {
    use Who::*;
    let own = |who| (who, SigningKey::Own(who));
    let usual = vec![own(Coordinator), own(Arbiter), own(Witness)];
    let rotated = (0_u8..4).prop_map(move |spare| {
        let other = SigningKey::Spare((spare + 1) % 4);
        vec![
            (Coordinator, SigningKey::Spare(spare)),
            (Arbiter, other),
            own(Witness),
        ]
    });
    let any = vec((a_coordinator(), signing_key()), 0..4);
    let list = prop_oneof![3 => Just(usual), 3 => rotated, 1 => any];
    list.prop_map(Change::Coordinators)
}

fn revoked() -> impl Strategy<Value = Change> {
    let all = prop_oneof![3 => vec(signing_key(), 0..2), 1 => vec(signing_key(), 0..4)];
    all.prop_map(Change::Revoked)
}

fn authorities() -> impl Strategy<Value = Change> {
    use Who::*;
    let proof = prop_oneof![
        8 => Just(Proof::Right), 1 => Just(Proof::Missing), 1 => Just(Proof::ForAnother),
    ];
    let one = (who(), 0_u8..11, 1_u64..5, proof.clone());
    let any = vec(one, 0..4);
    // The proven one keeps most of the power.
    let own = (select(vec![Alice, Bob, Digger]), 1_u64..6, proof);
    let joined = own.prop_map(|(who, power, proof)| {
        let first = (Validator, 0, 9, Proof::Missing);
        vec![first, (who, who.key_number(), power, proof)]
    });
    let list = prop_oneof![1 => any, 3 => joined];
    prop_oneof![
        8 => list.prop_map(Change::Authorities),
        1 => (39_u8..42).prop_map(Change::ManyAuthorities),
    ]
}

fn upgrade() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (9_u64..13).prop_map(|blocks| Change::Upgrade(Some(blocks))),
        1 => Just(Change::Upgrade(None)),
    ]
}

fn admin() -> impl Strategy<Value = Change> {
    let named = select(vec![Who::Admin, Who::Bob, Who::Stranger]);
    named.prop_map(Change::Admin)
}

/// A new value of a param, right or wrong.
pub(super) fn change() -> impl Strategy<Value = Change> {
    let mode = prop_oneof![2 => Just("cbp"), 1 => Just("poa")];
    prop_oneof![
        18 => number(),
        5 => mode.prop_map(|mode| Change::Other("consensus_mode", json!(mode))),
        3 => others(),
        3 => registered(),
        4 => revoked(),
        4 => authorities(),
        2 => admin(),
        3 => upgrade(),
    ]
}

/// The admin names another one, who accepts at once or doesn't; the old one tries again.
pub(super) fn handover() -> impl Strategy<Value = Vec<Action>> {
    let named = select(vec![Who::Bob, Who::Admin, Who::Coordinator]);
    (named, any::<bool>()).prop_map(|(who, again)| {
        let name = Action::plain(Sender::TheAdmin, Does::Param(Change::Admin(who)));
        let accept = Action::plain(Sender::TheCandidate, Does::AdminAccept);
        if again {
            vec![accept, name.clone(), name]
        } else {
            vec![name, accept]
        }
    })
}
