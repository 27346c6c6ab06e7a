//! What bytes mean is one thing to the chain and to the model: random changes of every kind's wire, and
//! of its fields before it is signed, have the same code in both.

use std::sync::LazyLock;

use ait_app::{block::Entry, identifiers::ChainId};
use ait_testkit::{chain::CHAIN_ID, draft::Draft, work::attestation_entry};
use ait_tests::{
    model::{classify, name_of},
    plan::{self, Edit, Mutation, Start, Who, edit, edited, examples, mutate, mutation},
};
use proptest::{collection::vec, prelude::*, sample::Index};

/// One of every kind, and a claim's attestation in front of a block.
static EXAMPLES: LazyLock<(Vec<Draft>, Vec<Vec<u8>>)> = LazyLock::new(|| {
    let drafts = examples(&Start::usual().model(), Who::Alice);
    let mut wires: Vec<Vec<u8>> = drafts.iter().map(Draft::wire).collect();
    let given = drafts[0].payload["attestation"].clone();
    wires.push(attestation_entry(&[given]));
    (drafts, wires)
});

fn verdicts(bytes: &[u8]) -> (&'static str, &'static str, String) {
    let chain_id: ChainId = CHAIN_ID.parse().unwrap();
    let (chains, log) = match Entry::read(bytes, &chain_id) {
        Entry::Invalid(refusal) => (refusal.code.name(), refusal.message),
        _ => ("ok", String::new()),
    };
    let models = classify(bytes, CHAIN_ID).map_or_else(name_of, |()| "ok");
    (chains, models, log)
}

fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    let (chains, models, log) = verdicts(bytes);
    let text = String::from_utf8_lossy(bytes);
    prop_assert_eq!(chains, models, "{} {}", log, text);
    Ok(())
}

#[test]
fn every_example_is_read() {
    for wire in &EXAMPLES.1 {
        assert_eq!(verdicts(wire).0, "ok", "{}", String::from_utf8_lossy(wire));
        assert_eq!(verdicts(wire).1, "ok");
    }
}

#[test]
fn every_single_bit_flip_of_every_kind_has_one_code() {
    for wire in &EXAMPLES.1 {
        // Signatures and keys are long; each third bit tells as much.
        for bit in (0..wire.len() * 8).step_by(3) {
            let mut flipped = wire.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let (chains, models, log) = verdicts(&flipped);
            assert_eq!(
                chains,
                models,
                "{log} {}",
                String::from_utf8_lossy(&flipped)
            );
        }
    }
}

#[test]
fn that_bytes_are_no_json_is_told_before_what_they_name() {
    for wire in &EXAMPLES.1 {
        let text = String::from_utf8(wire.clone()).unwrap();
        // A kind, a field and a param that there are not, behind half of a surrogate pair.
        let broken = text.replacen(r#""payload":{""#, r#""payload":{"\ud800"#, 1);
        let unknown = broken.replacen(r#""type":""#, r#""type":"NO_"#, 1);
        let param = text.replacen(r#""key":""#, r#""key":"no_"#, 1).replacen(
            r#""value":{""#,
            r#""value":{"\ud800"#,
            1,
        );
        for wire in [broken, unknown, param] {
            if !wire.contains(r"\ud800") {
                continue;
            }
            let (chains, models, log) = verdicts(wire.as_bytes());
            assert_eq!(
                (chains, models),
                ("malformed_json", "malformed_json"),
                "{log} {wire}"
            );
        }
    }
}

proptest! {
    #![proptest_config(plan::cases(10_000))]

    #[test]
    fn changed_bytes_have_one_code(
        which in any::<Index>(),
        mutations in vec(mutation(), 1..4),
    ) {
        let wires = &EXAMPLES.1;
        let mut wire: Vec<u8> = which.get(wires).clone();
        for mutation in &mutations {
            let mutation: &Mutation = mutation;
            mutate(&mut wire, wires, mutation);
        }
        check(&wire)?;
    }

    #[test]
    fn changed_fields_that_are_signed_have_one_code(edits in vec(edit(), 1..4)) {
        let drafts = &EXAMPLES.0;
        let first: &Edit = &edits[0];
        let draft = drafts[first.which(drafts.len())].clone();
        check(&edited(draft, &edits).wire())?;
    }

    #[test]
    fn any_bytes_at_all_have_one_code(bytes in vec(any::<u8>(), 0..200)) {
        check(&bytes)?;
    }
}
