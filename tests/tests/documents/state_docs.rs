//! `docs/state.md` tells the truth: every kind of key is there with an example that a chain really
//! holds, and its fields are those of the record.

use std::collections::BTreeSet;

use ait_app::{
    params::ParamKey,
    state::{Key, Value},
};
use ait_testkit::{
    actors::{Actor, alice, arbiter, bob, coordinator, miner, validator, validator_key},
    chain::{Chain, Setup},
};
use ait_tests::{
    model::{ADDED, DEFAULTS},
    scenes::POCKET_MONEY,
};

const DOCS: &str = include_str!("../../../docs/state.md");

/// The chain of the examples. Alice's escrow for `job_42` was settled; that for `job_43`, which two
/// coordinators may attest and the miner alone may claim, was paid in part; the miner claimed `job_44`
/// in vain. The authority and the miner staked, the coordinator bonded and took some of it out again,
/// and the admin named Bob and planned an upgrade.
fn documented_chain() -> Chain {
    let mut chain = Setup::default()
        .coordinators(&[&coordinator(), &arbiter()])
        .balance(&validator(), 10_000_000)
        .balance(&miner(), POCKET_MONEY)
        .start();
    let attesters = vec![arbiter().address().to_string()];
    let of_parts = chain
        .open(&alice(), "job_43", 60_000, 100)
        .with("attesters", attesters)
        .with("miner", miner().address().to_string())
        .with("partial", true)
        .with("threshold", 1);
    let txs = [
        chain.open(&alice(), "job_42", 60_000, 100),
        chain.priced(of_parts).later(1),
        chain.open(&alice(), "job_44", 60_000, 100).later(2),
        chain.bond(&coordinator(), 500_000),
        chain.first_stake(&miner(), &Actor::named("miner's consensus key"), 10_000),
        chain.first_stake(&validator(), &validator_key(), 5_000_000),
        chain.set_param("consensus_mode", "cbp"),
    ];
    assert_eq!(chain.commit(txs).names(), [""; 7]);
    let [whole, part, vain] = [
        ("job_42", "rcpt_7f3a"),
        ("job_43", "part_1"),
        ("job_44", "rcpt_8c1d"),
    ]
    .map(|(job, receipt)| chain.work(&alice(), job, &miner(), receipt));
    let part = part.costing(500, 10_000);
    let denial = vain.denied_by(&coordinator());
    chain.all_sign(&[&validator_key()]);
    let txs = [
        chain.claim(&miner(), &whole),
        chain.claim(&miner(), &part).later(1),
        chain.claim_with(&miner(), &vain, Some(&denial)).later(2),
        chain.unbond(&coordinator(), 100_000),
        chain.unstake(&validator(), 1_000_000),
        chain.set_param("admin", bob().address().to_string()),
        chain
            .set_param(
                "upgrade",
                serde_json::json!({"height": 20, "name": "treasury-fees"}),
            )
            .later(1),
    ];
    let names = chain.commit(txs).names();
    assert_eq!(names, ["", "", "attestation_negative", "", "", "", ""]);
    chain.finish_epoch();
    chain.advance_to(12);
    chain
}

/// One key of each kind.
fn examples() -> Vec<Key> {
    vec![
        Key::Account(alice().address()),
        Key::Escrow(alice().address(), "job_43".parse().unwrap()),
        Key::Receipt(miner().address(), "rcpt_7f3a".parse().unwrap()),
        Key::Miner(miner().address()),
        Key::Coordinator(coordinator().address()),
        Key::Validator(validator().address()),
        Key::Consensus,
        Key::Param(ParamKey::BaseFee),
        Key::Protocol,
        Key::Supply,
    ]
}

/// The key's form; a new kind of key does not compile without one.
fn form(key: &Key) -> &'static str {
    match key {
        Key::Account(_) => "/account/{addr}",
        Key::Consensus => "/consensus",
        Key::Coordinator(_) => "/coordinator/{addr}",
        Key::Escrow(..) => "/escrow/{client}/{job_id}",
        Key::Miner(_) => "/miner/{addr}",
        Key::Param(_) => "/param/{key}",
        Key::Protocol => "/protocol",
        Key::Receipt(..) => "/receipt/{miner}/{receipt_id}",
        Key::Supply => "/supply",
        Key::Validator(_) => "/validator/{addr}",
    }
}

/// The part of the page under a heading.
fn section(heading: &str) -> &'static str {
    let start = DOCS
        .find(&format!("## `{heading}`\n"))
        .unwrap_or_else(|| panic!("docs/state.md has no section `{heading}`"));
    let rest = &DOCS[start + 3..];
    rest.find("\n## ").map_or(rest, |end| &rest[..end])
}

#[test]
fn every_kind_of_key_is_documented_with_a_real_example() {
    let chain = documented_chain();
    for key in examples() {
        let bytes = chain.state.bytes(&key).unwrap().unwrap();
        let decoded = Value::decode(&key, &bytes).unwrap();
        assert_eq!(decoded.encode().unwrap(), bytes, "{key}");
        let value = std::str::from_utf8(&bytes).unwrap();
        let example = format!("```text\n{key}\n{value}\n```");
        assert!(
            section(form(&key)).contains(&example),
            "`{}` lacks the example\n{example}",
            form(&key)
        );
    }
    let kinds: BTreeSet<_> = examples().iter().map(form).collect();
    let kind_of = |key: &[u8]| {
        let key = String::from_utf8_lossy(key);
        key.split('/').nth(1).unwrap().to_owned()
    };
    let held = chain.state.entries().map(Result::unwrap);
    let held: BTreeSet<_> = held.map(|leaf| kind_of(leaf.key())).collect();
    assert_eq!(held.len(), kinds.len());
    assert_eq!(DOCS.matches("\n## `/").count(), kinds.len());
}

#[test]
fn every_field_of_every_record_is_explained() {
    let chain = documented_chain();
    for key in examples() {
        let record = chain.record(&key.to_string()).unwrap();
        let fields = record
            .as_object()
            .into_iter()
            .flat_map(|fields| fields.keys());
        let mut rows = 0;
        for field in fields {
            let row = format!("\n| `{field}` | ");
            assert!(
                section(form(&key)).contains(&row),
                "`{}` does not explain {field}",
                form(&key)
            );
            rows += 1;
        }
        if record.is_object() {
            let explained = section(form(&key)).matches("\n| `").count();
            assert_eq!(explained, rows, "`{}` and nothing else", form(&key));
        }
    }
}

#[test]
fn every_param_is_listed_with_its_default_and_range() {
    let page = section("/param/{key}");
    for (name, default, least, most) in DEFAULTS.iter().chain(ADDED) {
        let row = format!("| `{name}` | {default} | {least}..{most} |");
        assert!(page.contains(&row), "docs/state.md lacks the row {row}");
    }
    for key in ParamKey::ALL {
        assert!(
            page.contains(&format!("| `{key}` |")),
            "docs/state.md lacks {key}"
        );
    }
    assert_eq!(page.matches("\n| `").count(), ParamKey::ALL.len());
}
