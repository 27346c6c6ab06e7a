//! `docs/state.md` tells the truth: every kind of key is there with an example that a chain really
//! holds, and its fields are those of the record.

use ait_app::{
    json::{Json, canonical},
    params::Params,
    state::{
        Key,
        records::{Account, Consensus, Coordinator, Escrow, Miner, Receipt, Supply, Validator},
    },
};
use ait_tests::{
    actors::{Actor, alice, coordinator, miner, validator, validator_key},
    chain::{Chain, EVIDENCE_MAX_AGE, Setup},
    model::DEFAULTS,
    work::Says,
};
use serde::{Serialize, de::DeserializeOwned};

const DOCS: &str = include_str!("../../docs/state.md");

/// The chain of the examples: Alice's escrow for `job_42` was settled, that for `job_43` is open, and
/// the miner claimed a second time with a negative attestation. The authority staked and was elected.
fn documented_chain() -> Chain {
    let setup = Setup::default().balance(&validator(), 10_000_000);
    let mut chain = setup.start();
    let opens = [
        chain.open(&alice(), "job_42", 60_000, 100),
        chain.open(&alice(), "job_43", 60_000, 100).later(1),
    ];
    chain.commit(opens);
    let work = chain.work(&alice(), "job_42", &miner(), "rcpt_7f3a");
    let claim = chain.claim(&miner(), &work);
    chain.commit([claim]);
    let work = chain.work(&alice(), "job_43", &miner(), "rcpt_8c1d");
    let says = Says {
        paid: false,
        ..work.praise()
    };
    let answer = work.answered_by(&coordinator(), 1, says);
    let claim = chain.claim_with(&miner(), &work, Some(&answer));
    let block = chain.commit([claim]);
    assert_eq!(block.code_name(0), "attestation_negative");
    chain.commit([
        chain.set_param("consensus_mode", "cbp"),
        chain.first_stake(&validator(), &validator_key(), 5_000_000),
    ]);
    chain.commit([chain.unstake(&validator(), 1_000_000)]);
    chain.finish_epoch();
    chain
}

/// One key of each kind.
fn examples() -> Vec<Key> {
    vec![
        Key::Account(alice().address()),
        Key::Escrow(alice().address(), "job_43".parse().unwrap()),
        Key::Receipt("rcpt_7f3a".parse().unwrap()),
        Key::Miner(miner().address()),
        Key::Coordinator(coordinator().address()),
        Key::Validator(validator().address()),
        Key::Param("base_fee".into()),
        Key::Supply,
        Key::Consensus,
    ]
}

/// The key's form and a reading of its value; a new kind of key does not compile without one.
fn form_and_reading(key: &Key) -> (&'static str, fn(&str) -> String) {
    match key {
        Key::Account(_) => ("/account/{addr}", reread::<Account>),
        Key::Consensus => ("/consensus", reread::<Consensus>),
        Key::Coordinator(_) => ("/coordinator/{addr}", reread::<Coordinator>),
        Key::Escrow(..) => ("/escrow/{client}/{job_id}", reread::<Escrow>),
        Key::Miner(_) => ("/miner/{addr}", reread::<Miner>),
        Key::Param(_) => ("/param/{key}", reread::<Json>),
        Key::Receipt(_) => ("/receipt/{id}", reread::<Receipt>),
        Key::Supply => ("/supply", reread::<Supply>),
        Key::Validator(_) => ("/validator/{addr}", reread::<Validator>),
    }
}

/// The text as the record type reads and writes it.
fn reread<T: DeserializeOwned + Serialize>(text: &str) -> String {
    let record: T = serde_json::from_str(text).unwrap();
    String::from_utf8(canonical(&record).unwrap()).unwrap()
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
        let (form, reading) = form_and_reading(&key);
        let value = ait_app::state::overlay::View::bytes(&chain.state, &key.to_bytes()).unwrap();
        let value = String::from_utf8(value.to_vec()).unwrap();
        assert_eq!(reading(&value), value);
        let example = format!("```text\n{key}\n{value}\n```");
        assert!(
            section(form).contains(&example),
            "`{form}` lacks the example\n{example}"
        );
    }
    let kinds: std::collections::BTreeSet<_> = examples()
        .iter()
        .map(|key| form_and_reading(key).0)
        .collect();
    let kind_of = |key: &[u8]| {
        String::from_utf8_lossy(key)
            .split('/')
            .nth(1)
            .unwrap()
            .to_owned()
    };
    let held: std::collections::BTreeSet<_> =
        chain.state.entries().map(|(key, _)| kind_of(key)).collect();
    assert_eq!(held.len(), kinds.len());
    assert_eq!(DOCS.matches("\n## `/").count(), kinds.len());
}

#[test]
fn every_field_of_every_record_is_explained() {
    let chain = documented_chain();
    for key in examples() {
        let (form, _) = form_and_reading(&key);
        let record = chain.record(&key.to_string()).unwrap();
        for field in record
            .as_object()
            .into_iter()
            .flat_map(|fields| fields.keys())
        {
            let row = format!("| `{field}` |");
            assert!(
                section(form).contains(&row),
                "`{form}` does not explain {field}"
            );
        }
    }
}

#[test]
fn every_param_is_listed_with_its_default_and_range() {
    let page = section("/param/{key}");
    for (name, default, least, most) in DEFAULTS {
        let row = format!("| `{name}` | {default} | {least}..={most} |");
        assert!(page.contains(&row), "docs/state.md lacks the row {row}");
    }
    let nobody = Actor::named("nobody").address();
    let names = Params::new(nobody, Vec::new(), EVIDENCE_MAX_AGE)
        .entries()
        .unwrap();
    for name in names.keys() {
        assert!(
            page.contains(&format!("| `{name}` |")),
            "docs/state.md lacks {name}"
        );
    }
    assert_eq!(page.matches("\n| `").count(), names.len());
}
